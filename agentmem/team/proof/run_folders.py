"""The folders of one run apart: each with a name that nobody can guess, and removed at the end, or by a later run."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from agentmem.errors import SandboxError
from agentmem.sandbox.tree import remove_tree

PREFIX = "agentmem-proof-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def new_folder(beside: Path) -> Iterator[Path]:
    """A new folder in another, removed at the end. It is locked: a lock ends with its process, however that ends."""
    _sweep_once(beside)
    folder, lock = _locked(beside)
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


def sweep(beside: Path) -> tuple[Path, ...]:
    """Remove the folders of this user's runs that were killed. Returns those that were there."""
    found = []
    for folder in sorted(beside.glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):
            lock = os.open(folder, _FOLDER)
            try:
                if os.fstat(lock).st_uid == os.getuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(folder)
                    found.append(folder)
            finally:
                os.close(lock)
    return tuple(found)


@cache
def _sweep_once(beside: Path) -> None:
    sweep(beside)


def _locked(beside: Path) -> tuple[Path, int]:
    """A new folder and its lock. One that a sweep took before it was locked is made anew."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=beside))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(folder, _FOLDER)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError, SandboxError):
        remove_tree(folder)  # however deep it is
