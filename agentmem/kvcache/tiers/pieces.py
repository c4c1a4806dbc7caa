"""A workload's blocks, cut wherever a run of some request begins or ends: a piece is used as a whole or not at all."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf

from agentmem.kvcache.tiers.runs import BlockRequest, Run


class Pieces:
    """Numbers for the pieces of these requests' runs.

    >>> pieces = Pieces([BlockRequest(0.0, ((0, 9),), 36), BlockRequest(1.0, ((0, 4), (20, 22)), 24)])
    >>> pieces.path(((0, 9),)), [pieces.blocks(one) for one in (0, 1)]
    ([0, 1], [4, 5])
    """

    def __init__(self, requests: Iterable[BlockRequest]) -> None:
        self._edges = sorted({edge for one in requests for run in one.runs for edge in run})

    def path(self, runs: Iterable[Run]) -> list[int]:
        """The pieces of a prompt, in order."""
        edges = self._edges
        return [one for start, end in runs for one in range(bisect_left(edges, start), bisect_left(edges, end))]

    def blocks(self, piece: int) -> int:
        """How many blocks a piece has."""
        return self._edges[piece + 1] - self._edges[piece]


class NextUses:
    """Which request uses a piece next: what Belady's rule knows. Requests have to be asked about in order."""

    def __init__(self, requests: Sequence[BlockRequest], pieces: Pieces) -> None:
        self._uses: dict[int, list[int]] = defaultdict(list)
        for at in range(len(requests) - 1, -1, -1):
            for piece in pieces.path(requests[at].runs):
                self._uses[piece].append(at)

    def after(self, piece: int, at: int) -> float:
        """The number of the next request after the one numbered ``at``; infinite where there is none."""
        ahead = self._uses[piece]
        while ahead and ahead[-1] <= at:
            ahead.pop()
        return ahead[-1] if ahead else inf
