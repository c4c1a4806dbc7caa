"""Finds the entries nearest to a question: in RAM if the whole scope is there, else in the index and its tail.

A scope of up to 150,000 entries is read into RAM on its first use; a larger one in the background, if there is room.

A scope is either completely in RAM, or completely in index and tail together. So the nearest entry with another answer
is never missed. Results are looked up in the database before they count, because only it knows which entries are live.
"""

import hashlib
import threading
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from agentmem.answers.hot import Hot, Near
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.values import CANDIDATES
from agentmem.errors import ArchiveError
from agentmem.recall.tables import IndexPlan, Table, Tables, key_field, quoted
from agentmem.types import Embedder, Vectors

if TYPE_CHECKING:
    import pyarrow as pa


BATCH = 20_000
"""Rows in one commit."""
_KEPT = timedelta(minutes=1)


class AnswerIndex:
    """The index of one embedder's vectors, in LanceDB."""

    def __init__(self, store: AnswerStore, embedder: Embedder) -> None:
        self._store, self._embedder = store, embedder
        self._name = f"vectors-{hashlib.sha256(embedder.name.encode()).hexdigest()[:12]}"
        self._mark = f"indexed {embedder.name}"
        self._tables = Tables(store.home.tables)
        self._warm = False  # in this process

    @property
    def until(self) -> int:
        """The last place that is in the index."""
        return int(self._store.mark(self._mark))

    def nearest(self, scope: str, vector: Vectors, most: int) -> list[Near]:
        """The entries of a scope nearest to a vector; none if the index is damaged. It is deleted then."""
        try:
            found = self._search(scope, vector, most, _PROBES)
            if len(found) < most:  # these partitions hold few entries of the scope
                found = self._search(scope, vector, most, _MOST_PROBES)
        except ArchiveError:
            self.reset()
            return []
        pairs = zip(found["n"].to_pylist(), found["_distance"].to_pylist(), strict=True)
        return [Near(n, min(1.0 - distance, 1.0)) for n, distance in pairs]

    def _search(self, scope: str, vector: Vectors, most: int, probes: int) -> "pa.Table":
        table = self._table()
        with self._tables.translated():
            search = table.search(vector, vector_column_name="vector").distance_type("dot")
            search = search.where(f"scope = {quoted(scope)}").select(["n", "_distance"])
            return search.nprobes(probes).refine_factor(_REFINED).limit(most).to_arrow()

    def fill(self) -> int:
        """Move new vectors into the index, if no other process does, and read it into memory. Returns their number."""
        with self._tables.owned() as ours:
            moved = self._filled() if ours else 0
        self._warmed(moved)
        return moved

    def reset(self) -> None:
        """Delete the index. The next `fill` makes it again."""
        self._store.set_mark(self._mark, 0)
        self._tables.remove()

    def _warmed(self, moved: int) -> None:
        """Read the index's partitions into memory: the first search of one waits for the disk (200 ms in a million)."""
        if (self._warm and not moved) or not self.until:
            return
        table = self._table()
        with self._tables.translated():
            for index in table.list_indices():
                if list(index.columns) == ["vector"]:
                    table.prewarm_index(index.name)
        self._warm = True

    def _filled(self) -> int:
        if self.until and self._name not in self._tables.names():
            self._store.set_mark(self._mark, 0)
        moved = 0
        while batch := self._batch():
            self._append(batch)
            self._store.set_mark(self._mark, batch[-1][0])
            moved += len(batch)
        self._forget_gone()
        if moved:
            self._tables.maintain(self._name, self._plan, _KEPT)
        return moved

    def _batch(self) -> list[Any]:
        sql = "SELECT v, n, scope, vector FROM vectors WHERE embedder = ? AND v > ? ORDER BY v LIMIT ?"
        return self._store.database.run(sql, self._embedder.name, self.until, BATCH)

    def _append(self, batch: list[Any]) -> None:
        """Append a batch in one commit. If a kill makes a batch appear twice, callers ignore the repeated entries."""
        table, rows = self._table(), self._rows(batch)
        self._tables.retried(lambda: table.add(rows))

    def _forget_gone(self) -> None:
        sql = "SELECT v FROM gone WHERE embedder = ? AND v <= ? LIMIT ?"
        while rows := self._store.database.run(sql, self._embedder.name, self.until, BATCH):
            keys = ", ".join(quoted(str(row[0])) for row in rows)
            self._tables.delete(self._table(), f"key IN ({keys})")
            with self._store.database.transaction():
                for row in rows:
                    self._store.database.run("DELETE FROM gone WHERE v = ?", row[0])

    def _table(self) -> Table:
        return self._tables.table(self._name, self._plan)

    def _rows(self, batch: list[Any]) -> "pa.Table":
        import numpy as np
        import pyarrow as pa

        joined = np.frombuffer(b"".join(row[3] for row in batch), np.float16).astype(np.float32)
        columns = {
            "key": pa.array([str(row[0]) for row in batch]),
            "scope": pa.array([row[2] for row in batch]),
            "n": pa.array([row[1] for row in batch], pa.int64()),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(joined), self._embedder.dimensions),
        }
        return pa.table(columns).cast(self._schema())

    @property
    def _plan(self) -> IndexPlan:
        whole_bytes = self._embedder.dimensions % 8 == 0  # LanceDB compresses no others
        return IndexPlan(self._schema, labels=("scope",), vector="vector", compressed=whole_bytes)

    def _schema(self) -> "pa.Schema":
        import pyarrow as pa

        own = [pa.field("n", pa.int64()), pa.field("vector", pa.list_(pa.float32(), self._embedder.dimensions))]
        return pa.schema([key_field("key"), pa.field("scope", pa.string()), *own])


_PROBES, _MOST_PROBES = 8, 64
"""Partitions that are searched, and the number if those hold too few entries of the scope."""
_REFINED = 8
"""Entries that are compared exactly, for each one wanted. With these settings 99.9 % of the 8 nearest among a million
were found."""


HOT = 1_000_000
"""The most entries in RAM, of all scopes together: 824 MB."""
AT_ONCE = 150_000
"""Entries of a scope that its first caller reads into RAM, in under a second. Larger scopes are read in the background,
while LanceDB finds their entries."""
FILLED = 20_000
"""Vectors outside the index before it is filled."""
READ = 4_000
"""Vectors that are read at once, because others wait for the database meanwhile."""
_ROUNDS = 4


class Nearest:
    """Finds entries by their vectors. Safe for several threads."""

    def __init__(self, store: AnswerStore, embedder: Embedder, hot: int = HOT, at_once: int = AT_ONCE) -> None:
        self._store, self._embedder, self._most, self._at_once = store, embedder, hot, min(at_once, hot)
        self.index = AnswerIndex(store, embedder)
        self.scopes: OrderedDict[str, Hot] = OrderedDict()
        self._awaited: set[str] = set()  # scopes that fit into RAM; until they are read, LanceDB finds their entries
        self._until = self.index.until
        self._late: set[str] = set()  # scopes whose newest entries should be moved into the index
        self._sizes: dict[str, int] = {}
        self._size = 0
        self._lock = threading.Lock()  # held only briefly; a scope has its own lock for reading and searching
        self._turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    @property
    def bytes(self) -> int:
        """Bytes of RAM that vectors take."""
        with self._lock:
            return sum(hot.bytes for hot in self.scopes.values())

    def find(self, scope: str, vector: Vectors, most: int = CANDIDATES) -> list[tuple[KeptEntry, float]]:
        """The live entries of a scope nearest to a vector, with their cosines, most similar first."""
        asked = most + most // 4
        for _ in range(_ROUNDS):
            near = self._near(scope, vector, asked)
            live = self._store.by_numbers(scope, [one.n for one in near])
            if len(live) >= most or len(near) < asked:
                break
            asked *= 4
        self._forget(scope, {one.n for one in near} - live.keys())
        return [(live[one.n], one.similarity) for one in near if one.n in live][:most]

    def lagging(self) -> bool:
        """True if there is work for `catch_up`. It is cheap."""
        with self._lock:
            return bool(self._awaited or self._late)

    def catch_up(self) -> int:
        """Fill the index if a scope needs it, and read the waiting scopes into RAM.

        Returns the number of rows that were moved.
        """
        needed = self.index.until or self._store.largest_scope(self._embedder.name) > self._at_once
        moved = self.index.fill() if needed else 0
        with self._lock:
            self._until, awaited = self.index.until, tuple(self._awaited)
            self._late = {scope for scope, hot in self.scopes.items() if self._unindexed(hot)}
        for scope in awaited:
            hot = self._read(scope, Hot(self._embedder.dimensions, room=self._count(scope) + FILLED))
            with self._turn(scope):
                self._keep(scope, hot)
            with self._lock:
                self._awaited.discard(scope)
        return moved

    def _near(self, scope: str, vector: Vectors, most: int) -> list[Near]:
        with self._turn(scope):
            hot = self._current(scope)
            found = hot.nearest(vector, most)
        if not hot.first:
            return found
        every = {one.n: one for one in (*self.index.nearest(scope, vector, most), *found)}
        return sorted(every.values(), key=lambda one: -one.similarity)[:most]

    def _current(self, scope: str) -> Hot:
        """The part of a scope that is in RAM, brought up to date."""
        with self._lock:
            known = self.scopes.get(scope)
        hot = known or self._begun(scope)
        if self._outgrown(hot) and (until := self.index.until) > hot.first:
            hot = Hot(self._embedder.dimensions, until)
        self._keep(scope, self._read(scope, hot))
        return hot

    def _read(self, scope: str, hot: Hot) -> Hot:
        """The part in RAM, with the vectors that are new since."""
        while (found := self._store.vectors(self._embedder.name, scope, hot.last, READ)).n.size:
            hot.add(found)
        return hot

    def _keep(self, scope: str, hot: Hot) -> None:
        with self._lock:
            self.scopes[scope] = hot
            self.scopes.move_to_end(scope)
            self._measure(scope, hot.size)
            (self._late.add if self._unindexed(hot) else self._late.discard)(scope)
            while len(self.scopes) > 1 and self._size > self._most:
                gone, _ = self.scopes.popitem(last=False)
                self._measure(gone, 0)
                self._late.discard(gone)

    def _measure(self, scope: str, size: int) -> None:
        self._size += size - self._sizes.pop(scope, 0)
        if size:
            self._sizes[scope] = size

    def _turn(self, scope: str) -> threading.Lock:
        """The lock for reading and searching one scope's vectors. Other scopes do not wait for it."""
        with self._lock:
            turn = self._turns.get(scope)
            if turn is None:
                turn = self._turns[scope] = threading.Lock()
            return turn

    def _begun(self, scope: str) -> Hot:
        """A new hot tier: for the whole scope if it fits, else, or until then, for what the index does not have."""
        count, until = self._count(scope), self.index.until
        if count <= self._at_once:
            return Hot(self._embedder.dimensions)
        if until and count <= self._most:
            with self._lock:
                self._awaited.add(scope)
        return Hot(self._embedder.dimensions, until)

    def _count(self, scope: str) -> int:
        """The number of vectors of a scope, counted up to one more than RAM may hold."""
        return self._store.count_vectors(self._embedder.name, scope, self._most + 1)

    def _outgrown(self, hot: Hot) -> bool:
        """True if it takes more RAM than allowed."""
        return hot.size > (FILLED if hot.first else self._most)

    def _unindexed(self, hot: Hot) -> bool:
        """True if the index should be filled, for a scope that is too large to be read at once."""
        large = hot.first > 0 or hot.size > self._at_once
        return large and hot.last - self._until > min(FILLED, self._most)

    def _forget(self, scope: str, numbers: set[int]) -> None:
        if not numbers:
            return
        with self._turn(scope):
            with self._lock:
                hot = self.scopes.get(scope)
            if hot is not None:
                hot.drop(numbers)
