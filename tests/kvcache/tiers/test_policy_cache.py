"""Caches whose eviction is a row of the table."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.kvcache.eviction import EVICTION, policy
from agentmem.kvcache.tiers.curve import hit_curve
from agentmem.kvcache.tiers.optimum import optimal_curve
from agentmem.kvcache.tiers.pieces import Pieces
from agentmem.kvcache.tiers.policy_cache import PolicyCache, policy_curve
from agentmem.kvcache.tiers.runs import BlockRequest
from tests.kvcache.tiers.workloads import chains, requests

SIZES = (0, 12, 40, 160)


@given(chains(), st.sampled_from((0.0, 1.0)))
def test_lru_is_what_the_stack_says(blocks: list[list[int]], apart: float) -> None:
    """Played piece by piece it finds just what one pass over the stack finds, at every size, also at one instant."""
    work = requests(blocks, apart=apart)
    assert policy_curve(work, 4, SIZES, "lru").points == hit_curve(work, 4, SIZES).points[:-1]


@given(chains(), st.sampled_from(sorted(EVICTION)), st.sampled_from((0.0, 3.0)))
def test_no_row_finds_more_than_the_best_possible(blocks: list[list[int]], name: str, pinned: float) -> None:
    """And with room for everything each finds all that comes again."""
    work = [replace(one, tool=at % 2 == 0) for at, one in enumerate(requests(blocks))]
    limit = optimal_curve(work, 4, SIZES).points
    for one, best in zip(policy_curve(work, 4, SIZES, name, pinned).points, limit, strict=True):
        assert one.blocks <= best.blocks
    everything = policy_curve(work, 4, [10**6], name, pinned).points[0]
    assert everything.blocks == hit_curve(work, 4, []).points[-1].blocks


@given(chains(), st.sampled_from(sorted(EVICTION)), st.integers(0, 20))
def test_a_cache_holds_no_more_than_fits(blocks: list[list[int]], name: str, room: int) -> None:
    """And what it holds of a prompt leads it."""
    work = requests(blocks)
    pieces = Pieces(work)
    cache = PolicyCache(room, policy(name), pieces, 4)
    for at, one in enumerate(work):
        path = pieces.path(one.runs)
        before = cache.leading(path)
        assert cache.use(path, at, one.at) == before
        assert cache.blocks <= room
        assert cache.leading(path) == min(room, one.blocks)


def test_a_pinned_conversation_outlives_a_crowd() -> None:
    """Its tool runs while others come: by LRU it is gone when the result comes, pinned it is there for so long."""
    agent = BlockRequest(0.0, ((0, 5),), 20, tool=True)
    crowd = [BlockRequest(float(at), ((100 * at, 100 * at + 5),), 20) for at in range(1, 4)]
    back = replace(agent, at=5.0)
    for pinned, found in ((0.0, 0), (3.0, 0), (9.0, 5)):
        assert policy_curve([agent, *crowd, back], 4, [40], "lru", pinned).points[0].blocks == found


def test_an_unknown_row_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(ConfigError, match="lru, lfu"):
        policy_curve([], 4, [4], "fifo")
