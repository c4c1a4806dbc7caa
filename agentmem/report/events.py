"""Finds where the cache was lost: the breaks, cuts, expiries and misses of a run, each with its diagnosis.

It stands apart from `data` because it decides what counts as an event; `data` only arranges.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agentmem.kvcache.why.diagnosis import Finding
from agentmem.report.turns import ReportTurn

EventKind = Literal["break", "cut", "expiry", "miss", "failed"]
"""break, cut, expiry: as in the ledger. miss: less was read than possible. failed: no reply came."""

_PLAIN: dict[EventKind, str] = {
    "break": "Text that was sent before changed here; nothing that was cached was lost by it.",
    "cut": "The run itself changed its context here, and wrote it down; nothing that was cached was lost by it.",
    "expiry": "The prefix had lain unused for longer than it lives; nothing that was cached was lost by it.",
    "miss": "",
    "failed": "No reply came.",
}


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """An event at ``turn``, an index. ``finding`` is None if no tokens were lost; ``said`` then describes the event."""

    turn: int
    kind: EventKind
    said: str
    finding: Finding | None = None


def events(turns: Sequence[ReportTurn], findings: Iterable[Finding], start: int = 0) -> Iterator[ReportEvent]:
    """The events of one run, in order; ``start`` is the index of its first turn."""
    found: dict[int, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.request, []).append(finding)
    for at, turn in enumerate(turns, start):
        kind = _kind(turn)
        for finding in found.get(turn.number, ()):
            yield ReportEvent(at, kind or _of(finding), finding.fix, finding)
        if kind and turn.number not in found:
            yield ReportEvent(at, kind, turn.row.error or _PLAIN[kind])


def _kind(turn: ReportTurn) -> EventKind | None:
    if turn.row.error:
        return "failed"
    kinds: dict[str, EventKind] = {"break": "break", "cut": "cut", "expiry": "expiry"}
    return kinds.get(turn.row.break_)


def _of(finding: Finding) -> EventKind:
    if finding.declared or finding.cause == "compaction":
        return "cut"
    return "expiry" if finding.cause == "expiry" else "miss"
