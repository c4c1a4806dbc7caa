"""The limit of every eviction: what a cache that knows the future finds, for all capacities in one pass.

Belady's rule evicts what is used again last ("A study of replacement algorithms", IBM Systems Journal 5(2), 1966). Here
the same is counted from the other side: between two uses a block needs a place, so each reuse is an interval, and as
many intervals as possible have to fit into the capacity. Taking the one that ends first, if there is room in all of it,
is optimal for intervals of one size (Carlisle and Lloyd, Discrete Applied Mathematics 59, 1995; Jain and Lin use it to
learn from Belady in "Back to the future", ISCA 2016). A block that is not worth a place may pass by without one.
"""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from agentmem.kvcache.tiers.curve import CurvePoint, HitCurve
from agentmem.kvcache.tiers.runs import BlockRequest, RunMap, length

if TYPE_CHECKING:
    import numpy as np

    Counts = np.ndarray[Any, np.dtype[np.int64]]


def optimal_curve(requests: Sequence[BlockRequest], block: int, sizes: Sequence[int]) -> HitCurve:
    """What caches of ``sizes`` tokens find at best, as `hit_curve` says what LRU finds. Memory: 8 bytes for each
    request and size.
    """
    import numpy as np

    rooms = np.array([size // block for size in sorted(sizes)], dtype=np.int64)
    held = np.zeros((len(rooms), len(requests)), dtype=np.int64)
    found, short, last = np.zeros_like(rooms), np.zeros_like(rooms), RunMap()
    for at, request in enumerate(requests):
        hits = _placed(held, rooms, at, list(chain.from_iterable(map(last.take, request.runs))))
        for run in request.runs:
            last.put(run, at)
        found += hits
        short += np.where(hits == request.blocks, max(0, request.blocks * block - request.tokens), 0)
    points = zip(sorted(sizes), found.tolist(), short.tolist(), strict=True)
    totals = (sum(map(length, (one.runs for one in requests))), sum(one.tokens for one in requests))
    return HitCurve(
        len(requests), *totals, tuple(CurvePoint(size, hits, hits * block - less) for size, hits, less in points)
    )


def _placed(held: "Counts", rooms: "Counts", now: int, reused: Sequence[tuple[int, int, int]]) -> "Counts":
    """Give the blocks that request ``now`` uses again their places since their last use. Returns how many have one."""
    import numpy as np

    hits = np.zeros_like(rooms)
    for first, end, since in reused:
        placed = np.minimum(rooms - held[:, since:now].max(axis=1), end - first)
        held[:, since:now] += placed[:, None]
        hits += placed
    return hits
