"""Finds out which walls work on this machine, by building them around a command that does nothing."""

import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

from agentmem.errors import IsolationUnavailable, SandboxError
from agentmem.sandbox import filters, landlock
from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.plan import MountedTree as Mounted
from agentmem.sandbox.planning import BOX, MOUNTING, Command, Isolation, make_plan
from agentmem.sandbox.running import execute

ORDER: tuple[Isolation, ...] = ("bubblewrap", "namespaces", "landlock")
"""The order in which they are tried. The first that works is taken."""

MEND: dict[Isolation, str] = {
    "bubblewrap": "install it, for example by `apt-get install bubblewrap`",
    "namespaces": "allow user namespaces: `sysctl -w kernel.unprivileged_userns_clone=1`, in a container --privileged",
    "landlock": "use Linux 6.2 or later, started with lsm=landlock,...",
}
_PROBE = SandboxLimits(seconds=20.0, disk=1 << 20)


def choose(wanted: Isolation | Literal["auto"]) -> Isolation:
    """``wanted`` if it works; for "auto" the first that does. Raises IsolationUnavailable."""
    if wanted == "none":
        return wanted
    tried = {one: why_not(one) for one in (ORDER if wanted == "auto" else (wanted,))}
    for one, reason in tried.items():
        if reason is None:
            return one
    told = "; ".join(f"{one}: {reason} ({MEND[one]})" for one, reason in tried.items())
    raise IsolationUnavailable(
        f"nothing here keeps a command from the host. {told}. "
        "Or say isolation='none' where you trust the commands: they then have all your rights."
    )


@cache
def why_not(isolation: Isolation) -> str | None:
    """The reason why an isolation does not work; None if it does."""
    if sys.platform != "linux":
        return "only on Linux"
    if isolation == "bubblewrap" and shutil.which("bwrap") is None:
        return "bwrap is not installed"
    if isolation == "landlock" and (landlock.version() < landlock.LEAST or not filters.known()):
        return f"this kernel has version {landlock.version()} of it, and {landlock.LEAST} is needed"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tree").mkdir()
        return _try(isolation, Path(folder), Mounted(at=folder, bind=f"{folder}/tree", lower=[], upper="", work=""))


def why_no_overlay(isolation: Isolation, root: Path) -> str | None:
    """The reason why ``isolation`` cannot show an overlay whose layers are in ``root``; None if it can."""
    if isolation not in MOUNTING:
        return f"{isolation} mounts nothing"
    key = isolation, root.stat().st_dev
    if key not in _OVERLAYS:
        _OVERLAYS[key] = _overlay(isolation, root)
    return _OVERLAYS[key]


def why_no_box(isolation: Isolation, root: Path) -> str | None:
    """None where a command behind ``isolation`` can write to memory over files in ``root``, else the reason why not."""
    if isolation not in MOUNTING:
        return f"{isolation} mounts nothing"
    key = isolation, root.stat().st_dev
    if key not in _BOXES:
        with tempfile.TemporaryDirectory(dir=root) as name:
            folder = Path(name)
            for part in ("lower/inner", "arrived.part"):
                (folder / part).mkdir(parents=True)
            box = f"{name}/{BOX}"
            mounted = Mounted(at=name, bind="", lower=[f"{name}/lower"], upper=f"{box}/upper", work=f"{box}/work")
            reason = _try(isolation, folder, mounted, _CHANGE, keep=f"{name}/arrived")
            arrived = (folder / "arrived" / "inner" / "file").exists()
            _BOXES[key] = reason or (None if arrived else "what is written to it does not arrive")
    return _BOXES[key]


_CHANGE = "rmdir inner && mkdir inner && echo changed >inner/file"
"""A folder that is removed and made again needs extended attributes."""
_BOXES: dict[tuple[Isolation, int], str | None] = {}
_OVERLAYS: dict[tuple[Isolation, int], str | None] = {}
"""The results by isolation and file system. A result holds for every folder of a file system."""


def _overlay(isolation: Isolation, root: Path) -> str | None:
    with tempfile.TemporaryDirectory(dir=root) as name:
        folder = Path(name)
        for part in ("lower/inner", "upper", "work"):
            (folder / part).mkdir(parents=True)
        mounted = Mounted(at=name, bind="", lower=[f"{name}/lower"], upper=f"{name}/upper", work=f"{name}/work")
        reason = _try(isolation, folder, mounted, _CHANGE)
        written = folder / "upper" / "inner" / "file"
        return reason or (None if written.exists() else "what is written to it does not arrive")


def _try(isolation: Isolation, folder: Path, mounted: Mounted, command: str = ":", keep: str = "") -> str | None:
    (folder / "root").mkdir()
    (folder / "scratch").mkdir()
    plan = make_plan(isolation, Command(["/bin/sh", "-c", command], keep=keep), mounted, folder, _PROBE)
    try:
        outcome = execute(plan, _PROBE)
    except (SandboxError, OSError) as error:
        return str(error).removeprefix("the sandbox could not be set up: ")
    return (
        None if outcome.exit_code == 0 else f"a command in it ended with {outcome.exit_code}: {outcome.output[-200:]}"
    )
