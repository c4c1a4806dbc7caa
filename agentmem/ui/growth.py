"""Logs of Claude Code that grow while they are looked at: of each only what is new is read."""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from agentmem.replay.formats.claude_growing import GrowingLog, Unfit
from agentmem.replay.session import SkippedLine
from agentmem.replay.source import RecordingSource, broken
from agentmem.report.loading import Observed, load_paths, observe
from agentmem.report.logs.quick import QuickReading
from agentmem.report.logs.reading import QUICK, ReadLog, WorkItem, begun, read_log, taken

Log = TypeVar("Log")
KEPT = 12
"""Logs of which what was read is kept."""


class ListedGrowth:
    """For the list: a log's numbers, counted on from where they were."""

    def __init__(self) -> None:
        self._logs: OrderedDict[str, QuickReading] = OrderedDict()

    def read(self, item: WorkItem) -> ReadLog:
        """All of a file, of which only what is new is read."""
        known = self._logs.pop(item.path, None)
        try:
            if known is None:
                known = begun(Path(item.path))
            else:
                known.read()
            found = None if known is None else taken(known)
        except (Unfit, OSError):
            known = found = None
        _keep(self._logs, item.path, known)
        return read_log(item) if found is None else found


class SessionGrowth:
    """For a session's page: its conversations with their texts, read on from where they were."""

    def __init__(self) -> None:
        self._logs: OrderedDict[str, GrowingLog] = OrderedDict()

    def read(self, path: Path, format: str) -> Iterator[Observed | SkippedLine]:
        """All conversations of a file, of which only what is new is read."""
        log = self._logs.pop(str(path), None) if format == QUICK else None
        try:
            if format == QUICK:
                log = log or GrowingLog(path)
                log.read()
        except (Unfit, OSError):
            log = None
        _keep(self._logs, str(path), log)
        if log is None:
            yield from load_paths([path])
            return
        if log.rest:
            yield SkippedLine(str(path), log.lines + 1, broken(log.rest))
        source = RecordingSource(QUICK, str(path), 0, str(path), name=path.name.partition(".")[0])
        for one in log.reading.sessions(source):
            yield one if isinstance(one, SkippedLine) else observe(one, QUICK)


def _keep(logs: OrderedDict[str, Log], name: str, one: Log | None) -> None:
    if one is not None:
        logs[name] = one
    while len(logs) > KEPT:
        logs.popitem(last=False)
