"""The stack of an LRU cache of blocks: at which capacity each block of a request would have been there.

An LRU cache of n blocks holds the n that were used last, so one stack answers for every capacity at once (Mattson et
al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970). What a request used stays
together: its blocks move as runs, and their depth is the weight of the runs above them, kept in a Fenwick tree
(Bennett and Kruskal, "LRU stack processing", IBM J. Res. Dev. 19(4), 1975). So the work grows with the runs that a
request touches, and not with its blocks.

Of one request the head counts as used last, as in vLLM: a chain loses its tail before its head.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agentmem.kvcache.tiers.runs import Run, RunMap

_SPARE = 4
"""The stack is made anew when it has this many times more places than pieces."""
_FEWEST = 1024
"""The places that a stack always has."""


@dataclass(frozen=True, slots=True)
class FoundRun:
    """``count`` blocks in a row that were there. The first was the one at ``depth`` (from 1), the next below it."""

    depth: int
    count: int


class RecencyStack:
    """Blocks in the order of their last use. ``limit``: deeper ones are forgotten (None: none are).

    >>> stack = RecencyStack()
    >>> stack.use([(0, 4)]), stack.use([(0, 2), (9, 12)]), stack.use([(0, 4)])
    ([], [FoundRun(depth=1, count=2)], [FoundRun(depth=1, count=2), FoundRun(depth=6, count=2)])
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.held = 0
        self._blocks = RunMap()
        self._places: list[Run] = [(0, 0)]
        self._weights = [0]
        self._oldest = 1
        self._sums = [0] * (_FEWEST + 1)

    def leading(self, runs: Iterable[Run]) -> int:
        """How many blocks at the start of these runs are held. Looking is no use."""
        return self._blocks.leading(runs)

    def depths(self, runs: Iterable[Run]) -> list[FoundRun]:
        """What is held of these blocks, in order. Looking is no use."""
        return [self._depth(*held) for run in runs for held in self._blocks.within(run)]

    def use(self, runs: Sequence[Run]) -> list[FoundRun]:
        """Use these blocks: all of them are on top then. Returns what was held of them before, in order."""
        if len(self._places) + len(runs) >= len(self._sums):
            self._renumber(len(runs))
        found = self.depths(runs)
        for run in runs:
            self._take(run)
        for run in reversed(runs):
            self._push(run)
        while self.limit is not None and self.held > self.limit:
            self._forget(self.held - self.limit)
        return found

    def _depth(self, start: int, end: int, place: int) -> FoundRun:
        above = self.held - self._sum(place)
        head = self._places[place][0]
        before = self._blocks.within((head, start)) if head != start else ()
        return FoundRun(above + sum(last - first for first, last, at in before if at == place) + 1, end - start)

    def _take(self, run: Run) -> None:
        for first, last, place in self._blocks.take(run):
            self._weigh(place, first - last)

    def _push(self, run: Run) -> None:
        self._places.append(run)
        self._weights.append(0)
        self._blocks.put(run, len(self._places) - 1)
        self._weigh(len(self._places) - 1, run[1] - run[0])

    def _forget(self, count: int) -> None:
        """Forget up to ``count`` blocks of the oldest place, the last ones first."""
        while not self._weights[self._oldest]:
            self._oldest += 1
        held = [one for one in self._blocks.within(self._places[self._oldest]) if one[2] == self._oldest]
        first, last, _ = held[-1]
        self._take((max(first, last - count), last))

    def _sum(self, place: int) -> int:
        """The blocks at this place and at older ones."""
        found, sums = 0, self._sums
        while place:
            found += sums[place]
            place &= place - 1
        return found

    def _weigh(self, place: int, blocks: int) -> None:
        self.held += blocks
        self._weights[place] += blocks
        sums = self._sums
        size = len(sums)
        while place < size:
            sums[place] += blocks
            place += place & -place

    def _renumber(self, coming: int) -> None:
        """Give the places new numbers without the empty ones between."""
        kept = [at for at, weight in enumerate(self._weights) if weight]
        places, weights = self._places, self._weights
        self._places, self._weights, self._oldest, self.held = [(0, 0)], [0], 1, 0
        self._sums = [0] * (max(_FEWEST, _SPARE * (len(kept) + coming)) + 1)
        self._blocks.revalue({old: new for new, old in enumerate(kept, 1)}.__getitem__)
        for old in kept:
            self._places.append(places[old])
            self._weights.append(0)
            self._weigh(len(self._places) - 1, weights[old])
