"""A wire log that is read on from its old end as it grows: what `agentmem watch --open` shows."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentmem.integrations.observing import completed
from agentmem.integrations.observing import observe as observed_request
from agentmem.kvcache.frames import Frames
from agentmem.kvcache.shared_blocks import LineReader
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.replay.formats.wire_log import UNREADABLE, WireReading, why
from agentmem.replay.growing import GrowingFile
from agentmem.replay.session import SkippedLine
from agentmem.replay.source import RecordingSource
from agentmem.report.loading import WIRE_LOG, Observed, compared_by_line, observe_wire

Found = list[Observed | SkippedLine]


class GrowingWire:
    """A wire log while it grows. `read` gives what `load_paths` gives, and reads only what is new."""

    def __init__(self, path: Path) -> None:
        self._file = GrowingFile(path)
        self._make = Frames()
        self._reading, self._shared = WireReading(self._make), LineReader()
        self._requests: list[ObservedRequest] = []
        self._skipped: list[SkippedLine] = []
        self._told: tuple[int, list[Observed]] = (-1, [])

    def read(self) -> Found:
        """All conversations so far. Raises Unfit, OSError."""
        self._file.read(json.loads, self._take)
        if self._told[0] != self._file.offset:
            self._told = self._file.offset, self._found()
        return [*self._skipped, *self._file.cut(), *self._told[1]]

    def _found(self) -> list[Observed]:
        path = self._file.path
        source = RecordingSource(WIRE_LOG, str(path), 0, str(path), name=path.name.partition(".")[0])
        sessions = list(self._reading.sessions(source))
        whole = compared_by_line(completed(self._requests))
        return [observe_wire(one, whole) for one in sessions]

    def _take(self, value: dict[str, Any]) -> None:
        number = self._file.lines + 1
        try:
            value = self._shared.whole(value)
            self._reading.add(value, number)
        except UNREADABLE as error:
            self._skipped.append(SkippedLine(str(self._file.path), number, why(error)))
        self._compare(value, number)

    def _compare(self, value: dict[str, object], number: int) -> None:
        with suppress(ValueError, KeyError, TypeError, AttributeError):  # it is named already, or no model was asked
            self._requests.append(observed_request(value, number, self._make))
