"""A workload's blocks in pieces."""

from math import inf

from hypothesis import given

from agentmem.kvcache.tiers.pieces import NextUses, Pieces
from tests.kvcache.tiers.workloads import chains, requests


@given(chains())
def test_a_prompt_is_its_pieces(blocks: list[list[int]]) -> None:
    """The pieces of a prompt have its blocks, and no piece is used in part."""
    work = requests(blocks)
    pieces = Pieces(work)
    for one in work:
        assert sum(map(pieces.blocks, pieces.path(one.runs))) == one.blocks


@given(chains())
def test_the_next_use_is_the_next_prompt_with_that_piece(blocks: list[list[int]]) -> None:
    """Asked in order, and infinite after the last."""
    work = requests(blocks)
    pieces = Pieces(work)
    paths = [pieces.path(one.runs) for one in work]
    future = NextUses(work, pieces)
    for at, path in enumerate(paths):
        for piece in path:
            ahead = [later for later in range(at + 1, len(paths)) if piece in paths[later]]
            assert future.after(piece, at) == min(ahead, default=inf)
