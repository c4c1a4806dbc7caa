"""Work that a cache does beside its callers: audits, freshness checks, embedding anew, filling the index."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from agentmem.recall.background import BackgroundThread, each

MOST = 256
"""Pieces of work that wait at most: what comes beyond them is left out, as an audit or a check may be."""


class BackgroundTasks:
    """One thread, there only while there is work; tasks of asyncio stay in their loop."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._once: dict[str, Callable[[], object]] = {}
        self._lock = threading.Lock()
        self._behind = BackgroundThread(lambda: each(self._pieces()), "answer cache")
        self._tasks: set[asyncio.Task[Any]] = set()

    def add(self, work: Callable[[], object]) -> None:
        """Do this soon, on the thread."""
        if len(self._waiting) < MOST:
            self._waiting.append(work)
            self._behind.wake()

    def once(self, name: str, work: Callable[[], object]) -> None:
        """Do this soon, however much waits; of what has one name one waits at most. It may ask for itself again."""
        with self._lock:
            if name in self._once:
                return
            self._once[name] = work
        self._waiting.append(lambda: self._named(name))
        self._behind.wake()

    def task(self, work: Coroutine[Any, Any, object]) -> None:
        """Do this soon, in the running loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def settle(self) -> None:
        """Wait until the thread has nothing to do."""
        self._behind.wait()

    async def asettle(self) -> None:
        """Wait for the tasks of the running loop, and for the thread."""
        own = [task for task in self._tasks if task.get_loop() is asyncio.get_running_loop()]
        await asyncio.gather(*own, return_exceptions=True)
        await asyncio.to_thread(self.settle)

    def end(self) -> None:
        """Stop soon, and for good."""
        self._waiting.clear()
        self._behind.end()

    def _pieces(self) -> Iterator[Callable[[], object]]:
        """What waits, the oldest first; what comes meanwhile included."""
        while not self._behind.ending:
            try:
                yield self._waiting.popleft()
            except IndexError:
                return

    def _named(self, name: str) -> object:
        with self._lock:
            work = self._once.pop(name)
        return work()
