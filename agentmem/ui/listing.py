"""The list of sessions as one JSON object: columns with a value for each session, and the totals of each day.

A reply that stands in several logs, because a resumed session begins with a copy, counts where it is first met.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from agentmem.meter.ledger import Row
from agentmem.meter.report import new_tokens
from agentmem.replay.session import SkippedLine
from agentmem.report.loading import Observed
from agentmem.types import Basis
from agentmem.ui.families import Family, family_of, project_of

Data = dict[str, Any]
_DIGITS = 6
NAMED = 20
"""What could not be read is named up to so many."""


@dataclass(frozen=True, slots=True)
class ListedRequest:
    """What the list needs of one request. ``usd`` is None where its price is not known."""

    id: str
    at: float
    model: str
    read: int
    new: int
    again: int
    output: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class ListedConversation:
    """One conversation of a file: its session, its requests, and how their tokens were metered."""

    family: Family
    requests: tuple[ListedRequest, ...]
    basis: Basis


def conversation(one: Observed) -> ListedConversation:
    """The list's part of a conversation."""
    bases = {turn.row.usage.basis for turn in one.turns}
    basis: Basis = next((each for each in _BASES if each in bases), "estimated")
    sent = tuple(_sent(turn.row, one.text) for turn in one.turns)
    return ListedConversation(family_of(one.path, one.name, one.format), sent, basis)


_BASES: tuple[Basis, ...] = ("simulated", "measured")


def _sent(row: Row, text: bool) -> ListedRequest:
    unread = row.usage.input_tokens - row.usage.cache_read_tokens
    new = new_tokens(row) if text else unread
    read = row.usage.cache_read_tokens
    return ListedRequest(
        row.message_id, row.at, row.model, read, new, unread - new, row.usage.output_tokens, row.cost_usd
    )


@dataclass(slots=True)
class _Session:
    family: Family
    first: float = 0.0
    last: float = 0.0
    requests: int = 0
    agents: int = 0
    sums: list[float] = field(default_factory=lambda: [0, 0, 0, 0])
    usd: float = 0.0
    priced: int = 0
    basis: Basis = "measured"
    models: dict[str, None] = field(default_factory=dict)
    days: dict[str, list[float]] = field(default_factory=dict)


def listing(
    found: Iterable[Sequence[ListedConversation]], skipped: Sequence[SkippedLine], home: Path, unread: int = 0
) -> Data:
    """The object that the page's list reads, the latest session first.

    ``found`` are the conversations of each file, in the order of the files; ``unread`` files are not read yet.
    """
    sessions: dict[str, _Session] = {}
    seen: set[str] = set()
    for one in (one for file in found for one in file):
        fresh = [each for each in one.requests if not each.id or each.id not in seen]
        seen.update(each.id for each in one.requests if each.id)
        if fresh:
            _add(sessions.setdefault(one.family.id, _Session(one.family)), one, fresh)
    ordered = sorted(sessions.values(), key=lambda one: -one.last)
    return {
        "schema": 1,
        "sessions": _columns(ordered, home),
        "days": _days(ordered),
        "unread": unread,
        "skipped": len(skipped),
        "named": [{"path": one.path, "line": one.line, "reason": one.reason} for one in skipped[:NAMED]],
    }


def _add(session: _Session, one: ListedConversation, fresh: Sequence[ListedRequest]) -> None:
    first, last = min(each.at for each in fresh), max(each.at for each in fresh)
    session.first = min(session.first, first) if session.requests else first
    session.last = max(session.last, last)
    session.requests += len(fresh)
    session.agents += 1
    session.basis = one.basis if session.agents == 1 or one.basis != "measured" else session.basis
    hour, day = -1, list[float]()
    for each in fresh:
        if each.at // 900 != hour:  # no zone of the world is off by less than a quarter of an hour
            hour, day = int(each.at // 900), session.days.setdefault(_date(each.at), [0, 0, 0, 0, 0.0])
        session.models[each.model] = None
        session.priced += each.usd is not None
        session.usd += each.usd or 0.0
        for place, amount in enumerate((each.read, each.new, each.again, each.output)):
            session.sums[place] += amount
            day[place] += amount
        day[4] += each.usd or 0.0


def _days(sessions: Sequence[_Session]) -> Data:
    """What each session used on each of its days; ``session`` and ``day`` are indices. Simulated ones are left out:
    two meters are never added up.
    """
    spans = [
        (at, day, sums) for at, one in enumerate(sessions) if one.basis != "simulated" for day, sums in one.days.items()
    ]
    names = sorted({day for _, day, _ in spans})
    places = {day: at for at, day in enumerate(names)}
    return {
        "names": names,
        "session": [at for at, _, _ in spans],
        "day": [places[day] for _, day, _ in spans],
        **{name: [int(sums[at]) for _, _, sums in spans] for at, name in enumerate(_TOKENS)},
        "usd": [round(sums[4], _DIGITS) for _, _, sums in spans],
    }


_TOKENS = ("read", "new", "again", "output")


def _date(at: float) -> str:
    """The day of a moment where this machine is."""
    try:
        return datetime.fromtimestamp(at).date().isoformat()
    except (OverflowError, OSError, ValueError):
        return "unknown"


def _columns(sessions: Sequence[_Session], home: Path) -> Data:
    return {
        "id": [one.family.id for one in sessions],
        "name": [one.family.name for one in sessions],
        "project": [project_of(one.family, home) for one in sessions],
        "format": [one.family.format for one in sessions],
        "first": [round(one.first, 3) for one in sessions],
        "last": [round(one.last, 3) for one in sessions],
        "day": [_date(one.last) for one in sessions],
        "requests": [one.requests for one in sessions],
        "agents": [one.agents for one in sessions],
        "models": [", ".join(name.partition(":")[2] or name for name in one.models) for one in sessions],
        **{name: [int(one.sums[at]) for one in sessions] for at, name in enumerate(_TOKENS)},
        "basis": [one.basis for one in sessions],
        "usd": [round(one.usd, _DIGITS) if one.priced else None for one in sessions],
        "unpriced": [one.requests - one.priced for one in sessions],
    }
