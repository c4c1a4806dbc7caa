"""A cache of what was learnt of pages, in one SQLite file that may be deleted at any time.

Everything is kept by content: a row that is there is right. Where the file cannot be opened or written (a folder
that is read-only, a damaged file, a file system without locks) the cache lives in memory.
"""

import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

from agentmem.errors import WorkspaceError
from agentmem.pages import private
from agentmem.pages.files import Stamp
from agentmem.pages.names import HOME
from agentmem.pages.revisions import home

VERSION = 2
"""Counted up whenever the tables, the parser's reading or the counting change: older files are begun anew."""

_FILE = "pages.sqlite"
_MEMORY = ":memory:"
_BUSY_SECONDS = 10.0
TOKENIZER = "porter unicode61 remove_diacritics 2"
"""FTS5's, for sections: words by their stems, without accents."""
_SCHEMA = f"""
CREATE TABLE stamps (name TEXT PRIMARY KEY, size INT, modified INT, changed INT, inode INT, revision TEXT);
CREATE TABLE facts (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE indexed (name TEXT PRIMARY KEY, revision TEXT, first INT, last INT);
CREATE VIRTUAL TABLE sections USING fts5(
    name, path, body, section UNINDEXED, line UNINDEXED, tokenize = '{TOKENIZER}'
);
"""
_TABLES = ("sections", "indexed", "facts", "stamps")


class Cache:
    """The cache of one workspace. May be used from several threads; closed when it is no longer used."""

    def __init__(self, root: Path, *, in_memory: bool = False) -> None:
        self._lock = RLock()
        self._path = root / HOME / _FILE
        self._connection = _prepared(_MEMORY) if in_memory else _opened(root)
        self._file = _identity(self._path) if _is_on_disk(self._connection) else None
        self.close = weakref.finalize(self, self._connection.close)

    @property
    def stands(self) -> bool:
        """Whether the file is still the one that was opened: it may be deleted at any time."""
        return self._file is None or self._file == _identity(self._path)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One change of the cache, all of it or nothing."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, to read from."""
        with self._lock:
            yield self._connection

    def stamps(self) -> dict[str, tuple[Stamp, str]]:
        """Under which stamp each file was read, and the revision it had ("" for a file that is no page)."""
        with self.reading() as connection:
            rows = connection.execute("SELECT * FROM stamps").fetchall()
        return {name: (Stamp(*stamp), revision) for name, *stamp, revision in rows}

    def keep_stamps(self, stamps: Mapping[str, tuple[Stamp, str]], gone: Iterable[str]) -> None:
        """Remember these, and forget those that are gone."""
        rows = [
            (name, stamp.size, stamp.modified, stamp.changed, stamp.inode, revision)
            for name, (stamp, revision) in stamps.items()
        ]
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO stamps VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.executemany("DELETE FROM stamps WHERE name = ?", [(name,) for name in gone])

    def facts(self, kind: str, keys: Iterable[str] | None = None) -> dict[str, str]:
        """What is known of one kind, by key; all of it, or of ``keys`` only."""
        with self.reading() as connection:
            if keys is None:
                return dict(connection.execute("SELECT key, value FROM facts WHERE kind = ?", (kind,)))
            found = (
                connection.execute("SELECT key, value FROM facts WHERE kind = ? AND key = ?", (kind, key)).fetchone()
                for key in keys
            )
            return dict(row for row in found if row)

    def keep_facts(self, kind: str, facts: Mapping[str, str]) -> None:
        """Remember facts of one kind."""
        rows = [(kind, key, value) for key, value in facts.items()]
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", rows)

    def prune(self, keys: Iterable[str]) -> None:
        """Forget every fact whose key is not one of these."""
        with self.transaction() as connection:
            connection.execute("CREATE TEMP TABLE kept (key TEXT PRIMARY KEY)")
            connection.executemany("INSERT OR IGNORE INTO kept VALUES (?)", [(key,) for key in keys])
            connection.execute("DELETE FROM facts WHERE key NOT IN (SELECT key FROM kept)")
            connection.execute("DROP TABLE kept")


def remove(root: Path) -> None:
    """Delete the cache's file, because it is damaged."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            (root / HOME / (_FILE + suffix)).unlink()


def _opened(root: Path) -> sqlite3.Connection:
    try:
        path = str(home(root) / _FILE)
        private.make_file(Path(path))
        try:
            return _prepared(path)
        except sqlite3.OperationalError:
            raise  # busy, or no way to write here: not damaged
        except sqlite3.DatabaseError:
            remove(root)
            return _prepared(path)
    except (sqlite3.DatabaseError, WorkspaceError):
        return _prepared(_MEMORY)


def _is_on_disk(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA database_list").fetchone()[2])


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _prepared(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            for table in _TABLES:
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _SCHEMA.split(";\n")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection
