"""Pauses: a thread is compacted just before its cache expires, while that is cheap; new work calls it off.

One timer a thread. It fires once in a pause, on a thread of its own, and holds the thread's lease unless a run does.
"""

import logging
import math
from collections.abc import Callable
from threading import Event as Flag
from threading import Lock, Timer

from agentmem.errors import AgentmemError
from agentmem.kvcache.breakpoints import TAIL
from agentmem.kvcache.rules import rules_for
from agentmem.types import ModelProfile

_log = logging.getLogger(__name__)


def lifetime(profile: ModelProfile) -> float:
    """Seconds that the cache entry of the last message lives after the request began; inf where none expires."""
    return rules_for(profile.provider, profile.name).lifetimes[TAIL]


class _Pause:
    """One pause of one thread: its timer, and what calls it off."""

    def __init__(self, seconds: float, work: Callable[[Flag], object]) -> None:
        self.off = Flag()
        self.timer = Timer(seconds, self._fire)
        self.timer.daemon = True
        self._work = work

    def end(self) -> None:
        """Calls it off, and waits until it has let go."""
        self.off.set()
        self.timer.cancel()
        self.timer.join()

    def _fire(self) -> None:
        try:
            if not self.off.is_set():
                self._work(self.off)
        except AgentmemError as error:  # nobody waits for it: the thread is as it was
            _log.info("a pause went by unused: %s", error)
        except Exception as error:  # the thread is as it was, and the next pause gets its chance
            _log.warning("a pause failed: %s: %s", type(error).__name__, error)


class Pauses:
    """The pauses of an agent's threads."""

    def __init__(self) -> None:
        self._pauses: dict[str, _Pause] = {}
        self._lock = Lock()

    def begin(self, thread: str, seconds: float, work: Callable[[Flag], object]) -> None:
        """In so many seconds does ``work``, unless the pause ends before; it is handed what then is set.

        Where ``seconds`` is infinite, because no entry expires, there is no pause to use.
        """
        self.end(thread)
        if math.isinf(seconds):
            return
        pause = _Pause(max(0.0, seconds), work)
        with self._lock:
            self._pauses[thread] = pause
        pause.timer.start()

    def end(self, thread: str) -> None:
        """New work: the pause is over. What it was doing is given up."""
        with self._lock:
            pause = self._pauses.pop(thread, None)
        if pause:
            pause.end()

    def wait(self, thread: str) -> None:
        """Waits until the pause of a thread has been used."""
        with self._lock:
            pause = self._pauses.get(thread)
        if pause:
            pause.timer.join()

    def close(self) -> None:
        """Ends all pauses."""
        for thread in list(self._pauses):
            self.end(thread)
