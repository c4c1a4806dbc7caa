"""Keeps LangGraph's checkpoints in Postgres. It is imported only for a Postgres database (the extra ``postgres``)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from langgraph.checkpoint.postgres import PostgresSaver
from psycopg import Connection, Cursor, Error
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from agentmem.runtime.saver import AsyncByThreads, plain_serializer
from agentmem.transcript.postgres import CONNECT_SECONDS, SCHEMA_LOCK, connect_postgres, explain_postgres
from agentmem.transcript.storage import Address

_SETTINGS: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
"""The settings that PostgresSaver needs for its connections (see its from_conn_string)."""


class PostgresCheckpoints(AsyncByThreads, PostgresSaver):
    """LangGraph's PostgresSaver on a pool of one connection, which is renewed after the server was away."""

    def __init__(self, address: Address) -> None:
        _set_up(address)
        self._address = address
        self._pool: ConnectionPool[Connection[DictRow]] = ConnectionPool(
            address.target,
            kwargs={"connect_timeout": CONNECT_SECONDS, **_SETTINGS},
            min_size=1,
            max_size=1,
            check=ConnectionPool.check_connection,
            open=True,
        )
        super().__init__(self._pool, serde=plain_serializer())

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[Cursor[DictRow]]:
        try:
            with super()._cursor(pipeline=pipeline) as cursor:
                yield cursor
        except Error as error:
            raise explain_postgres(self._address, error) from None

    def close(self) -> None:
        """Close the connection. May be called twice."""
        self._pool.close()


def _set_up(address: Address) -> None:
    """Make LangGraph's tables, one process at a time.

    The lock is tried again and again instead of waited for: one of LangGraph's steps is CREATE INDEX CONCURRENTLY,
    which would wait for a session that waits for the lock.
    """
    with connect_postgres(address, **_SETTINGS) as connection:
        try:
            while not _locked(connection):
                time.sleep(0.02)
            PostgresSaver(connection).setup()
        except Error as error:
            raise explain_postgres(address, error) from None


def _locked(connection: Connection[Any]) -> bool:
    row = connection.execute(f"SELECT pg_try_advisory_lock({SCHEMA_LOCK}) AS locked").fetchone()
    return bool(row and row["locked"])
