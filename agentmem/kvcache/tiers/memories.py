"""What an engine, or a store behind engines, holds in its tiers, by the row of the eviction table that it follows.

A tier's room counts from the start of the first: what leaves a tier goes to the next. LRU is one stack for all of them.
For other rows each end of a tier is a cache of its own, and what it finds beyond the one before it is that tier's.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from agentmem.kvcache.eviction import pinning, policy
from agentmem.kvcache.tiers.pieces import NextUses, Pieces
from agentmem.kvcache.tiers.policy_cache import PolicyCache
from agentmem.kvcache.tiers.recency import FoundRun, RecencyStack
from agentmem.kvcache.tiers.runs import BlockRequest, Run


class TierMemory(Protocol):
    """Blocks in tiers."""

    def leading(self, runs: Sequence[Run]) -> int:
        """How many blocks at the start of these runs are held, wherever. Looking is no use."""
        ...

    def use(self, request: BlockRequest, at: int, now: float) -> list[int]:
        """Serve the request numbered ``at`` at a time of this memory's clock. Returns the blocks that each tier had."""
        ...

    def keep(self, request: BlockRequest, now: float, until: float) -> None:
        """Pin the request's blocks, where this memory pins at all."""
        ...

    def release(self, request: BlockRequest, now: float, until: float) -> None:
        """End that pin."""
        ...


Rooms: TypeAlias = Sequence[int]
"""Blocks up to the end of each tier."""


class StackMemory:
    """LRU through all tiers."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms, self._stack = rooms, RecencyStack(rooms[-1])

    def leading(self, runs: Sequence[Run]) -> int:
        """How many blocks at the start of these runs are held."""
        return self._stack.leading(runs)

    def use(self, request: BlockRequest, at: int, now: float) -> list[int]:
        """The blocks that each tier had."""
        found, counts, start = self._stack.use(request.runs), list[int](), 1
        for room in self._rooms:
            counts.append(sum(_within(one, start, room) for one in found))
            start = room + 1
        return counts

    def keep(self, request: BlockRequest, now: float, until: float) -> None:
        """Nothing: it does not pin."""

    def release(self, request: BlockRequest, now: float, until: float) -> None:
        """Nothing: it does not pin."""


def _within(one: FoundRun, start: int, room: int) -> int:
    return max(0, min(one.depth + one.count, room + 1) - max(one.depth, start))


class PolicyMemory:
    """Any row of the table, one cache for each tier's end."""

    def __init__(self, caches: Sequence[PolicyCache], pieces: Pieces) -> None:
        self._caches, self._pieces = caches, pieces

    def leading(self, runs: Sequence[Run]) -> int:
        """How many blocks at the start of these runs are held."""
        return self._caches[-1].leading(self._pieces.path(runs))

    def use(self, request: BlockRequest, at: int, now: float) -> list[int]:
        """The blocks that each tier had: what its cache finds beyond the one before."""
        path, counts, most = self._pieces.path(request.runs), list[int](), 0
        for cache in self._caches:
            found = max(most, cache.use(path, at, now))
            counts.append(found - most)
            most = found
        return counts

    def keep(self, request: BlockRequest, now: float, until: float) -> None:
        """Pin the request's blocks in all tiers."""
        path = self._pieces.path(request.runs)
        for cache in self._caches:
            cache.keep(path, now, until)

    def release(self, request: BlockRequest, now: float, until: float) -> None:
        """End that pin in all tiers."""
        path = self._pieces.path(request.runs)
        for cache in self._caches:
            cache.release(path, now, until)


def memories(
    requests: Sequence[BlockRequest], block: int, eviction: str, *, pins: bool
) -> Callable[[Rooms], TierMemory]:
    """What makes a memory of these rooms for that workload.

    Raises:
        ConfigError: the table has no such row.
    """
    row = policy(eviction)
    if eviction == "lru" and not pins:
        return StackMemory
    pieces = Pieces(requests)
    future = NextUses(requests, pieces) if eviction == "belady" else None
    chosen = pinning(row) if pins else row
    return lambda rooms: PolicyMemory([PolicyCache(room, chosen, pieces, block, future) for room in rooms], pieces)
