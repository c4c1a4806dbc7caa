"""Runs the journal on SQLite: one file, a write-ahead log, and deleted bytes overwritten."""

import sqlite3
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal, cast

from agentmem.errors import AgentmemError, ConfigError, DatabaseAway, JournalCorrupt, JournalError
from agentmem.pages import private
from agentmem.transcript.storage import Address, Connection, Driver, OneConnection, Storage

BUSY_SECONDS = 30.0
"""Seconds that a statement waits for another process's transaction."""

_PRAGMAS = ("PRAGMA synchronous = NORMAL", "PRAGMA secure_delete = ON", "PRAGMA foreign_keys = ON")

_WORDS: Mapping[str, str] = {
    "id": "INTEGER PRIMARY KEY",
    "bytes": "BLOB",
    "real": "REAL",
    "now": "((julianday('now') - 2440587.5) * 86400.0)",
    "for_append": "",
    "for_update": "",
    "from": ">=",
    "before": "<",
    "beginnings": "",
    "numbered": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "by_key": " WITHOUT ROWID",
    "unindexed": "+",
    "write_alone": "SELECT 0",
    "hold": "SELECT 0",
    "hold_alone": "SELECT 0",
    "schema_lock": "SELECT 0",
    "tables_of_threads": (
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND c.name = 'thread_id'"
    ),
    "tables": "SELECT name FROM sqlite_master WHERE type = 'table'",
}

_MEANINGS: tuple[tuple[str, type[AgentmemError], str], ...] = (
    ("SQLITE_NOTADB", ConfigError, "{file} is not a SQLite database: name another file"),
    (
        "SQLITE_CANTOPEN",
        ConfigError,
        "{file} cannot be opened as a database: is it a folder, or closed to you?",
    ),
    ("SQLITE_READONLY", ConfigError, "{file} is read-only: allow writing to it and to its folder, or use a copy"),
    ("SQLITE_PERM", ConfigError, "{file} may not be written: allow writing to it and to its folder, or use a copy"),
    (
        "SQLITE_FULL",
        DatabaseAway,
        "the disk is full: nothing of this change is in {file}; free space, run again",
    ),
    (
        "SQLITE_CORRUPT",
        JournalCorrupt,
        "{file} is damaged ({error}): restore it, or save what sqlite3 can `.recover`",
    ),
    ("SQLITE_BUSY", JournalError, "{file} was locked by another process for {seconds:.0f} s; nothing was written"),
    ("SQLITE_IOERR", JournalError, "{file} failed to be read or written ({error}): this change is not in it"),
    ("", JournalError, "{file}: {error}"),
)
"""The meaning of SQLite's error codes for people. The first row whose name is a prefix counts."""


def open_sqlite(address: Address) -> Storage:
    """A Storage over the file. A missing file or folder is made. Raises ConfigError if that fails."""
    return Storage(
        address,
        Driver(
            kind="sqlite",
            mark="?",
            words=_WORDS,
            begin="BEGIN IMMEDIATE",
            error=sqlite3.Error,
            open=lambda: OneConnection(lambda: cast(Connection, connect_sqlite(address))),
            explain=partial(explain_sqlite, address),
            scrub="PRAGMA wal_checkpoint(TRUNCATE)",
        ),
    )


def connect_sqlite(
    address: Address, isolation_level: Literal["DEFERRED", "IMMEDIATE"] | None = None
) -> sqlite3.Connection:
    """A connection for several threads, in write-ahead-log mode. Raises ConfigError, or sqlite3.Error."""
    if address.target != ":memory:":
        _prepare_folder(Path(address.target))
        private.make_file(Path(address.target))
    connection = sqlite3.connect(
        address.target, timeout=BUSY_SECONDS, isolation_level=isolation_level, check_same_thread=False
    )
    try:
        _write_ahead(connection)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def explain_sqlite(address: Address, error: Exception) -> AgentmemError:
    """Our error for an error of SQLite."""
    name = getattr(error, "sqlite_errorname", "")
    kind, text = next((kind, text) for start, kind, text in _MEANINGS if name.startswith(start))
    return kind(text.format(file=address, error=error, seconds=BUSY_SECONDS))


def _prepare_folder(path: Path) -> None:
    try:
        private.make_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"the folder {path.parent} of the database cannot be made: {error.strerror}") from error
    if path.is_dir():
        raise ConfigError(f"{path} is a folder: name a file in it, such as {path / 'run.db'}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to write-ahead logging. SQLite does not wait for its lock here, so we try again."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > end:
                raise
            time.sleep(0.005)
