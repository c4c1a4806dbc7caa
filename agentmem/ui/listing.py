"""The list of sessions as one JSON object: columns with a value for each session, and the totals of each day.

Sums are those of the index (`agentmem.report.logs`); here conversations are put together to sessions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from agentmem.replay.session import SkippedLine
from agentmem.report.logs.listed import DaySums, LoggedSession
from agentmem.types import Basis
from agentmem.ui.families import Family, family_of, project_of

Data = dict[str, Any]
_DIGITS = 6
NAMED = 20
"""What could not be read is named up to so many."""


@dataclass(slots=True)
class _Session:
    family: Family
    project: str = ""
    first: float = 0.0
    last: float = 0.0
    agents: int = 0
    sums: DaySums = field(default_factory=DaySums)
    basis: Basis = "measured"
    estimated: bool = False
    models: dict[str, None] = field(default_factory=dict)
    days: dict[str, DaySums] = field(default_factory=dict)


def listing(found: Iterable[LoggedSession], skipped: Sequence[SkippedLine], home: Path, unread: int = 0) -> Data:
    """The object that the page's list reads, the latest session first.

    ``found`` are conversations, in the order of their files; ``unread`` files are not read yet.
    """
    sessions: dict[str, _Session] = {}
    for one in found:
        family = family_of(one.path, one.name, one.format)
        _add(sessions.setdefault(family.id, _Session(family)), one)
    ordered = sorted(sessions.values(), key=lambda one: -one.last)
    return {
        "schema": 1,
        "sessions": _columns(ordered, home),
        "days": _days(ordered),
        "unread": unread,
        "skipped": len(skipped),
        "named": [{"path": one.path, "line": one.line, "reason": one.reason} for one in skipped[:NAMED]],
    }


def _add(session: _Session, one: LoggedSession) -> None:
    session.first = min(session.first, one.started) if session.agents else one.started
    session.last = max(session.last, one.ended)
    session.agents += 1
    session.basis = one.basis if session.agents == 1 or one.basis != "measured" else session.basis
    session.estimated = session.estimated or one.redo_basis == "estimated"
    session.project = session.project or one.project
    session.models.update(dict.fromkeys(one.models))
    for day, sums in one.days.items():
        session.days.setdefault(day, DaySums()).add(sums)
        session.sums.add(sums)


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
        **{name: [getattr(sums, part) for _, _, sums in spans] for name, part in _TOKENS},
        "usd": [round(sums.usd, _DIGITS) for _, _, sums in spans],
    }


_TOKENS = (("read", "read"), ("new", "new"), ("again", "redo"), ("output", "output"))
"""The page's columns of tokens, and the sums that they are."""


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
        "project": [project_of(one.family, home, one.project) for one in sessions],
        "format": [one.family.format for one in sessions],
        "first": [round(one.first, 3) for one in sessions],
        "last": [round(one.last, 3) for one in sessions],
        "day": [_date(one.last) for one in sessions],
        "requests": [one.sums.requests for one in sessions],
        "agents": [one.agents for one in sessions],
        "models": [", ".join(name.partition(":")[2] or name for name in one.models) for one in sessions],
        **{name: [getattr(one.sums, part) for one in sessions] for name, part in _TOKENS},
        "basis": [one.basis for one in sessions],
        "estimated": [one.estimated for one in sessions],
        "usd": [round(one.sums.usd, _DIGITS) if one.sums.unpriced < one.sums.requests else None for one in sessions],
        "unpriced": [one.sums.unpriced for one in sessions],
    }
