"""From a fork, its walls and a command to the plan that the program inside is given."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agentmem.sandbox import surroundings
from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.mounts import HIDDEN, KERNEL
from agentmem.sandbox.plan import MountedTree as Mounted
from agentmem.sandbox.plan import RunPlan
from agentmem.sandbox.running import PACKAGE, PYTHON

Isolation = Literal["bubblewrap", "namespaces", "landlock", "none"]

MOUNTING: tuple[Isolation, ...] = ("bubblewrap", "namespaces")
"""Those that can show an overlay."""

HOME, TEMPORARY = "/tmp/home", "/tmp"
"""As a command inside sees them, on a file system of its own: nothing of the host is there."""

_OWN: dict[Isolation, tuple[Path, ...]] = {"bubblewrap": (PACKAGE,)}
"""What the walls themselves need to read inside them."""


@dataclass(frozen=True, slots=True)
class Command:
    """``cwd`` is relative to the fork, "" for its top; ``env`` comes on top of a clean environment.

    ``temporary`` and ``over`` are as in the Plan; isolation that mounts nothing does without them.
    """

    argv: list[str]
    cwd: str = ""
    env: dict[str, str] = field(default_factory=dict)
    temporary: str = ""
    over: list[tuple[str, str]] = field(default_factory=list)


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
    """What the program inside needs to know. ``where`` has the empty folders "root" and "scratch"."""
    mounting, scratch = isolation in MOUNTING, str(where / "scratch")
    base = mounted["at"] if mounting else mounted["bind"]
    plan = RunPlan(
        parent=os.getpid(),
        confine=isolation,
        argv=command.argv,
        env={**_environment(scratch, mounting), **command.env},
        cwd=f"{base}/{command.cwd}" if command.cwd else base,
        network=network,
        tree=mounted,
        writable=writable if isolation != "bubblewrap" else None,  # it would follow a link that a command made
        readable=surroundings.readable([*readable, *_OWN.get(isolation, ())], Path(mounted["at"]), network),
        links=surroundings.links(),
        root=str(where / "root"),
        scratch=scratch,
        temporary=command.temporary if mounting else "",
        over=command.over if mounting else [],
        memory=limits.memory,
        processes=limits.processes,
        files=limits.files,
        disk=limits.disk,
        wrapper=[],
    )
    if isolation == "bubblewrap":
        plan["wrapper"] = [*_bubblewrap(plan), *PYTHON]
    return plan


def _environment(scratch: str, mounting: bool) -> dict[str, str]:
    return surroundings.environment(*((HOME, TEMPORARY) if mounting else (f"{scratch}/home", scratch)))


def _bubblewrap(plan: RunPlan) -> list[str]:
    """The command that builds the same with bubblewrap, see bwrap(1)."""
    tree = plan["tree"]
    command = [
        shutil.which("bwrap") or "bwrap",
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *(() if plan["network"] else ("--unshare-net",)),
        *("--die-with-parent", "--as-pid-1", "--proc", "/proc", "--dev", "/dev"),
        *(part for name in KERNEL for part in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")),
        *(
            part
            for name in HIDDEN
            if Path(f"/proc/{name}").exists()
            for part in ("--ro-bind", "/dev/null", f"/proc/{name}")
        ),
        *(
            ("--bind", plan["temporary"], TEMPORARY)
            if plan["temporary"]
            else ("--size", str(plan["disk"]), "--perms", "1777", "--tmpfs", TEMPORARY)
        ),
        *("--tmpfs", "/run", "--dir", HOME),
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
