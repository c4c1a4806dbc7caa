"""LanceDB tables in a folder or in object storage, for several threads, processes and hosts at once.

What LanceDB asks for, and does not do by itself: a key that is declared as one, or two writers that merge the same new
rows both add them; reads that look for the newest version; one owner of the maintenance; old versions removed.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agentmem.errors import ArchiveError
from agentmem.recall.places import TablesPlace, placed

if TYPE_CHECKING:
    import pyarrow as pa

Rows = list[dict[str, Any]]
Table = Any
"""A LanceDB table: the library has no types."""
Result = TypeVar("Result")

FLAT = 10_000
"""Rows up to which vectors are simply compared one by one."""
PARTITION = 4096
"""Rows of a partition of a vector index."""
SMALL_PARTITION = 1024
"""The same where vectors are compressed: then a search spends its time elsewhere, and more centroids lead it better."""
KEPT = timedelta(minutes=10)
"""How long an old version stays for those who still read it."""
LONGEST = 200
"""Characters of a word, at most, that is found by its letters: hashes and keys are long."""
FULL_TEXT: Mapping[str, Any] = {
    "base_tokenizer": "icu/split",
    "stem": True,
    "remove_stop_words": True,
    "max_token_length": LONGEST,
}
"""How a full-text index cuts texts into words."""
TRIES = 6
_FIRST_WAIT = 0.05  # seconds; doubled at each try


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """A table to be: its columns, the one that is the key, and which columns are searched how.

    ``labels`` have few values, each in many rows. ``names`` have more values the larger the table is: their index is
    read in parts, where that of labels is read whole before the first search.
    With ``compressed`` the vector index holds one bit a dimension (RaBitQ: Gao and Long, SIGMOD 2024), a twentieth of
    the memory; a search then has to compare the best exactly (``refine_factor``).
    """

    schema: Callable[[], "pa.Schema"]
    words: str = ""
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    vector: str = ""
    compressed: bool = False

    @property
    def columns(self) -> int:
        """How many columns have an index, but for that of vectors."""
        return len(("key", *self.labels, *self.names)) + bool(self.words)


def key_field(name: str) -> "pa.Field":
    """The column that tells rows apart. LanceDB checks it only where the metadata says so."""
    import pyarrow as pa

    return pa.field(name, pa.string(), nullable=False, metadata={"lance-schema:unenforced-primary-key": "true"})


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


class Tables:
    """The tables of one place: a folder, or `places.ObjectPlace`. Raises ArchiveError where LanceDB fails."""

    def __init__(self, where: Path | TablesPlace) -> None:
        self.place = placed(where)
        self._open: dict[str, Table] = {}
        self._lock = threading.Lock()

    @cached_property
    def _database(self) -> Any:
        return self.retried(self.place.connect)

    def close(self) -> None:
        """Close to other users what LanceDB has written until now."""
        self.place.close()

    def exists(self) -> bool:
        """False if nothing was ever kept here."""
        with self.translated():
            return self.place.exists()

    def names(self) -> list[str]:
        """The tables that there are."""
        return self.retried(lambda: list(self._database.list_tables(limit=1000).tables))

    def table(self, name: str, plan: IndexPlan) -> Table:
        """The table, made with its indices where it is missing."""
        with self._lock:
            if name not in self._open:
                self._open[name] = self.retried(lambda: self._made(name, plan))
            return self._open[name]

    def drop(self, name: str) -> None:
        """Delete a table; nothing when there is none."""
        with self._lock:
            self._open.pop(name, None)
            self.retried(lambda: self._database.drop_table(name, ignore_missing=True))

    def add(self, table: Table, rows: "Rows | pa.Table", key: str = "key") -> None:
        """Add the rows whose key is new, in one commit."""
        self.retried(lambda: table.merge_insert(key).when_not_matched_insert_all().execute(self._filled(table, rows)))

    def put(self, table: Table, rows: Rows, key: str = "key") -> None:
        """Add rows, or replace those with the same key, in one commit."""
        merge = table.merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
        self.retried(lambda: merge.execute(self._filled(table, rows)))

    def delete(self, table: Table, where: str) -> None:
        """Delete the rows that fit."""
        self.retried(lambda: table.delete(where))

    def retried(self, work: Callable[[], Result]) -> Result:
        """What ``work`` gives, tried again when another writer was first, and while the place is away."""
        for attempt in range(TRIES):
            try:
                return self.place.patient(work)
            except (RuntimeError, OSError, ValueError) as error:
                if attempt + 1 == TRIES or "conflict" not in str(error).lower():
                    raise ArchiveError(self.place.explained(error)) from error
                time.sleep(_FIRST_WAIT * 2**attempt)
        raise AssertionError("unreachable")

    def remove(self) -> None:
        """Delete the place with all that is in it."""
        with self._lock, self.translated():
            self._open.clear()
            self.__dict__.pop("_database", None)
            self.place.remove()

    def maintain(self, name: str, plan: IndexPlan, kept: timedelta = KEPT) -> None:
        """Join fragments, bring the indices up to date, drop versions older than ``kept``. For the one owner."""
        table = self.table(name, plan)

        def work() -> None:
            _renew_indices(table, plan)
            if plan.vector and table.count_rows() > FLAT and len(table.list_indices()) == plan.columns:
                self._index_vectors(table, plan)
            try:
                table.optimize(cleanup_older_than=max(kept, timedelta(milliseconds=1)))
            finally:
                table.checkout_latest()  # after a conflict the handle would stay at the old version

        self.retried(work)

    def owned(self) -> AbstractContextManager[bool]:
        """True for one holder at a time, across processes and hosts: who looks after the place."""
        return self.place.owned()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """LanceDB's errors become ours."""
        try:
            yield
        except (RuntimeError, OSError, ValueError) as error:
            raise ArchiveError(self.place.explained(error)) from error

    def _made(self, name: str, plan: IndexPlan) -> Table:
        """The open table. One process at a time makes it: nobody writes before its indices are there."""
        with self.place.making():
            if name not in self._database.list_tables(limit=1000).tables:
                self._database.create_table(name, schema=plan.schema())
            table = self._database.open_table(name)
            _index(table, plan)
            return table

    @staticmethod
    def _index_vectors(table: Table, plan: IndexPlan) -> None:
        from lancedb.index import IvfFlat, IvfRq

        kind, rows = (IvfRq, SMALL_PARTITION) if plan.compressed else (IvfFlat, PARTITION)
        partitions = max(2, table.count_rows() // rows)
        table.create_index(plan.vector, config=kind(distance_type="dot", num_partitions=partitions))

    @staticmethod
    def _filled(table: Table, rows: "Rows | pa.Table") -> "pa.Table":
        import pyarrow as pa

        return pa.Table.from_pylist(rows, schema=table.schema) if isinstance(rows, list) else rows


def _index(table: Table, plan: IndexPlan) -> None:
    """Make the indices that a table must have before its first search; a kill may have left it without some."""
    from lancedb.index import FTS, Bitmap, BTree

    indices: dict[str, Any] = {column: BTree() for column in ("key", *plan.names)} | {
        column: Bitmap() for column in plan.labels
    }
    if plan.words:
        indices[plan.words] = FTS(**FULL_TEXT)
    known = {column for index in table.list_indices() for column in index.columns}
    for column, config in indices.items():
        if column not in known:
            table.create_index(column, config=config)


def _renew_indices(table: Table, plan: IndexPlan) -> None:
    """An older agentmem had names in the index of labels."""
    from lancedb.index import BTree

    for index in table.list_indices():
        if index.index_type == "Bitmap" and set(index.columns) <= set(plan.names):
            table.create_index(index.columns[0], config=BTree(), name=index.name, replace=True)


def either(conditions: Sequence[str]) -> str:
    """SQL that holds where any of the conditions does."""
    return " OR ".join(f"({one})" for one in conditions)
