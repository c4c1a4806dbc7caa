"""A cache of blocks whose eviction is a row of the table, for simulators: what each request finds in it.

It holds pieces of runs, whose blocks all stand alike, and takes from their ends as few blocks as have to leave. A
request's own blocks stay while others can leave, as an engine needs them to run it.
"""

import heapq
from collections.abc import Sequence
from math import inf, nextafter

from agentmem.kvcache.eviction import HeldBlock, Policy, pin, pinning, policy, release
from agentmem.kvcache.tiers.curve import CurvePoint, HitCurve
from agentmem.kvcache.tiers.pieces import NextUses, Pieces
from agentmem.kvcache.tiers.runs import BlockRequest, length


class PolicyCache:
    """``room`` blocks of ``block`` tokens. ``future`` is needed by rows that know it."""

    def __init__(self, room: int, policy: Policy, pieces: Pieces, block: int, future: NextUses | None = None) -> None:
        self.room, self.blocks, self._last = room, 0, -inf
        self._policy, self._pieces, self._block, self._future = policy, pieces, block, future
        self._held: dict[int, HeldBlock] = {}
        self._parents: dict[int, int | None] = {}
        self._leaves: set[int] = set()

    def leading(self, path: Sequence[int]) -> int:
        """How many blocks at the start of these pieces are held. Looking is no use."""
        found = 0
        for piece in path:
            one = self._held.get(piece)
            if one is None:
                break
            found += one.size
            if one.size < self._pieces.blocks(piece):
                break
        return found

    def use(self, path: Sequence[int], at: int, now: float) -> int:
        """Use these pieces for the request numbered ``at``: they are held then. Returns the blocks that were."""
        found = self.leading(path)
        self._last = max(now, nextafter(self._last, inf))  # of requests at one instant the later call is the later use
        parent, start = None, 0
        for piece in path:
            one = self._held.get(piece) or self._added(piece, parent, start, now)
            self._whole(piece, one)
            one.used, one.uses = self._last, one.uses + 1
            if self._future is not None:
                one.next_use = self._future.after(piece, at)
            parent, start = piece, start + one.tokens
        if self.blocks > self.room:
            self._fit(path, now)
        return found

    def keep(self, path: Sequence[int], now: float, until: float) -> None:
        """Pin what is held of these pieces."""
        for piece in path:
            if one := self._held.get(piece):
                pin(one, now, until)

    def release(self, path: Sequence[int], now: float, until: float) -> None:
        """End the pins of these pieces that were until then."""
        for piece in path:
            if one := self._held.get(piece):
                release(one, now, until)

    def _added(self, piece: int, parent: int | None, start: int, now: float) -> HeldBlock:
        one = HeldBlock(str(piece), "" if parent is None else str(parent), 0, start, 0, now, now, uses=0)
        self._held[piece], self._parents[piece] = one, parent
        self._leaves.add(piece)
        if parent is not None:
            self._held[parent].children += 1
            self._leaves.discard(parent)
        return one

    def _whole(self, piece: int, one: HeldBlock) -> None:
        blocks = self._pieces.blocks(piece)
        self.blocks += blocks - one.size
        one.size, one.tokens = blocks, blocks * self._block

    def _fit(self, path: Sequence[int], now: float) -> None:
        """Take blocks away, the lowest ranks first. Only what nothing held follows can have the lowest."""
        own = set(path)
        heap = [(self._policy(self._held[one], now), one) for one in self._leaves if one not in own]
        heapq.heapify(heap)
        while self.blocks > self.room and heap:
            parent = self._shrunk(heapq.heappop(heap)[1])
            if parent is not None and parent not in own:
                heapq.heappush(heap, (self._policy(self._held[parent], now), parent))
        for piece in reversed(path):
            if self.blocks <= self.room:
                break
            self._shrunk(piece)

    def _shrunk(self, piece: int) -> int | None:
        """Take away as much of a piece as has to leave. Returns the one before it if nothing held follows that now."""
        one = self._held[piece]
        less = min(one.size, self.blocks - self.room)
        one.size, one.tokens = one.size - less, one.tokens - less * self._block
        self.blocks -= less
        if one.size:
            return None
        del self._held[piece]
        self._leaves.discard(piece)
        parent = self._parents.pop(piece)
        if parent is None:
            return None
        self._held[parent].children -= 1
        if self._held[parent].children:
            return None
        self._leaves.add(parent)
        return parent


def policy_curve(
    requests: Sequence[BlockRequest], block: int, sizes: Sequence[int], eviction: str, pinned: float = 0.0
) -> HitCurve:
    """What caches of ``sizes`` tokens find where ``eviction`` is the row of the table; each size is played by itself.

    ``pinned``: for so many seconds after a request whose reply calls a tool, its blocks leave after all others; the
    next request of its conversation that calls none ends that. Raises ConfigError for a row that there is not.
    """
    row, pieces = policy(eviction), Pieces(requests)
    paths = [pieces.path(one.runs) for one in requests]
    points = []
    for size in sorted(sizes):
        future = NextUses(requests, pieces) if eviction == "belady" else None
        cache = PolicyCache(size // block, pinning(row) if pinned else row, pieces, block, future)
        blocks = tokens = 0
        pins: dict[object, tuple[list[int], float]] = {}
        for at, (one, path) in enumerate(zip(requests, paths, strict=True)):
            hit = cache.use(path, at, one.at)
            if pinned and one.tool:
                pins[one.session] = path, one.at + pinned
                cache.keep(path, one.at, one.at + pinned)
            elif one.session is not None and (over := pins.pop(one.session, None)):
                cache.release(over[0], one.at, over[1])
            blocks, tokens = blocks + hit, tokens + min(hit * block, one.tokens)
        points.append(CurvePoint(size, blocks, tokens))
    total = sum(length(one.runs) for one in requests)
    return HitCurve(len(requests), total, sum(one.tokens for one in requests), tuple(points))
