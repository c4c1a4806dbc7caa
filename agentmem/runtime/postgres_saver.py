"""Keeps LangGraph's checkpoints in Postgres. It is imported only for a Postgres database (the extra ``postgres``)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from langgraph.checkpoint.postgres import PostgresSaver
from psycopg import Connection, Cursor, Error
from psycopg.rows import DictRow, dict_row

from agentmem.runtime.saver import StorageSaver, plain_serializer
from agentmem.transcript.postgres import SCHEMA_LOCK, connect_postgres, explain_postgres, piped
from agentmem.transcript.storage import Storage


class PostgresCheckpoints(StorageSaver, PostgresSaver):
    """LangGraph's PostgresSaver on a Storage: each call borrows a connection of the process's pool."""

    def __init__(self, storage: Storage, confirm: Callable[[str], None] = lambda thread: None) -> None:
        self._storage, self._confirm = storage, confirm
        super().__init__(cast(Any, None), serde=plain_serializer())
        try:
            _set_up(storage)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[Cursor[DictRow]]:
        with self._storage.held(writing=False) as held:
            connection = cast("Connection[Any]", held)
            with connection.cursor(binary=True, row_factory=dict_row) as cursor:
                if not pipeline:
                    yield cursor
                    return
                with piped(connection):
                    yield cursor


def _set_up(storage: Storage) -> None:
    """Make LangGraph's tables, one process at a time.

    The lock is tried again and again instead of waited for: one of LangGraph's steps is CREATE INDEX CONCURRENTLY,
    which would wait for a session that waits for the lock.
    """
    if _is_set_up(storage):
        return
    with connect_postgres(storage.address, row_factory=dict_row, prepare_threshold=0) as connection:
        try:
            while not _locked(connection):
                time.sleep(0.02)
            PostgresSaver(connection).setup()
        except Error as error:
            raise explain_postgres(storage.address, error) from None


def _is_set_up(storage: Storage) -> bool:
    if ("checkpoint_migrations",) not in storage.run("{tables}"):
        return False
    latest = storage.run("SELECT max(v) FROM checkpoint_migrations")[0][0]
    return latest is not None and latest >= len(PostgresSaver.MIGRATIONS) - 1


def _locked(connection: "Connection[Any]") -> bool:
    row = connection.execute(f"SELECT pg_try_advisory_lock({SCHEMA_LOCK}) AS locked").fetchone()
    return bool(row and row["locked"])
