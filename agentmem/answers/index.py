"""The index of vectors in LanceDB, for scopes that are too large for RAM. A cache: it is made from the database.

Vectors are moved into it in batches, in their order; a mark in the database says how far. A kill between the two
moves a batch again, whose entries are then found twice, and count once. An index that is damaged is deleted and filled
anew; until then its entries are not found, which costs answers but serves none that is wrong.
"""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem.answers.hot import Near
from agentmem.answers.store import AnswerStore
from agentmem.errors import ArchiveError
from agentmem.recall.tables import IndexPlan, Table, Tables, key_field, quoted
from agentmem.types import Embedder, Vectors

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "index"
BATCH = 20_000
"""Rows in one commit."""
_KEPT = timedelta(minutes=1)


class AnswerIndex:
    """The vectors of one embedder."""

    def __init__(self, store: AnswerStore, embedder: Embedder) -> None:
        self._store, self._embedder = store, embedder
        self._name = f"vectors-{hashlib.sha256(embedder.name.encode()).hexdigest()[:12]}"
        self._mark = f"indexed {embedder.name}"
        self._tables = Tables(Path(store.folder) / FOLDER)
        self._warm = False  # in this process

    @property
    def until(self) -> int:
        """The last place that is in the index."""
        return int(self._store.mark(self._mark))

    def nearest(self, scope: str, vector: Vectors, most: int) -> list[Near]:
        """The entries of a scope nearest to a vector; none where the index is damaged, which is then deleted."""
        try:
            found = self._search(scope, vector, most, _PROBES)
            if len(found) < most:  # the scope has little in these partitions
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
        """Move what is new into the index, if nobody else does, and read it into memory; gives how many rows."""
        with self._tables.owned() as ours:
            moved = self._filled() if ours else 0
        self._warmed(moved)
        return moved

    def reset(self) -> None:
        """Delete the index. It is filled anew at the next `fill`."""
        self._store.set_mark(self._mark, 0)
        self._tables.remove()

    def _warmed(self, moved: int) -> None:
        """Read the index's partitions: a search whose partition is cold waits for the disk (200 ms in a million)."""
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
        """One commit. A batch that was moved twice, by a kill, is found twice, which whoever asks allows for."""
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
"""Partitions that are searched, and how many where those hold too few entries of the scope."""
_REFINED = 8
"""Entries that are compared exactly, for each that is wanted: with these settings 99.9 % of the 8 nearest among a
million were found."""
