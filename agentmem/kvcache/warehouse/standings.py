"""What a tier of the warehouse holds, without the bytes, and what has to leave when it is full."""

import heapq
from collections.abc import Iterable, Mapping

from agentmem.kvcache.eviction import HeldBlock, Policy


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

    def has_room(self, size: int) -> bool:
        """If ``size`` more bytes fit without pushing anything out."""
        return self.bytes + size <= self.budget

    def fit(self, now: float, kept: Iterable[str] = (), room: int = 0) -> list[str]:
        """Drop what has to leave, so that ``room`` more bytes fit. Returns its keys. Those in ``kept`` stay."""
        excess = self.bytes + room - self.budget
        out = leaving(self.held, self.policy, excess, now, kept) if excess > 0 else []
        for key in out:
            self.drop(key)
        return out
