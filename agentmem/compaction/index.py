"""Makes the index of what left the view, as in a book: a line for each entry, with the exact names in it.

Names come in three kinds, each with room of its own: all names that calls have used and that stand nowhere else any
more, names that earlier lines had, and names read since the last compaction. The index keeps only the place of a name,
a few tokens, while the text around it takes thousands; most of what is needed again is such a name.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agentmem.compaction.plan import Plan, mentions
from agentmem.context.cut import IndexLine
from agentmem.tokens import count

LINE = 80
"""The most names in one line."""
LONGEST = 9
"""The most tokens of a name that no call has used yet: a long path says less for its size than its last part."""

_LEAST = 4
"""The fewest tokens in which a name fits."""


def index(plan: Plan, summary: str) -> tuple[IndexLine, ...]:
    """The lines to show beside ``summary``, in order: lines whose names must stay, and the newest others that fit."""
    seen = f"{plan.kept}\n{summary}"
    needed = _needed(plan, seen)
    room = _Room(plan.sizes.index, plan.sizes.names - sum(_size(name) for one in needed.values() for name in one))
    fresh = _Fresh(plan, seen, plan.sizes.fresh)
    known = {line.seq: line for line in plan.lines}
    strays = (IndexLine(seq, "said before") for seq in needed if seq not in known)
    abouts, chosen = set[str](), list[IndexLine]()
    for line in sorted((*known.values(), *strays), key=lambda line: -line.seq):
        must = needed.get(line.seq, [])
        older = [name for name in line.names if name not in seen and name not in must]
        new = line.seq not in plan.shown and line.about not in abouts
        shown = room.takes(line, bool(must), new)
        carried = room.carries(older, 0 if shown else _size(_bare(line).text))
        found = fresh.of(line.seq, {*must, *carried}, 0 if shown or carried else _size(_bare(line).text))
        if shown or carried or found:
            abouts.add(line.about)
            chosen.append(replace(line, names=(*must, *carried, *found)))
    return tuple(reversed(chosen))


def _needed(plan: Plan, seen: str) -> dict[int, list[str]]:
    """The names that calls used and that stand nowhere else, by entry."""
    needed: dict[int, list[str]] = {}
    for use in plan.uses:
        if use.name not in seen:
            needed.setdefault(use.source, []).append(use.name)
    return needed


@dataclass(slots=True)
class _Room:
    """The tokens left for lines, and for names of earlier lines."""

    lines: int
    names: int

    def takes(self, line: IndexLine, must: bool, new: bool) -> bool:
        """True if there is room for a line; the room is then taken. A line that ``must`` stay always has room."""
        if not must and (not new or self.lines < _LEAST):
            return False
        size = _size(_bare(line).text)
        taken = must or self.lines >= size
        self.lines -= size if taken else 0
        return taken

    def carries(self, names: Sequence[str], cost: int) -> list[str]:
        """The first names that fit in a line; ``cost`` is the line without them, in tokens."""
        carried = list[str]()
        for name in names[:LINE]:
            size = _size(name)
            if cost + size > self.names:
                break
            self.names -= cost + size
            cost = 0
            carried.append(name)
        return carried


class _Fresh:
    """The names that leave for the first time and stand nowhere else, as many as there is room for."""

    def __init__(self, plan: Plan, seen: str, room: int) -> None:
        self._room = room
        self._names: dict[int, list[str]] = {}
        told = set[str]()
        for one in reversed(plan.leaving if room else ()):
            if one.origin.kind in ("tool_result", "user") and one.origin.seq >= plan.first:
                often = Counter(name for name in mentions(one.text) if name not in told and name not in seen)
                told.update(often)
                self._names.setdefault(one.origin.seq, []).extend(sorted(often, key=lambda name: _worth(name, often)))

    def of(self, seq: int, besides: set[str], cost: int) -> list[str]:
        """The names of one entry that fit in its line, frequent and short ones first."""
        chosen = list[str]()
        names = self._names.get(seq, ()) if self._room >= cost + _LEAST else ()
        for name in names:
            size = _size(name)
            if size <= LONGEST and cost + size <= self._room and name not in besides:
                self._room -= cost + size
                cost = 0
                chosen.append(name)
            if len(chosen) == LINE or self._room < cost + _LEAST:
                break
        return chosen


def _worth(name: str, often: Counter[str]) -> tuple[float, str]:
    return -(often[name] ** 0.5) / len(name), name


def _bare(line: IndexLine) -> IndexLine:
    return IndexLine(line.seq, line.about)


def _size(text: str) -> int:
    return count(text) + 1
