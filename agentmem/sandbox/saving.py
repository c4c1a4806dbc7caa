# ruff: noqa: PTH101, PTH102, PTH115, PTH211
"""Copies what a command wrote in memory to the disk, when every process of it is dead: files, links, folders, pipes.

No pathlib: loading it takes longer than all of this. Holes stay holes and hard links stay links, so that what takes
little room in memory takes little on the disk.
"""

from __future__ import annotations

import errno
import os
import stat

_OPAQUE = "user.overlay.opaque"
_CHUNK = 1 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST, _LONGEST = 256, 3000
"""As in tree.py: of a folder that lies too deep only itself is kept, so that it can be named."""


def keep(source: str, target: str, most: int) -> None:
    """Copy all that is in folder ``source`` to the empty folder ``target``. Raises OSError.

    ``most`` bytes may be copied: more would be a file that has more names than the disk lets it have.
    """
    links: dict[int, str] = {}
    waiting = [""]
    while waiting:
        path = waiting.pop()
        with os.scandir(f"{source}/{path}") as found:
            entries = [(entry.name, entry.stat(follow_symlinks=False)) for entry in found]
        for name, status in entries:
            inner = path + name
            most -= _keep(f"{source}/{inner}", f"{target}/{inner}", status, links)
            if most < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if stat.S_ISDIR(status.st_mode) and inner.count("/") < _DEEPEST and len(os.fsencode(inner)) <= _LONGEST:
                waiting.append(f"{inner}/")


def _keep(source: str, target: str, status: os.stat_result, links: dict[int, str]) -> int:
    """Copy one entry; the bytes that it took. ``links`` are the files so far that have more than one name."""
    kind, copied = stat.S_IFMT(status.st_mode), 0
    if status.st_nlink > 1 and kind != stat.S_IFDIR:
        if _linked(links.get(status.st_ino), target):
            return 0
        links[status.st_ino] = target
    if kind == stat.S_IFDIR:
        _make_folder(source, target)
    elif kind == stat.S_IFLNK:
        os.symlink(os.readlink(source), target)
    elif kind == stat.S_IFREG:
        copied = _copy_file(source, target, status)
    else:
        os.mknod(target, kind | 0o600, 0)  # a pipe, a socket, or the device 0/0 by which an overlay says "removed"
    _give(target, status)
    return copied


def _linked(known: str | None, target: str) -> bool:
    if known is None:
        return False
    try:
        os.link(known, target, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EMLINK:
            raise
        return False
    return True


def _make_folder(source: str, target: str) -> None:
    os.mkdir(target, 0o700)
    try:
        if os.getxattr(source, _OPAQUE, follow_symlinks=False) == b"y":
            os.setxattr(target, _OPAQUE, b"y", follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP):
            raise


def _copy_file(source: str, target: str, status: os.stat_result) -> int:
    old = os.open(source, _READ)
    try:
        new = os.open(target, _NEW, 0o600)
        try:
            copied = copy_data(old, new)
            os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(new)
    finally:
        os.close(old)
    return copied


def _give(target: str, status: os.stat_result) -> None:
    """The owner and the mode, without set-user-id."""
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(target, status.st_mode & 0o777)


def copy_data(old: int, new: int) -> int:
    """Copy a file's bytes from one descriptor to another, holes left out; how many there were."""
    size, at, copied = os.fstat(old).st_size, 0, 0
    os.ftruncate(new, size)
    while at < size and (at := _next(old, at)) >= 0:
        end = os.lseek(old, at, os.SEEK_HOLE)
        os.lseek(old, at, os.SEEK_SET)
        os.lseek(new, at, os.SEEK_SET)
        while at < end and (data := os.read(old, min(_CHUNK, end - at))):
            at += len(data)
            copied += len(data)
            while data:
                data = data[os.write(new, data) :]
        if at < end:
            break  # it became shorter meanwhile
    return copied


def _next(file: int, at: int) -> int:
    """Where the next bytes are; -1 where only a hole is left."""
    try:
        return os.lseek(file, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return -1
        raise
