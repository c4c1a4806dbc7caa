"""Which limit is held by what on this machine, behind each of the walls: one table, for results, doctor and docs."""

import os
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agentmem.sandbox.control_groups import places
from agentmem.sandbox.isolation import ORDER, why_no_box, why_not
from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.planning import MOUNTING, Isolation
from agentmem.sandbox.state import default_root

How = Literal["held", "watched", "not held"]


@dataclass(frozen=True, slots=True)
class HeldLimit:
    """How one limit is held.

    ``how`` is "held" where the kernel, or the pipe that is read, lets no command pass it; "watched" where we look, up
    to every 0.25 seconds, and end a command that has passed it; "not held" where nothing does. ``by`` says what does.
    """

    limit: str
    how: How
    by: str


@dataclass(frozen=True, slots=True)
class Walls:
    """What a command is run with: its isolation, the versions of control groups, and whether it writes to memory."""

    isolation: Isolation
    limits: SandboxLimits
    boxed: bool
    memory_group: int | None
    pids_group: int | None

    @property
    def mounting(self) -> bool:
        return self.isolation in MOUNTING

    @property
    def memory_bound(self) -> int:
        """Bytes for the control group: what is written to memory counts there as well."""
        return max(self.limits.memory, self.limits.disk) if self.boxed else self.limits.memory

    @property
    def memory_held(self) -> bool:
        return self.memory_group is not None and self.memory_bound == self.limits.memory


_Row = tuple[str, Callable[[Walls], bool], How, str]

_EVERYWHERE = "the host, which ends all processes"
_TABLE: tuple[_Row, ...] = (
    ("seconds", lambda walls: True, "held", _EVERYWHERE),
    ("memory", lambda walls: walls.memory_held, "held", "a control group (version {memory})"),
    (
        "memory",
        lambda walls: sys.platform == "linux",
        "watched",
        "counting; no memfd_create; one process's own is held by RLIMIT_DATA",
    ),
    ("memory", lambda walls: True, "not held", "nothing here"),
    ("processes", lambda walls: walls.pids_group is not None, "held", "a control group (version {pids})"),
    ("processes", lambda walls: walls.mounting and os.getuid() != 0, "held", "RLIMIT_NPROC of a user namespace"),
    ("processes", lambda walls: walls.mounting and _own_pid_max(), "held", "pid_max of a process namespace"),
    ("processes", lambda walls: os.getuid() != 0, "held", "RLIMIT_NPROC, beyond the user's other processes"),
    ("processes", lambda walls: sys.platform == "linux", "watched", "counting"),
    ("processes", lambda walls: True, "not held", "nothing here"),
    ("files", lambda walls: True, "held", "RLIMIT_NOFILE"),
    ("disk", lambda walls: walls.boxed, "held", "a tmpfs of that size, for the fork, /tmp, /dev/shm and /run"),
    ("disk", lambda walls: walls.mounting, "watched", "looking at the disk; /tmp and /dev/shm each by a sized tmpfs"),
    ("disk", lambda walls: True, "watched", "looking at the disk"),
    ("output", lambda walls: True, "held", "keeping only the ends"),
    ("printed", lambda walls: True, "held", "the pipe that is read"),
)
"""The first row of each limit that fits is how it is held."""


def held_limits(walls: Walls) -> tuple[HeldLimit, ...]:
    """One for each field of SandboxLimits, in their order."""
    found: dict[str, HeldLimit] = {}
    for limit, fits, how, by in _TABLE:
        if limit not in found and fits(walls):
            found[limit] = HeldLimit(limit, how, by.format(memory=walls.memory_group, pids=walls.pids_group))
    return tuple(found.values())


def walls(isolation: Isolation, limits: SandboxLimits, boxed: bool) -> Walls:
    """With the control groups that this machine has."""
    versions = {place.controller: place.version for place in places()}
    return Walls(isolation, limits, boxed, versions.get("memory"), versions.get("pids"))


def here(limits: SandboxLimits | None = None) -> tuple[HeldLimit, ...] | None:
    """How limits are held in a fork by default on this machine; None where no isolation works."""
    wanted = limits or SandboxLimits()
    working = [one for one in ORDER if why_not(one) is None]
    if not working:
        return None
    boxed = room_in_memory(wanted) and why_no_box(working[0], default_root()) is None
    return held_limits(walls(working[0], wanted, boxed))


def room_in_memory(limits: SandboxLimits) -> bool:
    """Whether what a command writes may stand in memory until it ends: at most half of what the machine has."""
    return limits.disk <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _own_pid_max() -> bool:
    """Whether the kernel counts for each process namespace: since Linux 6.14."""
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    return found is not None and (int(found[1]), int(found[2])) >= (6, 14)
