"""Single flight: of equal questions asked at once, one is answered, and the others get that answer.

Equal is: of the same exact key, so of the same tenant and conversation too. Works between threads and asyncio tasks
of one process, whatever their loop.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

T = TypeVar("T")

_leading: ContextVar[frozenset[tuple[int, str]]] = ContextVar("agentmem_answers_leading", default=frozenset())
"""Flights that the work at hand is part of: waiting for one of those would be waiting for itself."""


class Flights(Generic[T]):
    """What is being answered now, by key. ``shared`` says whether a result may be given to those who waited."""

    def __init__(self, shared: Callable[[T], bool]) -> None:
        self._shared = shared
        self._open: dict[str, tuple[Future[T], int]] = {}
        self._lock = threading.Lock()

    def run(self, key: str, work: Callable[[], T]) -> tuple[T, bool]:
        """What ``work`` gives, and whether it was another's work. An error of that other is raised here too."""
        while True:
            future, leads, thread = self._joined(key)
            if not leads and thread == threading.get_ident():  # to wait for work of this thread would be for ever
                return work(), False
            if leads:
                with self._led(key, future):
                    result = work()
                    future.set_result(result)
                return result, False
            try:
                result = future.result()
            except CancelledError:
                continue
            return (result, True) if self._shared(result) else (work(), False)

    async def arun(self, key: str, work: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """As `run`."""
        if (id(self), key) in _leading.get():
            return await work(), False
        while True:
            future, leads, _ = self._joined(key)
            if leads:
                with self._led(key, future):
                    result = await work()
                    future.set_result(result)
                return result, False
            try:
                result = await asyncio.shield(asyncio.wrap_future(future))
            except asyncio.CancelledError:
                if future.cancelled():
                    continue  # who led was cancelled, not we
                raise
            return (result, True) if self._shared(result) else (await work(), False)

    def _joined(self, key: str) -> tuple[Future[T], bool, int]:
        """The flight of a key, whether it was begun here, and the thread that it was begun on."""
        with self._lock:
            if (known := self._open.get(key)) is not None:
                return known[0], False, known[1]
            future: Future[T] = Future()
            self._open[key] = future, threading.get_ident()
            return future, True, threading.get_ident()

    @contextmanager
    def _led(self, key: str, future: "Future[T]") -> Iterator[None]:
        """The flight ends however the work does: an error is everybody's, a cancellation only the leader's."""
        token = _leading.set(_leading.get() | {(id(self), key)})
        try:
            yield
        except Exception as error:
            future.set_exception(error)
            raise
        finally:
            _leading.reset(token)
            with self._lock:
                self._open.pop(key, None)
            if not future.done():
                future.cancel()
