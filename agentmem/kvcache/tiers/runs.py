"""A request as runs of blocks: numbers that follow each other, so that 1,500 blocks are two or three pairs.

A block's number stands for all tokens up to its end. So a request that has a block has all that come before it, in the
same order, and whatever shares a block shares the whole prefix up to there.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Run: TypeAlias = tuple[int, int]
"""The first number and the one after the last."""
Held: TypeAlias = tuple[int, int, int]
"""A run and its value."""


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """One request to an engine.

    ``at`` are seconds from the start of the workload, ``tokens`` those of the prompt, ``output`` those of the reply,
    ``session`` names the conversation (None: unknown). ``runs`` are the prompt's blocks, in order. ``tool``: the reply
    is known to call a tool, so that the conversation goes on as soon as that has run.
    """

    at: float
    runs: tuple[Run, ...]
    tokens: int
    output: int = 0
    session: Hashable = None
    tool: bool = False

    @property
    def blocks(self) -> int:
        """How many blocks the prompt has."""
        return length(self.runs)


def length(runs: Iterable[Run]) -> int:
    """How many blocks stand in these runs."""
    return sum(end - start for start, end in runs)


def runs_of(blocks: Sequence[int]) -> tuple[Run, ...]:
    """The runs of numbers that follow each other."""
    if not blocks:
        return ()
    breaks = [at for at, (one, other) in enumerate(pairwise(blocks), 1) if other != one + 1]
    return tuple((blocks[start], blocks[end - 1] + 1) for start, end in pairwise((0, *breaks, len(blocks))))


class Numbering:
    """Numbers for blocks that have other names (hashes, the ids of one session): each new one gets the next number."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def __call__(self, keys: Iterable[Hashable]) -> tuple[Run, ...]:
        """The keys of a request's blocks as runs."""
        return runs_of([self._numbers.setdefault(key, len(self._numbers)) for key in keys])


class RunMap:
    """Values of runs of blocks. A run that covers others in part leaves the rest of them with the value they had.

    >>> values = RunMap()
    >>> values.put((0, 9), 1); values.take((3, 5)); values.within((0, 9))
    [(3, 5, 1)]
    [(0, 3, 1), (5, 9, 1)]
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._held: dict[int, Held] = {}

    def __len__(self) -> int:
        return len(self._starts)

    def put(self, run: Run, value: int) -> None:
        """Give a run of blocks that have no value one."""
        insort(self._starts, run[0])
        self._held[run[0]] = (*run, value)

    def within(self, run: Run) -> list[Held]:
        """What has a value in this run, in order, cut to it."""
        start, end = run
        return [(max(start, first), min(end, last), value) for first, last, value in self._shared(start, end)]

    def take(self, run: Run) -> list[Held]:
        """Take the values of this run away. Returns what had one, as `within` does."""
        start, end = run
        found = self._shared(start, end)
        for first, last, value in found:
            self._starts.pop(bisect_left(self._starts, first))
            del self._held[first]
            for kept in ((first, start), (end, last)):
                if kept[0] < kept[1]:
                    self.put(kept, value)
        return [(max(start, first), min(end, last), value) for first, last, value in found]

    def leading(self, runs: Iterable[Run]) -> int:
        """How many blocks at the start of these runs have a value."""
        found = 0
        for start, end in runs:
            for first, last, _ in self.within((start, end)):
                if first != start:
                    return found
                found += last - first
                start = last
            if start < end:
                return found
        return found

    def revalue(self, change: Callable[[int], int]) -> None:
        """Change every value."""
        self._held = {first: (first, last, change(value)) for first, (_, last, value) in self._held.items()}

    def _shared(self, start: int, end: int) -> list[Held]:
        first = max(0, bisect_right(self._starts, start) - 1)
        near = self._starts[first : bisect_left(self._starts, end, lo=first)]
        return [held for at in near if (held := self._held[at])[1] > start]
