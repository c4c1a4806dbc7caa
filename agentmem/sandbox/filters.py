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
    "listmount": (458, 458),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "statmount": (457, 457),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
"""Refused with EPERM, by name: the number on x86-64, and in the table that newer machines have in common."""

SHARED: dict[str, tuple[int, int]] = {
    "mq_getsetattr": (245, 185),
    "mq_notify": (244, 184),
    "mq_open": (240, 180),
    "mq_timedreceive": (243, 183),
    "mq_timedsend": (242, 182),
    "mq_unlink": (241, 181),
    "msgctl": (71, 187),
    "msgget": (68, 186),
    "msgrcv": (70, 188),
    "msgsnd": (69, 189),
    "semctl": (66, 191),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmget": (29, 194),
}
"""Refused too where the host's processes are in reach: memory, queues and semaphores that it has in common with us."""

ATTRIBUTES: dict[str, tuple[int, int]] = {
    "fremovexattr": (199, 16),
    "fsetxattr": (190, 7),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "removexattrat": (466, 466),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
}
"""Where files of the host are in reach there are no extended attributes: Landlock does not govern them."""

ON_SELF: dict[str, tuple[tuple[int, int], tuple[int, ...]]] = {
    "ioprio_set": ((251, 30), (1, 0)),
    "migrate_pages": ((256, 238), (0,)),
    "move_pages": ((279, 239), (0,)),
    "prlimit64": ((302, 261), (0,)),
    "sched_setaffinity": ((203, 122), (0,)),
    "sched_setattr": ((314, 274), (0,)),
    "sched_setparam": ((142, 118), (0,)),
    "sched_setscheduler": ((144, 119), (0,)),
    "setpriority": ((141, 140), (0, 0)),
}
"""Where the host's processes are in reach, only on the caller itself: numbers, and what the first arguments must be."""

PAGES: dict[str, tuple[int, int]] = {"cachestat": (451, 451), "mincore": (27, 232)}
"""They say which parts of files are in memory, and so what another command has read. Refused where no other command may
leave anything for this one; and so is reading what is in memory only, by preadv2."""

SOCKETS: dict[str, tuple[int, int]] = {"socket": (41, 198), "socketpair": (53, 199)}
DOMAINS = (1, 2, 10, 16)
"""Unix, IPv4, IPv6, netlink. Others, such as those between virtual machines, are in no network namespace."""

CLONE, IOCTL, CLONE3, MEMFD, PREADV2 = (56, 220), (16, 29), (435, 435), (319, 279), (327, 286)
_TIOCSTI, _TIOCLINUX, _NOWAIT = 0x5412, 0x541C, 0x8
ARCHITECTURES = {
    "x86_64": (0, 0xC000003E),
    "aarch64": (1, 0xC00000B7),
    "riscv64": (1, 0xC00000F3),
    "loongarch64": (1, 0xC0000102),
}
"""By machine: which of the two numbers is its, and how the kernel names it to a filter; linux/audit.h."""

_LOAD, _EQUAL, _AT_LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND, _SIXTH = 0, 4, 16, 24, 56
"""Offsets into struct seccomp_data. For arguments, of their low halves."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def known() -> bool:
    """Whether this machine's system calls are in the table."""
    return syscalls.machine() in ARCHITECTURES


def install(alone: bool = False, sockets: bool = True, memfd: bool = True, pages: bool = True) -> None:
    """Filter this process's system calls and those of all that it starts; see ``program``."""
    code = program(syscalls.machine(), alone, sockets, memfd, pages)
    syscalls.set_seccomp(_Program(len(code) // 8, code))


def program(machine: str, alone: bool = False, sockets: bool = True, memfd: bool = True, pages: bool = True) -> bytes:
    """The filter, as struct sock_filter: another machine's calls (32-bit ones) are refused as a whole.

    ``alone`` says that no namespace stands between the host's processes and ours; without ``sockets`` there are none
    but pairs. Without ``memfd`` the kernel seems not to know memfd_create: such a file that is sent to a socket and
    closed is in no process, and nobody can count it. Without ``pages`` it is not told what of files is in memory.
    """
    column, architecture = ARCHITECTURES[machine]
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, architecture, 1, 0),
        _refuse(errno.EPERM),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, 0x40000000, 0, 1),
        _refuse(errno.EPERM),
    ]
    for numbers in [*DENIED.values(), *(SHARED.values() if alone else ()), *(() if pages else PAGES.values())]:
        steps += [_step(_EQUAL, numbers[column], 0, 1), _refuse(errno.EPERM)]
    for numbers in (CLONE3, *(() if memfd else (MEMFD,))):  # of these programs know another way: clone, a named file
        steps += [_step(_EQUAL, numbers[column], 0, 1), _refuse(errno.ENOSYS)]
    steps += _when(CLONE[column], _FIRST, [_step(_BITS, syscalls.CLONE_NEWUSER, 0, 1), _refuse(errno.EPERM)])
    for request in (_TIOCSTI, _TIOCLINUX):
        steps += _when(IOCTL[column], _SECOND, [_step(_EQUAL, request, 0, 1), _refuse(errno.EPERM)])
    if not pages:
        steps += _when(PREADV2[column], _SIXTH, [_step(_BITS, _NOWAIT, 0, 1), _refuse(errno.EOPNOTSUPP)])
    for name, numbers in SOCKETS.items():
        domains = DOMAINS if sockets else (1,) if name == "socketpair" else ()
        steps += _when(numbers[column], _FIRST, _only(domains, errno.EAFNOSUPPORT if domains else errno.EPERM))
    return b"".join([*steps, *(_alone(column) if alone else ()), _step(_RETURN, _ALLOW)])


def _alone(column: int) -> list[bytes]:
    steps = []
    for numbers in ATTRIBUTES.values():
        steps += [_step(_EQUAL, numbers[column], 0, 1), _refuse(errno.EOPNOTSUPP)]
    for numbers, arguments in ON_SELF.values():
        for place, wanted in zip((_FIRST, _SECOND), arguments, strict=False):
            steps += _when(numbers[column], place, _only((wanted,), errno.EPERM))
    return steps


def _only(allowed: tuple[int, ...], error: int) -> list[bytes]:
    """Refuse any value but those that are allowed."""
    count = len(allowed)
    return [*(_step(_EQUAL, value, count - at, 0) for at, value in enumerate(allowed)), _refuse(error)]


def _when(number: int, argument: int, steps: list[bytes]) -> list[bytes]:
    """``steps`` for an argument of one system call. Afterwards the number is loaded again."""
    inner = [_step(_LOAD, argument), *steps, _step(_LOAD, _NUMBER)]
    return [_step(_EQUAL, number, 0, len(inner)), *inner]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _REFUSE | number)
