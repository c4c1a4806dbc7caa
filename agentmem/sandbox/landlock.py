"""Landlock: limits this process, and all that it starts, to named parts of the file system.

See landlock(7). It does not govern a file's mode, owner and times, nor (here, without sockets) anything but files.
"""

import ctypes
import os
import stat
import struct

from agentmem.sandbox import syscalls

LEAST = 3
"""The first version that also governs truncating files."""

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_ALL = (1 << 15) - 1
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_DEVICES = (1 << 6) | (1 << 11)
_TCP, _SCOPES = 0b11, 0b11


def version() -> int:
    """The kernel's version of Landlock; 0 if it has none."""
    try:
        arguments = (None, ctypes.c_size_t(0), ctypes.c_uint(1))
        return syscalls.call(syscalls.LANDLOCK_CREATE, *arguments, what="Landlock")
    except OSError:
        return 0


def restrict(readable: list[str], writable: list[str], network: bool) -> None:
    """Give up all access but reading and running below ``readable``, and everything below ``writable``. For good.

    Paths that do not exist are skipped. Needs no_new_privs. Without ``network`` there is no TCP; where the kernel
    supports it, also no signals to processes outside, and none of their abstract sockets.
    """
    has = version()
    handled = _ALL | (_IOCTL_DEVICE if has >= 5 else 0)
    attributes = struct.pack("QQQ", handled, _TCP if has >= 4 and not network else 0, _SCOPES if has >= 6 else 0)
    size = 24 if has >= 6 else 16 if has >= 4 else 8
    rules = syscalls.call(
        syscalls.LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint(0), what="Landlock's rules"
    )
    for path in readable:
        _allow(rules, path, _READ)
    for path in writable:
        _allow(rules, path, _ALL & ~_DEVICES)
    syscalls.call(syscalls.LANDLOCK_RESTRICT, ctypes.c_int(rules), ctypes.c_uint(0), what="entering Landlock")
    os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = access if stat.S_ISDIR(os.fstat(opened).st_mode) else access & _OF_FILES
        rule = ctypes.create_string_buffer(struct.pack("=Qi", allowed, opened))
        arguments = (ctypes.c_int(rules), ctypes.c_int(1), rule, ctypes.c_uint(0))
        syscalls.call(syscalls.LANDLOCK_ADD, *arguments, what=f"Landlock for {path}")
    finally:
        os.close(opened)
