"""Work that runs in the background."""

import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ArchiveError
from agentmem.recall.background import BackgroundThread, each


def test_every_call_is_followed_by_a_run() -> None:
    """Being woken during the work runs it again."""
    done: list[int] = []
    gate = threading.Event()

    def work() -> None:
        gate.wait(10)
        done.append(len(done))

    thread = BackgroundThread(work)
    thread.wake()
    thread.wake()
    gate.set()
    thread.wait()
    assert 1 <= len(done) <= 2
    count = len(done)
    thread.wake()
    thread.wait()
    assert len(done) == count + 1


def test_an_error_is_told_to_who_waits_once() -> None:
    """The thread ends, and the next run starts afresh."""
    errors: list[Exception] = [ArchiveError("broken")]

    def work() -> None:
        if errors:
            raise errors.pop()

    thread = BackgroundThread(work)
    thread.wake()
    with pytest.raises(ArchiveError, match="broken"):
        thread.wait()
    thread.wake()
    thread.wait()


def test_after_the_end_nothing_runs() -> None:
    """Ending twice, waking and waiting afterwards are harmless."""
    done: list[int] = []
    thread = BackgroundThread(lambda: done.append(1))
    thread.end()
    thread.end()
    thread.wake()
    thread.wait()
    assert done == []


@given(st.lists(st.booleans(), max_size=8))
def test_each_piece_is_done_whatever_another_raises(sound: list[bool]) -> None:
    """The first error is raised when all are done."""
    done: list[int] = []

    def piece(at: int) -> None:
        done.append(at)
        if not sound[at]:
            raise ValueError(str(at))

    if all(sound):
        each(partial(piece, at) for at in range(len(sound)))
    else:
        with pytest.raises(ValueError, match=f"^{sound.index(False)}$"):
            each(partial(piece, at) for at in range(len(sound)))
    assert done == list(range(len(sound)))
