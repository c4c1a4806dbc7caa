"""agentmem.kvcache.warehouse.eviction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.kvcache.warehouse.eviction import EVICTION, HeldBlock, Standings, policy


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


@given(
    st.sampled_from(sorted(EVICTION)),
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 9)), max_size=40),
    st.integers(0, 60),
)
def test_a_tier_never_exceeds_its_budget(name: str, moves: list[tuple[int, int, int]], budget: int) -> None:
    """Whatever is added, used and dropped: the bytes are those of what is held, and so are the children."""
    tier = Standings(budget, policy(name))
    for now, (key, other, size) in enumerate(moves):
        tier.fit(now, (), size)
        if size <= budget:
            tier.add(standing(str(key), str(key // 2), size=size, used=now))
        tier.use([str(other)], now)
        if size == 9:
            tier.drop(str(other))
        assert tier.bytes == sum(one.size for one in tier.held.values()) <= budget
        for one in tier.held.values():
            assert one.children == len(tier.children(one.key))
            assert one.key in tier.children(one.parent)


def test_what_is_kept_stays() -> None:
    """Even if nothing else can leave."""
    tier = Standings(10, policy("lru"))
    tier.add(standing("a"))
    assert tier.fit(1, ["a"], 10) == []
    assert "a" in tier
