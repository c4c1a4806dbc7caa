"""The events of a run as they happen.

LangGraph's own stream waits for its threads before it lets an interrupt out, however long a model or a tool takes. So
the run works in a thread of ours, and whoever reads its events hears an interrupt at once.
"""

from collections.abc import Callable, Generator
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, Full, Queue
from threading import Event as Flag
from threading import Thread

from agentmem.menu.context import Stop
from agentmem.runtime.events import Event

PATIENCE = 3.0
"""Seconds that a run gets to end by itself once nobody listens."""

_AHEAD = 64  # events that a run may be ahead of its reader
_GLANCE = 0.1  # seconds between looks: a signal that another thread was given does not end an endless wait


class Abandoned(BaseException):
    """Nobody listens to the run any more. It ends at its next event; the journal is whole at every moment."""


class Channel:
    """From a run to its reader. ``stop`` is set when the reader leaves."""

    def __init__(self) -> None:
        self.stop = Stop()
        self._queue: Queue[Event | None] = Queue(_AHEAD)

    def write(self, event: Event | None) -> None:
        """Hands an event on, None for the end. Raises Abandoned when nobody listens any more."""
        while not self.stop.stopped:
            try:
                return self._queue.put(event, timeout=_GLANCE)
            except Full:
                continue
        raise Abandoned

    def read(self) -> Event | None:
        """The next event; None at the end."""
        while True:
            try:
                return self._queue.get(timeout=_GLANCE)
            except Empty:
                continue


def events(run: Callable[[Channel], None]) -> Generator[Event, None, None]:
    """The events that ``run`` writes, then what it raises, if it does.

    Leaving early, or an interrupt, stops the run's tools and ends the run at its next event.
    """
    channel, raised = Channel(), list[BaseException]()
    ended = Flag()  # not Thread.join: an interrupt in it makes Python 3.11 take the thread for dead

    def work() -> None:
        try:
            run(channel)
        except BaseException as error:  # raised again where it is read, whatever it is
            raised.append(error)
        ended.set()
        with suppress(Abandoned):
            channel.write(None)

    Thread(target=copy_context().run, args=(work,), name="agentmem-run", daemon=True).start()
    try:
        while (event := channel.read()) is not None:
            yield event
    finally:
        channel.stop.set()
        ended.wait(PATIENCE)
    if raised:
        raise raised[0]
