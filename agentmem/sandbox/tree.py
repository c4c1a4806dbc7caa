"""Reads and writes files below one folder and never follows a link, so that no link of a command leads outside."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agentmem.errors import SandboxError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

TEMPORARY = ".agentmem-new-"
"""The start of the name of a file that is being written."""

LONGEST, DEEPEST = 3000, 256
"""Bytes of a path, and folders in it: what lies deeper is no part of a fork. With the fork's own folder before it a
path must stay below the 4096 bytes that the system takes, and looking one up costs as much as it is deep."""


def canonical(path: str) -> str:
    """``path`` without empty and "." parts. Raises SandboxError if it could lead out of a tree."""
    parts = [part for part in str(path).split("/") if part not in ("", ".")]
    if str(path).startswith("/") or ".." in parts or "\0" in str(path):
        raise SandboxError(f"'{path}' is not a path below the fork: give a relative one without '..'.")
    if not parts:
        raise SandboxError(f"'{path}' is the fork itself: name a file in it.")
    return "/".join(parts)


def too_deep(path: str) -> bool:
    """Whether ``path`` lies deeper than a fork goes. Of such folders the first is told, and nothing that is in it."""
    return path.count("/") >= DEEPEST or len(os.fsencode(path)) > LONGEST


def folders_above(path: str) -> Iterator[str]:
    """The folders that ``path`` lies in, innermost first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


class FileTree:
    """A folder. Paths are canonical. A path that is missing, of another kind or unreadable raises SandboxError."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def status(self, path: str) -> os.stat_result | None:
        """The status of ``path`` itself; None if it does not exist, or a part of it is not a folder."""
        try:
            with self.parent(path) as (folder, name):
                return os.lstat(name, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                return None
            raise SandboxError(f"'{path}' could not be examined: {error.strerror}") from None

    def read(self, path: str) -> bytes:
        """The bytes of a regular file, even of one that its owner may not read."""
        with system_errors(path, "read"), self.parent(path) as (folder, name), self._opened(folder, name) as file:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise SandboxError(f"'{path}' is not a regular file.")
            with os.fdopen(os.dup(file), "rb") as stream:
                return stream.read()

    def parts(self, path: str) -> Iterator[bytes]:
        """The same, a mebibyte at a time."""
        with system_errors(path, "read"), self.parent(path) as (folder, name), self._opened(folder, name) as file:
            while data := os.read(file, 1 << 20):
                yield data

    def target(self, path: str) -> bytes:
        """The target of a link."""
        with system_errors(path, "read"), self.parent(path) as (folder, name):
            return os.fsencode(os.readlink(name, dir_fd=folder))

    def put(self, path: str, data: bytes, mode: int) -> None:
        """Write a file as a whole, and make its folders."""
        with self.staged(path, data, mode) as place:
            place()

    @contextmanager
    def staged(self, path: str, data: bytes, mode: int) -> "Iterator[TreePlace]":
        """Write a file beside its place. Call the value to move it into place."""
        with system_errors(path, "written"), self.parent(path, make=True) as (folder, name):
            temporary = TEMPORARY + secrets.token_hex(6)
            try:
                with os.fdopen(os.open(temporary, _NEW, 0o600, dir_fd=folder), "wb") as file:
                    file.write(data)
                    os.fchmod(file.fileno(), mode)
                yield TreePlace(folder, temporary, name)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)

    @contextmanager
    def staged_link(self, path: str, target: bytes) -> "Iterator[TreePlace]":
        """`staged` for a link."""
        with system_errors(path, "written"), self.parent(path, make=True) as (folder, name):
            temporary = TEMPORARY + secrets.token_hex(6)
            try:
                os.symlink(os.fsdecode(target), temporary, dir_fd=folder)
                yield TreePlace(folder, temporary, name)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)

    def remove(self, path: str) -> None:
        """Remove a file, link or device, if there is one."""
        with system_errors(path, "removed"), suppress(FileNotFoundError), self.parent(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def discard(self, path: str) -> None:
        """Remove ``path``, whatever it is, with its contents."""
        with system_errors(path, "removed"), suppress(FileNotFoundError), self.parent(path) as (folder, name):
            _discard(folder, name)

    def prune(self, path: str) -> None:
        """Remove the folders above ``path`` that are now empty."""
        for above in folders_above(path):
            if not self.remove_empty(above):
                return

    def remove_empty(self, path: str) -> bool:
        """Remove a folder if it is empty. Whether it is gone now, as where a file has the place of one above it."""
        with suppress(FileNotFoundError, NotADirectoryError), self.parent(path) as (folder, name):
            try:
                os.rmdir(name, dir_fd=folder)
            except OSError as error:
                return error.errno == errno.ENOENT
        return True

    @contextmanager
    def parent(self, path: str, make: bool = False) -> Iterator[tuple[int, str]]:
        """An open descriptor of the folder that holds ``path``, and the last part of its name. Raises OSError."""
        *folders, name = path.split("/")
        folder = os.open(self.root, _FOLDER)
        try:
            for part in folders:
                inner = _enter(folder, part, make)
                os.close(folder)
                folder = inner
            yield folder, name
        finally:
            os.close(folder)

    @contextmanager
    def _opened(self, folder: int, name: str) -> Iterator[int]:
        try:
            file = os.open(name, _READ, dir_fd=folder)
        except PermissionError:
            status = os.lstat(name, dir_fd=folder)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise
            file = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                os.chmod(f"/proc/self/fd/{file}", status.st_mode | stat.S_IRUSR)  # noqa: PTH101 (a descriptor)
            finally:
                os.close(file)
            file = os.open(name, _READ, dir_fd=folder)
        try:
            yield file
        finally:
            os.close(file)


class TreePlace:
    """A file that was written beside its place. Call it to move the file into place."""

    def __init__(self, folder: int, temporary: str, name: str) -> None:
        self._folder, self._temporary, self._name = folder, temporary, name

    def __call__(self) -> None:
        with suppress(IsADirectoryError, NotADirectoryError):
            os.replace(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            return
        os.rmdir(self._name, dir_fd=self._folder)
        os.replace(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)


def entries(root: Path, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every file, link, device and folder below ``root``/``below``, a folder before what is in it. Links stay links.

    A folder that is ``too_deep`` is told, but not entered.
    """
    waiting = [below]
    while waiting:
        path = waiting.pop()
        try:
            found = _listed(FileTree(root), path)
        except (FileNotFoundError, NotADirectoryError):
            continue  # it became something else meanwhile
        except OSError as error:
            if path != below:
                continue
            raise SandboxError(f"'{below or root}' could not be listed: {error.strerror}") from None
        prefix = f"{path}/" if path else ""
        for name, status in found:
            yield prefix + name, status
            if stat.S_ISDIR(status.st_mode) and not too_deep(prefix + name):
                waiting.append(prefix + name)


def _listed(tree: FileTree, path: str) -> list[tuple[str, os.stat_result]]:
    with tree.parent(path or ".") as (above, name):
        folder = _entered(above, name, _LIST)
    try:
        with os.scandir(folder) as found:
            return [(entry.name, entry.stat(follow_symlinks=False)) for entry in found]
    finally:
        os.close(folder)


def remove_tree(root: Path) -> None:
    """Remove a folder with its contents, whatever their modes. Links are not followed."""
    with suppress(FileNotFoundError):
        FileTree(root.parent).discard(root.name)


def _discard(folder: int, name: str) -> None:
    if not stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
        os.unlink(name, dir_fd=folder)
        return
    opened = _entered(folder, name, _EMPTY)
    try:
        _empty(opened)
    finally:
        os.close(opened)
    os.rmdir(name, dir_fd=folder)


def _empty(top: int) -> None:
    """Remove all that is in a folder, however deep: a folder in a folder is first moved up, to stand in ``top``."""
    begins, moved = secrets.token_hex(8), 0
    waiting = _unlink_files(top)
    while waiting:
        name = waiting.pop()
        folder = _entered(top, name, _EMPTY)
        try:
            for inner in _unlink_files(folder):
                os.close(_entered(folder, inner, _EMPTY))  # only a folder that we may write can be moved
                moved += 1
                os.rename(inner, f"{begins}{moved}", src_dir_fd=folder, dst_dir_fd=top)
                waiting.append(f"{begins}{moved}")
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=top)


def _unlink_files(folder: int) -> list[str]:
    """Remove the files in a folder, and the folders that are empty; the names of the others."""
    left = []
    with os.scandir(folder) as found:
        names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    for name, is_folder in names:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
            continue
        try:
            os.rmdir(name, dir_fd=folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            left.append(name)
    return left


_LIST, _EMPTY = 0o500, 0o700
"""The rights that it takes to see what is in a folder, and to remove it."""


def _entered(folder: int, name: str, rights: int) -> int:
    """Open a folder, giving its owner the ``rights`` back that a command took away."""
    with suppress(PermissionError):
        opened = os.open(name, _FOLDER, dir_fd=folder)
        if os.geteuid() == 0 or os.fstat(opened).st_mode & rights == rights:
            return opened
        os.close(opened)
    found = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        with suppress(PermissionError):
            os.chmod(f"/proc/self/fd/{found}", 0o700)  # noqa: PTH101 (a descriptor)
    finally:
        os.close(found)
    return os.open(name, _FOLDER, dir_fd=folder)


def _enter(folder: int, name: str, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=folder)
    return os.open(name, _FOLDER, dir_fd=folder)


@contextmanager
def system_errors(path: str, done: str) -> Iterator[None]:
    """Turns the system's errors into SandboxErrors. ``done`` completes "could not be ..."."""
    try:
        yield
    except FileNotFoundError:
        raise SandboxError(f"There is no file '{path}'.") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise SandboxError(f"'{path}' could not be {done}: it is, or goes through, a link or a file.") from None
        raise SandboxError(f"'{path}' could not be {done}: {error.strerror}.") from None
