"""Logs that grow while they are looked at: of Claude Code's, and of wire logs, only what is new is read."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeVar

from agentmem.replay.formats.claude_growing import GrowingLog
from agentmem.replay.growing import Unfit
from agentmem.replay.session import SkippedLine
from agentmem.replay.source import RecordingSource
from agentmem.report.loading import WIRE_LOG, Observed, load_paths, observe
from agentmem.report.logs.quick import QuickReading
from agentmem.report.logs.reading import QUICK, ReadLog, WorkItem, begun, of_observed, read_log, taken
from agentmem.ui.growing_wire import GrowingWire

Log = TypeVar("Log")
Found = TypeVar("Found")
KEPT = 12
"""Logs of which what was read is kept."""


class ReadOn:
    """What was read of the logs that grew last: for the list their numbers, for a session's page their texts."""

    def __init__(self) -> None:
        self._listed: OrderedDict[str, QuickReading] = OrderedDict()
        self._logs: OrderedDict[str, GrowingLog] = OrderedDict()
        self._wires: OrderedDict[str, GrowingWire] = OrderedDict()
        self._lock = Lock()

    def listed(self, item: WorkItem, format: str) -> ReadLog:
        """What the index keeps of a file."""
        path = Path(item.path)
        with self._lock:
            found = None if format == WIRE_LOG else self._quick(path)
            wire = self._wire(path) if format == WIRE_LOG else None
        if wire is not None:
            return of_observed(path, wire)
        return read_log(item) if found is None else found

    def conversations(self, path: Path, format: str) -> Iterator[Observed | SkippedLine]:
        """All conversations of a file."""
        with self._lock:
            found = self._claude(path) if format == QUICK else self._wire(path) if format == WIRE_LOG else None
        yield from load_paths([path]) if found is None else found

    def _quick(self, path: Path) -> ReadLog | None:
        known = self._listed.pop(str(path), None)
        try:
            if known is None:
                known = begun(path)
            else:
                known.read()
            found = None if known is None else taken(known)
        except (Unfit, OSError):
            return None
        return _kept(self._listed, path, known, found)

    def _claude(self, path: Path) -> Sequence[Observed | SkippedLine] | None:
        log = self._logs.pop(str(path), None) or GrowingLog(path)
        try:
            log.read()
        except (Unfit, OSError):
            return None
        source = RecordingSource(QUICK, str(path), 0, str(path), name=path.name.partition(".")[0])
        own = [one if isinstance(one, SkippedLine) else observe(one, QUICK) for one in log.reading.sessions(source)]
        return _kept(self._logs, path, log, [*log.file.cut(), *own])

    def _wire(self, path: Path) -> Sequence[Observed | SkippedLine] | None:
        wire = self._wires.pop(str(path), None) or GrowingWire(path)
        try:
            found = wire.read()
        except (Unfit, OSError):
            return None
        return _kept(self._wires, path, wire, found)


def _kept(logs: OrderedDict[str, Log], path: Path, one: Log | None, found: Found) -> Found:
    """What was found; the log is kept for the next time."""
    if one is not None:
        logs[str(path)] = one
    while len(logs) > KEPT:
        logs.popitem(last=False)
    return found
