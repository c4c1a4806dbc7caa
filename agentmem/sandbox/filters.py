"""A filter of system calls (seccomp-bpf) for commands: no mounts, namespaces, keys or dangerous parts of the kernel.

The numbers are from the kernel's tables: arch/x86/entry/syscalls/syscall_64.tbl and asm-generic/unistd.h.
"""

import ctypes
import errno
import struct

from agentmem.sandbox import syscalls

DENIED: dict[str, tuple[int, int]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_setup": (425, 425),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
"""Calls refused with EPERM, by name: the number on x86-64 and on 64-bit ARM."""

SOCKET, CLONE, IOCTL, CLONE3 = (41, 198), (56, 220), (16, 29), (435, 435)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LOAD, _EQUAL, _AT_LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24
"""Offsets into struct seccomp_data. For arguments, of their low halves."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def known() -> bool:
    """True if this machine's system calls are in the table."""
    return syscalls.machine() in _ARCHITECTURES


def install(sockets: bool = True) -> None:
    """Filter the system calls of this process and all that it starts. Without ``sockets`` it can open none."""
    code = program(syscalls.machine(), sockets)
    syscalls.set_seccomp(_Program(len(code) // 8, code))


def program(machine: str, sockets: bool = True) -> bytes:
    """The filter as struct sock_filter. Calls of another architecture (32-bit ones) are all refused."""
    column, architecture = _ARCHITECTURES[machine]
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, architecture, 1, 0),
        _refuse(errno.EPERM),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, 0x40000000, 0, 1),
        _refuse(errno.EPERM),
    ]
    numbers = [numbers[column] for numbers in DENIED.values()]
    for number in numbers if sockets else [*numbers, SOCKET[column]]:
        steps += [_step(_EQUAL, number, 0, 1), _refuse(errno.EPERM)]
    steps += [_step(_EQUAL, CLONE3[column], 0, 1), _refuse(errno.ENOSYS)]  # the C library then falls back to clone
    steps += _when(CLONE[column], _FIRST, [_step(_BITS, syscalls.CLONE_NEWUSER, 0, 1), _refuse(errno.EPERM)])
    for request in (_TIOCSTI, _TIOCLINUX):
        steps += _when(IOCTL[column], _SECOND, [_step(_EQUAL, request, 0, 1), _refuse(errno.EPERM)])
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _when(number: int, argument: int, steps: list[bytes]) -> list[bytes]:
    """``steps`` for an argument of one system call. Afterwards the number is loaded again."""
    inner = [_step(_LOAD, argument), *steps, _step(_LOAD, _NUMBER)]
    return [_step(_EQUAL, number, 0, len(inner)), *inner]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _REFUSE | number)
