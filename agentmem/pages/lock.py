"""One editor of a workspace at a time, across threads and processes, and no litter from one that was killed."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agentmem.errors import WorkspaceError
from agentmem.pages import private
from agentmem.pages.files import Files
from agentmem.pages.folders import reported
from agentmem.pages.names import HOME
from agentmem.pages.undo import put_back

_LOCK = "pages.lock"
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def editing(files: Files) -> Iterator[Callable[[str], None]]:
    """Hold the workspace's lock. The value takes the name of a temporary file that is about to be made.

    The lock is flock(2)'s, so the system frees it when its holder dies. The name stands in the lock file while the
    temporary file may exist: whoever holds the lock next removes what a killed writer left, and puts back what a killed
    move has changed.
    """
    descriptor = _acquire(home(files.root) / _LOCK)
    try:
        left = os.pread(descriptor, 10_000, 0).decode("utf-8", "replace")
        if left:
            files.remove_temporary(left)
        put_back(files, lambda name: _note(descriptor, name))
        yield lambda name: _note(descriptor, name)
        os.ftruncate(descriptor, 0)
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def home(root: Path) -> Path:
    """The workspace's own folder, made where it is missing and kept out of version control."""
    folder = root / HOME
    with reported(HOME, "made"):
        if not folder.is_dir():
            private.make_folder(folder)
            private.write(folder / ".gitignore", "*\n")
        if folder.is_symlink():
            raise WorkspaceError(f"The workspace's folder '{HOME}' is a link; replace it by a folder.")
        private.make_folder(folder)
    return folder


def _acquire(path: Path) -> int:
    """An open, locked descriptor of the file that stands at ``path`` now, even if the folder was deleted meanwhile."""
    while True:
        with reported(f"{HOME}/{path.name}", "opened"):
            private.make_folder(path.parent)
            descriptor = os.open(path, _OPEN, private.FILE)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _stands_at(path, descriptor):
            return descriptor
        os.close(descriptor)


def _stands_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _note(descriptor: int, name: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, name.encode(), 0)
