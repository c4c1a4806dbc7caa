"""The journal keeps, finds, forks and forgets transcripts."""

import threading
from pathlib import Path

import pytest

from agentmem.errors import (
    AgentmemError,
    ConfigError,
    JournalError,
    ThreadBusy,
    ThreadHasForks,
    ThreadNotFound,
    UnknownReference,
)
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.rows import entry_hash
from agentmem.types import Draft
from tests.transcript.databases import note, sql


def filled(journal: Journal, thread: str, count: int) -> None:
    """A thread of ``count`` notes that say their numbers."""
    journal.append(thread, [note(f"{thread} {seq}") for seq in range(count)], head=-1)


def test_entries_come_back_as_they_were_written(journal: Journal) -> None:
    """Entries read back in order, byte for byte, with hashes that chain; a new thread is empty before."""
    assert journal.head("main") == -1
    assert list(journal.entries("main")) == []
    written = journal.append("main", [Draft("opening", b"{}"), Draft("user", "gr\u00fc\u00df\0".encode())], head=-1)
    written += journal.append("main", [Draft("assistant", bytes(range(256)) * 300)], head=1)
    assert tuple(journal.entries("main")) == written
    assert journal.head("main") == 2
    parent = ""
    for seq, entry in enumerate(written):
        assert (entry.thread, entry.seq, entry.parent) == ("main", seq, parent)
        parent = entry_hash(parent, entry.kind, entry.data)
        assert entry.sha256 == parent
        assert journal.entry(entry.reference) == entry


def test_entries_after_a_point(journal: Journal) -> None:
    """Reading may begin after any entry, across the chunks in which rows are read."""
    filled(journal, "main", 300)
    every = list(journal.entries("main"))
    for after in (-1, 0, 127, 128, 298, 299, 1000):
        assert list(journal.entries("main", after=after)) == every[after + 1 :]


def test_appending_again_writes_nothing(journal: Journal) -> None:
    """The same append from the same head gives the same entries, whatever was appended since."""
    first = journal.append("main", [note("a"), note("b")], head=-1)
    second = journal.append("main", [note("c")], head=1)
    assert journal.append("main", [note("a"), note("b")], head=-1) == first
    assert journal.append("main", [note("a")], head=-1) == first[:1]
    assert journal.append("main", [note("c")], head=1) == second
    assert journal.append("main", [], head=-1) == ()
    assert journal.head("main") == 2


@pytest.mark.parametrize(
    "drafts", [[note("other")], [note("a"), note("other")], [note("a"), note("b"), note("c")], [Draft("user", b"a")]]
)
def test_appending_something_else_is_refused(journal: Journal, drafts: list[Draft]) -> None:
    """Other bytes, another kind or more entries than stand after the head seen: ThreadBusy, and nothing changes."""
    journal.append("main", [note("a"), note("b")], head=-1)
    before = list(journal.entries("main"))
    with pytest.raises(ThreadBusy, match="ends with entry 1, and this run had seen up to -1"):
        journal.append("main", drafts, head=-1)
    assert list(journal.entries("main")) == before


def test_a_head_that_does_not_exist_is_refused(journal: Journal) -> None:
    """A caller that has seen more than there is learns that the thread was forgotten, or begun anew."""
    with pytest.raises(ThreadNotFound, match="forgotten"):
        journal.append("main", [note("a")], head=3)
    filled(journal, "main", 2)
    with pytest.raises(ThreadBusy):
        journal.append("main", [note("a")], head=5)
    assert journal.head("main") == 1


def test_a_fork_continues_its_ancestor(journal: Journal) -> None:
    """A fork reads as its ancestor up to the fork, then its own; a fork of a fork too, even before its own entries."""
    filled(journal, "main", 5)
    journal.fork("main", 2, "left")
    journal.append("left", [note("left 3"), note("left 4")], head=2)
    journal.append("main", [note("main 5")], head=4)
    journal.fork("left", 1, "early")
    journal.fork("left", 3, "late/branch")
    journal.append("late/branch", [note("late 4")], head=3)
    texts = {info.name: [entry.data.decode() for entry in journal.entries(info.name)] for info in journal.threads()}
    assert texts == {
        "main": [f"main {seq}" for seq in range(6)],
        "left": ["main 0", "main 1", "main 2", "left 3", "left 4"],
        "early": ["main 0", "main 1"],
        "late/branch": ["main 0", "main 1", "main 2", "left 3", "late 4"],
    }
    assert [entry.reference for entry in journal.entries("late/branch", after=1)] == [
        "main/2",
        "left/3",
        "late/branch/4",
    ]
    assert journal.entry("late/branch/3") == journal.entry("left/3")
    assert journal.entry("late/branch/0") == journal.entry("main/0")
    assert journal.append("early", [note("early 2")], head=1)[0].parent == journal.entry("main/1").sha256


def test_a_fork_may_be_asked_for_again(journal: Journal) -> None:
    """The same fork is made once; a name that stands for something else is refused."""
    filled(journal, "main", 3)
    journal.fork("main", 1, "fork")
    journal.fork("main", 1, "fork")
    with pytest.raises(JournalError, match="exists already"):
        journal.fork("main", 2, "fork")
    with pytest.raises(JournalError, match="exists already"):
        journal.fork("main", 2, "main")
    journal.append("fork", [note("own")], head=1)
    with pytest.raises(JournalError, match="exists already"):
        journal.fork("main", 1, "fork")
    with pytest.raises(ThreadNotFound):
        journal.fork("nobody", 0, "other")
    for at in (-1, 3):
        with pytest.raises(UnknownReference):
            journal.fork("main", at, "other")
    assert [info.name for info in journal.threads()] == ["main", "fork"]


def test_the_list_of_threads(journal: Journal) -> None:
    """Threads are listed oldest first, with head, times and where a fork began."""
    filled(journal, "main", 3)
    journal.fork("main", 1, "fork")
    before = journal.threads()[0]
    journal.append("main", [note("more")], head=2)
    main, fork = journal.threads()
    assert (main.name, main.head, main.parent) == ("main", 3, None)
    assert (fork.name, fork.head, fork.parent) == ("fork", 1, ("main", 1))
    assert main.created == before.created <= before.updated <= main.updated


def test_own_entries_of_one_kind(journal: Journal) -> None:
    """A thread's own entries of a kind come in order, without its ancestors' and without other kinds."""
    journal.append("main", [Draft("usage", b"0"), note("x"), Draft("usage", b"2")], head=-1)
    journal.fork("main", 2, "fork")
    assert list(journal.own("fork", "usage")) == []
    journal.append("fork", [Draft("usage", b"%d" % seq) for seq in range(300)], head=2)
    assert [entry.data for entry in journal.own("main", "usage")] == [b"0", b"2"]
    assert [entry.data for entry in journal.own("fork", "usage")] == [b"%d" % seq for seq in range(300)]
    assert list(journal.own("nobody", "usage")) == []


def test_threads_by_their_beginning_and_by_name(journal: Journal) -> None:
    """Every name that begins so, whatever letters follow, and no other; one thread alone, with its fork's place."""
    for name in ("main", "main.d1", "main.d1.d2", "main.\u00e9", "main.\U0001f600", "Main.d1", "mainx", "main_d1"):
        filled(journal, name, 2)
    journal.fork("main", 1, "main.d3")
    found = [info.name for info in journal.threads("main.")]
    assert found == ["main.d1", "main.d1.d2", "main.\u00e9", "main.\U0001f600", "main.d3"]
    one = journal.thread("main.d3")
    assert one is not None
    assert (one.name, one.head, one.parent) == ("main.d3", 1, ("main", 1))
    assert journal.thread("main.d4") is None
    assert journal.thread("") is None


def test_a_family_is_a_thread_with_its_forks_and_theirs(journal: Journal) -> None:
    """Ancestors first; a thread that does not exist is alone."""
    filled(journal, "main", 3)
    journal.fork("main", 1, "a")
    journal.fork("a", 1, "b")
    assert journal.family("main") == ("main", "a", "b")
    assert journal.family("b") == ("b",)
    assert journal.family("nobody") == ("nobody",)


@pytest.mark.parametrize(
    "reference", ["", "main", "main/", "/0", "main/-1", "main/x", "main/\u0662", "main/9" + "9" * 30]
)
def test_what_is_no_reference(journal: Journal, reference: str) -> None:
    """Text that cannot be a reference is refused with a sentence that shows one."""
    filled(journal, "main", 1)
    with pytest.raises(UnknownReference, match="reads THREAD/NUMBER"):
        journal.entry(reference)


@pytest.mark.parametrize(
    ("reference", "why"), [("main/3", "has the entries 0 to 2"), ("nobody/0", "no thread 'nobody'")]
)
def test_a_reference_to_nothing(journal: Journal, reference: str, why: str) -> None:
    """A reference to nothing says what there is."""
    filled(journal, "main", 3)
    with pytest.raises(UnknownReference, match=why):
        journal.entry(reference)


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "x" * 201])
def test_names_that_no_thread_can_have(journal: Journal, name: str) -> None:
    """An empty, unprintable or endless name is refused before anything is written."""
    filled(journal, "main", 1)
    with pytest.raises(ConfigError, match="a thread's name"):
        journal.append(name, [note("a")], head=-1)
    with pytest.raises(ConfigError, match="a thread's name"):
        journal.fork("main", 0, name)
    with pytest.raises(ConfigError, match="a thread's name"), journal.lease(name):
        raise AssertionError("the lease was given")
    assert [info.name for info in journal.threads()] == ["main"]


def test_forgetting(journal: Journal, database_url: str) -> None:
    """A forgotten thread leaves no row; other threads stay; its name may be used again."""
    filled(journal, "main", 3)
    filled(journal, "other", 2)
    assert journal.forget("main") == 3
    assert journal.head("main") == -1
    assert list(journal.entries("main")) == []
    assert [info.name for info in journal.threads()] == ["other"]
    assert sql(database_url, "SELECT count(*) FROM entries") == [(2,)]
    with pytest.raises(ThreadNotFound):
        journal.forget("main")
    filled(journal, "main", 1)
    assert journal.head("main") == 0


def test_forgetting_a_thread_with_forks(journal: Journal) -> None:
    """A thread in which others begin goes only together with them; a fork goes alone."""
    filled(journal, "main", 3)
    journal.fork("main", 1, "fork")
    journal.append("fork", [note("own")], head=1)
    journal.fork("fork", 2, "leaf")
    with pytest.raises(ThreadHasForks, match="'fork', 'leaf'"):
        journal.forget("main")
    assert journal.forget("leaf") == 0
    assert journal.forget("main", with_forks=True) == 4
    assert journal.threads() == ()


def test_a_thread_in_use_is_not_forgotten(journal: Journal) -> None:
    """While a run holds a thread or a fork of it, neither is forgotten."""
    filled(journal, "main", 3)
    journal.fork("main", 1, "fork")
    with journal.lease("fork"), pytest.raises(ThreadBusy, match="in use"):
        journal.forget("main", with_forks=True)
    assert len(journal.threads()) == 2
    assert journal.forget("main", with_forks=True) == 3


def test_one_journal_for_many_threads_of_a_process(journal: Journal) -> None:
    """Worker threads may share a journal: every entry is there once, in its writer's order."""

    def write(name: str) -> None:
        head = -1
        for number in range(20):
            head = journal.append(name, [note(f"{name} {number}")], head=head)[-1].seq

    names = [f"worker {number}" for number in range(6)]
    workers = [threading.Thread(target=write, args=(name,)) for name in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for name in names:
        assert [entry.data.decode() for entry in journal.entries(name)] == [f"{name} {n}" for n in range(20)]


def test_a_journal_may_be_closed_twice(database_url: str) -> None:
    """Closing is final and may be repeated; a closed journal says so; the next one finds everything."""
    journal = open_journal(database_url)
    filled(journal, "main", 2)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.head("main")
    with open_journal(database_url) as again:
        assert again.head("main") == 1


def test_ways_to_name_a_database(tmp_path: Path) -> None:
    """A path, its text, a sqlite URL and nothing but memory all open; a folder that is missing is made."""
    file = tmp_path / "deep" / "er" / "run.db"
    with open_journal(file) as journal:
        filled(journal, "main", 1)
    for url in (str(file), f"sqlite:///{file}"):
        with open_journal(url) as journal:
            assert journal.head("main") == 0
    for url in (":memory:", "sqlite://", "sqlite:///:memory:"):
        with open_journal(url) as journal:
            filled(journal, "main", 1)
            assert journal.forget("main") == 1


@pytest.mark.parametrize("url", ["", "mysql://host/db", "a\0b"])
def test_what_names_no_database(url: str) -> None:
    """Anything else is refused with what to write instead."""
    with pytest.raises(ConfigError, match=r"postgresql://"):
        open_journal(url)


@pytest.mark.parametrize("name", ["a\ud800", "a\0b", "\udcff"])
def test_what_no_database_can_hold_is_refused(journal: Journal, name: str) -> None:
    """A name with half a surrogate pair or a zero character: an error of ours; nothing is found under it."""
    with pytest.raises(ConfigError):
        journal.append(name, [note("a")], head=-1)
    with pytest.raises(ConfigError):
        journal.storage.run("SELECT ?", name)
    for ask in (journal.forget, lambda one: journal.fork("main", 0, one)):
        with pytest.raises(AgentmemError):
            ask(name)
