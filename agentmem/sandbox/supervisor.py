# ruff: noqa: PTH116, PTH208
"""Keeping a command: starting it, counting what its processes use, and leaving none of them alive.

Only `inside` uses it. No pathlib: importing it takes longer than everything here.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import stat
import sys
import time

from agentmem.sandbox import sockets, syscalls
from agentmem.sandbox.mounts import is_full

TYPE_CHECKING = False  # importing typing takes longer than everything else here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentmem.sandbox.plan import RunPlan

_PAUSE = 0.05
"""Seconds between two checks of the processes, or ten times the length of one check if that is more."""

_LONGEST_PAUSE = 0.25
"""Seconds. With more processes a check takes longer, but there is less time to lose."""

_PAGE = resource.getpagesize()


NOT_FOR_US = (
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGUSR1",
    "SIGUSR2",
    "SIGALRM",
    "SIGVTALRM",
    "SIGPROF",
    "SIGTRAP",
    "SIGABRT",
)
"""Signals that a command may send to its supervisor. They are ignored, or it would end and report no result."""
_ALSO_IGNORED = ("SIGPIPE", "SIGXFSZ")  # ignored by Python, which starts this program


def turn_deaf() -> None:
    for name in NOT_FOR_US:
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def start(plan: RunPlan, confine: Callable[[], None]) -> int:
    """Start the command in a new session, confined by ``confine`` in its own process. Returns the process id.

    It gets every signal that the supervisor ignores.
    """
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        for group in plan["groups"]:
            os.write(group, b"0")
            os.close(group)
        for name in (*NOT_FOR_US, *_ALSO_IGNORED, "SIGTERM"):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _limit(plan)
        os.chdir(plan["cwd"])
        confine()
        os.execvpe(plan["argv"][0], plan["argv"], plan["env"])
    except OSError as error:
        os.write(2, f"{plan['argv'][0]}: {error.strerror or error}\n".encode())
    finally:
        os._exit(127)


def _limit(plan: RunPlan) -> None:
    limits = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, plan["memory"]),
        (resource.RLIMIT_FSIZE, plan["disk"]),
        (resource.RLIMIT_NOFILE, plan["files"]),
    )
    for limit, value in limits:
        _lower(limit, value)


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (least, least))


def bound_processes(count: int) -> None:
    """Let the kernel refuse more processes; outside a user namespace ``of_user`` comes on top. Root it refuses none."""
    _lower(resource.RLIMIT_NPROC, count + 3)


def of_user() -> int:
    """How many threads this user has on the machine: outside a user namespace the kernel counts all of them."""
    user, total = os.getuid(), 0
    if sys.platform == "linux":
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                if name.isdigit() and os.stat(f"/proc/{name}").st_uid == user:
                    total += int(_read(f"/proc/{name}/stat").rpartition(b")")[2].split()[17])
    return total


def first_victim() -> None:
    """If the machine runs out of memory, let the kernel kill these processes first."""
    with contextlib.suppress(OSError):
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        os.write(descriptor, b"1000")
        os.close(descriptor)


def wait(child: int, plan: RunPlan, whole_tree: bool) -> tuple[int, str | None]:
    """Wait for the command. Returns its exit code, and the limit for which it was killed, if any.

    With ``whole_tree`` every process but this one belongs to it (a process namespace). Else our descendants do.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    pause = _PAUSE
    while (status := reap(child)) is None:
        signal.sigtimedwait({signal.SIGCHLD}, pause)
        began = time.monotonic()
        if reason := _over(plan, whole_tree):
            return 128 + signal.SIGKILL, reason
        pause = min(max(_PAUSE, 10 * (time.monotonic() - began)), _LONGEST_PAUSE)
    return status, None


def reap(child: int) -> int | None:
    """Reap every process that has ended. Returns the exit code of ``child`` if it is among them."""
    code = None
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if process == 0:
            return code
        if process == child:
            raw = os.waitstatus_to_exitcode(status)
            code = raw if raw >= 0 else 128 - raw


def end_all() -> None:
    """Kill all our descendants, also those in their own sessions, until there are none.

    Whole groups are killed at once: a group that keeps forking would outrun a killer of single processes.
    """
    ours = os.getpgrp()
    while found := [one for one, *_ in processes(whole_tree=False)]:
        groups = set()
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                groups.add(os.getpgid(process))
        for group in groups - {ours}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        reap(0)
    reap(0)


def _over(plan: RunPlan, whole_tree: bool) -> str | None:
    if plan["keep"] and is_full(plan["tree"]["at"]):
        return "disk"
    threads = memory = 0
    found = list(processes(whole_tree))
    for process, its_threads, resident in found:
        threads += its_threads
        memory += resident
        if memory > plan["memory"]:
            memory -= resident - _share(process, resident)
    if threads > plan["processes"]:
        return "processes"
    if memory > plan["memory"]:
        return "memory"
    return _over_by_files([process for process, *_ in found], memory, plan) if plan["watch"] else None


def _over_by_files(found: list[int], memory: int, plan: RunPlan) -> str | None:
    """What is held by open files that have no name, and by segments of System V, which no process need have mapped."""
    in_memory, on_disk, opened = _open_files(found, plan)
    if "memory" in plan["watch"]:
        in_memory += _segments() if plan["box"] else 0
        memory += sum(_status(process, b"\nVmPTE:") for process in found)  # tables for pages that need not be there
        memory += _buffered(None if plan["box"] and not plan["network"] else opened)
    if "disk" in plan["watch"] and on_disk > plan["disk"]:
        return "disk"
    if "memory" in plan["watch"] and memory + in_memory > plan["memory"]:
        mapped = sum(_status(process, b"\nRssShmem:") for process in found)
        if memory + max(0, in_memory - mapped) > plan["memory"]:
            return "memory"
    return None


def _buffered(inodes: set[int] | None) -> int:
    with contextlib.suppress(OSError):
        return sockets.buffered(inodes) if inodes is None or inodes else 0
    return 0


def _open_files(found: list[int], plan: RunPlan) -> tuple[int, int, set[int]]:
    """Bytes in memory and on the disk of open files without a name: memfd_create's, and those that were unlinked.

    And the inodes of open sockets.
    """
    sizes, opened = dict[tuple[int, int], int](), set[int]()
    boxed = os.stat("/dev/shm").st_dev if plan["box"] else -1
    mounting = plan["confine"] not in ("landlock", "none")
    device = os.stat(plan["tree"]["at" if mounting else "bind"]).st_dev
    for process in found:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{process}/fd"):
                with contextlib.suppress(OSError):
                    status = os.stat(f"/proc/{process}/fd/{name}")
                    if stat.S_ISSOCK(status.st_mode):
                        opened.add(status.st_ino)
                    if status.st_nlink == 0 and stat.S_ISREG(status.st_mode) and status.st_dev != boxed:
                        sizes[status.st_dev, status.st_ino] = status.st_blocks * 512
    given = os.fstat(0)
    sizes.pop((given.st_dev, given.st_ino), None)  # what the command was given to read is ours
    on_disk = sum(size for (where, _), size in sizes.items() if where == device)
    return sum(sizes.values()) - on_disk, on_disk, opened


def _segments() -> int:
    """Bytes of the namespace's System V shared memory: the column ``rss`` of /proc/sysvipc/shm."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return sum(int(line.split()[14]) for line in _read("/proc/sysvipc/shm", 1 << 20).splitlines()[1:])
    return 0


def _status(process: int, field: bytes) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_read(f"/proc/{process}/status").split(field, 1)[1].split(None, 1)[0]) * 1024
    return 0


def _share(process: int, resident: int) -> int:
    """The memory of a process, with shared pages counted in parts (Pss, in proc(5))."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        line = _read(f"/proc/{process}/smaps_rollup").split(b"\nPss:", 1)[1].split(None, 1)[0]
        return int(line) * 1024
    return resident


def processes(whole_tree: bool) -> Iterator[tuple[int, int, int]]:
    """(process, threads, resident bytes) of every process of the command."""
    me, found = os.getpid(), {}
    if sys.platform != "linux":
        return
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != me:
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = _read(f"/proc/{name}/stat").rpartition(b")")[2].split()
                found[int(name)] = (int(fields[1]), int(fields[17]), int(fields[21]) * _PAGE)
    for process, (parent, threads, resident) in found.items():
        while not whole_tree and parent in found:
            parent = found[parent][0]
        if whole_tree or parent == me:
            yield process, threads, resident


def _read(path: str, most: int = 4096) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


def die_with(parent: int, number: int) -> None:
    """Let the kernel send us signal ``number`` when ``parent`` ends; exit now if it has ended."""
    if sys.platform == "linux":
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(0)


def hide() -> None:
    """Forbid other processes to look into this one."""
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
