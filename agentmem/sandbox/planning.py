"""Makes the plan for the program inside, from a fork, its walls and a command."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.mounts import HIDDEN, KERNEL, shielded
from agentmem.sandbox.plan import Holds, PlannedLimits, RunPlan
from agentmem.sandbox.plan import MountedTree as Mounted
from agentmem.sandbox.running import PACKAGE, PYTHON

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Programs and libraries. A link among them stays a link."""

ETC = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "fonts",
    "group",
    "host.conf",
    "hosts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "locale.alias",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "services",
    "shells",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
)
"""Files without which programs fail or know no language. None holds a secret. The rest of /etc stays out."""

RESOLVER = "resolv.conf"


def links() -> list[tuple[str, str]]:
    """The system folders that are links on this host, such as /bin, with their targets."""
    return [(name, str(Path(name).readlink())) for name in SYSTEM if Path(name).is_symlink()]


def readable_paths(given: Iterable[Path], tree: Path, network: bool) -> list[tuple[str, str]]:
    """Paths that are mounted read-only, as pairs of the host's path and the path inside; outer folders first.

    Paths in ``tree`` are left out, because the fork has them.
    """
    names = [*SYSTEM, *(f"/etc/{name}" for name in (*ETC, *((RESOLVER,) if network else ())))]
    shown = {name: str(Path(name).resolve()) for name in names if Path(name).exists() and not _is_link(name)}
    for path in (*pythons(), *(Path(one).absolute() for one in given)):
        for at in (path, path.resolve()):  # an environment's programs name it by its path without links
            if not at.is_relative_to(tree) and not _covered(at, shown) and at != Path("/"):
                shown[str(at)] = str(path.resolve())
    return sorted(((source, at) for at, source in shown.items()), key=lambda pair: pair[1].count("/"))


def _is_link(name: str) -> bool:
    return name in SYSTEM and Path(name).is_symlink()


def _covered(path: Path, shown: Iterable[str]) -> bool:
    return any(path.is_relative_to(one) for one in shown)


def pythons() -> Iterator[Path]:
    """The folders of this Python and its packages."""
    for prefix in dict.fromkeys((sys.base_prefix, sys.prefix, sys.base_exec_prefix, sys.exec_prefix)):
        yield Path(prefix)


def search_path(extra: Sequence[str] = ()) -> str:
    """The PATH of commands: this Python's folder, then the system's folders."""
    own = [str(Path(prefix) / "bin") for prefix in dict.fromkeys((sys.prefix, sys.base_prefix))]
    system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return ":".join(dict.fromkeys([*extra, *own, *system]))


def environment(home: str, temporary: str) -> dict[str, str]:
    """The clean environment of a command. Python writes no bytecode: it would miss an edit within the same second."""
    return {
        "PATH": search_path(),
        "HOME": home,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "SHELL": "/bin/sh",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


Isolation = Literal["bubblewrap", "namespaces", "landlock", "none"]

MOUNTING: tuple[Isolation, ...] = ("bubblewrap", "namespaces")
"""The isolations that can show an overlay."""

BOX = "box"
"""The folder of a fork at which that is mounted which a command writes to."""

HOME, TEMPORARY = "/tmp/home", "/tmp"
"""Paths as a command sees them, on its own file system: nothing of the host is there."""

_OWN: dict[Isolation, tuple[Path, ...]] = {"bubblewrap": (PACKAGE,)}
"""Files that the walls themselves must read inside."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command. ``cwd`` is relative to the fork, "" for its top. ``env`` is added to a clean environment.

    ``temporary``, ``follow``, ``runs``, ``own_user``, ``over`` and ``keep`` are as in the Plan; where nothing is
    mounted they do nothing. ``room`` are the bytes that may still be written; None is all of the limit.
    """

    argv: list[str]
    cwd: str = ""
    env: dict[str, str] = field(default_factory=dict)
    temporary: str = ""
    follow: bool = True
    runs: bool = True
    own_user: bool = False
    over: list[tuple[str, str]] = field(default_factory=list)
    room: int | None = None
    keep: str = ""


def make_plan(
    isolation: Isolation,
    command: Command,
    mounted: Mounted,
    where: Path,
    limits: SandboxLimits,
    *,
    network: bool = False,
    writable: list[str] | None = None,
    readable: Sequence[Path] = (),
) -> RunPlan:
    """The plan for the program inside. ``where`` has the empty folders "root" and "scratch"."""
    mounting, scratch = isolation in MOUNTING, str(where / "scratch")
    base = mounted["at"] if mounting else mounted["bind"]
    plan: RunPlan = {
        "parent": os.getpid(),
        "confine": isolation,
        "argv": command.argv,
        "env": {**_environment(scratch, mounting), **command.env},
        "cwd": "/".join(filter(None, (base, command.cwd))),
        "network": network,
        "tree": mounted,
        "writable": writable if isolation != "bubblewrap" else None,  # it would follow a link that a command made
        "readable": readable_paths([*readable, *_OWN.get(isolation, ())], Path(mounted["at"]), network),
        "links": links(),
        "root": str(where / "root"),
        "scratch": scratch,
        "temporary": command.temporary if mounting else "",
        "follow": command.follow,
        "runs": command.runs,
        "own_user": command.own_user,
        "over": command.over if mounting else [],
        "wrapper": [],
        "box": _box(isolation, mounted, where),
        "keep": command.keep,
        **_limits(limits, command.room),
        **Holds(held=-1, groups=[], watch=[]),
    }
    plan["wrapper"] = [*_bubblewrap(plan), *PYTHON] if isolation == "bubblewrap" else []
    return plan


def _limits(limits: SandboxLimits, room: int | None) -> PlannedLimits:
    return PlannedLimits(
        memory=limits.memory,
        processes=limits.processes,
        files=limits.files,
        disk=limits.disk,
        room=limits.disk if room is None else max(room, 4096),  # a tmpfs of size 0 would have no limit
    )


def _box(isolation: Isolation, mounted: Mounted, where: Path) -> str:
    """Bubblewrap may have more rights than we: only where we must mount an overlay for it we mount a box as well."""
    mounts = isolation == "namespaces" or (isolation == "bubblewrap" and not mounted["bind"])
    return str(where / BOX) if mounts else ""


def _environment(scratch: str, mounting: bool) -> dict[str, str]:
    return environment(*((HOME, TEMPORARY) if mounting else (f"{scratch}/home", scratch)))


def _bubblewrap(plan: RunPlan) -> list[str]:
    """The bubblewrap command that builds the same walls, see bwrap(1)."""
    tree = plan["tree"]
    command = [
        shutil.which("bwrap") or "bwrap",
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *(() if plan["network"] else ("--unshare-net",)),
        *("--die-with-parent", "--as-pid-1", "--proc", "/proc", "--dev", "/dev"),
        *(
            ("--bind", f"{plan['box']}/shm", "/dev/shm")
            if plan["box"]
            else ("--size", str(plan["room"]), "--tmpfs", "/dev/shm")
        ),
        *("--remount-ro", "/dev"),
        *(part for name in KERNEL for part in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")),
        *(
            part
            for name in HIDDEN
            if Path(f"/proc/{name}").exists()
            for part in ("--ro-bind", "/dev/null", f"/proc/{name}")
        ),
        *(
            ("--bind", plan["temporary"] or f"{plan['box']}/tmp", TEMPORARY)
            if plan["temporary"] or plan["box"]
            else ("--size", str(plan["room"]), "--perms", "1777", "--tmpfs", TEMPORARY)
        ),
        *(part for name in shielded(plan) for part in ("--perms", "0755", "--tmpfs", f"{TEMPORARY}/{name}")),
        *(("--bind", f"{plan['box']}/run", "/run") if plan["box"] else ("--size", "65536", "--tmpfs", "/run")),
        *("--dir", HOME),
    ]
    for link, target in plan["links"]:
        command += ["--symlink", target, link]
    for source, at in plan["readable"]:
        command += ["--ro-bind", source, at]
    command += ["--bind", tree["bind"] or plan["root"], tree["at"]]
    for source, at in plan["over"]:
        command += ["--ro-bind", source, at] if source else ["--tmpfs", at]
    closed = [part for source, at in plan["over"] if not source for part in ("--remount-ro", at)]
    return [*command, *closed, "--remount-ro", "/", "--"]
