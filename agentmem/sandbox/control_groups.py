"""Control groups, where they can be written: the kernel then holds memory and processes of all that a command starts.

Version 2 needs folders in which memory or pids are delegated to us, as systemd does for a user's session; version 1
needs a writable hierarchy, as root has. See cgroups(7), and cgroup-v1/memory.rst and cgroup-v2.rst of the kernel.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event
from typing import NamedTuple

_NAME = "agentmem-"
_OURS, _MOUNTS = "/proc/self/cgroup", "/proc/self/mountinfo"


class _Setting(NamedTuple):
    """``value`` is made of the bytes of memory and the number of processes."""

    version: int
    controller: str
    file: str
    value: Callable[[int, int], int]
    needed: bool


_SETTINGS = (
    _Setting(1, "memory", "memory.limit_in_bytes", lambda memory, _: memory, needed=True),
    _Setting(1, "memory", "memory.memsw.limit_in_bytes", lambda memory, _: memory, needed=False),
    _Setting(1, "memory", "memory.kmem.tcp.limit_in_bytes", lambda memory, _: memory // 4, needed=False),
    _Setting(2, "memory", "memory.max", lambda memory, _: memory, needed=True),
    _Setting(2, "memory", "memory.swap.max", lambda *_: 0, needed=False),
    _Setting(2, "memory", "memory.oom.group", lambda *_: 1, needed=False),
    _Setting(1, "pids", "pids.max", lambda _, processes: processes + 1, needed=True),
    _Setting(2, "pids", "pids.max", lambda _, processes: processes + 1, needed=True),
)
"""One process more than the limit is let in: it is seen, and told as the reason."""

_COUNTS = {1: "memory.oom_control", 2: "memory.events"}
"""Where the kernel says how often it ended a process of the group: in the line ``oom_kill``."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder in which groups can be made for one controller."""

    controller: str
    version: int
    folder: Path


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The groups of one command, one for each controller that can be had."""

    places: tuple[Place, ...] = ()

    def holds(self, controller: str) -> int | None:
        """The version of control groups that holds "memory" or "pids"; None where none does."""
        return next((place.version for place in self.places if place.controller == controller), None)

    def passed(self) -> bool:
        """Whether the kernel ended a process because the group's memory was used up."""
        for place in self.places:
            with suppress(OSError):
                for line in (place.folder / _COUNTS[place.version]).read_text().splitlines():
                    name, _, number = line.partition(" ")
                    if place.controller == "memory" and name == "oom_kill" and int(number) > 0:
                        return True
        return False


@cache
def places() -> tuple[Place, ...]:
    """Where groups can be made on this machine, found out by making them and moving a process there."""
    if sys.platform != "linux":
        return ()
    _sweep()
    return tuple(place for name in ("memory", "pids") if (place := _working(name)) is not None)


@contextmanager
def control_group(memory: int, processes: int) -> Iterator[ControlGroup]:
    """Groups that hold ``memory`` bytes and ``processes``; removed at the end, when no process may be left in them."""
    made: list[Place] = []
    try:
        for place in places():
            with suppress(OSError):
                made.append(_make(place, memory, processes))
        yield ControlGroup(tuple(made))
    finally:
        for folder in dict.fromkeys(place.folder for place in made):
            _remove(folder)


@contextmanager
def doors(group: ControlGroup) -> Iterator[list[int]]:
    """Descriptors by which a process enters the groups: it writes "0" to each."""
    opened: list[int] = []
    try:
        for folder in dict.fromkeys(place.folder for place in group.places):
            opened.append(os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC))
        yield opened
    finally:
        for one in opened:
            os.close(one)


def _make(place: Place, memory: int, processes: int) -> Place:
    """Raises OSError where the limit could not be set."""
    folder = place.folder / f"{_NAME}{os.getpid()}-{secrets.token_hex(6)}"
    folder.mkdir()
    made = Place(place.controller, place.version, folder)
    try:
        for setting in _SETTINGS:
            if (setting.version, setting.controller) == (place.version, place.controller):
                try:
                    _set(folder / setting.file, setting.value(memory, processes))
                except OSError:
                    if setting.needed:
                        raise
    except OSError:
        _remove(folder)
        raise
    return made


def _set(file: Path, value: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, b"%d" % value)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """The processes are dead, but the kernel may still be taking leave of them."""
    for pause in (0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 0.0):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            Event().wait(pause)
        else:
            return


def _working(controller: str) -> Place | None:
    for place in candidates(controller, _lines(_OURS), _lines(_MOUNTS)):
        with suppress(OSError):
            made = _make(place, 1 << 30, 100)
            try:
                command = ["/bin/sh", "-c", 'echo 0 >"$1"', "sh", str(made.folder / "cgroup.procs")]
                if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                    return place
            finally:
                _remove(made.folder)
    return None


def candidates(controller: str, ours: Sequence[str], mounts: Sequence[str]) -> Iterator[Place]:
    """Our own group's folder, and of version 2 those above it: a group with processes may have none below it.

    ``ours`` are the lines of /proc/self/cgroup, ``mounts`` those of /proc/self/mountinfo.
    """
    for line in ours:
        _, names, path = line.split(":", 2)
        version = 2 if not names else 1
        if version == 1 and controller not in names.split(","):
            continue
        for folder, top in _mounted(version, controller, path, mounts):
            at = folder
            while True:
                if version == 1 or _delegates(at, controller):
                    yield Place(controller, version, at)
                if version == 1 or at == top:
                    break
                at = at.parent


def _delegates(folder: Path, controller: str) -> bool:
    with suppress(OSError):
        return controller in (folder / "cgroup.subtree_control").read_text().split()
    return False


def _mounted(version: int, controller: str, path: str, mounts: Sequence[str]) -> Iterator[tuple[Path, Path]]:
    """The folders that show our group ``path``, each with the top of its mount; see proc(5) on mountinfo."""
    for line in mounts:
        fields, _, rest = line.partition(" - ")
        root, at = fields.split()[3:5]
        kind, _, options = rest.split(" ", 2)
        wanted = kind == "cgroup2" if version == 2 else kind == "cgroup" and controller in options.split(",")
        if wanted and (path == root or path.startswith(root.rstrip("/") + "/")):
            yield Path(at + "/" + path[len(root.rstrip("/")) :].lstrip("/")), Path(at)


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text().splitlines()
    except OSError:
        return []


def _sweep() -> None:
    """Remove the groups of processes that died before they could."""
    for controller in ("memory", "pids"):
        for place in candidates(controller, _lines(_OURS), _lines(_MOUNTS)):
            with suppress(OSError):
                for folder in place.folder.glob(f"{_NAME}*"):
                    process = folder.name.removeprefix(_NAME).partition("-")[0]
                    if process.isdigit() and not Path(f"/proc/{process}").exists():
                        folder.rmdir()
