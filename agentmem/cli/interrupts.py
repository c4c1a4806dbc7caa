"""Ctrl-C while an agent works.

LangGraph waits for its own threads before it lets an interrupt out, however long a model or a tool takes. So the work
is done in a thread of ours, and the main thread waits where it hears an interrupt at once.
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
"""Seconds that the work gets to end by itself after an interrupt."""

_GLANCE = 0.1
"""Seconds between looks. A signal that another thread was given does not wake the main one out of an endless wait."""


def interruptible(work: Callable[[], T], halt: Callable[[], None]) -> T:
    """What ``work`` returns or raises, done in another thread.

    On Ctrl-C ``halt`` is called, which tells the work to end. If it does, KeyboardInterrupt is raised; if not (a
    model takes its time), the program ends here: the journal is whole at every moment.
    """
    outcome: Future[T] = Future()
    ended = Event()  # not Thread.join: an interrupt in it makes Python 3.11 take the thread for dead

    def worker() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # raised again in the thread that waits, whatever it is
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
