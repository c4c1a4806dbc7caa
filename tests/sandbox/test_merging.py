"""agentmem.sandbox.merging: the changes reach the source whole, or not at all."""

import os
import stat
from pathlib import Path

import pytest

from agentmem.errors import MergeConflict, SandboxError
from agentmem.sandbox import Diff, FileChange, Sandbox
from agentmem.sandbox.merging import merge
from tests.sandbox.conftest import Fork
from tests.sandbox.worlds import fingerprint, git


def test_a_merge_makes_the_source_what_the_fork_is(fork: Fork, source: Path) -> None:
    """Every kind of change arrives. A second merge has nothing to do, and none of our own files stay."""
    sandbox = fork()
    sandbox.run(
        "echo x >>a.txt; rm sub/b.txt; mkdir -p n/m; echo n >n/m/f; chmod +x untracked.txt; ln -s n/m way;"
        "rm blob.bin; mkdir blob.bin; echo now a folder >blob.bin/f"
    )
    paths = sandbox.diff().paths
    assert sandbox.merge_into() == paths
    assert {path for path in git(source, "status", "--short", "-uall").split() if "/" in path or "." in path} >= {
        "a.txt"
    }
    assert not (source / "sub").exists()
    assert (source / "blob.bin" / "f").read_text() == "now a folder\n"
    assert os.readlink(source / "way") == "n/m"  # noqa: PTH115 (a test of the link itself)
    assert (source / "untracked.txt").stat().st_mode & stat.S_IXUSR
    assert sandbox.merge_into() == ()
    assert not list(source.rglob(".agentmem*"))


def test_a_conflict_names_the_files_and_writes_nothing(fork: Fork, source: Path) -> None:
    """A conflict names the files that both sides changed, lost or gained. Other changes do not matter."""
    sandbox = fork()
    sandbox.run("echo fork >>a.txt; echo fork >>sub/b.txt; echo fork >new; echo fork >same; echo fork >fine")
    (source / "a.txt").write_text("source\n")
    (source / "sub" / "b.txt").unlink()
    (source / "new").write_text("source's own\n")
    (source / "same").write_text("fork\n")
    (source / "unrelated").write_text("x\n")
    before = fingerprint(source)
    with pytest.raises(MergeConflict) as caught:
        sandbox.merge_into()
    assert caught.value.paths == ("a.txt", "new", "sub/b.txt")
    assert fingerprint(source) == before


def test_merging_into_another_folder_needs_what_the_fork_began_with(fork: Fork, source: Path, tmp_path: Path) -> None:
    """A clone in the same state takes the changes. One without a changed file does not."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(source), str(clone))
    sandbox = fork()
    sandbox.run("echo fork >>a.txt")
    assert sandbox.merge_into(clone) == ("a.txt",)
    assert (clone / "a.txt").read_text() == "one\ntwo\nfork\n"
    sandbox.run("echo fork >>untracked.txt")
    with pytest.raises(MergeConflict, match="untracked"):
        sandbox.merge_into(clone)


def test_links_that_lead_out_are_not_brought(fork: Fork, source: Path) -> None:
    """Absolute links and those through ".." are refused by name, and nothing is written."""
    before = fingerprint(source)
    for target in ("/etc", "../..", "sub/../../x", ".git/hooks"):
        sandbox = fork()
        sandbox.run(["ln", "-s", target, "sub/../way"])
        sandbox.write("other.txt", b"x")
        with pytest.raises(SandboxError, match="way"):
            sandbox.merge_into()
        sandbox.close()
    assert fingerprint(source) == before


def test_a_link_in_the_way_is_not_followed(source: Path, tmp_path: Path) -> None:
    """A link in place of a folder is a conflict, and the link's target is not changed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (source / "door").symlink_to(elsewhere)
    diff = Diff((FileChange("door/x", "added", False, None, b"x"),))
    with pytest.raises(MergeConflict, match="door/x"):
        merge(diff, source)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/tmp/x", ".git/hooks/pre-commit", "sub/.GIT/config", "a//b", "./a"])
def test_a_made_up_diff_cannot_reach_out(source: Path, path: str) -> None:
    """Paths are checked again when they are written."""
    before = fingerprint(source)
    with pytest.raises(SandboxError):
        merge(Diff((FileChange(path, "added", False, None, b"x"),)), source)
    assert fingerprint(source) == before


def test_a_failure_half_way_is_undone(source: Path) -> None:
    """If a file cannot be put in place, the files before it are restored."""
    (source / "full").mkdir()
    (source / "full" / "kept").write_text("x")
    before = {path: found[3] for path, found in fingerprint(source).items()}
    changes = (
        FileChange("a.txt", "modified", False, b"one\ntwo\n", b"new\n"),
        FileChange("added", "added", False, None, b"new\n"),
        FileChange("sub/b.txt", "deleted", False, b"b, not committed\n", None),
        FileChange("full", "added", False, None, b"cannot replace a folder that is not empty"),
    )
    with pytest.raises(SandboxError):
        merge(Diff(changes), source)
    assert {path: found[3] for path, found in fingerprint(source).items()} == before


def test_modes_of_the_source_are_kept(source: Path) -> None:
    """A file that only its owner may read keeps its mode when its content changes."""
    (source / "a.txt").chmod(0o600)
    with Sandbox.fork(source, how="copy", isolation="none") as sandbox:
        sandbox.write("a.txt", b"new\n")
        sandbox.merge_into()
    assert (source / "a.txt").read_bytes() == b"new\n"
    assert stat.S_IMODE((source / "a.txt").stat().st_mode) == 0o600


def test_a_folder_with_folders_and_caches_may_become_a_file(fork: Fork, source: Path) -> None:
    """Tools have left caches in it, which are no part of a diff: they go with the folder."""
    (source / "turned" / "__pycache__").mkdir(parents=True)
    (source / "turned" / "deep" / "er").mkdir(parents=True)
    (source / "turned" / "deep" / "er" / "a.py").write_text("a")
    (source / "turned" / "__pycache__" / "a.pyc").write_text("cache")
    with fork() as sandbox:
        assert sandbox.run("rm -r turned && echo file > turned").ok
        assert sandbox.merge_into() == ("turned", "turned/deep/er/a.py")
    assert (source / "turned").read_text() == "file\n"
