"""One writer for each thread: held, refused, renewed, released, and taken over from the dead."""

import os
import signal
import threading
import time
from contextlib import ExitStack

import pytest

from agentmem.errors import ThreadBusy
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.lease import Owner, host, new_owner, parse_owner, process_start
from tests.transcript.databases import child, heard, note, sql, tell

HOLDER = """
import sys
from agentmem.transcript.journal import open_journal
with open_journal(sys.argv[1]) as journal, journal.lease("main"):
    print("held", flush=True)
    sys.stdin.readline()
print("released", flush=True)
"""


def put_lease(url: str, owner: Owner, seconds: float) -> None:
    """A lease on ``main`` as ``owner`` would have left it, that expires in so many seconds."""
    sql(url, "INSERT INTO leases (thread, owner, expires) VALUES ('main', ?, {now} + ?)", str(owner), seconds)


def expiry(url: str) -> float:
    """When the lease on ``main`` expires."""
    seconds: float = sql(url, "SELECT expires FROM leases WHERE thread = 'main'")[0][0]
    return seconds


def test_a_second_writer_is_refused(journal: Journal, database_url: str) -> None:
    """While a lease is held nobody else gets it, the holder included; after it anyone does; other threads are free."""
    with open_journal(database_url) as other:
        with journal.lease("main") as lease, journal.lease("other"):
            assert (lease.thread, lease.lost) == ("main", False)
            for asking in (journal, other):
                with pytest.raises(ThreadBusy, match="in use by process"), asking.lease("main"):
                    raise AssertionError("two writers at once")
            journal.append("main", [note("a")], head=-1)
        with other.lease("main"):
            other.append("main", [note("b")], head=0)
    assert sql(database_url, "SELECT count(*) FROM leases") == [(0,)]


def test_a_lease_is_released_after_an_error(journal: Journal) -> None:
    """An error within the lease frees the thread."""
    with pytest.raises(ZeroDivisionError), journal.lease("main"):
        raise ZeroDivisionError
    with journal.lease("main"):
        assert journal.head("main") == -1


def test_closing_releases(database_url: str) -> None:
    """A journal that is closed within a lease releases it."""
    journal = open_journal(database_url)
    with journal.lease("main"):
        journal.close()
        with open_journal(database_url) as other, other.lease("main"):
            assert other.head("main") == -1


def test_the_heartbeat_renews(journal: Journal, database_url: str) -> None:
    """A held lease's expiry moves on by itself."""
    with journal.lease("main", ttl=0.3) as lease:
        first, end = expiry(database_url), time.monotonic() + 60
        while expiry(database_url) == first and time.monotonic() < end:
            pass
        assert expiry(database_url) > first
        assert not lease.lost


def test_a_lost_lease(journal: Journal, database_url: str) -> None:
    """A holder that did not renew in time loses the thread to the next; its next append is refused."""
    with journal.lease("main", ttl=3600) as lease:
        journal.append("main", [note("a")], head=-1)
        lease.renew()
        assert not lease.lost
        sql(database_url, "UPDATE leases SET expires = 1")
        with open_journal(database_url) as other, other.lease("main"):
            other.append("main", [note("b")], head=0)
            with pytest.raises(ThreadBusy):
                journal.append("main", [note("c")], head=0)
            lease.renew()
            assert lease.lost
            with pytest.raises(ThreadBusy, match="lost its hold"):
                journal.append("main", [note("c")], head=1)
            lease.release()
            assert expiry(database_url) > 1
        assert [entry.data for entry in journal.entries("main")] == [b"a", b"b"]


def test_a_live_process_keeps_its_lease(database_url: str) -> None:
    """A thread that another process holds is busy until that process lets it go."""
    with child(HOLDER, database_url) as holder, open_journal(database_url) as journal:
        assert heard(holder) == "held"
        with pytest.raises(ThreadBusy, match=f"process {holder.pid}"), journal.lease("main"):
            raise AssertionError("two writers at once")
        assert holder.stdin is not None
        holder.stdin.close()
        assert heard(holder) == "released"
        with journal.lease("main"):
            assert journal.head("main") == -1


@pytest.mark.parametrize("reaped", [True, False])
def test_a_dead_process_has_no_lease(database_url: str, reaped: bool) -> None:
    """A lease of a process killed with -9 is taken over at once, also before its parent has taken note."""
    with child(HOLDER, database_url) as holder, open_journal(database_url) as journal:
        assert heard(holder) == "held"
        holder.kill()
        assert holder.stdout is not None
        assert holder.stdout.read() == ""  # its pipes are closed: it has ended
        if reaped:
            holder.wait()
        while process_start(holder.pid) is not None:
            pass  # the kernel closes a process's pipes a moment before it is a zombie
        with journal.lease("main") as lease:
            assert parse_owner(lease.owner).pid != holder.pid


PAUSED = """
import sys
from agentmem.errors import ThreadBusy
from agentmem.transcript.journal import open_journal
from agentmem.types import Draft
with open_journal(sys.argv[1]) as journal, journal.lease("main", ttl=1):
    journal.append("main", [Draft("note", b"a")], head=-1)
    print("held", flush=True)
    sys.stdin.readline()
    for write in (lambda: journal.append("main", [Draft("note", b"b")], head=0), lambda: journal.confirm("main")):
        try:
            write()
            print("written", flush=True)
        except ThreadBusy as error:
            print(error, flush=True)
"""


def test_a_paused_process_is_fenced(database_url: str) -> None:
    """A process that is stopped while another takes over writes nothing when it comes back, and is told."""
    with child(PAUSED, database_url) as paused, open_journal(database_url) as journal, ExitStack() as held:
        assert heard(paused) == "held"
        os.kill(paused.pid, signal.SIGSTOP)
        for _ in iter(int, 1):
            try:
                held.enter_context(journal.lease("main"))
                break
            except ThreadBusy:
                continue
        os.kill(paused.pid, signal.SIGCONT)
        tell(paused, "go on")
        assert "lost its hold on thread 'main'" in heard(paused)
        assert "lost its hold on thread 'main'" in heard(paused)
        journal.append("main", [note("c")], head=0)
        assert [entry.data for entry in journal.entries("main")] == [b"a", b"c"]


def test_one_heart_for_all_leases(journal: Journal, database_url: str) -> None:
    """Many leases are renewed by one thread, each in time; it renews none that was released."""
    with ExitStack() as held:
        leases = [held.enter_context(journal.lease(f"t{number}", ttl=0.6)) for number in range(30)]
        assert [one.name for one in threading.enumerate()].count("agentmem-leases") == 1
        first, end = min(lease.renewed for lease in leases), time.monotonic() + 60
        while min(lease.renewed for lease in leases) <= first + 0.6 and time.monotonic() < end:
            pass
        assert not any(lease.lost for lease in leases)
    assert sql(database_url, "SELECT count(*) FROM leases") == [(0,)]


def test_a_process_number_that_was_given_anew(journal: Journal, database_url: str) -> None:
    """A live process with the number of the holder, started at another time, is not the holder."""
    mine = new_owner()
    put_lease(database_url, Owner(mine.host, mine.pid, "0", "other"), 3600)
    with journal.lease("main"):
        assert journal.head("main") == -1


def test_another_host_is_waited_for(journal: Journal, database_url: str) -> None:
    """A lease from another host is kept until it expires, whatever process numbers say."""
    put_lease(database_url, Owner("elsewhere", 2**22 + 1, "0", "other"), 3600)
    with pytest.raises(ThreadBusy, match="on elsewhere"), journal.lease("main"):
        raise AssertionError("two writers at once")
    sql(database_url, "UPDATE leases SET expires = expires - 3601")
    with journal.lease("main"):
        assert journal.head("main") == -1


def test_racing_for_a_lease(database_url: str) -> None:
    """Of many that ask at once for a free thread exactly one gets it."""
    won, lost = [], []
    start, done = threading.Barrier(5), threading.Barrier(5)

    def race() -> None:
        with open_journal(database_url) as journal:
            start.wait()
            try:
                with journal.lease("main") as lease:
                    won.append(lease.owner)
                    done.wait()
            except ThreadBusy as error:
                lost.append(error)
                done.wait()

    racers = [threading.Thread(target=race) for _ in range(5)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert (len(won), len(lost)) == (1, 4)


def test_owners_read_back() -> None:
    """An owner's text gives the owner again; two owners in one process differ; this process is alive."""
    one, two = new_owner(), new_owner()
    assert parse_owner(str(one)) == one != two
    assert one.host == host()
    assert not one.is_dead
    assert process_start(2**22 + 1) is None  # above the highest pid that Linux gives
