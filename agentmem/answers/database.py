"""The answers' database, one SQLite file. Vectors in RAM and LanceDB are copies made from it.

A commit here acknowledges an entry, so a kill loses none. Numbers are used only once (AUTOINCREMENT). So a number that
an index still holds after its entry has gone never names another entry.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from agentmem.errors import AgentmemError, AnswersError, ConfigError
from agentmem.transcript.sqlite import open_sqlite
from agentmem.transcript.storage import Address, Storage

T = TypeVar("T")

VERSION = 1
FILE = "answers.db"

TABLES = (
    """
    CREATE TABLE entries (
      n INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL, content TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL,
      created REAL NOT NULL, expires REAL NOT NULL, checked REAL NOT NULL, seconds REAL, usd REAL, digest TEXT NOT NULL
    )
    """,
    "CREATE INDEX entries_by_expiry ON entries (expires)",
    "CREATE INDEX entries_by_check ON entries (scope, checked)",
    """
    CREATE TABLE vectors (
      v INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL REFERENCES entries (n) ON DELETE CASCADE,
      embedder TEXT NOT NULL, scope TEXT NOT NULL, vector BLOB NOT NULL, UNIQUE (n, embedder)
    )
    """,
    "CREATE INDEX vectors_by_scope ON vectors (embedder, scope, v)",
    """
    CREATE TABLE sources (
      n INTEGER NOT NULL REFERENCES entries (n) ON DELETE CASCADE, name TEXT NOT NULL, revision TEXT NOT NULL,
      page INTEGER NOT NULL, PRIMARY KEY (n, name, page)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX sources_by_name ON sources (name, page)",
    "CREATE TABLE gone (v INTEGER PRIMARY KEY, embedder TEXT NOT NULL)",
    """
    CREATE TRIGGER vector_gone AFTER DELETE ON vectors
    WHEN old.v <= (SELECT value FROM marks WHERE name = 'indexed ' || old.embedder)
    BEGIN INSERT OR IGNORE INTO gone (v, embedder) VALUES (old.v, old.embedder); END
    """,
    "CREATE TABLE events (epoch INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, at REAL NOT NULL)",
    "CREATE TABLE counts (name TEXT NOT NULL, kind TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (name, kind))",
    """
    CREATE TABLE labels (
      asked TEXT NOT NULL, kept TEXT NOT NULL, same INTEGER NOT NULL, kind TEXT NOT NULL, similarity REAL,
      served TEXT NOT NULL, fresh TEXT NOT NULL, at REAL NOT NULL
    )
    """,
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value REAL NOT NULL)",
)
LATER = (
    """
    CREATE TABLE IF NOT EXISTS dropped (
      scope TEXT NOT NULL, kept TEXT NOT NULL, asked TEXT NOT NULL, embedder TEXT NOT NULL, vector BLOB NOT NULL,
      at REAL NOT NULL, PRIMARY KEY (scope, kept, asked, embedder)
    )
    """,
    "CREATE TABLE IF NOT EXISTS owned (scope TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS owned_by_owner ON owned (owner)",
    """
    CREATE TABLE IF NOT EXISTS spent (
      n INTEGER PRIMARY KEY REFERENCES entries (n) ON DELETE CASCADE, tokens INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS served (
      s INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL REFERENCES entries (n) ON DELETE CASCADE,
      asked TEXT NOT NULL, how TEXT NOT NULL, similarity REAL, at REAL NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS served_by_entry ON served (n)",
)
"""Tables that an earlier program of this version does not know, and does not need."""


class Database:
    """The open file. Raises AnswersError if it cannot be read or written, ConfigError if it is another program's."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.storage: Storage = self.translated(lambda: open_sqlite(Address("sqlite", str(self.path))))
        self.translated(self._prepare)

    def translated(self, work: Callable[[], T]) -> T:
        """The result of ``work``, with SQLite's errors as AnswersErrors."""
        try:
            return work()
        except (ConfigError, AnswersError):
            raise
        except AgentmemError as error:
            raise AnswersError(f"the answer cache: {error}") from error

    def run(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """All rows of one statement."""
        return self.translated(lambda: self.storage.run(sql, *values))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: everything inside is written together or not at all."""
        try:
            with self.storage.transaction():
                yield
        except (ConfigError, AnswersError):
            raise
        except AgentmemError as error:
            raise AnswersError(f"the answer cache: {error}") from error

    def close(self) -> None:
        """Close the file. May be called twice."""
        self.storage.close()

    def _prepare(self) -> None:
        if self._version() != VERSION:
            self._make()
        for statement in LATER:
            self.storage.run(statement)

    def _make(self) -> None:
        with self.storage.transaction():
            found = self._version()
            if found > VERSION:
                raise AnswersError(f"{self.path} was written by a later agentmem: update, or delete the file")
            if not found:
                for statement in TABLES:
                    self.storage.run(statement)
                self.storage.run(f"PRAGMA user_version = {VERSION}")

    def _version(self) -> int:
        return int(self.storage.run("PRAGMA user_version")[0][0])
