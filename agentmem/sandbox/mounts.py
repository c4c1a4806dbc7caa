# ruff: noqa: PTH101, PTH102, PTH103, PTH116, PTH123, PTH211
"""The file system that a command sees: the system's programs read-only, temporary folders of its own, and the fork.

No pathlib: importing it takes longer than everything here. It runs as the first process of new namespaces. Of the host
only what the plan names is mounted.
"""

from __future__ import annotations

import errno
import os

from agentmem.sandbox import syscalls
from agentmem.sandbox.syscalls import MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC

TYPE_CHECKING = False  # importing typing takes longer than everything else here
if TYPE_CHECKING:
    from agentmem.sandbox.plan import MountedTree, RunPlan

DEVICES = ("null", "zero", "full", "random", "urandom")
KERNEL = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "driver", "dynamic_debug", "asound", "mtrr")
"""Paths in /proc that are shown read-only: root could write them even without any capability."""

HIDDEN = ("kcore", "keys", "kmsg", "timer_list", "sched_debug", "latency_stats", "vmallocinfo", "kallsyms")
"""Paths in /proc that are shown empty, because they tell of the host."""

_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
)
_SAFE = MS_NOSUID | MS_NODEV


def build(plan: RunPlan) -> None:
    """Mount everything in ``plan`` and make it the root folder, then enter ``cwd``."""
    root = plan["root"]
    private()
    syscalls.mount("tmpfs", root, "tmpfs", _SAFE, "mode=755,size=16m")
    for folder, source in (("tmp", plan["temporary"] or f"{plan['box']}/tmp"), ("run", f"{plan['box']}/run")):
        _folder(f"{root}/{folder}")
        syscalls.bind(source, f"{root}/{folder}")
        follow = plan["follow"] or folder != "tmp"
        syscalls.protect(f"{root}/{folder}", readonly=False, follow=follow, runs=plan["runs"])
    unrun = 0 if plan["runs"] else MS_NOEXEC
    for name in shielded(plan):
        _folder(f"{root}/tmp/{name}")
        syscalls.mount("tmpfs", f"{root}/tmp/{name}", "tmpfs", _SAFE | unrun, "mode=755,size=16m")
    _system(root, plan)
    _devices(f"{root}/dev", f"{plan['box']}/shm")
    if not plan["runs"]:
        for folder in ("dev", "dev/shm"):  # and not the devices in them
            syscalls.protect(f"{root}/{folder}", readonly=False, recursive=False, runs=False)
    _folder(f"{root}/proc")
    syscalls.mount("proc", f"{root}/proc", "proc", _SAFE | MS_NOEXEC)
    at = root + plan["tree"]["at"]
    _folder(at)
    show(plan["tree"], at)
    _lay_over(root, plan["over"])
    syscalls.pivot_root(root)
    _settle(plan)


def shielded(plan: RunPlan) -> list[str]:
    """The folders of a shared /tmp in which something is mounted. Each gets a file system of its own: what is a mount
    point for a command it cannot move away, neither for itself nor for others that share /tmp with it."""
    if not plan["temporary"]:
        return []
    places = [at for _, at in plan["readable"]] + [plan["tree"]["at"]] + [at for _, at in plan["over"]]
    inside = {at[len("/tmp/") :].partition("/") for at in places if at.startswith("/tmp/")}
    return sorted(name for name, more, _ in inside if more)


def make_box(plan: RunPlan) -> None:
    """Mount a file system in memory, in which are the parts that a command writes to. All of them share its size.

    It has one inode for two pages, as any tmpfs by default: an empty file takes memory too, and is counted by that.
    """
    box, room = plan["box"], plan["room"]
    _folder(box)
    syscalls.mount("tmpfs", box, "tmpfs", _SAFE, f"mode=755,size={room},nr_inodes={room // 8192 + 64}")
    for name, mode in (("upper", 0o755), ("work", 0o700), ("tmp", 0o1777), ("shm", 0o1777), ("run", 0o755)):
        os.mkdir(f"{box}/{name}")
        os.chmod(f"{box}/{name}", mode)


def is_full(path: str) -> bool:
    """Whether nothing more can be written to the file system that ``path`` is on."""
    found = os.statvfs(path)
    return found.f_bavail == 0 or found.f_favail == 0


def private() -> None:
    """Keep mounts in this namespace from now on."""
    syscalls.mount("none", "/", flags=MS_REC | MS_PRIVATE)


def show(tree: MountedTree, at: str) -> None:
    """Mount the fork. The layers are given as descriptors: a path may hold any character, an option may not."""
    if tree["bind"]:
        syscalls.bind(tree["bind"], at)
        syscalls.protect(at, readonly=False)
        return
    opened = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in (*tree["lower"], tree["upper"], tree["work"])]
    *lower, upper, work = (f"/proc/self/fd/{one}" for one in opened)
    options = f"lowerdir={':'.join(lower)},upperdir={upper},workdir={work},userxattr"
    try:
        syscalls.mount("overlay", at, "overlay", _SAFE, options)
    finally:
        for one in opened:
            os.close(one)


def _lay_over(root: str, over: list[tuple[str, str]]) -> None:
    """Cover parts of the tree. A folder is closed only after everything in it is mounted."""
    for source, at in over:
        target = root + at
        if source:
            _place(target, is_folder=os.stat(source).st_mode & 0o170000 == 0o040000)
            syscalls.bind(source, target)
            syscalls.protect(target)
        else:
            _folder(target)
            syscalls.mount("tmpfs", target, "tmpfs", _SAFE, "mode=755,size=64k")
    for source, at in over:
        if not source:
            syscalls.protect(root + at, recursive=False)


def _system(root: str, plan: RunPlan) -> None:
    for link, target in plan["links"]:
        os.symlink(target, root + link)
    for source, at in plan["readable"]:
        target = root + at
        if os.access(source, os.F_OK):
            _place(target, is_folder=os.stat(source).st_mode & 0o170000 == 0o040000)
            syscalls.bind(source, target)
            syscalls.protect(target)


def _devices(folder: str, shared: str) -> None:
    _folder(folder)
    syscalls.mount("tmpfs", folder, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    for name in DEVICES:
        _place(f"{folder}/{name}", is_folder=False)
        syscalls.mount(f"/dev/{name}", f"{folder}/{name}", flags=syscalls.MS_BIND)
        syscalls.protect(f"{folder}/{name}", recursive=False, device=True)
    for name, target in _LINKS:
        os.symlink(target, f"{folder}/{name}")
    os.mkdir(f"{folder}/shm")
    syscalls.bind(shared, f"{folder}/shm")
    os.mkdir(f"{folder}/pts")
    syscalls.mount("devpts", f"{folder}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")


def _settle(plan: RunPlan) -> None:
    """The steps that need the new root. From here on a link in the fork cannot lead outside."""
    tree = plan["tree"]["at"]
    if plan["writable"] is not None:
        for path in plan["writable"]:
            _folder(f"{tree}/{path}")
            syscalls.bind(f"{tree}/{path}", f"{tree}/{path}")
        syscalls.protect(tree, recursive=False)
    _set("/proc/sys/user/max_user_namespaces", 0)
    _set("/proc/sys/kernel/pid_max", plan["processes"] + 300)  # numbers below 300 are not reused
    for name in KERNEL:
        _cover(f"/proc/{name}", f"/proc/{name}")
    for name in HIDDEN:
        _cover("/dev/null", f"/proc/{name}")
    syscalls.protect("/", recursive=False)
    os.makedirs(plan["env"].get("HOME", "/tmp"), exist_ok=True)


def _cover(source: str, target: str) -> None:
    if os.access(target, os.F_OK):
        syscalls.bind(source, target)
        syscalls.protect(target)


def _set(path: str, number: int) -> None:
    """Write a kernel setting, if allowed. The supervisor and the filter work without it too."""
    try:
        with open(path, "w") as file:
            file.write(str(number))
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EACCES, errno.ENOENT, errno.EINVAL, errno.EROFS):
            raise


def _folder(path: str) -> None:
    os.makedirs(path, mode=0o755, exist_ok=True)


def _place(path: str, is_folder: bool) -> None:
    """Make an empty file or folder to mount on."""
    if is_folder:
        _folder(path)
        return
    _folder(path.rpartition("/")[0])
    if not os.access(path, os.F_OK):
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
