"""agentmem.kvcache.warehouse.blocks."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.warehouse.blocks import BLOCK, chain, packed, seed_of, shared, unpacked

TOKENS = st.lists(st.integers(-1, 2**31 - 1), max_size=200)


@given(TOKENS)
def test_a_chain_covers_the_tokens_once(tokens: list[int]) -> None:
    """In order, in whole blocks but for the last one; each block's parent is the one before."""
    blocks = list(chain(seed_of("m"), tokens))
    assert [token for one in blocks for token in one.tokens] == tokens
    assert all(len(one.tokens) == BLOCK for one in blocks[:-1])
    assert [one.parent for one in blocks] == [seed_of("m"), *(one.key for one in blocks)][: len(blocks)]
    assert [one.end for one in blocks][-1:] == [len(tokens)][: len(blocks)]


@given(TOKENS, TOKENS)
def test_a_key_stands_for_all_tokens_before(one: list[int], other: list[int]) -> None:
    """Two contexts have the keys of those blocks in common whose ends both share, and no other."""
    keys = {block.key for block in chain(seed_of("m"), one)} & {block.key for block in chain(seed_of("m"), other)}
    both = shared(one, other)
    ends = [block.end for block in chain(seed_of("m"), one) if block.key in keys]
    assert all(end <= both for end in ends)
    assert len(keys) >= both // BLOCK


def test_another_seed_has_no_key_in_common() -> None:
    """Other weights, another engine or setting, or the same words cut elsewhere: other seeds."""
    seeds = {seed_of("a", "bc"), seed_of("ab", "c"), seed_of("abc"), seed_of("c", "ab")}
    keys = [{block.key for block in chain(seed, range(130))} for seed in seeds]
    assert len(seeds) == 4
    assert len(set().union(*keys)) == sum(map(len, keys)) == 12


@given(TOKENS)
def test_tokens_survive_as_bytes(tokens: list[int]) -> None:
    """Four bytes each."""
    assert list(unpacked(packed(tokens))) == tokens
    assert len(packed(tokens)) == 4 * len(tokens)
