"""agentmem.kvcache.warehouse.records."""

import struct

import pytest
from hypothesis import given

from agentmem.errors import BlockVersion, WarehouseError
from agentmem.kvcache.warehouse.blocks import KvBlock, chain, seed_of
from agentmem.kvcache.warehouse.records import KvRecord, decode, encode, head_size, pieces, read_head, record_size
from tests.damages import damages

SEED = seed_of("tests")
FIRST, SECOND = chain(SEED, range(100))
RECORD = KvRecord(SEED, FIRST, bytes(range(256)) * 4)
DATA = encode(RECORD)


def test_a_record_reads_back() -> None:
    """Its length is known before, and its head says all but the payload."""
    assert decode(DATA, FIRST.key) == RECORD
    assert len(DATA) == record_size(64, 1024)
    assert read_head(DATA[: head_size(64)]) == (SEED, FIRST, 1024)


@given(damages(DATA, 300))
def test_damage_is_refused(data: bytes) -> None:
    """Cut short anywhere, any byte changed, longer, or something else."""
    with pytest.raises(WarehouseError):
        decode(data, FIRST.key)


def test_a_record_under_another_name_is_refused() -> None:
    """A whole block in the place of another one."""
    with pytest.raises(WarehouseError, match="another than its name"):
        decode(encode(KvRecord(SEED, SECOND, b"x")), FIRST.key)


def test_a_key_that_is_not_its_tokens_is_refused() -> None:
    """Even with a digest that fits."""
    forged = KvBlock(FIRST.key, FIRST.parent, 0, tuple(range(1, 65)))
    with pytest.raises(WarehouseError, match="another than its name"):
        decode(encode(KvRecord(SEED, forged, b"x")), FIRST.key)


def test_another_version_is_told_apart_from_damage() -> None:
    """It may be of use to the agentmem that wrote it."""
    with pytest.raises(BlockVersion, match="version 1"):
        decode(DATA[:4] + struct.pack("<I", 1) + DATA[8:], FIRST.key)


def test_a_file_is_written_without_a_copy_of_the_payload() -> None:
    """Its pieces are the whole file, and the payload among them is the record's own; a read one is a view."""
    made = pieces(RECORD)
    assert b"".join(made) == DATA
    assert made[1] is RECORD.payload
    assert isinstance(decode(DATA, FIRST.key).payload, memoryview)
