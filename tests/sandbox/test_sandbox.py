"""agentmem.sandbox.sandbox: the behaviour of a fork, in every way of forking that works here."""

from pathlib import Path

import pytest

from agentmem.errors import MergeConflict, SandboxError
from agentmem.sandbox import Sandbox, Snapshot
from tests.sandbox.conftest import Fork
from tests.sandbox.worlds import fingerprint, git


def test_a_fork_begins_with_the_uncommitted(fork: Fork, source: Path) -> None:
    """A fork has committed, uncommitted and untracked files. The source and git's folder stay as they were."""
    before = fingerprint(source)
    sandbox = fork()
    assert sandbox.files() == (".gitignore", "a.txt", "blob.bin", "sub/b.txt", "untracked.txt")
    assert sandbox.read("sub/b.txt") == b"b, not committed\n"
    assert sandbox.run("cat sub/b.txt untracked.txt").output == "b, not committed\nuntracked\n"
    assert sandbox.diff().changes == ()
    assert fingerprint(source) == before


def test_what_a_command_and_the_host_write_is_one(fork: Fork, source: Path) -> None:
    """Host and command each see what the other wrote, removed and made again. The source sees none of it."""
    before = fingerprint(source)
    sandbox = fork()
    sandbox.write("sub/new/deep.txt", b"from the host\n")
    sandbox.delete("a.txt")
    ran = sandbox.run("cat sub/new/deep.txt; ls; rm -r sub; mkdir sub; echo again >sub/c.txt; echo a >a.txt")
    assert ran.output.split("\n")[0] == "from the host"
    assert "a.txt" not in ran.output
    assert sandbox.files("sub/**") == ("sub/c.txt",)
    assert not sandbox.exists("sub/b.txt")
    sandbox.write("sub/b.txt", b"back\n")
    sandbox.delete("sub/c.txt")
    assert sandbox.run("ls sub; cat a.txt").output == "b.txt\na\n"
    assert fingerprint(source) == before


def test_changes_are_told_by_kind(fork: Fork) -> None:
    """Added, modified, deleted, made executable, a link, binary: each is a change with the bytes of both sides."""
    sandbox = fork()
    ran = sandbox.run(
        "echo three >>a.txt; rm sub/b.txt; printf 'x\\0y' >new.bin; chmod +x untracked.txt;"
        "ln -s a.txt link; echo >'ä b'"
    )
    assert ran.ok, ran.output
    diff = sandbox.diff()
    told = {change.path: (change.kind, change.binary, change.before, change.after) for change in diff.changes}
    assert told == {
        "a.txt": ("modified", False, b"one\ntwo\n", b"one\ntwo\nthree\n"),
        "link": ("link", False, None, b"a.txt"),
        "new.bin": ("added", True, None, b"x\0y"),
        "sub/b.txt": ("deleted", False, b"b, not committed\n", None),
        "untracked.txt": ("mode", False, b"untracked\n", b"untracked\n"),
        "ä b": ("added", False, None, b"\n"),
    }
    assert "+three\n" in diff.text
    assert "Binary files a/new.bin and b/new.bin differ" in diff.text


def test_a_diff_is_one_that_git_takes(fork: Fork, source: Path) -> None:
    """`git apply` makes the same changes from a diff's text."""
    sandbox = fork()
    sandbox.run("sed -i s/one/1/ a.txt; printf 'no end' >>sub/b.txt; mkdir n; printf 'x\\r\\ny' >n/f; rm untracked.txt")
    patch = source.parent / "patch"
    patch.write_bytes(sandbox.diff().text.encode())
    git(source, "apply", str(patch))
    for path in ("a.txt", "sub/b.txt", "n/f"):
        assert (source / path).read_bytes() == sandbox.read(path)
    assert not (source / "untracked.txt").exists()


def test_ignored_files_and_caches_are_left_out_and_named(fork: Fork) -> None:
    """Files that git ignores, and caches of tools, are in a diff only if asked for."""
    sandbox = fork()
    sandbox.run("mkdir ignored __pycache__; echo x >ignored/built; echo x >__pycache__/m.pyc; echo y >kept")
    assert sandbox.diff().paths == ("kept",)
    assert sandbox.diff().left_out == ("__pycache__/m.pyc", "ignored/built")
    assert sandbox.diff(ignored=True).paths == ("__pycache__/m.pyc", "ignored/built", "kept")


def test_snapshots_come_back(fork: Fork) -> None:
    """Any snapshot can be restored, later ones too, and compared with. A snapshot of another sandbox is refused."""
    sandbox = fork()
    first = sandbox.snapshot()
    sandbox.run("echo 1 >n; rm a.txt; rm -r sub")
    second = sandbox.snapshot()
    sandbox.run("echo 2 >n; mkdir sub; echo s >sub/x; mv untracked.txt moved.txt")
    third = sandbox.snapshot()
    assert sandbox.diff(second).paths == ("moved.txt", "n", "sub/x", "untracked.txt")
    sandbox.rollback(second)
    assert sandbox.files() == (".gitignore", "blob.bin", "n", "untracked.txt")
    assert sandbox.read("n") == b"1\n"
    sandbox.rollback(first)
    assert sandbox.diff().changes == ()
    sandbox.rollback(third)
    assert sandbox.run("cat n sub/x; ls").output == "2\ns\nblob.bin\nmoved.txt\nn\nsub\n"
    for foreign in ("99", "../0", ""):
        with pytest.raises(SandboxError, match="no snapshot"):
            sandbox.rollback(Snapshot(foreign))


def test_many_snapshots_stay_cheap_and_true(fork: Fork) -> None:
    """After more snapshots than an overlay has layers, each is still what it was."""
    sandbox = fork()
    taken = []
    for number in range(45):
        sandbox.write(f"n{number % 7}", str(number).encode())
        if number % 5 == 0 and number:
            sandbox.delete(f"n{(number - 1) % 7}")
        taken.append((sandbox.snapshot(), sandbox.files(), sandbox.read(f"n{number % 7}")))
    for number, (snapshot, files, content) in list(enumerate(taken))[::-6]:
        sandbox.rollback(snapshot)
        assert sandbox.files() == files
        assert sandbox.read(f"n{number % 7}") == content
    assert sandbox.run("ls | wc -l").ok


def test_a_fork_of_a_fork_is_independent(fork: Fork) -> None:
    """A fork of a fork begins with the other's state and an empty diff. Then neither depends on the other."""
    sandbox = fork()
    sandbox.run("echo x >>a.txt; rm -r sub; echo n >n")
    with sandbox.fork_again() as other:
        assert other.files() == sandbox.files()
        assert other.diff().changes == ()
        other.run("echo other >n; mkdir sub; echo o >sub/o")
        sandbox.write("n", b"first's\n")
        assert other.read("n") == b"other\n"
        assert sandbox.read("n") == b"first's\n"
        sandbox.close()
        assert other.run("cat a.txt n; ls sub").output == "one\ntwo\nx\nother\no\n"
        assert other.diff().paths == ("n", "sub/o")


def test_a_diff_applies_to_another_fork(fork: Fork) -> None:
    """After `apply` both forks have the same files. If they changed the same file, nothing is changed."""
    sandbox, other, third = fork(), fork(), fork()
    sandbox.run("echo x >>a.txt; rm sub/b.txt; mkdir d; echo n >d/n; ln -s d door; chmod +x untracked.txt")
    diff = sandbox.diff()
    assert other.apply(diff) == diff.paths
    assert other.diff() == diff
    assert other.run("cat door/n; test -x untracked.txt").ok
    third.write("a.txt", b"other\n")
    with pytest.raises(MergeConflict, match=r"a\.txt") as caught:
        third.apply(diff)
    assert caught.value.paths == ("a.txt",)
    assert third.diff().paths == ("a.txt",)


def test_reopening_goes_on(fork: Fork) -> None:
    """A released fork is reopened with its state, snapshots and rights. One in use is refused."""
    sandbox = fork(writable=["sub/**"])
    sandbox.run("echo x >sub/x")
    snapshot = sandbox.snapshot()
    sandbox.run("echo y >sub/y")
    with pytest.raises(SandboxError, match="in use"):
        Sandbox.reopen(sandbox.where)
    sandbox.detach()
    with pytest.raises(SandboxError, match="closed"):
        sandbox.read("a.txt")
    with Sandbox.reopen(sandbox.where) as again:
        assert (again.how, again.isolation, again.writable) == (sandbox.how, sandbox.isolation, ("sub/**",))
        assert again.diff().paths == ("sub/x", "sub/y")
        again.rollback(snapshot)
        assert again.diff().paths == ("sub/x",)
        assert again.run("echo no >a.txt").exit_code != 0 or again.read("a.txt") == b"one\ntwo\n"
    assert not sandbox.where.exists()
    with pytest.raises(SandboxError, match="no fork"):
        Sandbox.reopen(sandbox.where)


def test_a_run_may_change_only_what_it_has_the_right_to(fork: Fork, source: Path) -> None:
    """Changes outside a run's rights are undone, however they were made. Permitted changes stay."""
    sandbox = fork(writable=["sub/**", "test_*.py"])
    sandbox.write("mine.txt", b"mine\n")
    ran = sandbox.run(
        "echo t >test_a.py; echo s >sub/s; echo no >a.txt; rm blob.bin; rm mine.txt; mkdir mine.txt; echo >mine.txt/x;"
        "chmod +x untracked.txt; ln -s sub door; mv .gitignore sub/taken; echo >test_b.txt; true"
    )
    assert set(ran.restored) == {
        ".gitignore", "a.txt", "blob.bin", "door", "mine.txt", "mine.txt/x", "test_b.txt", "untracked.txt",
    }  # fmt: skip
    assert not ran.ok
    assert sandbox.diff().paths == ("mine.txt", "sub/s", "sub/taken", "test_a.py")
    assert sandbox.run("cat mine.txt a.txt").output == "mine\none\ntwo\n"


def test_what_was_removed_by_right_stays_removed(fork: Fork) -> None:
    """Also in a folder that was made anew, and of which nothing stays once what was not permitted is undone."""
    sandbox = fork()
    ran = sandbox.run("rm -r sub; mkdir sub; echo no >sub/new", writable=["sub/b.*"])
    assert ran.restored == ("sub/new",)
    assert not sandbox.exists("sub/b.txt")
    assert sandbox.diff().paths == ("sub/b.txt",)
    assert not sandbox.run("cat sub/b.txt").ok


def test_folders_are_held_as_a_whole(fork: Fork) -> None:
    """With rights to folders, a command may write below them, also new ones. Elsewhere it is refused or undone."""
    sandbox = fork()
    ran = sandbox.run("echo no >a.txt; mkdir -p tests/new; echo t >tests/new/t.py", writable=["tests/**"])
    assert sandbox.isolation == "none" or "a.txt" in ran.output
    assert sandbox.diff().paths == ("tests/new/t.py",)
    assert sandbox.run("echo yes >a.txt").ok


@pytest.mark.parametrize("path", ["/etc/passwd", "..", "../x", "sub/../../x", "", ".", "a\0b"])
def test_paths_that_lead_out_are_refused(fork: Fork, path: str) -> None:
    """Every method that takes a path refuses one that leads out."""
    sandbox = fork()
    with pytest.raises(SandboxError):
        sandbox.read(path)
    with pytest.raises(SandboxError):
        sandbox.write(path, b"x")
    with pytest.raises(SandboxError):
        sandbox.delete(path)
    with pytest.raises(SandboxError):
        sandbox.exists(path)


def test_what_is_no_file_is_said(fork: Fork) -> None:
    """Folders, links, pipes and missing files each have their own error message."""
    sandbox = fork()
    sandbox.run("ln -s a.txt link; ln -s sub way; mkfifo pipe")
    for path, said in (
        ("sub", "folder"),
        ("link", "link"),
        ("way/b.txt", "no file|link"),
        ("pipe", "pipe"),
        ("no", "no file"),
    ):
        with pytest.raises(SandboxError, match=said):
            sandbox.read(path)
    for path in ("way/new.txt", "a.txt/x", "sub"):
        with pytest.raises(SandboxError):
            sandbox.write(path, b"x")
    for path in ("sub", "no", "way/b.txt"):
        with pytest.raises(SandboxError):
            sandbox.delete(path)
    sandbox.delete("link")
    assert sandbox.read("a.txt") == b"one\ntwo\n"
    assert "pipe" in sandbox.diff().left_out


def test_closing_leaves_nothing(fork: Fork, source: Path) -> None:
    """Closing removes everything that a command left. Closing twice does no harm, and then nothing works."""
    before = fingerprint(source)
    sandbox = fork()
    sandbox.run("mkdir -p d/e; touch d/e/f; ln -s / root; chmod 0 d/e d; mkfifo p")
    sandbox.close()
    sandbox.close()
    assert not sandbox.where.exists()
    for use in (sandbox.diff, sandbox.snapshot, sandbox.files, lambda: sandbox.run("true")):
        with pytest.raises(SandboxError, match="closed"):
            use()
    assert fingerprint(source) == before


def test_secrets_in_the_settings_of_git_stay_out(fork: Fork, source: Path) -> None:
    """Tokens in addresses and headers are not in the fork's copy of git's settings. The source keeps them."""
    config = source / ".git" / "config"
    text = (
        '[remote "origin"]\n\turl = https://user:tok3n@example.org/x.git\n'
        "[http]\n\textraheader = AUTHORIZATION: basic s3cret\n[credential]\n\thelper = store\n"
    )
    config.write_text(config.read_text() + text)
    sandbox = fork()
    seen = sandbox.run("cat .git/config 2>/dev/null; true").output
    assert "tok3n" not in seen
    assert "s3cret" not in seen
    assert "store" not in seen
    assert "tok3n" in config.read_text()
