"""The store of chained blocks."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.simulated.block_store import BlockStore, block_keys


def test_only_leading_blocks_count() -> None:
    """A stored block behind a missing one is of no use."""
    store = BlockStore()
    store.store([1, 2, 3])
    assert [store.read(keys) for keys in ([1, 2, 3], [1, 2, 9, 3], [9, 1, 2], [])] == [3, 2, 0, 0]


def test_the_least_recently_used_leaves_tail_first() -> None:
    """Room for four: the chain 1-2-3 loses its tail when another of two comes; what was read stays longer."""
    store = BlockStore(capacity=4)
    store.store([1, 2, 3])
    store.store([7, 8])
    assert (store.read([1, 2, 3]), len(store)) == (2, 4)
    store.store([9])
    assert (store.read([7, 8]), store.read([1, 2])) == (1, 2)


def test_lifetime_from_the_last_use() -> None:
    """A block lives ten seconds after it was stored or read."""
    store = BlockStore(lifetime=10)
    store.store([1], 0)
    assert [store.read([1], at) for at in (9, 18, 28)] == [1, 1, 0]
    store.store([2], 50)
    assert len(store) == 1


def test_block_keys_stand_for_all_that_comes_before() -> None:
    """Full blocks only; one id changed changes its block's key and all later ones."""
    ids = array("I", range(10))
    keys = block_keys(ids, 3)
    assert len(keys) == 3
    ids[4] = 99
    changed = block_keys(ids, 3)
    assert [one == other for one, other in zip(keys, changed, strict=True)] == [True, False, False]


@given(st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=20), st.integers(1, 6))
def test_more_room_never_reads_less(chains: list[list[int]], room: int) -> None:
    """Least recently used: what a small store reads, a larger one reads too. No store is over its capacity."""
    keys = [[hash(tuple(chain[: end + 1])) for end in range(len(chain))] for chain in chains]
    small, large = BlockStore(room), BlockStore(room + 3)
    for one in keys:
        assert small.read(one) <= large.read(one)
        small.store(one)
        large.store(one)
        assert len(small) <= room
