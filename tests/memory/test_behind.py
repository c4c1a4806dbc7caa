"""Work that runs behind."""

import threading

import pytest

from agentmem.errors import ArchiveError
from agentmem.memory.behind import Behind


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
