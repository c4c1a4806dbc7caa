"""Work that a cache does beside its callers: audits, freshness checks, embedding anew, filling the index."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from agentmem.memory.behind import Behind

MOST = 256
"""Pieces of work that wait at most: what comes beyond them is left out, as an audit or a check may be."""


class Background:
    """One thread, there only while there is work; tasks of asyncio stay in their loop."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._behind = Behind(self._work)
        self._tasks: set[asyncio.Task[Any]] = set()

    def add(self, work: Callable[[], object]) -> None:
        """Do this soon, on the thread."""
        if len(self._waiting) < MOST:
            self._waiting.append(work)
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

    def _work(self) -> None:
        while not self._behind.ending and self._waiting:
            self._waiting.popleft()()
