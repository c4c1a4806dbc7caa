"""What agentmem keeps of conversations is its user's alone: folders of mode 0700, files of 0600, whatever the umask."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from agentmem.pages.names import HOME

FOLDER, FILE = 0o700, 0o600


def is_own(path: Path) -> bool:
    """Whether the path is in a folder that is agentmem's alone."""
    return HOME in path.parts


def make_folder(path: Path) -> None:
    """The folder, and those above it, where they are missing; one that is agentmem's own is closed to others.

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
    """An empty file where there is none; one that is agentmem's own, and what SQLite keeps beside it, is closed.

    What cannot be made or closed is left to whoever opens it: they say it better.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE))
    if is_own(path):
        for suffix in ("", "-wal", "-shm", "-journal"):
            _close(path.with_name(path.name + suffix))


def write(path: Path, text: str) -> None:
    """The text as a file of our own. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        os.fchmod(descriptor, FILE)
        file.write(text)


def close_tree(folder: Path) -> None:
    """Close a folder to others, and all that other libraries made in it. Links are not followed."""
    for at, _, names in os.walk(folder):
        _close(Path(at))
        for name in names:
            _close(Path(at) / name)


def _close(path: Path) -> None:
    """What belongs to somebody else cannot be closed, and what is closed is left as it is."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            wanted = stat.S_IMODE(mode) & FOLDER
            if (stat.S_ISDIR(mode) or stat.S_ISREG(mode)) and stat.S_IMODE(mode) != wanted:
                os.fchmod(descriptor, wanted)
        finally:
            os.close(descriptor)
