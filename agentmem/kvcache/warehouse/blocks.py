"""Blocks of KV state and their names: 64 tokens each, and a shorter one at the end.

A block's key is the sha256 of its parent's key and its own tokens, so it stands for everything up to its end. The first
parent is a seed: the digest of all that the state depends on besides the tokens. Blocks of other weights, of another
engine or of other settings have other seeds, and can never match.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BLOCK = 64
"""Tokens of a whole block."""


@dataclass(frozen=True, slots=True)
class KvBlock:
    """A block's name: its ``key``, its ``parent``'s, both 64 hexadecimal digits; ``start`` tokens come before it."""

    key: str
    parent: str
    start: int
    tokens: tuple[int, ...]

    @property
    def end(self) -> int:
        """The tokens up to its end."""
        return self.start + len(self.tokens)


def seed_of(*parts: str) -> str:
    """The seed of all blocks whose state depends on ``parts``. Their order counts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(struct.pack("<Q", len(data)) + data)
    return digest.hexdigest()


def key_of(parent: str, tokens: Sequence[int]) -> str:
    """The key of the block of ``tokens`` that follows ``parent``."""
    return hashlib.sha256(bytes.fromhex(parent) + packed(tokens)).hexdigest()


def packed(tokens: Sequence[int]) -> bytes:
    """Tokens as bytes, four each."""
    return struct.pack(f"<{len(tokens)}i", *tokens)


def unpacked(data: bytes | bytearray | memoryview) -> tuple[int, ...]:
    """The tokens of `packed`."""
    return struct.unpack(f"<{len(data) // 4}i", data)


def chain(seed: str, tokens: Sequence[int], size: int = BLOCK) -> Iterator[KvBlock]:
    """The blocks of a context, the shorter one last.

    >>> [(one.start, len(one.tokens)) for one in chain(seed_of("m"), range(150))]
    [(0, 64), (64, 64), (128, 22)]
    """
    parent = seed
    for start in range(0, len(tokens), size):
        part = tuple(tokens[start : start + size])
        made = KvBlock(key_of(parent, part), parent, start, part)
        yield made
        parent = made.key


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    most = min(len(one), len(other))
    return next((at for at in range(most) if one[at] != other[at]), most)
