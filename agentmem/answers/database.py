"""The answers' database: a SQLite file, or tables in Postgres that several hosts share.

Vectors in RAM and LanceDB are copies made from it. A commit here acknowledges an entry, so a kill loses none. Numbers
are used only once. So a number that an index still holds after its entry has gone never names another entry. Writers
take turns, so that a number is never seen before a smaller one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from agentmem.answers.home import AnswersHome
from agentmem.errors import AgentmemError, AnswersError, ConfigError
from agentmem.transcript.storage import DatabaseKind, Storage

T = TypeVar("T")

VERSION = 1

TABLES = (
    """
    CREATE TABLE entries (
      n {numbered}, scope TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL, content TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL,
      created {real} NOT NULL, expires {real} NOT NULL, checked {real} NOT NULL, seconds {real}, usd {real},
      digest TEXT NOT NULL
    )
    """,
    "CREATE INDEX entries_by_expiry ON entries (expires)",
    "CREATE INDEX entries_by_check ON entries (scope, checked)",
    """
    CREATE TABLE vectors (
      v {numbered}, n BIGINT NOT NULL REFERENCES entries (n) ON DELETE CASCADE,
      embedder TEXT NOT NULL, scope TEXT NOT NULL, vector {bytes} NOT NULL, UNIQUE (n, embedder)
    )
    """,
    "CREATE INDEX vectors_by_scope ON vectors (embedder, scope, v)",
    """
    CREATE TABLE sources (
      n BIGINT NOT NULL REFERENCES entries (n) ON DELETE CASCADE, name TEXT NOT NULL, revision TEXT NOT NULL,
      page INTEGER NOT NULL, PRIMARY KEY (n, name, page)
    ){by_key}
    """,
    "CREATE INDEX sources_by_name ON sources (name, page)",
    "CREATE TABLE gone (v BIGINT PRIMARY KEY, embedder TEXT NOT NULL)",
    "CREATE TABLE events (epoch {numbered}, source TEXT NOT NULL, at {real} NOT NULL)",
    "CREATE TABLE counts (name TEXT NOT NULL, kind TEXT NOT NULL, value {real} NOT NULL, PRIMARY KEY (name, kind))",
    """
    CREATE TABLE labels (
      asked TEXT NOT NULL, kept TEXT NOT NULL, same INTEGER NOT NULL, kind TEXT NOT NULL, similarity {real},
      served TEXT NOT NULL, fresh TEXT NOT NULL, at {real} NOT NULL
    )
    """,
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value {real} NOT NULL)",
)
_INDEXED = "old.v <= (SELECT value FROM marks WHERE name = 'indexed ' || old.embedder)"
TRIGGERS: Mapping[DatabaseKind, tuple[str, ...]] = {
    "sqlite": (
        f"""
        CREATE TRIGGER vector_gone AFTER DELETE ON vectors WHEN {_INDEXED}
        BEGIN INSERT OR IGNORE INTO gone (v, embedder) VALUES (old.v, old.embedder); END
        """,
    ),
    "postgres": (
        f"""
        CREATE FUNCTION vector_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF {_INDEXED} THEN
            INSERT INTO gone (v, embedder) VALUES (old.v, old.embedder) ON CONFLICT DO NOTHING;
          END IF;
          RETURN old;
        END $$
        """,
        "CREATE TRIGGER vector_gone AFTER DELETE ON vectors FOR EACH ROW EXECUTE FUNCTION vector_gone()",
    ),
}
"""What notes that a vector in the index has gone."""
LATER = (
    """
    CREATE TABLE IF NOT EXISTS dropped (
      scope TEXT NOT NULL, kept TEXT NOT NULL, asked TEXT NOT NULL, embedder TEXT NOT NULL, vector {bytes} NOT NULL,
      at {real} NOT NULL, PRIMARY KEY (scope, kept, asked, embedder)
    )
    """,
    "CREATE TABLE IF NOT EXISTS owned (scope TEXT PRIMARY KEY, owner TEXT NOT NULL){by_key}",
    "CREATE INDEX IF NOT EXISTS owned_by_owner ON owned (owner)",
    """
    CREATE TABLE IF NOT EXISTS spent (
      n BIGINT PRIMARY KEY REFERENCES entries (n) ON DELETE CASCADE, tokens BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS served (
      s {numbered}, n BIGINT NOT NULL REFERENCES entries (n) ON DELETE CASCADE,
      asked TEXT NOT NULL, how TEXT NOT NULL, similarity {real}, at {real} NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS served_by_entry ON served (n)",
)
"""Tables that an earlier program of this version does not know, and does not need."""
LATER_TABLES = frozenset(re.findall(r"TABLE IF NOT EXISTS (\w+)", " ".join(LATER)))


class Database:
    """The open database. Raises AnswersError if it cannot be used, ConfigError if it is another program's."""

    def __init__(self, home: AnswersHome) -> None:
        self.home = home
        self.storage: Storage = self.translated(home.open)
        try:
            self.translated(self._prepare)
        except BaseException:
            self.storage.close()
            raise

    def translated(self, work: Callable[[], T]) -> T:
        """The result of ``work``, with the database's errors as AnswersErrors."""
        try:
            return work()
        except (ConfigError, AnswersError):
            raise
        except AgentmemError as error:
            raise AnswersError(f"the answer cache: {error}") from error

    def run(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """All rows of one statement. It does not wait for a database that is away: the caller asks a model then."""
        return self.translated(lambda: self.storage.attempt(sql, *values))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction, one at a time: everything inside is written together or not at all."""
        try:
            with self.storage.transaction():
                self.storage.run("{write_alone}")
                yield
        except (ConfigError, AnswersError):
            raise
        except AgentmemError as error:
            raise AnswersError(f"the answer cache: {error}") from error

    def close(self) -> None:
        """Close it. May be called twice."""
        self.storage.close()

    def _prepare(self) -> None:
        if self._version() != VERSION:
            self._make()
        if {str(name) for (name,) in self.storage.run("{tables}")} >= LATER_TABLES:
            return
        with self.storage.transaction():
            self.storage.run("{schema_lock}")
            for statement in LATER:
                self.storage.run(statement)

    def _make(self) -> None:
        with self.storage.transaction():
            self.storage.run("{schema_lock}")
            found = self._version()
            if found > VERSION:
                raise AnswersError(f"{self.home} was written by a later agentmem: update, or delete it")
            if not found:
                for statement in (*TABLES, *TRIGGERS[self._kind]):
                    self.storage.run(statement)
                self._set_version()

    def _version(self) -> int:
        if self._kind == "sqlite":
            return int(self.storage.run("PRAGMA user_version")[0][0])
        if ("marks",) not in self.storage.run("{tables}"):
            return 0
        return int(self.storage.run("SELECT value FROM marks WHERE name = 'version'")[0][0])

    def _set_version(self) -> None:
        if self._kind == "sqlite":
            self.storage.run(f"PRAGMA user_version = {VERSION}")
        else:
            self.storage.run("INSERT INTO marks VALUES ('version', ?)", VERSION)

    @property
    def _kind(self) -> DatabaseKind:
        return self.storage.address.kind
