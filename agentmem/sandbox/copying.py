"""Copies a source where there is no overlay: with shared blocks, by git, or byte by byte."""

import errno
import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from agentmem.errors import SandboxError
from agentmem.sandbox.saving import copy_data
from agentmem.sandbox.tree import FileTree, entries

_FICLONE = 0x40049409
"""ioctl_ficlone(2): the new file shares the old one's blocks until one of the two is written."""

GIT = (
    "git",
    "--no-optional-locks",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.untrackedCache=false",
)
"""git as it runs in the user's own repository, without hooks. It is never run in a fork."""


def copy_tree(source: Path, target: Path, reflink: bool, names: Iterable[str] | None = None) -> None:
    """Copy files, links and folders with their modes and times. Sockets and devices are skipped.

    With ``reflink``, raises OSError if the file system cannot share blocks. ``names`` are files; None means all.
    """
    copies = Copies(reflink)
    for path, status in entries(source) if names is None else _named(source, names):
        made = target / path
        if stat.S_ISDIR(status.st_mode):
            made.mkdir(exist_ok=True)
            made.chmod(status.st_mode & 0o777 | 0o700)
        elif stat.S_ISLNK(status.st_mode):
            made.symlink_to(os.fsdecode(FileTree(source).target(path)))
        elif stat.S_ISREG(status.st_mode):
            copies.add(source / path, made, status)


class Copies:
    """Files copied from one tree to another: one with several names is copied once, and linked to after that."""

    def __init__(self, reflink: bool) -> None:
        self._reflink = reflink
        self._made: dict[tuple[int, int], Path] = {}

    def add(self, source: Path, target: Path, status: os.stat_result) -> None:
        """Raises OSError."""
        key = status.st_dev, status.st_ino
        if not (key in self._made and linked(self._made[key], target)):
            copy_file(source, target, self._reflink)
            if status.st_nlink > 1:
                self._made[key] = target


def linked(source: Path, target: Path) -> bool:
    """Give a file one more name; False where the system allows it no more, or none of that kind here."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM):
            raise
        return False
    return True


def copy_file(source: Path, target: Path, reflink: bool) -> None:
    """Copy one regular file with its times and its mode, without set-user-id."""
    with source.open("rb") as old, target.open("xb") as new:
        if reflink:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        else:
            copy_data(old.fileno(), new.fileno())
        status = os.fstat(old.fileno())
        os.fchmod(new.fileno(), status.st_mode & 0o777)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def can_reflink(folder: Path) -> bool:
    """True if files in ``folder`` can share blocks. The folder is left as it was."""
    old, new = folder / ".agentmem-reflink-1", folder / ".agentmem-reflink-2"
    try:
        old.write_bytes(b"x" * 4096)
        copy_file(old, new, reflink=True)
    except OSError:
        return False
    finally:
        old.unlink(missing_ok=True)
        new.unlink(missing_ok=True)
    return True


def checkout(source: Path, target: Path) -> None:
    """Fill ``target`` with HEAD, then with uncommitted and untracked files. Ignored files stay out.

    `git worktree add` would leave traces in the repository, and a link to it in the fork. So git checks HEAD out with
    another index, and neither side knows of the other.
    """
    with tempfile.TemporaryDirectory() as folder:
        index = f"GIT_INDEX_FILE={folder}/index"
        git(source, "read-tree", "HEAD", before=("env", index))
        git(source, "checkout-index", "--all", "--force", f"--prefix={target}/", before=("env", index))
    listed = git(source, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all").split(b"\0")
    changed = {os.fsdecode(line[3:]) for line in listed if line}
    for path in changed:
        if FileTree(target).status(path):
            FileTree(target).discard(path)
    there = [path for path in changed if FileTree(source).status(path)]
    copy_tree(source, target, reflink=False, names=there)


def is_repository(source: Path) -> bool:
    """True if ``source`` is the top of a git repository that has a commit."""
    if not (source / ".git").exists() or shutil.which("git") is None:
        return False
    try:
        git(source, "rev-parse", "--verify", "--quiet", "HEAD")
    except SandboxError:
        return False
    return True


def ignored(source: Path, paths: Iterable[str]) -> frozenset[str]:
    """Those of ``paths`` that the rules in ``source`` ignore: its .gitignore files, and its repository's own excludes.

    git is asked with an empty repository, so that neither a repository around ``source`` nor those inside it decide.
    """
    asked = "\0".join(paths).encode(errors="surrogateescape")
    if not asked or shutil.which("git") is None:
        return frozenset()
    with tempfile.TemporaryDirectory() as folder:
        git(Path(folder), "init", "--quiet", "--bare", "--template=", folder)
        (Path(folder) / "info").mkdir(exist_ok=True)
        (Path(folder) / "info" / "exclude").write_bytes(_excludes(source))
        alone = ("env", f"GIT_DIR={folder}", f"GIT_WORK_TREE={source}")
        said = git(source, "check-ignore", "--no-index", "-z", "--stdin", given=asked, fine=(0, 1, 128), before=alone)
    return frozenset(os.fsdecode(one) for one in said.split(b"\0") if one)


def _excludes(source: Path) -> bytes:
    """The content of info/exclude of the repository whose top ``source`` is; empty if it is none, or has none."""
    if not (source / ".git").exists():
        return b""
    try:
        found = git(source, "rev-parse", "--git-path", "info/exclude").rstrip(b"\n")
        return (source / os.fsdecode(found)).read_bytes()
    except (SandboxError, OSError):
        return b""


def git(
    folder: Path, *arguments: str, given: bytes = b"", fine: tuple[int, ...] = (0,), before: tuple[str, ...] = ()
) -> bytes:
    """Run git in the user's own repository and return its output. Raises SandboxError."""
    ran = subprocess.run(
        [*before, *GIT, *arguments], cwd=folder, input=given, capture_output=True, check=False, timeout=600
    )
    if ran.returncode not in fine:
        said = ran.stderr.decode(errors="replace").strip()
        raise SandboxError(f"git {arguments[0]} in {folder} failed: {said}")
    return ran.stdout


def _named(source: Path, names: Iterable[str]) -> Iterable[tuple[str, os.stat_result]]:
    made: set[str] = set()
    for name in names:
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            path = "/".join(parts[:count])
            status = FileTree(source).status(path)
            if path not in made and status is not None:
                made.add(path)
                yield path, status


def explain(error: OSError, how: str) -> SandboxError:
    """The error that says why a way of forking did not work."""
    if error.errno in (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY):
        return SandboxError(f"this file system cannot fork by {how}; leave how='auto', or use 'copy'.")
    return SandboxError(f"the fork could not be made by {how}: {error.strerror or error}.")
