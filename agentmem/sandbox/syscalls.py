"""Linux calls that Python does not offer, by ctypes. Each raises OSError with the name of what failed.

The program inside loads only this module and the others that it imports: starting it takes about 15 ms.
"""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 36, 38, 47, 4
PR_SET_KEEPCAPS, PR_CAP_AMBIENT_RAISE, _SETGID, _SETUID = 8, 2, 6, 7

PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "loongarch64": 41}
KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "loongarch64": 219}
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 442, 444, 445, 446
"""Newer calls have the same number on every machine."""

_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV, _ATTR_NOEXEC, _ATTR_NOSYMFOLLOW = 1, 2, 4, 8, 0x00200000


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("spread", ctypes.c_uint64),
        ("ns", ctypes.c_uint64),
    )


def machine() -> str:
    """The machine's name, as the tables of numbers spell it."""
    return os.uname().machine


def checked(result: int, what: str) -> int:
    """``result``. Raises OSError if it says that the call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def call(number: int, *arguments: object, what: str) -> int:
    """Make a system call by its number."""
    return checked(int(_libc.syscall(ctypes.c_long(number), *arguments)), what)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str = "") -> None:
    kind_bytes = kind.encode() if kind else None
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind_bytes, ctypes.c_ulong(flags), os.fsencode(options) or None
    )
    checked(result, f"mounting {kind or source} at {target}")


def bind(source: str, target: str) -> None:
    """Mount ``source`` at ``target`` too, with everything that is mounted in it."""
    mount(source, target, flags=MS_BIND | MS_REC)


def protect(
    target: str,
    readonly: bool = True,
    recursive: bool = True,
    follow: bool = True,
    runs: bool = True,
    device: bool = False,
) -> None:
    """Make a mount read-only (if asked), without devices and set-user-id programs, and without links if asked.

    Unless ``runs``, no file in it can be run, or mapped as code. What is mounted may be a ``device``: it can be written
    to when it is read-only too, but its times and rights, which are the host's, stay as they are.
    """
    wanted = _ATTR_NOSUID | (0 if device else _ATTR_NODEV) | (_ATTR_RDONLY if readonly else 0)
    wanted |= (0 if follow else _ATTR_NOSYMFOLLOW) | (0 if runs else _ATTR_NOEXEC)
    attributes = _MountAttributes(wanted, 0, 0, 0)
    call(
        MOUNT_SETATTR,
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(_AT_RECURSIVE if recursive else 0),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
        what=f"protecting {target}",
    )


def pivot_root(root: str) -> None:
    """Make ``root``, a mount, the root folder, and the old one unreachable; see pivot_root(2) on "." and "."."""
    os.chdir(root)
    call(PIVOT_ROOT[machine()], b".", b".", what="changing the root")
    checked(_libc.umount2(b".", MNT_DETACH), "leaving the old root")
    os.chdir("/")


def unshare(flags: int) -> None:
    checked(_libc.unshare(ctypes.c_int(flags)), "making namespaces")


def prctl(option: int, value: int, *more: int) -> None:
    arguments = [ctypes.c_ulong(one) for one in (value, *more, 0, 0, 0)[:4]]
    checked(_libc.prctl(ctypes.c_int(option), *arguments), f"prctl {option}")


def set_seccomp(program: "ctypes.Structure") -> None:
    """Install a filter of system calls. Needs no_new_privs."""
    checked(_libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0), "installing the filter of system calls")


def new_keyring() -> None:
    """Leave the session's keyring: keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)."""
    if machine() in KEYCTL:
        _libc.syscall(ctypes.c_long(KEYCTL[machine()]), ctypes.c_int(1), None)  # fails if the kernel has no keyrings


def become(user: int, kept: int) -> None:
    """Become another user and group for good. Of root's capabilities one is ``kept``, in started programs too."""
    keep_capabilities(frozenset({kept, _SETGID, _SETUID}))
    prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _hold(1 << kept, inherited=True)
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept)


def keep_capabilities(kept: frozenset[int]) -> None:
    """Give up every capability except ``kept``, for good, also in programs that are started later."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for number in range(64):
        if number not in kept and _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0) < 0:
            break  # EINVAL: after the last one that this kernel knows; EPERM: there is none to give up
    _hold(sum(1 << number for number in kept))


def _hold(mask: int, *, inherited: bool = False) -> None:
    """Hold no capabilities but these, as far as they are permitted."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    held = (ctypes.c_uint32 * 6)()
    checked(_libc.capget(header, held), "reading capabilities")
    held_on = held[1] & mask
    effective = held_on if inherited else held[0] & mask
    wanted = (ctypes.c_uint32 * 6)(effective, held_on, held_on if inherited else 0, 0, 0, 0)
    checked(_libc.capset(header, wanted), "giving up capabilities")
