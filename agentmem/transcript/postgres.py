"""Runs the journal on Postgres, with psycopg, which is imported only when a database is opened."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from agentmem.distribution import install
from agentmem.errors import AgentmemError, ConfigError, DatabaseAway, JournalError
from agentmem.transcript.pool import PoolUser
from agentmem.transcript.storage import Address, Driver, Storage, without_secrets

if TYPE_CHECKING:
    import psycopg

ABANDONED_SECONDS = 10
"""Seconds after which the server ends a transaction whose process says nothing: it may hold a thread's row."""

_NETWORK: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A link that is cut is noticed within about ten seconds. The URL's own parameters win."""

SCHEMA_LOCK = 0x6167656E746D656D
"""The advisory lock for making tables: "agentmem" in ASCII."""

_WORDS: Mapping[str, str] = {
    "id": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "bytes": "BYTEA",
    "real": "DOUBLE PRECISION",
    "now": "extract(epoch from clock_timestamp())::double precision",
    "for_append": " FOR UPDATE OF t FOR KEY SHARE OF l",
    "for_update": " FOR UPDATE",
    "from": "~>=~",  # by bytes, whatever the collation of the database is
    "before": "~<~",
    "beginnings": " text_pattern_ops",
    "numbered": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "by_key": "",
    "unindexed": "",
    "write_alone": "SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 0))",
    "hold": f"SELECT pg_advisory_xact_lock_shared({SCHEMA_LOCK + 1})",
    "hold_alone": f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK + 1})",
    "schema_lock": f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})",
    "tables_of_threads": (
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND column_name = 'thread_id'"
    ),
    "tables": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}

_MEANINGS: tuple[tuple[str, type[AgentmemError], str], ...] = (
    ("25006", ConfigError, "{place} is read-only: connect to the primary server, or as a user who may write"),
    ("42501", ConfigError, "the user may not do this in {place}: {error}"),
    ("57014", JournalError, "{place} cancelled a statement ({error}): nothing of this change was written; run again"),
    ("53100", DatabaseAway, "the disk of {place} is full: nothing of this change was written; free space, run again"),
    ("53", DatabaseAway, "{place} is out of resources ({error}): nothing of this change was written; run again"),
    ("40", DatabaseAway, "{place} undid the transaction ({error}): nothing was written; run again"),
    ("08", DatabaseAway, "the connection to {place} broke ({error}): run again to go on"),
    ("25P", DatabaseAway, "the connection to {place} broke ({error}): run again to go on"),
    ("57", DatabaseAway, "the connection to {place} broke ({error}): run again to go on"),
    ("", JournalError, "{place}: {error}"),
)
"""The meaning of Postgres's error codes (SQLSTATE) for people. The first row whose code is a prefix counts."""


def open_postgres(address: Address) -> Storage:
    """A Storage over the database. Raises ConfigError if psycopg is missing or the server cannot be reached."""
    return Storage(
        address,
        Driver(
            kind="postgres",
            mark="%s",
            words=_WORDS,
            begin="BEGIN",
            error=_driver().Error,
            open=lambda: PoolUser(address, partial(_pooled, address)),
            explain=partial(explain_postgres, address),
            patience=address.sharing.patience,
            batch=piped,
        ),
    )


def connect_postgres(address: Address, **settings: Any) -> "psycopg.Connection[Any]":
    """A connection that commits each statement by itself. Raises ConfigError, without the password in its text."""
    driver = _driver()
    try:
        wanted = {**_NETWORK, **driver.conninfo.conninfo_to_dict(address.target), "autocommit": True, **settings}
        return cast("psycopg.Connection[Any]", driver.connect(**wanted))
    except driver.Error as error:
        said = without_secrets(" ".join(str(error).split()), address)
        raise ConfigError(f"no connection to {address} ({said}): is the server up, and is the URL right?") from None


def with_schema(target: str, name: str) -> str:
    """The same database, with tables in a schema of this name."""
    driver = _driver()
    given = driver.conninfo.conninfo_to_dict(target)
    options = f"{given.get('options', '')} -csearch_path={name}".strip()
    return str(driver.conninfo.make_conninfo(**{**given, "options": options}))


def _pooled(address: Address) -> "psycopg.Connection[Any]":
    """A connection for the pool. The server ends a transaction that a stopped or vanished process has left open."""
    connection = connect_postgres(address, prepare_threshold=2)
    connection.execute(f"SET idle_in_transaction_session_timeout = {ABANDONED_SECONDS * 1000}")
    return connection


@contextmanager
def piped(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    """Statements that do not wait for each other. If one fails, the end of the pipeline fails too on a connection that
    was cut: that says nothing new, and psycopg would log it."""
    with ExitStack() as pipeline:
        pipeline.enter_context(connection.pipeline())
        try:
            yield
        except BaseException:
            with suppress(_driver().Error):
                pipeline.close()
            raise


def explain_postgres(address: Address, error: Exception) -> AgentmemError:
    """Our error for an error of psycopg."""
    code = getattr(error, "sqlstate", None) or ("08" if isinstance(error, _driver().OperationalError) else "")
    kind, text = next((kind, text) for start, kind, text in _MEANINGS if code.startswith(start))
    return kind(text.format(place=address, error=without_secrets(" ".join(str(error).split()), address)))


def _driver() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise ConfigError(f"Postgres needs psycopg ({error}): {install('postgres')}") from None
    return psycopg
