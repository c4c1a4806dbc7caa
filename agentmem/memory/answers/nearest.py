"""The entries nearest to a question: from RAM where the whole scope is there, else from the index and what is newer.

A scope is either wholly in RAM, or wholly found by index and tail together: so the nearest entry with another answer
is never overlooked. What is found is looked up in the database before it counts: there alone stands what is live.
"""

import threading
from collections import OrderedDict

from agentmem.memory.answers.entries import Entry
from agentmem.memory.answers.hot import Hot, Near
from agentmem.memory.answers.index import Index
from agentmem.memory.answers.store import Store
from agentmem.memory.answers.values import CANDIDATES
from agentmem.types import Embedder, Vectors

HOT = 150_000
"""Entries in RAM at most, of all scopes together: 123 MB."""
FILLED = 20_000
"""Vectors beside the index, and read at once."""
_ROUNDS = 4


class Nearest:
    """Looks for entries by their vectors. Safe to use from several threads."""

    def __init__(self, store: Store, embedder: Embedder, hot: int = HOT) -> None:
        self._store, self._embedder, self._most = store, embedder, hot
        self.index = Index(store, embedder)
        self.scopes: OrderedDict[str, Hot] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """RAM that vectors take."""
        return sum(hot.bytes for hot in self.scopes.values())

    def find(self, scope: str, vector: Vectors, most: int = CANDIDATES) -> list[tuple[Entry, float]]:
        """The live entries of a scope nearest to a vector, with their cosines, most similar first."""
        asked = 2 * most
        for _ in range(_ROUNDS):
            near = self._near(scope, vector, asked)
            live = self._store.by_numbers(scope, [one.n for one in near])
            if len(live) >= most or len(near) < asked:
                break
            asked *= 4
        self._forget(scope, {one.n for one in near} - live.keys())
        return [(live[one.n], one.similarity) for one in near if one.n in live][:most]

    def lagging(self) -> bool:
        """Whether a scope has outgrown what RAM may hold of it, so that the index should be filled."""
        with self._lock:
            return any(self._outgrown(hot) for hot in self.scopes.values())

    def _near(self, scope: str, vector: Vectors, most: int) -> list[Near]:
        with self._lock:
            hot = self._current(scope)
            found = hot.nearest(vector, most)
        if not hot.first:
            return found
        every = {one.n: one for one in (*self.index.nearest(scope, vector, most), *found)}
        return sorted(every.values(), key=lambda one: -one.similarity)[:most]

    def _current(self, scope: str) -> Hot:
        """What of a scope is in RAM, brought up to date."""
        hot = self.scopes.get(scope) or self._begun(scope)
        if self._outgrown(hot) and (until := self.index.until) > hot.first:
            hot = Hot(self._embedder.dimensions, until)
        while (found := self._store.vectors(self._embedder.name, scope, hot.last, FILLED)).n.size:
            hot.add(found)
        self.scopes[scope] = hot
        self.scopes.move_to_end(scope)
        while len(self.scopes) > 1 and sum(one.size for one in self.scopes.values()) > self._most:
            self.scopes.popitem(last=False)
        return hot

    def _begun(self, scope: str) -> Hot:
        """For the scope whole if there is room for it, else for what the index does not have."""
        whole = self._store.count_vectors(self._embedder.name, scope, self._most + 1) <= self._most
        return Hot(self._embedder.dimensions, 0 if whole else self.index.until)

    def _outgrown(self, hot: Hot) -> bool:
        return hot.size > (FILLED if hot.first else self._most)

    def _forget(self, scope: str, numbers: set[int]) -> None:
        with self._lock:
            if numbers and scope in self.scopes:
                self.scopes[scope].drop(numbers)
