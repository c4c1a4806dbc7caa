"""Reads and replaces the files of one folder: nothing outside it, and always a whole file.

Every path is walked folder by folder with O_NOFOLLOW, from the real path that was checked. A link that appears on the
way meanwhile is refused, not followed.
"""

import os
import secrets
import stat
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

from agentmem.checking import shown
from agentmem.errors import NotAPage, OutsideWorkspace, WorkspaceError
from agentmem.pages.folders import FOLDER, opened, parent, reported
from agentmem.pages.names import HOME, canonical, is_binary, listed

MAX_BYTES = 20_000_000
"""The largest file that is read or written as a page."""

TEMP_PREFIX = ".agentmem-new-"

_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a link that leads nowhere"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
SETTLED_NS = 2_000_000_000
"""A file may change twice within the resolution of its time stamp, in nanoseconds: 2 s on FAT, the coarsest."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Stamp(NamedTuple):
    """A file's metadata. While it stays the same, so does the content.

    A named tuple, because opening a workspace compares one for each page.
    """

    size: int
    modified: int
    changed: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class Files:
    """The files below ``root``. Names are POSIX paths relative to it. Errors are WorkspaceErrors."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._prefix = f"{self.root}/".replace("//", "/")

    def locate(self, name: str) -> str:
        """The real name of a page. Links inside the workspace are followed, links out of it are refused."""
        asked = canonical(name)
        with reported(name, "found"):  # the link may vanish while it is followed
            real = os.path.realpath(self._prefix + asked)
        if real == str(self.root):
            return ""
        if not real.startswith(self._prefix):
            raise OutsideWorkspace(f"'{name}' is a link that leads out of the workspace.")
        return real.removeprefix(self._prefix)

    def exists(self, name: str) -> bool:
        """True if the real name ``name`` exists, as anything."""
        return os.path.lexists(self.root / name)

    def same(self, name: str, other: str) -> bool:
        """True if two real names are one file. On some systems names in another letter case are."""
        try:
            return os.path.samestat(os.lstat(self._prefix + name), os.lstat(self._prefix + other))
        except OSError:
            return False

    def stamp(self, name: str) -> Stamp | None:
        """The stamp of the real name ``name``; None if it does not exist."""
        try:
            return Stamp.of(os.lstat(self._prefix + name))
        except OSError:
            return None

    def read(self, name: str) -> tuple[bytes, Stamp]:
        """The bytes of a page, and its stamp when they were read. Raises PageNotFound and NotAPage."""
        data, stamp = self.raw(name, MAX_BYTES)
        checked(name, data)
        return data, stamp

    def raw(self, name: str, most: int) -> tuple[bytes, Stamp]:
        """The first ``most`` + 1 bytes of any file, and its stamp. Raises PageNotFound and NotAPage."""
        with parent(self.root, name) as (folder, leaf), reported(name, "read"):
            _refuse_special(name, os.lstat(leaf, dir_fd=folder))  # opening a device can already have an effect
            with os.fdopen(os.open(leaf, _READ, dir_fd=folder), "rb") as file:
                status = os.fstat(file.fileno())
                _refuse_special(name, status)
                return file.read(most + 1), Stamp.of(status)

    def write(self, name: str, data: bytes, note: Callable[[str], None]) -> None:
        """Write a page, new or old. At every moment the file is whole: the old one or the new one.

        Permissions are kept, and the owner where the system allows it. ``note`` gets the temporary file's name before
        the file is made. So one that a killed process left can be found and removed.
        """
        checked(name, data)
        self.put(name, data, note)

    def digest(self, name: str) -> str | None:
        """The sha256 of a file's bytes; None if there is none, or an empty one, or it cannot be read."""
        try:
            with parent(self.root, canonical(name)) as (folder, leaf):
                descriptor = os.open(leaf, _READ, dir_fd=folder)
                with os.fdopen(descriptor, "rb") as file:
                    return file_digest(file, "sha256").hexdigest() if os.fstat(descriptor).st_size else None
        except (OSError, WorkspaceError):
            return None

    def put(
        self, name: str, data: bytes, note: Callable[[str], None] = lambda _: None, *, settled: bool = True
    ) -> None:
        """Write a file of any bytes, as `write` does. agentmem's own files are readable by their user alone.

        Without ``settled`` the disk is not waited for.
        """
        own = name.split("/")[0] == HOME
        with parent(self.root, name, create=True) as (folder, leaf), reported(name, "written"):
            old = _status(folder, leaf)
            if old is not None:
                _refuse_special(name, old)
            temp = TEMP_PREFIX + secrets.token_hex(6)
            note(name[: len(name) - len(leaf)] + temp)
            made = os.open(temp, _NEW, 0o600 if own else 0o666, dir_fd=folder)
            try:
                _fill(made, data, None if own else old, settled)
                os.replace(temp, leaf, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                _remove(folder, temp)
                raise
            if settled:
                os.fsync(folder)

    def move(self, name: str, to: str) -> None:
        """Rename a page. The caller must make sure that ``to`` does not exist."""
        with (
            parent(self.root, name) as (source, leaf),
            parent(self.root, to, create=True) as (target, new),
            reported(name, "moved"),
        ):
            os.rename(leaf, new, src_dir_fd=source, dst_dir_fd=target)
            os.fsync(target)
            os.fsync(source)

    def delete(self, name: str) -> None:
        """Remove a page."""
        with parent(self.root, name) as (folder, leaf), reported(name, "deleted"):
            os.unlink(leaf, dir_fd=folder)
            os.fsync(folder)

    def remove_temporary(self, name: str) -> None:
        """Remove a temporary file of a writer that was killed. Other files are left alone."""
        if name.rpartition("/")[2].startswith(TEMP_PREFIX):
            # If its folder is gone or no longer a folder, the file is gone too.
            with suppress(WorkspaceError), parent(self.root, canonical(name)) as (folder, leaf):
                _remove(folder, leaf)

    def mode(self, name: str) -> int | None:
        """A file's permissions; None if it does not exist."""
        with suppress(OSError, WorkspaceError), parent(self.root, name) as (folder, leaf):
            return stat.S_IMODE(os.lstat(leaf, dir_fd=folder).st_mode)
        return None

    def allow(self, name: str, mode: int) -> None:
        """Set a file's permissions."""
        with parent(self.root, name) as (folder, leaf), reported(name, "given its permissions"):
            descriptor = os.open(leaf, _READ, dir_fd=folder)
            try:
                if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
                    os.fchmod(descriptor, mode)
            finally:
                os.close(descriptor)

    def prune(self, name: str) -> None:
        """Remove the empty folders above ``name``, from the innermost up."""
        while name := name.rpartition("/")[0]:
            try:
                with parent(self.root, name) as (folder, leaf):
                    os.rmdir(leaf, dir_fd=folder)
            except (OSError, WorkspaceError):
                return

    def clear(self, name: str) -> None:
        """Remove a link or an empty folder at ``name``. Anything else stays."""
        with suppress(OSError, WorkspaceError), parent(self.root, name) as (folder, leaf):
            kind = os.lstat(leaf, dir_fd=folder).st_mode
            if stat.S_ISLNK(kind):
                os.unlink(leaf, dir_fd=folder)
            elif stat.S_ISDIR(kind):
                os.rmdir(leaf, dir_fd=folder)

    def remove_tree(self, name: str) -> None:
        """Remove a folder with its contents. A link is left alone."""
        with suppress(WorkspaceError), parent(self.root, name) as (folder, leaf):
            rmtree(leaf, ignore_errors=True, dir_fd=folder)

    def walk(self, folder: str = "") -> Iterator[tuple[str, Stamp]]:
        """Every file below ``folder`` that may be a page, in no order. Hidden files and links are left out."""
        with suppress(WorkspaceError), opened(self.root, folder.split("/") if folder else []) as descriptor:
            yield from _below(descriptor, f"{folder}/" if folder else "")

    def others(self, folder: str) -> list[str]:
        """The names of all files of one folder that are not hidden, pages or not, sorted."""
        prefix = f"{folder}/" if folder else ""
        with suppress(OSError), os.scandir(self.root / folder) as entries:
            return sorted(prefix + one.name for one in entries if listed(one.name) and not one.is_dir())
        return []


def _below(folder: int, prefix: str) -> Iterator[tuple[str, Stamp]]:
    try:
        entries = os.scandir(folder)
    except OSError:
        return
    with entries:
        for entry in entries:
            if not listed(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                with suppress(OSError):  # gone, not readable, or a link by now
                    inner = os.open(entry.name, FOLDER, dir_fd=folder)
                    try:
                        yield from _below(inner, f"{prefix}{entry.name}/")
                    finally:
                        os.close(inner)
            elif entry.is_file(follow_symlinks=False) and not is_binary(entry.name):
                yield prefix + entry.name, Stamp.of(entry.stat(follow_symlinks=False))


def encoded(name: str, text: str) -> bytes:
    """``text`` as UTF-8. Raises NotAPage for what is no text, or has half a surrogate pair, which UTF-8 cannot hold."""
    if not isinstance(text, str):
        raise NotAPage(f"The text for '{name}' must be a text, and {shown(text)} is not.")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotAPage(
            f"The text for '{name}' has half a surrogate pair at character {error.start}, which UTF-8 cannot hold."
        ) from None


def checked(name: str, data: bytes) -> None:
    """Raises NotAPage unless ``data`` is UTF-8 text and small enough for a page."""
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise NotAPage(f"'{name}' is text in UTF-16. Convert it to UTF-8 first.")
    if b"\0" in data:
        raise NotAPage(f"'{name}' is not a text page: it holds binary data (a zero byte).")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotAPage(
            f"'{name}' is not a text page: it is not UTF-8 (byte 0x{data[error.start]:02x} at offset {error.start}, "
            f"line {line}). Convert it to UTF-8 first."
        ) from None


def _status(folder: int, leaf: str) -> os.stat_result | None:
    try:
        return os.lstat(leaf, dir_fd=folder)
    except FileNotFoundError:
        return None


def _refuse_special(name: str, status: os.stat_result) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(status.st_mode):
            raise NotAPage(f"'{name}' is {kind}, not a page.")
    if status.st_size > MAX_BYTES:
        raise _too_large(name)


def _too_large(name: str) -> NotAPage:
    return NotAPage(f"'{name}' is too large for a page: pages hold at most {MAX_BYTES // 1_000_000} MB.")


def _fill(descriptor: int, data: bytes, old: os.stat_result | None, settled: bool) -> None:
    """Write all of ``data`` to the disk, with the permissions of the file that it will replace."""
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if old is not None:
            _take_over(descriptor, old)
        if settled:
            os.fsync(descriptor)


def _take_over(descriptor: int, old: os.stat_result) -> None:
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid):
        with suppress(PermissionError):  # only root may give files away; the content matters more
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _remove(folder: int, leaf: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(leaf, dir_fd=folder)
