"""The pool of connections: shared, bounded, patient, and safe to fork."""

import os
import threading
from collections.abc import Callable

import pytest

from agentmem.errors import ConfigError, DatabaseAway, JournalError
from agentmem.transcript.journal import open_journal
from agentmem.transcript.pool import PoolCounts, PoolUser
from agentmem.transcript.storage import Sharing, Storage, locate
from tests.forwarder import Forwarder
from tests.transcript.databases import note, storage_of


def counts(storage: Storage) -> PoolCounts:
    """The connections of a storage's pool."""
    assert isinstance(storage.lender, PoolUser)
    return storage.lender.pool.counts


def test_all_share_few_connections(postgres_url: str) -> None:
    """Many journals, each used by a thread of its own at once, make no more connections than the limit."""
    url = f"{postgres_url}&connection_limit=3"
    journals = [open_journal(url) for _ in range(20)]
    workers = [
        threading.Thread(target=lambda one=one, name=f"t{number}": one.append(name, [note("a")], head=-1))
        for number, one in enumerate(journals)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(journals[0].threads()) == 20
    assert counts(journals[0].storage).most <= 3
    for one in journals[1:]:
        one.close()
    assert counts(journals[0].storage).free
    journals[0].close()
    assert counts(journals[0].storage).free == 0


def test_a_full_pool_is_waited_for(postgres_url: str) -> None:
    """Work waits for a free connection; after its deadline it is told the limit, and what to do."""
    with open_journal(f"{postgres_url}&connection_limit=1&pool_timeout=1") as journal:
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with journal.storage.transaction():
                held.set()
                done.wait(30)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(30)
        with pytest.raises(JournalError, match=r"all 1 connections .* were in use for 1 s: .*connection_limit="):
            journal.head("t")
        done.set()
        holder.join()
        assert journal.head("t") == -1
        assert counts(journal.storage) == PoolCounts(0, 1, 1, 1)


def test_a_forked_child_makes_its_own(postgres_url: str) -> None:
    """A child uses connections of its own, and leaves those of its parent open, also when it closes and ends."""
    with open_journal(postgres_url) as journal:
        journal.append("t", [note("a")], head=-1)
        mine = journal.storage.run("SELECT pg_backend_pid()")
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            theirs = journal.storage.run("SELECT pg_backend_pid()")
            journal.append("t", [note("b")], head=0)
            journal.close()
            os.write(write, b"different" if theirs != mine else b"the same")
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(read, 20) == b"different"
        os.close(read)
        os.close(write)
        assert journal.storage.run("SELECT pg_backend_pid()") == mine
        assert journal.head("t") == 1


def test_a_lease_is_not_a_forked_childs(database_url: str) -> None:
    """A child of the process that holds a thread may not write to it."""
    with open_journal(database_url) as journal, journal.lease("t"):
        child = os.fork()
        if child == 0:
            try:
                journal.append("t", [note("b")], head=-1)
            except JournalError:
                os._exit(3)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        assert journal.head("t") == -1
        journal.append("t", [note("a")], head=-1)


def test_settings_stand_in_the_url() -> None:
    """They are read from the URL, which goes to the server without them; what is no number is refused."""
    address = locate("postgresql://me@host/db?connection_limit=20&sslmode=require&pool_timeout=5&lease_seconds=9")
    assert address.target == "postgresql://me@host/db?sslmode=require"
    assert address.sharing == Sharing(limit=20, wait=5.0, lease=9.0)
    assert locate("postgresql://host/db?outage_timeout=0").target == "postgresql://host/db"
    for wrong in ("connection_limit=0", "connection_limit=many", "pool_timeout=-1", "lease_seconds=0"):
        with pytest.raises(ConfigError, match=r"in the database's URL is a number"):
            locate(f"postgresql://host/db?{wrong}")


def test_a_link_that_is_cut_is_waited_for(postgres_url: str) -> None:
    """Work pauses while the server cannot be reached, and goes on when it can: nothing is lost or doubled."""
    link = Forwarder(postgres_url)
    with open_journal(link.url) as journal, journal.lease("t"):
        journal.append("t", [note("a")], head=-1)
        with link.away(0.3):
            journal.append("t", [note("b")], head=0)
        assert [entry.data for entry in journal.entries("t")] == [b"a", b"b"]
    link.close()


def test_what_is_opened_while_the_server_is_away_waits_too(postgres_url: str) -> None:
    """Another journal of the process, and a fork: whatever is done then goes on when the server is back."""
    link = Forwarder(postgres_url)
    with open_journal(link.url) as journal:
        journal.append("t", [note("a")], head=-1)
        works: list[Callable[[], None]] = [
            lambda: open_journal(link.url).close(),
            lambda: journal.fork("t", 0, "fork"),
        ]
        for work in works:
            with link.away(0.3):
                work()
        assert journal.head("fork") == 0
    link.close()


def test_a_server_that_stays_away_is_told(postgres_url: str) -> None:
    """After its patience work ends with a sentence that says what to do."""
    link = Forwarder(postgres_url)
    with open_journal(f"{link.url}&outage_timeout=0") as journal:
        link.cut()
        with pytest.raises(DatabaseAway, match=r"broke|is the server up"):
            journal.head("t")
        link.mend()
        assert journal.head("t") == -1
    link.close()


def test_many_rows_at_a_cut_are_one_error(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """None of them is written, and psycopg logs nothing of its own about the end of its pipeline."""
    link = Forwarder(postgres_url)
    storage = storage_of(f"{link.url}&outage_timeout=0")
    storage.run("CREATE TABLE many (n INTEGER)")
    with pytest.raises(DatabaseAway), storage.transaction():
        storage.run_many("INSERT INTO many VALUES (?)", [(1,), (2,)])
        link.cut()
        storage.run_many("INSERT INTO many VALUES (?)", [(3,), (4,)])
    assert [record.name for record in caplog.records if record.name.startswith("psycopg")] == []
    link.mend()
    assert storage.run("SELECT count(*) FROM many") == [(0,)]
    storage.run_many("INSERT INTO many VALUES (?)", [(5,), (6,)])
    assert storage.run("SELECT sum(n) FROM many") == [(11,)]
    storage.close()
    link.close()


def test_a_broken_connection_is_not_lent_again(postgres_url: str) -> None:
    """What is given back with an open transaction, or closed, is thrown away."""
    storage = storage_of(postgres_url)
    with storage.held(writing=False) as connection:
        connection.execute("BEGIN")
    assert counts(storage).free == 0
    with storage.held(writing=False) as connection:
        connection.close()
    assert counts(storage).free == 0
    assert storage.run("SELECT 1") == [(1,)]
    storage.close()
