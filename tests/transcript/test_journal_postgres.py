"""What only a server can do wrong: be away, refuse, come back; and that no password is ever shown."""

import psycopg
import pytest

from agentmem.distribution import install
from agentmem.errors import ConfigError, JournalError
from agentmem.transcript.journal import open_journal
from agentmem.transcript.storage import locate, without_secrets
from tests.objects import free_ports
from tests.transcript.databases import child, heard, note

WITHOUT_PSYCOPG = """
import sys
sys.modules["psycopg"] = None  # as if it were not installed
from agentmem.transcript.journal import open_journal
from agentmem.errors import ConfigError
try:
    open_journal("postgresql://user@localhost/db")
except ConfigError as error:
    print(error)
"""


def test_no_server() -> None:
    """A server that is away is a ConfigError with the address and the driver's words, without the password."""
    with pytest.raises(ConfigError, match=r"no connection to postgresql://me:\*\*\*@127.0.0.1") as caught:
        open_journal(f"postgresql://me:hush%21hush@127.0.0.1:{free_ports(1)[0]}/db")
    assert "hush" not in str(caught.value)
    assert "refused" in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hush@localhost:port/db",
        "postgresql://me:hush%zz@localhost/db",
        "postgresql://localhost/db?password=hush&nonsense=1",
        "postgresql://me:hush@[::1/db",
        "postgresql://me:hush:hush@127.0.0.1:port/db",
        "postgresql://me:hush@hush@nowhere.invalid:port/db",
        "postgresql://me:hush/hush@127.0.0.1:port/db",
        "postgresql://me:hush?hush@127.0.0.1:port/db",
    ],
)
def test_urls_that_cannot_be_read(url: str) -> None:
    """A malformed URL is a ConfigError; its password is not shown."""
    with pytest.raises(ConfigError, match="no connection to") as caught:
        open_journal(url)
    assert "hush" not in str(caught.value)


def test_passwords_are_hidden() -> None:
    """Passwords are starred in the address and in other people's words, but not inside of other words."""
    address = locate("postgres://me:p%40ss@host/db?password=word")
    assert str(address) == "postgresql://me:***@host/db?password=***"
    assert "p%40ss" not in repr(address)
    assert without_secrets("p@ss, p%40ss and word; passwords", address) == "***, *** and ***; passwords"


def test_a_database_that_is_missing(postgres: str) -> None:
    """A database that the server does not have is a ConfigError that names it."""
    with pytest.raises(ConfigError, match='"nowhere" does not exist'):
        open_journal(postgres.replace("/postgres?", "/nowhere?"))


def test_psycopg_is_missing() -> None:
    """Without psycopg the error says how to install it."""
    with child(WITHOUT_PSYCOPG) as process:
        assert heard(process).endswith(install("postgres"))


def test_a_connection_that_broke(postgres_url: str) -> None:
    """When the server dropped the connection, the next call makes a new one, and nothing is lost or doubled."""
    with open_journal(postgres_url) as journal:
        journal.append("main", [note("a")], head=-1)
        for head in range(3):
            with psycopg.connect(postgres_url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            assert journal.append("main", [note("b")], head=head)[0].seq == head + 1
        assert journal.head("main") == 3


def test_a_connection_that_broke_within_a_transaction(postgres_url: str) -> None:
    """A transaction whose connection breaks is undone as a whole, and the error says to run again."""
    with (
        open_journal(f"{postgres_url}&outage_timeout=0") as journal,
        psycopg.connect(postgres_url, autocommit=True) as other,
    ):
        entries = journal.append("main", [note("a")], head=-1)
        other.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END'"
        )
        other.execute("CREATE TRIGGER fail BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION fail()")
        with pytest.raises(JournalError, match="run again"):
            journal.append("main", [note("b"), note("c")], head=0)
        other.execute("DROP TRIGGER fail ON entries")
        assert tuple(journal.entries("main")) == entries
        journal.append("main", [note("b"), note("c")], head=0)
        assert journal.head("main") == 2


def test_a_user_who_may_only_read(postgres_url: str) -> None:
    """A session that may not write is told so."""
    with pytest.raises(ConfigError, match="is read-only"):
        open_journal(postgres_url.replace("options=", "options=-cdefault_transaction_read_only%3Don%20"))
