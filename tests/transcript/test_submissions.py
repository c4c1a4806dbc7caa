"""Keys of tasks: written with the task, once, and forgotten with the thread."""

import threading

import pytest

from agentmem.errors import KeyTaken, ThreadBusy
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.submissions import Submission
from tests.transcript.databases import note, sql

REFUND = Submission("refund-12", "t", "a run", "00" * 32)


def test_the_key_is_written_with_the_task(journal: Journal, database_url: str) -> None:
    """Entries and key stand together; the same call again changes nothing."""
    assert journal.submission("refund-12") is None
    first = journal.append("t", [note("a"), note("b")], head=-1, submission=REFUND)
    assert journal.append("t", [note("a"), note("b")], head=-1, submission=REFUND) == first
    assert journal.submission("refund-12") == REFUND
    assert sql(database_url, "SELECT count(*) FROM submissions") == [(1,)]


@pytest.mark.parametrize("other", [("u", "a run", "00" * 32), ("t", "b", "00" * 32), ("t", "a run", "11" * 32)])
def test_a_key_names_one_task(journal: Journal, other: tuple[str, str, str]) -> None:
    """Another thread, run or task under the key is refused, and its entries are not written."""
    journal.append("t", [note("a")], head=-1, submission=REFUND)
    head = journal.head(other[0])
    with pytest.raises(KeyTaken, match="'refund-12', to thread 't': nothing was started"):
        journal.append(other[0], [note("b")], head=head, submission=Submission("refund-12", *other))
    assert journal.head(other[0]) == head
    assert journal.submission("refund-12") == REFUND


def test_what_is_not_appended_has_no_key(journal: Journal) -> None:
    """A key whose entries were refused is free."""
    journal.append("t", [note("a")], head=-1)
    with pytest.raises(ThreadBusy):
        journal.append("t", [note("b")], head=-1, submission=REFUND)
    assert journal.submission("refund-12") is None


def test_of_many_that_begin_at_once_one_does(database_url: str) -> None:
    """Writers with one key, each for a thread of its own: one thread is begun, and all others are told."""
    outcomes, start = list[str](), threading.Barrier(5)

    def race(number: int) -> None:
        with open_journal(database_url) as one:
            start.wait()
            try:
                one.append(f"t{number}", [note("a")], head=-1, submission=Submission("k", f"t{number}", "r", "00"))
                outcomes.append("begun")
            except KeyTaken:
                outcomes.append("taken")

    racers = [threading.Thread(target=race, args=(number,)) for number in range(5)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    with open_journal(database_url) as one:
        assert sorted(outcomes) == ["begun"] + ["taken"] * 4
        assert [info.name for info in one.threads()] == [one.submission("k").thread]  # type: ignore[union-attr]


def test_a_forgotten_thread_frees_its_keys(journal: Journal) -> None:
    """Forgetting a thread forgets its keys, and no others."""
    journal.append("t", [note("a")], head=-1, submission=REFUND)
    journal.append("u", [note("a")], head=-1, submission=Submission("other", "u", "b", "00"))
    journal.forget("t")
    assert journal.submission("refund-12") is None
    assert journal.submission("other")
