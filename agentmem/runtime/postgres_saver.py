"""Keeps LangGraph's checkpoints in Postgres. It is imported only for a Postgres database (the extra ``postgres``)."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg import Connection, Cursor, Error
from psycopg.rows import DictRow, dict_row

from agentmem.runtime.saver import AsyncByThreads, plain_serializer
from agentmem.transcript.postgres import SCHEMA_LOCK, connect_postgres, explain_postgres
from agentmem.transcript.storage import Storage


class PostgresCheckpoints(AsyncByThreads, PostgresSaver):
    """LangGraph's PostgresSaver on a Storage: each call borrows a connection of the process's pool.

    A call is made again if the database was away meanwhile: all of them may be repeated. ``confirm`` raises if a thread
    is another writer's by now.
    """

    def __init__(self, storage: Storage, confirm: Callable[[str], None] = lambda thread: None) -> None:
        self._storage, self._confirm = storage, confirm
        super().__init__(cast(Any, None), serde=plain_serializer())
        try:
            _set_up(storage)
        except BaseException:
            self.close()
            raise

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return self._storage.persist(lambda: super(PostgresCheckpoints, self).get_tuple(config))

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        self._confirm(config["configurable"]["thread_id"])
        put = super().put
        return self._storage.persist(lambda: put(config, checkpoint, metadata, new_versions))

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        self._confirm(config["configurable"]["thread_id"])
        put = super().put_writes
        return self._storage.persist(lambda: put(config, writes, task_id, task_path))

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[Cursor[DictRow]]:
        with self._storage.held(writing=False) as held:
            connection = cast("Connection[Any]", held)
            with connection.cursor(binary=True, row_factory=dict_row) as cursor:
                if not pipeline:
                    yield cursor
                    return
                with connection.pipeline():
                    yield cursor

    def close(self) -> None:
        """Give the connections back. May be called twice."""
        self._storage.close()


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
