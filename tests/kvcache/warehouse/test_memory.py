"""agentmem.kvcache.warehouse.memory."""

from agentmem.kvcache.eviction import policy
from agentmem.kvcache.warehouse.blocks import BLOCK, chain, seed_of
from agentmem.kvcache.warehouse.memory import BlockMemory
from agentmem.kvcache.warehouse.records import KvRecord, record_size

SEED = seed_of("tests")
RECORDS = [KvRecord(SEED, block, b"x" * 100) for block in chain(SEED, range(4 * BLOCK))]
SIZE = record_size(BLOCK, 100)


def test_what_is_worth_less_makes_room() -> None:
    """The bytes never exceed the budget."""
    memory = BlockMemory(2 * SIZE, policy("lru"))
    assert all(memory.add(record, now) for now, record in enumerate(RECORDS))
    assert [memory.get(record.block.key) for record in RECORDS] == [None, None, *RECORDS[2:]]
    assert memory.standings.bytes == 2 * SIZE


def test_what_must_stay_is_not_pushed_out() -> None:
    """A record that does not fit beside it is refused."""
    memory = BlockMemory(SIZE, policy("lru"))
    assert memory.add(RECORDS[0], 0)
    assert not memory.add(RECORDS[1], 1, [RECORDS[0].block.key])
    assert not BlockMemory(SIZE - 1, policy("lru")).add(RECORDS[0], 0)
    memory.clear()
    assert (memory.get(RECORDS[0].block.key), memory.standings.bytes) == (None, 0)
