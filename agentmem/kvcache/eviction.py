"""What leaves a memory of blocks that is full, as one table: for the warehouse, its simulator and the planner.

A rank is compared as a tuple or a number: the block with the lowest one leaves first. Of the blocks that one request
used, the head counts as used last, so that a chain loses its tail before its head: whoever uses a block uses all before
it, so by every row some block that no held one follows is the lowest.
"""

from collections.abc import Callable, Mapping
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
    held blocks follow it directly. ``next_use`` is known to simulators alone. It is pinned from ``kept_since`` until
    ``kept_until``, where `pinning` looks.
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
    kept_since: float = -inf
    kept_until: float = -inf


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
"""The one that wins on a warehouse's day (`python -m tests.benchmarks.warehouse_long`); which wins on recorded traces:
`python -m tests.benchmarks.planner_eviction`.
"""


def policy(name: str) -> Policy:
    """The policy called ``name``.

    Raises:
        ConfigError: the table has none of that name.
    """
    if name not in EVICTION:
        raise ConfigError(f"there is no eviction {name!r}; there are {', '.join(EVICTION)}")
    return EVICTION[name]


def pin(one: HeldBlock, now: float, until: float) -> None:
    """Pin a block; one that is pinned at that time stays pinned, and came as early as it did."""
    if one.kept_until < now:
        one.kept_since = now
    one.kept_until = max(one.kept_until, until)


def release(one: HeldBlock, now: float, until: float) -> None:
    """End a pin that was until then; one that somebody else has made for longer stays."""
    if one.kept_until == until:
        one.kept_until = now


def pinning(policy: Policy) -> Policy:
    """The same, but a block that is pinned leaves after all that are not, and of those the one that was pinned last
    leaves first: while a tool runs, its conversation's blocks stay for the request that brings the result, and a crowd
    of conversations keeps some whole rather than none (first come, first served, as Li et al. order agents in
    "Continuum", 2025).
    """

    def rank(one: HeldBlock, now: float) -> Rank:
        return (True, -one.kept_since, *policy(one, now)) if one.kept_until > now else (False, 0.0, *policy(one, now))

    return rank
