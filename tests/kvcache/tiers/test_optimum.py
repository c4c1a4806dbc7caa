"""The best possible, beside Belady's own rule played block by block."""

from hypothesis import given

from agentmem.kvcache.tiers.curve import hit_curve
from agentmem.kvcache.tiers.optimum import optimal_curve
from agentmem.kvcache.tiers.runs import BlockRequest
from tests.kvcache.tiers.workloads import chains, requests

SIZES = [4, 12, 20, 40]


def played(blocks: list[list[int]], room: int) -> int:
    """Hits of a cache that keeps, after each request, the blocks whose next use is nearest."""
    held, hits = set[int](), 0
    for at, one in enumerate(blocks):
        hits += len(held & set(one))
        coming = {
            block: next((later for later in range(at + 1, len(blocks)) if block in blocks[later]), len(blocks))
            for block in held | set(one)
        }
        held = set(sorted((block for block in coming if coming[block] < len(blocks)), key=coming.__getitem__)[:room])
    return hits


@given(chains(16))
def test_it_is_what_beladys_rule_finds(blocks: list[list[int]]) -> None:
    """Counting intervals gives for each capacity the hits of evicting what is used again last."""
    curve = optimal_curve(requests(blocks), 4, SIZES)
    assert [one.blocks for one in curve.points] == [played(blocks, size // 4) for size in SIZES]


@given(chains())
def test_lru_never_finds_more(blocks: list[list[int]]) -> None:
    """No capacity of LRU's curve lies above it, and with room for all both are the same."""
    work = requests(blocks)
    best, lru = optimal_curve(work, 4, [*SIZES, 4_000]), hit_curve(work, 4, [*SIZES, 4_000])
    assert all(most.tokens >= found.tokens for most, found in zip(best.points, lru.points, strict=False))
    assert best.points[-1] == lru.points[-2]


def test_a_last_block_counts_with_the_tokens_it_has() -> None:
    """As in LRU's curve."""
    twice = [BlockRequest(0.0, ((0, 3),), 10), BlockRequest(1.0, ((0, 3),), 10)]
    assert [(one.blocks, one.tokens) for one in optimal_curve(twice, 4, [8, 12]).points] == [(2, 8), (3, 10)]
