"""A fork's folder: the lock on it, and the state that is needed to open it again."""

import fcntl
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from agentmem.errors import SandboxError
from agentmem.sandbox.tree import FileTree, remove_tree

FILE, LOCK, KEEPING = "fork.json", "agentmem-fork.lock", "agentmem-keeping.lock"
FORMAT = 1
_YOUNG = 60.0
"""Seconds. A locked folder without a fork's state may be one that is just being made, for this long."""


def default_root() -> Path:
    """The folder for forks without ``where=``: the user's own, in the system's temporary folder."""
    root = Path(tempfile.gettempdir()).resolve() / f"agentmem-{os.getuid()}" / "forks"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (root.parent, root):
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise SandboxError(f"{folder} belongs to somebody else; give the fork a place by where=.")
        folder.chmod(0o700)
    return root


def new_folder(where: Path | None) -> Path:
    """An empty folder that only this user can enter. Raises SandboxError if ``where`` is not empty."""
    if where is None:
        where = default_root() / secrets.token_hex(8)
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(where.iterdir()):
            raise SandboxError(f"{where} is not empty; a fork needs a folder of its own.")
        where.chmod(0o700)
    except OSError as error:
        raise SandboxError(f"{where} cannot hold a fork: {error.strerror}.") from None
    return where.resolve()


class Held:
    """The lock on a fork's folder. It ends with its process, however that ends."""

    def __init__(self, where: Path, new: bool = False) -> None:
        """Raises SandboxError if another process holds it. For a ``new`` fork it waits: a sweep may look at it."""
        self.where = where
        self._file = os.open(where / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | (0 if new else fcntl.LOCK_NB))
        except OSError:
            os.close(self._file)
            raise SandboxError(f"the fork in {where} is in use by another process or sandbox.") from None
        with keeping(where):
            pass  # a command whose owner died may still be keeping what it wrote

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def remove(self) -> None:
        """Remove the fork, then let go. The lock's file goes last, so that a sweep finds what could not be removed."""
        try:
            with os.scandir(self.where) as found:
                names = [entry.name for entry in found if entry.name != LOCK]
            for name in names:
                FileTree(self.where).discard(name)
            remove_tree(self.where)
        except FileNotFoundError:
            pass
        finally:
            self.release()


@contextmanager
def keeping(where: Path) -> Iterator[int]:
    """Hold the lock on what a command writes, once the one before has let go of it; its descriptor.

    The program inside inherits it, and holds it until it has kept everything, also when its owner is dead.
    """
    file = os.open(where / KEEPING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def save(where: Path, state: dict[str, Any]) -> None:
    temporary = where / f"{FILE}.new"
    temporary.write_text(json.dumps({"format": FORMAT, **state}, indent=1))
    temporary.replace(where / FILE)


def load(where: Path) -> dict[str, Any]:
    """The stored state. Raises SandboxError if there is no fork, or one of another version."""
    try:
        state: dict[str, Any] = json.loads((where / FILE).read_text())
    except (OSError, ValueError) as error:
        raise SandboxError(f"there is no fork in {where}: {error}.") from None
    if state.get("format") != FORMAT:
        raise SandboxError(f"the fork in {where} was made by another version of agentmem.")
    return state


@contextmanager
def removed_on_failure(held: Held) -> Iterator[None]:
    """Remove a fork that could not be made."""
    try:
        yield
    except BaseException:
        held.remove()
        raise


def abandoned(root: Path) -> Iterator[Held]:
    """The forks below ``root`` whose process is dead, each of them locked by this process."""
    for where in sorted(root.iterdir()) if root.is_dir() else ():
        if where.is_symlink() or not (where / LOCK).is_file():
            continue
        with suppress(SandboxError, OSError):
            held = Held(where)
            if not (where / FILE).exists() and time.time() - where.stat().st_mtime < _YOUNG:
                held.release()
                continue
            yield held
