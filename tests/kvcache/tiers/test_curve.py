"""Capacity against hit rate in one pass."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.simulated.simulators import BlockStore
from agentmem.kvcache.tiers.curve import capacities, hit_curve
from agentmem.kvcache.tiers.runs import BlockRequest
from tests.kvcache.tiers.workloads import chains, requests

SIZES = st.lists(st.integers(1, 40).map(lambda blocks: 4 * blocks), min_size=1, max_size=5, unique=True)


@given(chains())
def test_a_curve_that_forgets_is_the_same(blocks: list[list[int]]) -> None:
    """Without the point that has no limit."""
    work = requests(blocks)
    assert hit_curve(work, 4, [12, 40], forget=True).points == hit_curve(work, 4, [12, 40]).points[:-1]


@given(chains(), SIZES)
def test_every_point_is_what_a_store_of_that_size_finds(blocks: list[list[int]], sizes: list[int]) -> None:
    """One pass gives for each capacity the hits that playing it alone gives; without a limit, all that came before."""
    curve = hit_curve(requests(blocks), 4, sizes)
    for point in curve.points:
        store, found = BlockStore(point.capacity // 4 if point.capacity else None), 0
        for one in blocks:
            found += store.read(one)
            store.store(one)
        assert point.blocks == found
        assert point.tokens == 4 * found


def test_a_last_block_counts_with_the_tokens_it_has() -> None:
    """Blocks are counted whole, tokens as the prompt has them."""
    twice = [BlockRequest(0.0, ((0, 3),), 10), BlockRequest(1.0, ((0, 3),), 10)]
    curve = hit_curve(twice, 4, [8, 12])
    assert [(one.capacity, one.blocks, one.tokens) for one in curve.points] == [(8, 2, 8), (12, 3, 10), (None, 3, 10)]
    assert curve.share(curve.points[-1]) == 0.5
    assert curve.least(0.45) is not None and curve.least(0.45).capacity == 12  # type: ignore[union-attr]
    assert curve.least(0.9) is None


def test_without_a_request_nothing_is_found() -> None:
    """An empty workload has shares of zero."""
    curve = hit_curve([], 4, [8])
    assert [curve.share(one) for one in curve.points] == [0.0, 0.0]


def test_capacities_double_step_by_step() -> None:
    """They begin at 1k tokens and reach what was asked for."""
    assert capacities(4_000) == [1_024, 1_448, 2_048, 2_896, 4_096]
