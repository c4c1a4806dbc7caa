"""A store of chained blocks with room for so many, the least recently used leaving first.

It takes keys, so that it serves prompts cut into blocks (`block_keys`) as well as traces of production caches, which
record the hashes of their blocks only.
"""

import math
from array import array
from collections import OrderedDict
from collections.abc import Hashable, Sequence


class BlockStore:
    """``capacity`` is in blocks (None: no limit), ``lifetime`` in seconds since a block was last used."""

    def __init__(self, capacity: int | None = None, lifetime: float = math.inf) -> None:
        self._capacity, self._lifetime = capacity, lifetime
        self._used: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def read(self, keys: Sequence[Hashable], now: float = 0.0) -> int:
        """How many leading blocks are there. They are used by it."""
        found = 0
        for key in keys:
            if key not in self._used or self._used[key] + self._lifetime <= now:
                break
            found += 1
        self._touch(keys[:found], now)
        return found

    def store(self, keys: Sequence[Hashable], now: float = 0.0) -> None:
        """Put blocks in; expired ones leave, and the least recently used where there is no room."""
        self._touch(keys, now)
        while self._used and (self._is_full() or next(iter(self._used.values())) + self._lifetime <= now):
            self._used.popitem(last=False)

    def _is_full(self) -> bool:
        return self._capacity is not None and len(self._used) > self._capacity

    def _touch(self, keys: Sequence[Hashable], now: float) -> None:
        """From the last to the first: of one chain the tail leaves first, as in vLLM, and the head still serves."""
        for key in reversed(keys):
            self._used[key] = max(now, self._used.pop(key, now))


def block_keys(ids: "array[int]", size: int) -> list[int]:
    """A key for each full block of ``size`` ids, chained, so that it stands for all that comes before it."""
    keys, chain = [], 0
    row, width = ids.tobytes(), size * ids.itemsize
    for start in range(0, len(row) - width + 1, width):
        chain = hash((chain, row[start : start + width]))
        keys.append(chain)
    return keys
