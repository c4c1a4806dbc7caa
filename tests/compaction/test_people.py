"""Which messages are the open task, and what stays of a long one."""

import pytest

from agentmem.compaction.people import GAP, Tasks, essence, goes_on, request, told, typed
from tests.compaction.test_statements import LOG


@pytest.mark.parametrize("text", ["yes", "go on", "1 and 3", "ok, continue", "No, use the other one.", "weiter"])
def test_what_asks_for_nothing_new(text: str) -> None:
    """Agreement, a choice and a correction go on with the task before."""
    assert goes_on(text)


@pytest.mark.parametrize("text", ["yes, and write a test", "Now explain the cache.", "fix it"])
def test_what_asks_for_something(text: str) -> None:
    """Anything else is a task of its own."""
    assert not goes_on(text)


def test_the_open_task_is_the_last_that_is_not_done() -> None:
    """A turn that ended is done; messages before its end belong together."""
    tasks = Tasks()
    tasks.said(1, "Rename the loader.")
    tasks.said(2, "Use snake case there.")
    assert list(tasks.open) == [1, 2]
    tasks.ended()
    tasks.said(7, "Now write a test.")
    assert list(tasks.open) == [7]
    tasks.ended()
    tasks.said(9, "go on")
    assert list(tasks.open) == [7, 9]


def test_the_first_message_of_a_task_stays_open_however_many_follow() -> None:
    """Of a task with many messages the first and the newest count."""
    tasks = Tasks()
    for at in range(1, 20):
        tasks.said(at, f"Look at part {at}.")
    assert tasks.open[0] == 1 and tasks.open[-1] == 19 and len(tasks.open) < 10


def test_the_essence_of_a_long_message() -> None:
    """What is asked and what is corrected stays word for word, in any room; the paste goes."""
    prose = " ".join(f"Part {at} is as it was." for at in range(80))
    text = f"Please mend the import.\n\n{LOG}\n\n{prose} No, keep the retry. {prose}\n\nTell me when it runs."
    short = essence(text, 0)
    for words in ("Please mend the import.", "No, keep the retry.", "Tell me when it runs."):
        assert words in short
    assert "WARN" not in short and GAP in short and len(short) < 200
    assert len(short) < len(essence(text, 200)) < len(text)
    assert "No, keep the retry." in essence(short, 0)


def test_a_message_that_is_only_pasted() -> None:
    """Its first line stands for it."""
    assert request(LOG) == (LOG.splitlines()[0],)
    assert essence(LOG, 100).startswith(LOG.splitlines()[0])


def test_what_a_client_puts_beside_a_message() -> None:
    """Blocks that nobody typed are left out."""
    assert typed(["<command-name>/exit</command-name>", "Fix it."]) == "Fix it."


def test_what_a_short_message_tells_is_found() -> None:
    """Sentences without a marked word; no question, no request, nothing that says to go on, and none of a long text."""
    told_there = "The second replica is the one that matters."
    assert told(f"Please look again. {told_there} Which one fails? Never touch main. Go on.") == (told_there,)
    assert told(" ".join(f"The table number {at} has four columns." for at in range(40))) == ()
