"""Usage ledgers: sessions without text, one a line: {"session", "events": [{"ts", "model", "inp", "cw", "cr"}]}."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from agentmem.kvcache.reported import tokens_of
from agentmem.replay.session import Exchange, RecordedCut, RecordedSession, SkippedLine
from agentmem.replay.source import LogLine, RecordingSource, Spool, lines, parsed, spooled
from agentmem.types import Usage

_COUNTS = frozenset({"inp", "cr", "cw"})
"""What an event has that is a request."""


class UsageLedger:
    """Reads ledgers with one event for each request, and one for each compaction."""

    name = "usage-ledger"

    def accepts(self, first: Any) -> bool:
        """A line has a list of events."""
        return isinstance(first, dict) and isinstance(first.get("events"), list)

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """One source a line."""
        for line in lines(path):
            yield spooled(self.name, path, line, spool) if isinstance(line, LogLine) else line

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The session of one line; events that are no requests are named."""
        value = parsed(source.data())
        events = value.get("events") if isinstance(value, dict) else None
        exchanges: list[Exchange] = []
        compacted = False
        for event in events if isinstance(events, Sequence) else ():
            try:
                request = not _COUNTS.isdisjoint(event)
                if request:
                    exchanges.append(_exchange(event, RecordedCut("compaction", ()) if compacted else None))
                compacted = not request
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                yield SkippedLine(source.path, source.line, f"an event lacks what it should have: {error!r}")
        if exchanges:
            yield RecordedSession(source.name, source.path, tuple(exchanges), text=False)


def _exchange(event: dict[str, Any], cut: RecordedCut | None) -> Exchange:
    at = datetime.fromisoformat(event["ts"]).timestamp()
    long = tokens_of(event.get("cw1h"))
    if not isinstance(event["model"], str):
        raise TypeError(f"a model's name is text, not {event['model']!r}")
    usage = Usage(
        "measured",
        uncached_tokens=tokens_of(event["inp"]),
        cache_read_tokens=tokens_of(event["cr"]),
        cache_write_5m_tokens=max(0, tokens_of(event["cw"]) - long),
        cache_write_1h_tokens=long,
        output_tokens=tokens_of(event.get("out")),
    )
    return Exchange(at, at, event["model"], (), (), usage, cut)
