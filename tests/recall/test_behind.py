"""Work that runs behind."""

import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ArchiveError
from agentmem.recall.behind import Behind, each


def test_every_call_is_followed_by_a_run() -> None:
    """Being woken during the work runs it again."""
    done: list[int] = []
    gate = threading.Event()

    def work() -> None:
        gate.wait(10)
        done.append(len(done))

    behind = Behind(work)
    behind.wake()
    behind.wake()
    gate.set()
    behind.wait()
    assert 1 <= len(done) <= 2
    count = len(done)
    behind.wake()
    behind.wait()
    assert len(done) == count + 1


def test_an_error_is_told_to_who_waits_once() -> None:
    """The thread ends, and the next run starts afresh."""
    errors: list[Exception] = [ArchiveError("broken")]

    def work() -> None:
        if errors:
            raise errors.pop()

    behind = Behind(work)
    behind.wake()
    with pytest.raises(ArchiveError, match="broken"):
        behind.wait()
    behind.wake()
    behind.wait()


def test_after_the_end_nothing_runs() -> None:
    """Ending twice, waking and waiting afterwards are harmless."""
    done: list[int] = []
    behind = Behind(lambda: done.append(1))
    behind.end()
    behind.end()
    behind.wake()
    behind.wait()
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
