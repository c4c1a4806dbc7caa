"""Where LangGraph's checkpoints are: in the journal's own database, whichever that is."""

from pathlib import Path
from typing import TYPE_CHECKING

from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.runtime.saver import SqliteCheckpoints
from agentmem.transcript.journal import Journal
from agentmem.transcript.sqlite import open_sqlite
from agentmem.transcript.storage import Address, locate

if TYPE_CHECKING:
    from agentmem.runtime.postgres_saver import PostgresCheckpoints


def open_saver(url: str | Path) -> "SqliteCheckpoints | PostgresCheckpoints":
    """The saver of the database at ``url`` (as in open_journal). Close it when done.

    Raises ConfigError when the database cannot be used.
    """
    address = locate(url)
    return SqliteCheckpoints(open_sqlite(address)) if address.kind == "sqlite" else _in_postgres(address)


def saver_beside(journal: Journal) -> "SqliteCheckpoints | PostgresCheckpoints":
    """The saver of the journal's database.

    In SQLite it uses the journal's own connection: two connections that take turns would each make the other read
    its pages anew, which costs a turn more than all else that we do.
    """
    address = journal.storage.address
    return SqliteCheckpoints(journal.storage) if address.kind == "sqlite" else _in_postgres(address)


def _in_postgres(address: Address) -> "PostgresCheckpoints":
    try:
        from agentmem.runtime.postgres_saver import PostgresCheckpoints
    except ImportError as error:
        raise ConfigError(f"Postgres needs more packages ({error}): {install('postgres')}") from None
    return PostgresCheckpoints(address)
