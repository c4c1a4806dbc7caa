"""Makes agentmem's own files private to their user: folders of mode 0700, files of 0600, whatever the umask."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from agentmem.pages.names import HOME

FOLDER, FILE = 0o700, 0o600


def is_own(path: Path) -> bool:
    """True if the path is inside a folder that belongs to agentmem."""
    return HOME in path.parts


def make_folder(path: Path) -> None:
    """Make the folder and those above it, if missing. agentmem's own folders are closed to other users.

    Raises OSError.
    """
    for one in (*reversed(path.parents), path):
        if not one.exists():
            with suppress(FileExistsError):
                one.mkdir(FOLDER)
        if one.name == HOME or (one == path and is_own(one)):
            _close(one)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def make_file(path: Path) -> None:
    """Make an empty file if there is none. agentmem's own, and SQLite's files beside it, are closed to other users.

    Errors are left to the code that opens the file next: its message is better.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE))
    if is_own(path):
        for suffix in ("", "-wal", "-shm", "-journal"):
            _close(path.with_name(path.name + suffix))


def write(path: Path, text: str) -> None:
    """Write the text to a private file. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        os.fchmod(descriptor, FILE)
        file.write(text)


def close_tree(folder: Path) -> None:
    """Close a folder and everything in it to other users. Links are not followed."""
    for at, _, names in os.walk(folder):
        _close(Path(at))
        for name in names:
            _close(Path(at) / name)


def _close(path: Path) -> None:
    """Close one path. A file of another user cannot be closed, and a closed one is left as it is."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            wanted = stat.S_IMODE(mode) & FOLDER
            if (stat.S_ISDIR(mode) or stat.S_ISREG(mode)) and stat.S_IMODE(mode) != wanted:
                os.fchmod(descriptor, wanted)
        finally:
            os.close(descriptor)
