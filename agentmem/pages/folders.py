"""Opens paths one part at a time and follows no link, so that what was checked is what is opened."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentmem.errors import NotAPage, OutsideWorkspace, PageNotFound, WorkspaceError
from agentmem.pages.names import HOME

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def parent(root: Path, name: str, create: bool = False) -> Iterator[tuple[int, str]]:
    """An open descriptor of the folder that holds ``name``, and the name's last part."""
    *folders, leaf = name.split("/")
    if not leaf:
        raise NotAPage("That is the workspace itself, a folder. Name a page in it.")
    with opened(root, folders, create) as folder:
        yield folder, leaf


@contextmanager
def opened(root: Path, folders: list[str], create: bool = False) -> Iterator[int]:
    """An open descriptor of a folder. ``folders`` are the parts of its path."""
    name = "/".join(folders)
    with reported(name, "opened"):
        folder = os.open(root, FOLDER)
    try:
        for part in folders:
            with reported(name, "opened"):
                inner = _enter(folder, part, create, 0o700 if folders[0] == HOME else 0o777)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _enter(folder: int, part: str, create: bool, mode: int) -> int:
    try:
        return os.open(part, FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
    try:
        os.mkdir(part, mode, dir_fd=folder)
        os.fsync(folder)
    except FileExistsError:
        pass  # another process made it meanwhile, which is as good
    return os.open(part, FOLDER, dir_fd=folder)


@contextmanager
def reported(name: str, done: str) -> Iterator[None]:
    """Turns the system's errors into WorkspaceErrors. ``done`` completes "could not be ..."."""
    try:
        yield
    except FileNotFoundError:
        raise PageNotFound(f"There is no page '{name}'.") from None
    except NotADirectoryError:
        raise NotAPage(f"'{name}' could not be {done}: a part of its path is a file or a link, not a folder.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OutsideWorkspace(f"'{name}' became a link while it was being {done}.") from None
        reason = error.strerror or str(error)
        raise WorkspaceError(f"'{name}' could not be {done}: {reason}. Nothing was changed.") from error
