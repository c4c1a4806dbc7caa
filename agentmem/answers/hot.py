"""The hot tier: one scope's vectors in RAM. The nearest are found by their signs first, then exactly.

Each vector has 384 signs (48 bytes) and its half-precision values (768 bytes). With its number that is 824 bytes an
entry, or 82 MB for 100,000. The share of signs in which two vectors differ is their angle over pi (Charikar,
"Similarity estimation techniques from rounding algorithms", STOC 2002). Three steps use fewer and fewer vectors: those
that differ least in the first 128 signs; of these, those that differ least in all signs. The last are compared exactly.
Nothing is trained or rebuilt, so an entry is found as soon as it is added. A search runs on the caller's thread.

Only `nearest` uses it. It is a module of its own because it is one algorithm and knows no database.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from agentmem.answers.store import Numbered
from agentmem.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Signs = NDArray[np.uint64]
    Places = NDArray[np.intp]

SHORTLIST, MORE = 384, 1000
"""Vectors that are compared exactly: so many, and one more for each thousand."""
COARSE, SHARE = 2048, 100
"""Vectors of which all signs are compared: at least so many, and one in so many."""
_HEAD = 2
"""64-bit words of signs that are compared first. They are stored together, because all of them are read."""
_AT_ONCE = 16_384
"""Vectors whose signs are compared in one step, so that they fit into a processor's cache."""
_SAMPLE = 4096
_ROOM, _GROWTH = 1024, 8
"""Vectors for which there is room at first, and the fraction of its size by which it grows."""


class Near(NamedTuple):
    """An entry's number, and its cosine with the question."""

    n: int
    similarity: float


class Hot:
    """The vectors of a scope that came after place ``first``. Not safe for several threads at once.

    ``room`` is the number of vectors expected.
    """

    def __init__(self, dimensions: int, first: int = 0, room: int = _ROOM) -> None:
        import numpy as np

        self.first = self.last = first
        self.size = 0
        words = -(-dimensions // 64)
        head = min(_HEAD, words)
        self._head = np.zeros((head, room), np.uint64)
        self._rest = np.zeros((room, words - head), np.uint64)
        self._halves = np.zeros((room, dimensions), np.float16)
        self._numbers = np.zeros(room, np.int64)

    @property
    def bytes(self) -> int:
        """Bytes of RAM in use."""
        return sum(one.nbytes for one in (self._head, self._rest, self._halves, self._numbers))

    def add(self, found: Numbered) -> None:
        """Add vectors, in their order."""
        count = len(found.n)
        if not count:
            return
        self._make_room(self.size + count)
        place, signs = slice(self.size, self.size + count), self._signs(found.vectors)
        self._head[:, place], self._rest[place] = signs[:, : len(self._head)].T, signs[:, len(self._head) :]
        self._halves[place] = found.vectors
        self._numbers[place] = found.n
        self.size += count
        self.last = int(found.v[-1])

    def drop(self, numbers: set[int]) -> None:
        """Remove entries. The last ones move to their places."""
        import numpy as np

        gone = np.flatnonzero(np.isin(self._numbers[: self.size], list(numbers)))
        size = self.size - len(gone)
        holes, moved = gone[gone < size], np.setdiff1d(np.arange(size, self.size), gone)
        arrays: tuple[NDArray[Any], ...] = (self._head.T, self._rest, self._halves, self._numbers)
        for rows in arrays:
            rows[holes] = rows[moved]
        self.size = size

    def nearest(self, vector: Vectors, most: int) -> list[Near]:
        """The entries nearest to a vector, most similar first."""
        import numpy as np

        chosen = self._shortlist(vector)
        scores = np.take(self._halves, chosen, axis=0).astype(np.float32) @ vector
        order = np.argsort(-scores, kind="stable")[:most]
        pairs = zip(self._numbers[chosen][order].tolist(), scores[order].tolist(), strict=True)
        return [Near(number, min(score, 1.0)) for number, score in pairs]

    def _shortlist(self, vector: Vectors) -> "Places":
        import numpy as np

        if self.size <= SHORTLIST:
            return np.arange(self.size)
        own = self._signs(vector.reshape(1, -1))[0]
        apart = self._apart(own[: len(self._head)])
        chosen = _least(apart, max(COARSE, self.size // SHARE))
        further = np.bitwise_count(np.take(self._rest, chosen, axis=0) ^ own[len(self._head) :])
        whole = sum((column for column in further.T), apart[chosen].astype(np.uint16))
        most = SHORTLIST + self.size // MORE
        return chosen if len(chosen) <= most else np.sort(chosen[np.argpartition(whole, most)[:most]])

    def _apart(self, own: "Signs") -> "NDArray[np.uint8]":
        """The number of first signs in which each vector differs, computed in parts that fit the processor's cache."""
        import numpy as np

        apart = np.empty(self.size, np.uint8)
        for first in range(0, self.size, _AT_ONCE):
            part = slice(first, min(first + _AT_ONCE, self.size))
            apart[part] = sum(np.bitwise_count(signs[part] ^ word) for word, signs in zip(own, self._head, strict=True))
        return apart

    def _signs(self, vectors: "NDArray[np.floating]") -> "Signs":
        """The signs of each vector as bits, in rows of 64-bit words."""
        import numpy as np

        packed = np.packbits(vectors > 0, axis=1)
        filled = np.zeros((len(vectors), (len(self._head) + self._rest.shape[1]) * 8), np.uint8)
        filled[:, : packed.shape[1]] = packed
        return filled.view(np.uint64)

    def _make_room(self, size: int) -> None:
        import numpy as np

        room = len(self._numbers)
        if size <= room:
            return
        more = max(size, room + room // _GROWTH + _ROOM) - room
        self._head = np.pad(self._head, ((0, 0), (0, more)))
        self._rest = np.pad(self._rest, ((0, more), (0, 0)))
        self._halves = np.pad(self._halves, ((0, more), (0, 0)))
        self._numbers = np.pad(self._numbers, (0, more))


def _least(apart: "NDArray[np.uint8]", most: int) -> "Places":
    """The places of about the ``most`` smallest values. The limit is estimated from a sample of them."""
    import numpy as np

    step = max(len(apart) // _SAMPLE, 1)
    limit = np.searchsorted(np.cumsum(np.bincount(apart[::step])), most / step)
    chosen = np.flatnonzero(apart <= limit)
    if len(chosen) > 4 * most:  # many are equally near
        chosen = np.concatenate([np.flatnonzero(apart < limit), np.flatnonzero(apart == limit)[:most]])
    return chosen
