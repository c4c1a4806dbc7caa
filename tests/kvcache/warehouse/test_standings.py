"""agentmem.kvcache.warehouse.standings."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.eviction import EVICTION, HeldBlock, policy
from agentmem.kvcache.warehouse.standings import Standings


def standing(key: str, parent: str = "", start: int = 0, size: int = 10, **more: float) -> HeldBlock:
    made = HeldBlock(key, parent, size, start, 64)
    for name, value in more.items():
        setattr(made, name, value)
    return made


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
