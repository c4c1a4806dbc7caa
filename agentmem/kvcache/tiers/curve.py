"""Capacity against hit rate: the whole curve of a workload in one pass, for LRU."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from agentmem.kvcache.tiers.recency import FoundRun, RecencyStack
from agentmem.kvcache.tiers.runs import BlockRequest

_SMALLEST = 1_024
"""Tokens of the smallest capacity of a curve."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A cache of ``capacity`` tokens (None: no limit) found ``blocks`` of the workload's blocks, ``tokens`` of its
    tokens. Only blocks count that lead a prompt, without a gap.
    """

    capacity: int | None
    blocks: int
    tokens: int


@dataclass(frozen=True, slots=True)
class HitCurve:
    """The points of a workload of so many requests, blocks and tokens, the smallest capacity first."""

    requests: int
    blocks: int
    tokens: int
    points: tuple[CurvePoint, ...]

    def share(self, point: CurvePoint) -> float:
        """The share of the workload's tokens that this capacity found."""
        return point.tokens / self.tokens if self.tokens else 0.0

    def least(self, share: float) -> CurvePoint | None:
        """The smallest capacity that finds at least this share of the tokens, or None."""
        return next((one for one in self.points if self.share(one) >= share), None)


def capacities(tokens: int, per_octave: int = 2) -> list[int]:
    """Capacities up to about ``tokens``, so many for each doubling, from 1k tokens on."""
    found = [_SMALLEST]
    while found[-1] < tokens:
        found.append(round(_SMALLEST * 2 ** (len(found) / per_octave)))
    return found


def hit_curve(requests: Iterable[BlockRequest], block: int, sizes: Sequence[int], *, forget: bool = False) -> HitCurve:
    """What LRU caches of ``sizes`` tokens, and one without a limit, find of these requests with blocks of ``block``.

    To know what one without a limit finds takes memory for all distinct blocks. ``forget``: leave that point out, and
    forget what even the largest size would not hold, so that memory stays flat however long the workload is.
    """
    rooms = [size // block for size in sorted(sizes)]
    counts = _Counts(rooms, block)
    stack = RecencyStack(rooms[-1] if forget and rooms else None)
    for request in requests:
        counts.add(request, stack.use(request.runs))
    made = counts.curve(sorted(sizes))
    return replace(made, points=made.points[:-1]) if forget else made


class _Counts:
    """Hits for each capacity: a run of n blocks from depth d on is found whole from d + n - 1 on, in part before."""

    def __init__(self, rooms: Sequence[int], block: int) -> None:
        self._rooms, self._block = rooms, block
        self._whole = [0] * (len(rooms) + 1)
        self._part = [0] * (len(rooms) + 1)
        self._short = [0] * (len(rooms) + 1)
        self.requests = self.blocks = self.tokens = 0

    def add(self, request: BlockRequest, found: Sequence[FoundRun]) -> None:
        blocks = request.blocks
        self.requests += 1
        self.blocks += blocks
        self.tokens += request.tokens
        hit = 0
        for one in found:
            hit += one.count
            self._run(one)
        if found and hit == blocks:  # the last block is seldom full
            deepest = found[-1].depth + found[-1].count - 1
            self._short[bisect_left(self._rooms, deepest)] += max(0, blocks * self._block - request.tokens)

    def _run(self, one: FoundRun) -> None:
        first = bisect_left(self._rooms, one.depth)
        whole = bisect_left(self._rooms, one.depth + one.count - 1, lo=first)
        self._whole[whole] += one.count
        for at in range(first, whole):
            self._part[at] += self._rooms[at] - one.depth + 1

    def curve(self, sizes: Sequence[int]) -> HitCurve:
        capacities: list[int | None] = [*sizes, None]
        found = zip(capacities, accumulate(self._whole), self._part, accumulate(self._short), strict=True)
        points = tuple(self._points(found))
        return HitCurve(self.requests, self.blocks, self.tokens, points)

    def _points(self, found: Iterable[tuple[int | None, int, int, int]]) -> Iterator[CurvePoint]:
        for size, whole, part, short in found:
            yield CurvePoint(size, whole + part, (whole + part) * self._block - short)
