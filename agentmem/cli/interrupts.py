"""Ends a command at once on Ctrl-C while an agent works.

LangGraph waits for its own threads before it lets an interrupt out, however long a model or a tool takes. So the work
runs in another thread, and the main thread waits where an interrupt reaches it at once.
"""

import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Event, Thread
from typing import TypeVar

from agentmem.cli.exits import Code

T = TypeVar("T")

PATIENCE = 3.0
"""Seconds that the work has to end by itself after an interrupt."""

_GLANCE = 0.1
"""Seconds between checks: a signal that the system gives to another thread does not end a wait without a timeout."""


def interruptible(work: Callable[[], T], halt: Callable[[], None]) -> T:
    """Runs ``work`` in another thread; returns what it returns and raises what it raises.

    On Ctrl-C ``halt`` is called to tell the work to end. If it ends in time, KeyboardInterrupt is raised. If not (a
    model is slow), the whole program ends here; that is safe, since the journal is whole at every moment.
    """
    outcome: Future[T] = Future()
    ended = Event()  # instead of Thread.join: after an interrupt in it, Python 3.11 takes the thread for dead

    def worker() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # of any kind: it is raised again in the thread that waits
            outcome.set_exception(error)
        ended.set()

    try:
        Thread(target=worker, name="agentmem-work", daemon=True).start()
        while not ended.wait(_GLANCE):
            pass
        return outcome.result()
    except KeyboardInterrupt:
        logging.getLogger("concurrent.futures").setLevel(logging.CRITICAL)  # LangGraph's pool ends before its threads
        halt()
        with suppress(KeyboardInterrupt):
            ended.wait(PATIENCE)
        if not ended.is_set():
            _leave()
        raise


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(Code.INTERRUPTED)
