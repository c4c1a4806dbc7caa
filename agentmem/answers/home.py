"""Where an answer cache is: a folder of this host, or an address s3://bucket/prefix that several hosts share.

In a folder the entries are in a SQLite file and the index in LanceDB's files. At an address the index and the results
of tuning are in object storage, and the entries in a Postgres database, whose commits acknowledge them; who looks after
the index holds a lease there.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from agentmem.answers.records import RecordPlace
from agentmem.errors import ConfigError
from agentmem.object_store import check
from agentmem.objects import ObjectAddress, in_objects, located
from agentmem.pages import private
from agentmem.pages.names import HOME
from agentmem.recall.places import FolderPlace, ObjectPlace, TablesPlace
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.postgres import open_postgres, with_schema
from agentmem.transcript.sqlite import open_sqlite
from agentmem.transcript.storage import Address, Storage, locate

FOLDER, FILE, INDEX = "answers", "answers.db", "index"


class AnswersHome(Protocol):
    """A place for a cache. ``str()`` names it for people."""

    @property
    def records(self) -> RecordPlace:
        """Where the results of tuning are."""

    @property
    def tables(self) -> TablesPlace:
        """Where the index is."""

    def exists(self) -> bool:
        """False if nothing was ever kept there. Makes nothing."""

    def open(self) -> Storage:
        """The database of the entries, made if missing. Raises ConfigError."""

    def close(self) -> None:
        """Leave it: what was opened for it is closed. May be called twice."""


@dataclass(frozen=True, slots=True)
class AnswersFolder:
    """A cache in a folder."""

    folder: Path

    def __str__(self) -> str:
        return str(self.folder / FILE)

    @property
    def records(self) -> RecordPlace:
        return self.folder

    @property
    def tables(self) -> TablesPlace:
        return FolderPlace(self.folder / INDEX)

    def exists(self) -> bool:
        return (self.folder / FILE).exists()

    def open(self) -> Storage:
        return open_sqlite(Address("sqlite", str(self.folder / FILE)))

    def close(self) -> None:
        """A folder of agentmem's own is closed to other users."""
        if private.is_own(self.folder):
            private.close_tree(self.folder)


@dataclass(frozen=True, slots=True)
class AnswersBucket:
    """A cache at an address of object storage, with its entries in the journal's database, in a schema of their own."""

    address: ObjectAddress
    journal: Journal

    def __str__(self) -> str:
        return f"{self.address} in {self.journal.storage.address}"

    @property
    def records(self) -> RecordPlace:
        return self.address

    @property
    def tables(self) -> TablesPlace:
        return ObjectPlace(self.address.below(INDEX), self.journal.lease)

    def exists(self) -> bool:
        return bool(self.journal.storage.run("SELECT 1 FROM pg_namespace WHERE nspname = ?", self._schema))

    def open(self) -> Storage:
        storage, name = self.journal.storage, self._schema
        with storage.transaction():
            storage.run("{schema_lock}")
            storage.run(f'CREATE SCHEMA IF NOT EXISTS "{name}"')
        return open_postgres(replace(storage.address, target=with_schema(storage.address.target, name)))

    def close(self) -> None:
        self.journal.close()

    @property
    def _schema(self) -> str:
        (own,) = self.journal.storage.run("SELECT current_schema()")[0]
        return f"{own}_answers_{hashlib.sha256(str(self.address).encode()).hexdigest()[:12]}"[-63:]


def home_of(where: Path | str, database: str | None = None) -> AnswersHome:
    """The home at a path or an address. Raises ConfigError for an address without a database, or without rights."""
    if not in_objects(where):
        if database is not None:
            raise ConfigError("database= goes with an answer cache at s3://bucket/prefix: one in a folder has its own")
        return AnswersFolder(Path(where).expanduser())
    address, url = checked(str(where), database)
    return AnswersBucket(address, open_journal(url))


def checked(where: str, database: Path | str | None) -> tuple[ObjectAddress, str]:
    """An address and the URL of its database. Raises ConfigError for one without a database, or without rights."""
    if database is None or locate(database).kind != "postgres":
        raise ConfigError(
            f"the answers at {where.partition('?')[0]} need a database that every host reaches: give "
            'database="postgresql://...", or set `database` in agentmem.toml or AGENTMEM_DATABASE'
        )
    address = located(where)
    check(address)
    return address, str(database)


def home_in(root: Path, place: str | None = None, database: Path | str | None = None) -> tuple[Path | str, str | None]:
    """Where the answers of the workspace ``root`` are: at an address with its database, or in the workspace itself.

    These are the arguments of `home_of` and of AnswerCache.
    """
    return (root / HOME / FOLDER, None) if place is None else (place, None if database is None else str(database))
