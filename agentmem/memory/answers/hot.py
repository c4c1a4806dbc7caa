"""The hot tier: the vectors of one scope in RAM, nearest found by their signs first and exactly then.

For each vector its 384 signs (48 bytes) and its halves (768 bytes): 816 bytes an entry, 82 MB for 100,000. The share
of signs in which two vectors differ is their angle over pi (Charikar, "Similarity estimation techniques from rounding
algorithms", STOC 2002); those that differ least are then compared exactly. It learns nothing and needs no
rebuilding: an entry is found as soon as it was added.
"""

from typing import TYPE_CHECKING, NamedTuple

from agentmem.memory.answers.store import Numbered
from agentmem.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORTLIST = 768
"""Vectors that are compared exactly, at least."""
_ROOM = 1024


class Near(NamedTuple):
    """An entry's number, and its cosine with the question."""

    n: int
    similarity: float


class Hot:
    """The vectors of a scope that came after place ``first``. Not safe to use from several threads at once."""

    def __init__(self, dimensions: int, first: int = 0) -> None:
        import numpy as np

        self.first = self.last = first
        self.size = 0
        words = -(-dimensions // 64)
        self._signs = np.zeros((words, _ROOM), np.uint64)
        self._halves = np.zeros((_ROOM, dimensions), np.float16)
        self._numbers = np.zeros(_ROOM, np.int64)
        self._dead = np.zeros(_ROOM, np.bool_)

    @property
    def bytes(self) -> int:
        """RAM that is held."""
        return self._signs.nbytes + self._halves.nbytes + self._numbers.nbytes + self._dead.nbytes

    def add(self, found: Numbered) -> None:
        """Take in more vectors, in their order."""
        count = len(found.n)
        if not count:
            return
        self._make_room(self.size + count)
        place = slice(self.size, self.size + count)
        self._halves[place] = found.vectors
        self._signs[:, place] = _signs(found.vectors, len(self._signs))
        self._numbers[place] = found.n
        self.size += count
        self.last = int(found.v[-1])

    def drop(self, numbers: set[int]) -> None:
        """Take out entries that are no longer there."""
        import numpy as np

        gone = np.isin(self._numbers[: self.size], list(numbers))
        self._dead[: self.size][gone] = True

    def nearest(self, vector: Vectors, most: int) -> list[Near]:
        """The entries nearest to a vector, most similar first."""
        import numpy as np

        chosen = self._shortlist(vector)
        scores = self._halves[chosen].astype(np.float32) @ vector
        order = np.argsort(-scores, kind="stable")[:most]
        pairs = zip(self._numbers[chosen][order].tolist(), scores[order].tolist(), strict=True)
        return [Near(number, min(score, 1.0)) for number, score in pairs]

    def _shortlist(self, vector: Vectors) -> "NDArray[np.intp]":
        import numpy as np

        if self.size <= SHORTLIST:
            return np.flatnonzero(~self._dead[: self.size])
        own = _signs(vector.reshape(1, -1), len(self._signs))[:, 0]
        apart = np.zeros(self.size, np.uint16)
        for word, signs in zip(own, self._signs, strict=True):
            apart += np.bitwise_count(signs[: self.size] ^ word)
        apart[self._dead[: self.size]] = len(self._signs) * 64 + 1
        limit = np.searchsorted(np.cumsum(np.bincount(apart)), SHORTLIST)
        chosen = np.concatenate([np.flatnonzero(apart < limit), np.flatnonzero(apart == limit)[:SHORTLIST]])
        living: NDArray[np.intp] = chosen[~self._dead[chosen]]
        return living

    def _make_room(self, size: int) -> None:
        import numpy as np

        room = len(self._numbers)
        if size <= room:
            return
        more = max(size, room + room // 2) - room
        self._signs = np.pad(self._signs, ((0, 0), (0, more)))
        self._halves = np.pad(self._halves, ((0, more), (0, 0)))
        self._numbers = np.pad(self._numbers, (0, more))
        self._dead = np.pad(self._dead, (0, more))


def _signs(vectors: "NDArray[np.floating]", words: int) -> "NDArray[np.uint64]":
    """The signs of each vector as bits, in columns of 64-bit words."""
    import numpy as np

    packed = np.packbits(vectors > 0, axis=1)
    filled = np.zeros((len(vectors), words * 8), np.uint8)
    filled[:, : packed.shape[1]] = packed
    return np.ascontiguousarray(filled.view(np.uint64).T)
