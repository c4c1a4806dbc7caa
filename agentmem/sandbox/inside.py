"""The program between the host and a command: it builds the walls, starts the command, and counts.

Started as ``python -I -S -c "... main()" PLAN STATUS`` with two descriptors: a Plan comes in by one, and by the
other goes out ``{"error": "..."}``, or STARTED, ``{"exit": 0, "killed": None}`` and ``{"full": False}``, in marshal's
form: one and the same Python writes and reads it. When the host's process dies, so does every process of the command,
and then this.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import signal
import sys

from agentmem.sandbox import filters, landlock, mounts, saving, supervisor, syscalls

TYPE_CHECKING = False  # importing typing takes longer than everything else here
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentmem.sandbox.plan import RunPlan

_CHOWN, _DAC_OVERRIDE, _FOWNER, _FSETID, _KILL, _SETGID, _SETUID = 0, 1, 3, 4, 5, 6, 7
IN_NAMESPACES = frozenset({_CHOWN, _DAC_OVERRIDE, _FOWNER, _FSETID, _KILL, _SETGID, _SETUID})
"""The capabilities of root in a user namespace: over files that are mounted there, and over its own processes."""
OWN_USER = 61_000
"""The user, and group, of a command that is to have one of its own. No account has this number by custom."""
STARTED = {"started": True}
"""Sent before the command begins. If the program is killed after that, it is a result, not a failure of the walls."""
UNDER_LANDLOCK = frozenset({_DAC_OVERRIDE, _FOWNER})


def main() -> None:
    plan_in, status_out = (int(number) for number in sys.argv[1:3])
    try:
        with os.fdopen(plan_in, "rb") as file:
            plan: RunPlan = marshal.load(file)
        for one in (status_out, *plan["groups"], *([plan["held"]] if plan["held"] >= 0 else ())):
            os.set_inheritable(one, False)
        os.umask(0o022)
        status = _WAYS[plan["confine"]](plan, status_out)
    except OSError as error:
        status = {"error": error.strerror or str(error)}
    if status:
        os.write(status_out, marshal.dumps(status))
    os._exit(0)


def _in_namespaces(plan: RunPlan, status: int) -> dict[str, object]:
    """Make namespaces. Their first process does the rest, and nothing in them outlives it."""
    _enter_namespaces(plan, syscalls.CLONE_NEWPID | (0 if plan["network"] else syscalls.CLONE_NEWNET))
    mounts.private()
    mounts.make_box(plan)
    return _through(plan, lambda: _first(plan, status))


def _in_bubblewrap(plan: RunPlan, status: int) -> dict[str, object]:
    """Let bubblewrap build the same. An overlay is mounted first, in its own namespaces: bubblewrap may be too old."""
    if not plan["tree"]["bind"]:
        _enter_namespaces(plan, 0)
        mounts.private()
        mounts.make_box(plan)
        mounts.show(plan["tree"], plan["root"])
    inner = marshal.dumps({**plan, "confine": "inside bubblewrap", "parent": 0, "held": -1})
    reading, writing = os.pipe()
    for one in (reading, status, *plan["groups"]):
        os.set_inheritable(one, True)
    command = [*plan["wrapper"], str(reading), str(status)]

    def become() -> dict[str, object]:
        os.close(writing)
        os.execv(command[0], command)

    return _through(plan, become, feed=(writing, inner))


def _through(
    plan: RunPlan, child: Callable[[], dict[str, object]], feed: tuple[int, bytes] | None = None
) -> dict[str, object]:
    """Run ``child`` in a process that dies with this one, wait for it, and keep what was written; it speaks for itself.

    When the host's process dies we are told so, end the child, and keep what was written all the same.
    """
    alive, held = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(held)
            syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
            if not select.select([alive], [], [], 0)[0]:  # readable: the parent ended before prctl took effect
                child()
        except OSError as error:
            os.write(int(sys.argv[2]), marshal.dumps({"error": error.strerror or str(error)}))
        finally:
            os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: _kill(process))
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    supervisor.die_with(plan["parent"], signal.SIGTERM)
    if feed:
        with contextlib.suppress(BrokenPipeError):
            os.write(*feed)
        os.close(feed[0])
    with contextlib.suppress(ChildProcessError):
        while os.wait()[0] != process:
            pass
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            os.wait()  # of bubblewrap's own, the last is the first process of the command's namespace
    return _kept(plan)


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _kept(plan: RunPlan) -> dict[str, object]:
    """Copy what was written in memory to the disk. Who reads what is printed need not wait for that."""
    for one in (1, 2):
        os.close(one)
    if not plan["keep"]:
        return {}
    full = mounts.is_full(plan["box"])
    try:
        saving.keep(f"{plan['box']}/upper", f"{plan['keep']}.part", plan["room"])
        os.rename(f"{plan['keep']}.part", plan["keep"])  # noqa: PTH104 (pathlib takes long to load)
    except OSError as error:
        return {"full": full, "lost": error.strerror or str(error)}
    return {"full": full}


def _first(plan: RunPlan, status: int) -> dict[str, object]:
    """As process 1: walls, loopback, command. Who waits for us keeps the view of the host."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    mounts.build(plan)
    if not plan["network"]:
        _raise_loopback()
    return _keep(plan, status)


def _inside_bubblewrap(plan: RunPlan, status: int) -> dict[str, object]:
    return _keep(plan, status)


def _keep(plan: RunPlan, status: int) -> dict[str, object]:
    """Runs as process 1 of the command's namespace: the command, then the end of all its processes."""
    supervisor.first_victim()
    supervisor.bound_processes(plan["processes"])
    supervisor.hide()
    syscalls.new_keyring()
    supervisor.turn_deaf()
    os.write(status, marshal.dumps(STARTED))
    code, killed = supervisor.wait(supervisor.start(plan, lambda: _confine(plan)), plan, whole_tree=True)
    os.write(status, marshal.dumps({"exit": code, "killed": killed}))
    os._exit(0)


def _confine(plan: RunPlan) -> None:
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    if plan["own_user"] and all(_knows(kind, OWN_USER) for kind in ("uid_map", "gid_map")):
        syscalls.become(OWN_USER, _DAC_OVERRIDE)
    else:
        syscalls.keep_capabilities(IN_NAMESPACES)
    if filters.known():
        filters.install(memfd="memory" not in plan["watch"], pages=not plan["own_user"])


def _under_landlock(plan: RunPlan, status: int) -> dict[str, object]:
    readable = [source for source, _ in plan["readable"]] + ["/proc"]
    tree = plan["tree"]["bind"]
    inner = [f"{tree}/{path}" for path in plan["writable"]] if plan["writable"] is not None else [tree]
    devices = [f"/dev/{name}" for name in mounts.DEVICES]

    def confine() -> None:
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        syscalls.keep_capabilities(UNDER_LANDLOCK)
        landlock.restrict([*readable, tree], [*inner, plan["scratch"], *devices], plan["network"])
        filters.install(alone=True, sockets=plan["network"], memfd="memory" not in plan["watch"])

    return _keep_tree(plan, status, confine)


def _unconfined(plan: RunPlan, status: int) -> dict[str, object]:
    return _keep_tree(plan, status, lambda: None)


def _keep_tree(plan: RunPlan, status: int, confine: Callable[[], None]) -> dict[str, object]:
    """Run without a process namespace: orphans become children of this process, which ends them."""
    linux = sys.platform == "linux"
    if linux:
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
        syscalls.new_keyring()
    signal.signal(signal.SIGTERM, lambda *_: _ended())
    supervisor.die_with(plan["parent"], signal.SIGTERM)
    supervisor.first_victim()
    supervisor.turn_deaf()
    supervisor.bound_processes(plan["processes"] + supervisor.of_user())
    os.write(status, marshal.dumps(STARTED))
    try:
        code, killed = supervisor.wait(supervisor.start(plan, confine), plan, whole_tree=False)
    finally:
        supervisor.end_all()
    return {"exit": code, "killed": killed}


def _ended() -> None:
    supervisor.end_all()
    os._exit(0)


def _enter_namespaces(plan: RunPlan, more: int) -> None:
    """Enter namespaces with the same user as outside. For root, all other users are the same too.

    Only a process outside may map users. So one waits there until the namespace is made.
    """
    flags = syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS
    me, user, group = os.getpid(), os.getuid(), os.getgid()
    if user:
        syscalls.unshare(flags | syscalls.CLONE_NEWCGROUP | more)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    else:
        reading, writing = os.pipe()
        mapper = os.fork()
        if mapper == 0:
            os.close(writing)
            _map_everybody(me, reading)
        syscalls.unshare(flags | syscalls.CLONE_NEWCGROUP | more)
        os.write(writing, b".")
        _, status = os.waitpid(mapper, 0)
        if status:
            raise PermissionError(1, "mapping users into the namespace: not permitted")
    supervisor.die_with(plan["parent"], signal.SIGKILL)


def _map_everybody(process: int, go: int) -> None:
    """Map the users of our own namespace unchanged, then exit."""
    code = 1
    try:
        os.read(go, 1)
        for kind in ("uid_map", "gid_map"):
            ranges = [line.split() for line in _lines(f"/proc/self/{kind}")]
            _write(f"/proc/{process}/{kind}", "\n".join(f"{first} {first} {count}" for first, _, count in ranges))
        code = 0
    finally:
        os._exit(code)


def _knows(kind: str, number: int) -> bool:
    """True if a user, or group, is mapped in our namespace, and we may become it."""
    ranges = [[int(one) for one in line.split()] for line in _lines(f"/proc/self/{kind}")]
    return os.getuid() == 0 and any(first <= number < first + count for first, _, count in ranges)


def _lines(path: str) -> list[str]:
    descriptor = os.open(path, os.O_RDONLY)
    with os.fdopen(descriptor) as file:
        return file.read().splitlines()


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _raise_loopback() -> None:
    """Bring up "lo" in our network namespace: SIOCSIFFLAGS with IFF_UP, see netdevice(7)."""
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 1))


_WAYS: dict[str, Callable[[RunPlan, int], dict[str, object]]] = {
    "namespaces": _in_namespaces,
    "bubblewrap": _in_bubblewrap,
    "inside bubblewrap": _inside_bubblewrap,
    "landlock": _under_landlock,
    "none": _unconfined,
}
