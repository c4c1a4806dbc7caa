"""Pauses are used once, called off by new work, and never fail anybody."""

import math
from threading import Event as Flag

from agentmem.errors import ThreadBusy
from agentmem.runtime.compacting import Pauses, lifetime
from agentmem.types import ModelProfile


def test_a_pause_does_its_work() -> None:
    """When its time comes the work is done, and is told that nobody called it off."""
    done: list[bool] = []
    pauses = Pauses()
    pauses.begin("t", 0.0, lambda off: done.append(off.is_set()))
    pauses.wait("t")
    assert done == [False]
    pauses.wait("nobody")


def test_new_work_ends_a_pause() -> None:
    """A pause that has not come does nothing; one that is being used hears of it and is waited for."""
    begun, done = Flag(), list[str]()

    def work(off: Flag) -> None:
        begun.set()
        off.wait()
        done.append("given up")

    pauses = Pauses()
    pauses.begin("t", 3600.0, lambda off: done.append("too late"))
    pauses.begin("t", 0.0, work)
    begun.wait()
    pauses.end("t")
    pauses.end("t")
    assert done == ["given up"]


def test_what_goes_wrong_in_a_pause_is_nobodys_error() -> None:
    """A thread that another process holds stays as it is."""

    def busy(off: Flag) -> None:
        raise ThreadBusy("held elsewhere")

    pauses = Pauses()
    pauses.begin("t", 0.0, busy)
    pauses.wait("t")
    pauses.close()


def test_a_pause_that_fails_ends_like_any_other() -> None:
    """Whatever it raises: nobody is told, and the thread's next pause is used."""
    done: list[str] = []

    def broken(off: Flag) -> None:
        raise ZeroDivisionError("not ours")

    pauses = Pauses()
    pauses.begin("t", 0.0, broken)
    pauses.wait("t")
    pauses.begin("t", 0.0, lambda off: done.append("used"))
    pauses.wait("t")
    assert done == ["used"]
    pauses.close()


def test_where_nothing_expires_there_is_no_pause() -> None:
    """A local engine keeps its entries until it needs the memory: nothing is compacted early for it."""
    assert lifetime(ModelProfile("local", "smollm2", "local")) == math.inf
    assert lifetime(ModelProfile("openai", "gpt-5.6", "cloud")) == 1800.0
    done: list[str] = []
    pauses = Pauses()
    pauses.begin("t", math.inf, lambda off: done.append("too early"))
    pauses.wait("t")
    pauses.close()
    assert not done
