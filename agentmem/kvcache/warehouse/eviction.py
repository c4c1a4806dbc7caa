"""What leaves a tier that is full, as one table. The tiers of the warehouse use it, and so does its simulator.

A rank is compared as a tuple or a number: the block with the lowest one leaves first. Of the blocks that one request
used, the head counts as used last, so that a chain loses its tail before its head.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import TypeAlias

from agentmem.errors import ConfigError

DOUBLED = 8000
"""At this depth a token takes the engine twice as long to compute as the first one, about: attention grows with it."""


@dataclass(slots=True)
class HeldBlock:
    """What is known of a block that is held: ``size`` bytes, ``tokens`` of which ``start`` come before, the time of its
    last use in ``used`` and of its first in ``since`` (any clock that counts up), how often it was used, and how many
    held blocks follow it directly. ``next_use`` is known to simulators alone.
    """

    key: str
    parent: str
    size: int
    start: int
    tokens: int
    used: float = 0.0
    since: float = 0.0
    uses: int = 1
    children: int = 0
    next_use: float = inf


Rank: TypeAlias = tuple[float, ...]
Policy: TypeAlias = Callable[[HeldBlock, float], Rank]
"""How much a block is worth at a time of that clock."""


def _lru(one: HeldBlock, now: float) -> Rank:
    return (one.used, -one.start)


def _lfu(one: HeldBlock, now: float) -> Rank:
    return (one.uses, one.used, -one.start)


def _leaf_first(one: HeldBlock, now: float) -> Rank:
    return (one.children > 0, one.used, -one.start)


def _value(one: HeldBlock, now: float) -> Rank:
    """The engine's time that it saves, by the chance of its reuse (uses for the time since the first one, as in
    hyperbolic caching: Blankstein et al., USENIX ATC 2017, and the time since the last one), for each byte.
    """
    seconds = one.tokens * (1 + one.start / DOUBLED)
    chance = one.uses / (1 + now - one.since) + 1 / (1 + now - one.used)
    return (one.children > 0, seconds * chance / max(1, one.size), -one.start)


def _belady(one: HeldBlock, now: float) -> Rank:
    return (-one.next_use, -one.start)


EVICTION: Mapping[str, Policy] = MappingProxyType(
    {"lru": _lru, "lfu": _lfu, "leaf-first": _leaf_first, "value": _value, "belady": _belady}
)
"""What leaves first, by name. "belady" knows the future (IBM Systems Journal 5(2), 1966): a limit, for simulators."""

DEFAULT = "lru"
"""The one that wins on the traces: `python -m tests.benchmarks.warehouse_long`."""


def policy(name: str) -> Policy:
    """The policy called ``name``.

    Raises:
        ConfigError: the table has none of that name.
    """
    if name not in EVICTION:
        raise ConfigError(f"there is no eviction {name!r}; there are {', '.join(EVICTION)}")
    return EVICTION[name]


def leaving(
    held: Mapping[str, HeldBlock], policy: Policy, excess: int, now: float, kept: Iterable[str] = ()
) -> list[str]:
    """The keys that have to leave so that ``excess`` bytes are free, in order. Those in ``kept`` stay.

    A block that leaves may make a leaf of its parent; ``children`` of the standings in ``held`` is kept up to date.
    """
    staying, out = set(kept), list[str]()
    heap = [(policy(one, now), key) for key, one in held.items() if key not in staying]
    heapq.heapify(heap)
    gone = set[str]()
    while excess > 0 and heap:
        rank, key = heapq.heappop(heap)
        one = held[key]
        if key in gone or rank != policy(one, now):
            continue  # its parent's rank changed meanwhile, and stands in the heap anew
        gone.add(key)
        out.append(key)
        excess -= one.size
        parent = held.get(one.parent)
        if parent is not None:
            parent.children -= 1
            if parent.key not in staying and parent.key not in gone:
                heapq.heappush(heap, (policy(parent, now), parent.key))
    return out


class Standings:
    """What a tier holds, without the bytes: at most ``budget`` of them, and what leaves by ``policy``."""

    def __init__(self, budget: int, policy: Policy) -> None:
        self.budget, self.policy = budget, policy
        self.held: dict[str, HeldBlock] = {}
        self.bytes = 0
        self._children: dict[str, set[str]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self.held

    def __len__(self) -> int:
        return len(self.held)

    def children(self, parent: str) -> tuple[str, ...]:
        """The keys of the blocks that follow ``parent`` directly."""
        return tuple(self._children.get(parent, ()))

    def add(self, one: HeldBlock) -> None:
        """Hold a block; one that is held stays as it was."""
        if one.key in self.held:
            return
        self.held[one.key] = one
        self.bytes += one.size
        self._children.setdefault(one.parent, set()).add(one.key)
        one.children = len(self._children.get(one.key, ()))
        if one.parent in self.held:
            self.held[one.parent].children += 1

    def drop(self, key: str) -> HeldBlock | None:
        """Hold a block no longer. Returns what was known of it."""
        one = self.held.pop(key, None)
        if one is None:
            return None
        self.bytes -= one.size
        siblings = self._children[one.parent]
        siblings.discard(key)
        if not siblings:
            del self._children[one.parent]
        if one.parent in self.held:
            self.held[one.parent].children = len(siblings)
        return one

    def use(self, keys: Iterable[str], now: float) -> None:
        """Note that these blocks were used."""
        for key in keys:
            if one := self.held.get(key):
                one.used, one.uses = max(now, one.used), one.uses + 1

    def fit(self, now: float, kept: Iterable[str] = (), room: int = 0) -> list[str]:
        """Drop what has to leave, so that ``room`` more bytes fit. Returns its keys. Those in ``kept`` stay."""
        excess = self.bytes + room - self.budget
        out = leaving(self.held, self.policy, excess, now, kept) if excess > 0 else []
        for key in out:
            self.drop(key)
        return out
