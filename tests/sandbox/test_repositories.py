"""Forks of folders in, of and around git repositories: a fork's changes are decided by the folder's own rules."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agentmem.sandbox import Sandbox


def git(folder: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


def repository(folder: Path, ignored: str = "out/\n") -> Path:
    """A repository with one commit."""
    folder.mkdir(parents=True)
    (folder / "code.py").write_text("old\n")
    (folder / ".gitignore").write_text(ignored)
    git(folder, "init", "--quiet")
    git(folder, "add", "--force", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    return folder


def plain_in_ignored(folder: Path) -> Path:
    place = repository(folder / "outer", "*\n") / "build" / "repo"
    place.mkdir(parents=True)
    (place / "code.py").write_text("old\n")
    (place / ".gitignore").write_text("out/\n")
    return place


def repository_in_ignored(folder: Path) -> Path:
    return repository(repository(folder / "outer", "*\n") / "build" / "repo")


def folder_of_repository(folder: Path) -> Path:
    place = repository(folder / "outer", "code.py\nsub/*\n") / "sub"
    place.mkdir()
    (place / "code.py").write_text("old\n")
    (place / ".gitignore").write_text("out/\n")
    return place


def worktree(folder: Path) -> Path:
    git(repository(folder / "main"), "worktree", "add", "--quiet", str(folder / "tree"))
    return folder / "tree"


def with_submodule(folder: Path) -> Path:
    place = repository(folder / "outer")
    git(place, "submodule", "--quiet", "add", str(repository(folder / "inner")), "inner")
    git(place, "commit", "--quiet", "-m", "two")
    return place


def submodule(folder: Path) -> Path:
    return with_submodule(folder) / "inner"


def shallow(folder: Path) -> Path:
    git(folder, "clone", "--quiet", "--depth", "1", f"file://{repository(folder / 'main')}", str(folder / "clone"))
    return folder / "clone"


def sparse(folder: Path) -> Path:
    main = repository(folder / "main")
    (main / "far").mkdir()
    (main / "far" / "file").write_text("far\n")
    git(main, "add", ".")
    git(main, "commit", "--quiet", "-m", "two")
    git(folder, "clone", "--quiet", "--sparse", str(main), str(folder / "clone"))
    return folder / "clone"


def around_repository(folder: Path) -> Path:
    place = repository(folder / "outer")
    repository(place / "nested")
    return place


CASES: tuple[Callable[[Path], Path], ...] = (
    plain_in_ignored,
    repository_in_ignored,
    folder_of_repository,
    worktree,
    with_submodule,
    submodule,
    shallow,
    sparse,
    around_repository,
)


@pytest.mark.parametrize("how", ["auto", "copy"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_change_is_seen_and_the_folders_own_rules_hold(
    tmp_path: Path, case: Callable[[Path], Path], how: str
) -> None:
    """A changed and a new file are in the diff and in the merge; what the folder itself ignores is left out."""
    place = case(tmp_path)
    with Sandbox.fork(place, how="copy" if how == "copy" else "auto") as fork:
        fork.write("code.py", b"new\n")
        fork.write("more/made.py", b"made\n")
        fork.write("out/built", b"built\n")
        assert fork.diff().paths == ("code.py", "more/made.py")
        assert fork.diff().left_out == ("out/built",)
        assert fork.merge_into() == ("code.py", "more/made.py")
    assert (place / "code.py").read_text() == "new\n"
    assert not (place / "out").exists()


def test_files_inside_a_nested_repository_are_seen_too(tmp_path: Path) -> None:
    """A change in a repository inside the folder, or in a submodule, is a change; its own rules hold for it."""
    for number, (case, inner) in enumerate(((with_submodule, "inner"), (around_repository, "nested"))):
        with Sandbox.fork(case(tmp_path / str(number))) as fork:
            fork.write(f"{inner}/code.py", b"new\n")
            fork.write(f"{inner}/out/built", b"built\n")
            assert fork.diff().paths == (f"{inner}/code.py",)


def test_a_repositorys_own_excludes_hold(tmp_path: Path) -> None:
    """Rules in .git/info/exclude are the folder's own, in a worktree as well."""
    place = worktree(tmp_path)
    (tmp_path / "main" / ".git" / "info").mkdir(exist_ok=True)
    (tmp_path / "main" / ".git" / "info" / "exclude").write_text("mine.txt\n")
    with Sandbox.fork(place) as fork:
        fork.write("mine.txt", b"mine\n")
        fork.write("other.txt", b"other\n")
        assert fork.diff().paths == ("other.txt",)
