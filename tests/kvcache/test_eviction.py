"""agentmem.kvcache.eviction: one table for the warehouse and for the planner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.kvcache.eviction import EVICTION, HeldBlock, pin, pinning, policy, release
from agentmem.kvcache.warehouse.standings import Standings


def standing(key: str, parent: str = "", start: int = 0, size: int = 10, **more: float) -> HeldBlock:
    made = HeldBlock(key, parent, size, start, 64)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def leaves(name: str, *held: HeldBlock, now: float = 10) -> list[str]:
    """The order in which all of these leave."""
    standings = Standings(0, policy(name))
    for one in held:
        standings.add(one)
    return standings.fit(now)


def test_what_was_used_long_ago_leaves_first() -> None:
    """By lru; of one request the end leaves before the head."""
    assert leaves("lru", standing("a", used=3), standing("b", used=1), standing("c", used=2)) == ["b", "c", "a"]
    assert leaves("lru", standing("a", used=1), standing("b", "a", 64, used=1)) == ["b", "a"]


def test_what_was_used_seldom_leaves_first() -> None:
    """By lfu."""
    assert leaves("lfu", standing("a", uses=3, used=1), standing("b", uses=1, used=9)) == ["b", "a"]


def test_leaves_leave_first() -> None:
    """By leaf-first: a block stays as long as one that follows it does."""
    held = (standing("a", used=1), standing("b", "a", 64, used=2), standing("c", used=9))
    assert leaves("leaf-first", *held) == ["b", "a", "c"]


def test_what_saves_most_for_its_bytes_stays() -> None:
    """By value: deep blocks are dearer to compute, large ones dearer to keep, and what is used often comes again."""
    assert leaves("value", standing("deep", start=9000), standing("first")) == ["first", "deep"]
    assert leaves("value", standing("large", size=99), standing("small")) == ["large", "small"]
    assert leaves("value", standing("often", uses=9), standing("seldom")) == ["seldom", "often"]


def test_what_is_needed_last_leaves_first() -> None:
    """By Belady's rule, which knows when."""
    assert leaves("belady", standing("a", next_use=11), standing("b", next_use=99), standing("c")) == ["c", "b", "a"]


def test_an_unknown_name_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(ConfigError, match="lru, lfu, leaf-first, value"):
        policy("fifo")


def test_what_is_pinned_leaves_after_the_rest() -> None:
    """By every row, until its time is over; of the pinned, those that were pinned last leave first."""
    early, late, over = (standing(one, used=9, uses=9, next_use=1) for one in ("early", "late", "over"))
    free = standing("free", used=99, uses=99, next_use=0)
    pin(early, 1.0, 50.0)
    pin(late, 5.0, 50.0)
    pin(over, 1.0, 4.0)
    for row in EVICTION.values():
        order = sorted((early, late, over, free), key=lambda one: pinning(row)(one, 10.0))
        assert [one.key for one in order[2:]] == ["late", "early"]


def test_a_pin_that_goes_on_came_as_early_as_it_did() -> None:
    """Pinning again keeps the beginning; after a gap it begins anew, and a pin is never cut short."""
    one = standing("a")
    pin(one, 1.0, 9.0)
    pin(one, 5.0, 7.0)
    assert (one.kept_since, one.kept_until) == (1.0, 9.0)
    pin(one, 20.0, 30.0)
    assert (one.kept_since, one.kept_until) == (20.0, 30.0)


def test_a_pin_ends_for_whoever_made_it() -> None:
    """Where another has pinned the same block for longer, it stays."""
    one = standing("a")
    pin(one, 1.0, 9.0)
    release(one, 2.0, 8.0)
    assert one.kept_until == 9.0
    release(one, 2.0, 9.0)
    assert one.kept_until == 2.0


@given(
    st.sampled_from(sorted(EVICTION)),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6), st.booleans()), min_size=1, max_size=30),
)
def test_what_nothing_follows_has_the_lowest_rank(name: str, pins: bool, requests: list[tuple[int, int, bool]]) -> None:
    """Whoever uses a block uses all before it: then no block with a held one behind it leaves first, by any row."""
    row = pinning(policy(name)) if pins else policy(name)
    held: dict[str, HeldBlock] = {}
    for now, (chain, depth, tool) in enumerate(requests):
        names = [f"{chain if at else 'root'}/{at}" for at in range(depth)]
        for at, (key, parent) in enumerate(zip(names, ["", *names], strict=False)):
            if key not in held:
                held[key] = standing(key, parent, 64 * at, since=now, uses=0)
                if parent:
                    held[parent].children += 1
            one = held[key]
            one.used, one.uses, one.next_use = now, one.uses + 1, now + 1 + depth
        for key in names if tool else ():
            pin(held[key], now, now + 3)
        _know(held)
        lowest = min(held.values(), key=lambda one: row(one, now + 1))
        assert lowest.children == 0


def _know(held: dict[str, HeldBlock]) -> None:
    """A block is used again no later than what follows it."""
    for one in sorted(held.values(), key=lambda one: -one.start):
        if one.parent:
            parent = held[one.parent]
            parent.next_use = min(parent.next_use, one.next_use)
