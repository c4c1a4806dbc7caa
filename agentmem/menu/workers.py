"""Threads that run tools, so that a tool can be given up on when its time is up.

A Python function cannot be killed: after a time-out its thread goes on until the function returns, and only then
serves again. The threads are daemons, so that one that hangs does not keep the program from ending.
"""

import atexit
import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from agentmem.menu.context import Stop

_GRACE = 3.0  # seconds that a stopped tool gets to end what it started


class TimeUp(Exception):
    """The function did not return in time. (A TimeoutError may as well come from the function itself.)"""


@dataclass(eq=False, slots=True)
class _Job:
    function: Callable[[], Any]
    done: "SimpleQueue[None]" = field(default_factory=SimpleQueue)  # costs a fraction of an Event
    value: Any = None
    error: BaseException | None = None

    def ended(self, seconds: float) -> bool:
        """Waits for the end, that long."""
        try:
            self.done.get(timeout=seconds)
        except Empty:
            return False
        return True

    def work(self) -> None:
        try:
            self.value = self.function()
        except BaseException as error:  # raised again in the thread that waits, whatever it is
            self.error = error


class _Workers:
    """The idle threads, by the queue that each listens to, and the stops of the jobs under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[_Job]] = []
        self._running: set[Stop] = set()
        self._watched = False

    def start(self, job: _Job, stop: Stop) -> None:
        with self._lock:
            self._watch()
            self._running.add(stop)
            queue = self._idle.pop() if self._idle else None
        if queue is None:
            queue = SimpleQueue()
            threading.Thread(target=self._serve, args=(queue,), name="agentmem-tool", daemon=True).start()
        queue.put(job)

    def finished(self, stop: Stop) -> None:
        with self._lock:
            self._running.discard(stop)

    def _serve(self, queue: "SimpleQueue[_Job]") -> None:
        while True:
            job = queue.get()
            job.work()
            with self._lock:  # idle before done: whoever waited may have the next job at once
                self._idle.append(queue)
            job.done.put(None)
            del job

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            atexit.register(self.stop_all)
            os.register_at_fork(after_in_child=self.__init__)  # type: ignore[misc]  # a fork has none of the threads

    def stop_all(self) -> None:
        for stop in tuple(self._running):
            stop.set()


_workers = _Workers()


def stop_all() -> None:
    """Tells every tool under way to stop, whichever thread waits for it: the program is about to end."""
    _workers.stop_all()


def run(function: Callable[[], Any], timeout: float, stop: Stop) -> Any:
    """What ``function`` returns or raises, run in another thread with the caller's context variables.

    Raises TimeUp after ``timeout`` seconds. Then, and when the caller is interrupted, ``stop`` is set, and the
    function has a moment to end what it started, if it asked to be told.
    """
    context = copy_context()
    job = _Job(lambda: context.run(function))
    _workers.start(job, stop)
    try:
        if not job.ended(timeout):
            raise TimeUp
    except BaseException:
        if stop.set():
            job.ended(_GRACE)
        raise
    finally:
        _workers.finished(stop)
    if job.error is not None:
        raise job.error
    return job.value
