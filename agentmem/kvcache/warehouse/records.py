"""A block as a file: a head with everything that names it, its payload, and a digest over both.

    magic 4 | version u32 | seed 32 | parent 32 | key 32 | start u32 | count u32 | payload u64 | tokens 4 x count
    payload | XXH3-128 of all before it

A file is believed only if all of it agrees: the length, the digest, the key with its parent and tokens, and the name
under which it was asked for. Anything else is refused with the reason, and computed again. The digest is against
damage: who can change a file can change any digest that stands in it, so a fast one does as much as a slow one
(sha256 took most of the time beside the engine). Payloads are handed on as views, and never copied here.
"""

import mmap
import struct
from dataclasses import dataclass
from typing import TypeAlias

import xxhash

from agentmem.errors import BlockVersion, WarehouseError
from agentmem.kvcache.warehouse.blocks import KvBlock, key_of, packed, unpacked

MAGIC = b"AMKV"
VERSION = 2
_HEAD = struct.Struct("<4sI32s32s32sIIQ")
_DIGEST = 16
_MOST_TOKENS = 4096
"""The most tokens of a block that is believed."""


Payload: TypeAlias = bytes | bytearray | memoryview
"""The bytes of a block's KV state, wherever they are."""


def blank(size: int) -> memoryview:
    """Memory for so many bytes, in pages of its own: they are the system's again as soon as the payload is let go.
    C's allocator would keep half as much again of blocks of many sizes that come and go.
    """
    return memoryview(mmap.mmap(-1, max(1, size), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))[:size]


@dataclass(frozen=True, slots=True)
class KvRecord:
    """A block with its seed and its payload."""

    seed: str
    block: KvBlock
    payload: Payload


def head_size(tokens: int) -> int:
    """The bytes before the payload."""
    return _HEAD.size + 4 * tokens


def record_size(tokens: int, payload: int) -> int:
    """The bytes of a whole record."""
    return head_size(tokens) + payload + _DIGEST


def encode(record: KvRecord) -> bytes:
    """The record as the bytes of a file."""
    return b"".join(pieces(record))


def pieces(record: KvRecord) -> tuple[Payload, Payload, Payload]:
    """Those bytes in pieces, so that a file can be written without a copy of the payload."""
    block = record.block
    names = (bytes.fromhex(record.seed), bytes.fromhex(block.parent), bytes.fromhex(block.key))
    head = _HEAD.pack(MAGIC, VERSION, *names, block.start, len(block.tokens), len(record.payload))
    head += packed(block.tokens)
    digest = xxhash.xxh3_128(head)
    digest.update(record.payload)
    return head, record.payload, digest.digest()


def decode(data: Payload, key: str) -> KvRecord:
    """The record of ``key`` in the bytes of a file.

    Raises:
        WarehouseError: they are not that record, whole and unchanged.
    """
    seed, block, size = read_head(data)
    if len(data) != record_size(len(block.tokens), size):
        raise WarehouseError(f"the block has {len(data):,} bytes and should have another number")
    if xxhash.xxh3_128(memoryview(data)[:-_DIGEST]).digest() != data[-_DIGEST:]:
        raise WarehouseError("the block is not as it was written")
    if block.key != key or key_of(block.parent, block.tokens) != key:
        raise WarehouseError("the block is another than its name says")
    return KvRecord(seed, block, memoryview(data)[head_size(len(block.tokens)) : -_DIGEST])


def read_head(data: Payload) -> tuple[str, KvBlock, int]:
    """Seed, block and the payload's length, as the head of a file says. It is not checked against the digest.

    Raises:
        WarehouseError: it is no head of this version.
    """
    if len(data) < _HEAD.size:
        raise WarehouseError("the block ends in its head")
    magic, version, seed, parent, key, start, count, size = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise WarehouseError("the file is no block of KV state")
    if version != VERSION:
        raise BlockVersion(f"the block has version {version}, and this is version {VERSION}")
    if count > _MOST_TOKENS or len(data) < head_size(count):
        raise WarehouseError("the block ends in its head")
    tokens = unpacked(data[_HEAD.size : head_size(count)])
    return seed.hex(), KvBlock(key.hex(), parent.hex(), start, tokens), size
