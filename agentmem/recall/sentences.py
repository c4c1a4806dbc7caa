"""The sentences of a piece, each with a vector of its own: what a long piece says once is lost in the mean of it.
What people say is cut finer: a long sentence of theirs has stretches, too.

The score of a piece is that of its nearest sentence, as in late interaction (MaxSim: Khattab and Zaharia 2020,
arXiv:2004.12832), with sentences in place of tokens.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from agentmem.recall.pieces import AROUND, SAID, Piece, context
from agentmem.types import Embedder, Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SCALE = 127.0
"""A byte for each dimension: cosines differ by less than .01 from the exact ones."""
_ROWS = 2_000
"""Sentences that are unpacked at once: they fit a core's cache."""
_SENTENCE = re.compile(r"(?<=[.!?:])\s+|\n+")
_FRAGMENT = 25
"""Characters below which a sentence is joined to the one before: a heading, an item of a list."""
_JOINED = 200
"""Characters from which nothing is joined to a sentence."""
STRETCH = 14
"""Words of a stretch. The next one begins in its middle."""
LONG = 18
"""Words up to which a sentence is no longer than a stretch, about."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, very short ones joined. A text without any is one."""
    found: list[str] = []
    for one in filter(None, map(str.strip, _SENTENCE.split(text))):
        short = found and min(len(one), len(found[-1])) < _FRAGMENT and len(found[-1]) < _JOINED
        found[-1:] = [f"{found[-1]} {one}"] if short else [*found[-1:], one]
    return found or [text]


def stretches(sentence: str) -> Iterator[str]:
    """A long sentence in stretches of some words, each of which overlaps the next; none of a short one."""
    words = sentence.split()
    if len(words) > LONG:
        yield from (" ".join(words[at : at + STRETCH]) for at in range(0, len(words) - STRETCH // 2, STRETCH // 2))


def parts(piece: Piece) -> tuple[str, ...]:
    """What of a piece has a vector: its sentences, and then, of what people said, stretches of the long ones."""
    return _parts(piece.text, piece.kind == SAID)[0]


def whole(piece: Piece) -> int:
    """How many of its parts are sentences; they come first."""
    return _parts(piece.text, piece.kind == SAID)[1]


@lru_cache(maxsize=4096)
def _parts(text: str, said: bool) -> tuple[tuple[str, ...], int]:
    """The parts, and the number of sentences among them."""
    found = sentences(text)
    return (*found, *(one for sentence in found if said for one in stretches(sentence))), len(found)


def embedded(embedder: Embedder, pieces: Sequence[tuple[Piece, Piece | None]]) -> tuple[Vectors, list[bytes]]:
    """Of each piece, given with the one before: its vector, and those of its parts as bytes.

    A short piece is embedded with what came before it. The vector of a long one is the mean of its sentences': all of
    it together would be no better, and would be embedded twice.
    """
    import numpy as np

    found = [parts(piece) for piece, _ in pieces]
    whole_ones = [whole(piece) for piece, _ in pieces]
    short = [at for at, (piece, _) in enumerate(pieces) if len(piece.text) < AROUND or whole_ones[at] == 1]
    texts = [part for some in found for part in some]
    made = embedder.embed([*texts, *(context(*pieces[at]) for at in short)])
    starts = [0, *accumulate(map(len, found))]
    summed = np.stack([made[at : at + many].sum(axis=0) for at, many in zip(starts, whole_ones, strict=False)])
    summed[short] = made[len(texts) :]
    units: Vectors = summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-9)
    small = np.rint(made[: len(texts)] * _SCALE).astype(np.int8)
    return units, [small[first:last].tobytes() for first, last in pairwise(starts)]


def unpacked(packed: Sequence[bytes], dimensions: int) -> "tuple[NDArray[np.int8], NDArray[np.int64]]":
    """The sentences of some pieces as rows of bytes, and where each piece's begin."""
    import numpy as np

    rows = np.frombuffer(b"".join(packed), np.int8).reshape(-1, dimensions)
    return rows, np.array([0, *accumulate(len(one) // dimensions for one in packed)][:-1], np.int64)


def restored(packed: "NDArray[np.int8]") -> Vectors:
    """Rows of bytes as vectors of about unit length."""
    import numpy as np

    found: Vectors = packed.astype(np.float32) / np.float32(_SCALE)
    return found


def nearest(rows: "NDArray[np.int8]", starts: "NDArray[np.int64]", vector: Vectors) -> Vectors:
    """Of each piece, the cosine of the sentence that is nearest to the vector."""
    import numpy as np

    if not len(starts):
        return np.zeros(0, np.float32)
    query = (vector / _SCALE).astype(np.float32)
    slices = [dots(rows[at : at + _ROWS].astype(np.float32), query) for at in range(0, len(rows), _ROWS)]
    found: Vectors = np.maximum.reduceat(np.concatenate(slices), starts)
    return found


def dots(rows: Vectors, vector: Vectors) -> Vectors:
    """The product of each row with the vector, on this thread alone: the threads of a BLAS wait for each other, and on
    busy cores that takes thirty times as long.
    """
    import numpy as np

    found: Vectors = np.einsum("ij,j->i", rows, vector)
    return found
