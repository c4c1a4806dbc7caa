"""Payloads for tests: a few bytes a token that say which token they belong to, and after which others."""

import hashlib
from collections.abc import Callable, Sequence

from agentmem.kvcache.warehouse.blocks import packed, seed_of
from agentmem.kvcache.warehouse.warehouse import Warehouse

SEED = seed_of("tests")
TOKEN_BYTES = 16


def state(tokens: Sequence[int]) -> Callable[[int, int], bytes]:
    """The payload of any part of a context; each token's bytes depend on all tokens up to it."""

    def payload(start: int, end: int) -> bytes:
        return b"".join(hashlib.sha256(packed(tokens[: at + 1])).digest()[:TOKEN_BYTES] for at in range(start, end))

    return payload


def found_bytes(warehouse: Warehouse, tokens: Sequence[int], seed: str = SEED) -> bytes:
    """The payload of the longest prefix that the warehouse knows."""
    data = b""
    for one in warehouse.find(seed, tokens):
        payload = warehouse.fetch(one, seed)
        if payload is None:
            break
        data += payload[: one.taken * TOKEN_BYTES]
    return data


def known(warehouse: Warehouse, tokens: Sequence[int], seed: str = SEED) -> int:
    """How many tokens it can give the state of; their bytes are checked."""
    data = found_bytes(warehouse, tokens, seed)
    count = len(data) // TOKEN_BYTES
    assert data == state(tokens)(0, count)
    return count
