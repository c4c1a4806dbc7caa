"""What the requests of runs took. A fleet without limits writes it to its record together, not for each request."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agentmem.types import Clock, Usage

EACH = 1.0
"""Seconds between two writes, at least. A worker that is killed has not written its last second's counts."""


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Dollars, requests and tokens. ``input`` has all input tokens, of which some were read or written in a cache."""

    usd: float = 0.0
    requests: int = 0
    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0

    def plus(self, other: "RunCounts") -> "RunCounts":
        """Both together."""
        return RunCounts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def values(self) -> tuple[float | int, ...]:
        """The numbers in their order."""
        return tuple(getattr(self, name) for name in self.__slots__)


def counted(usd: float, usage: Usage | None) -> RunCounts:
    """The counts of one request; ``usage`` None: it had no reply."""
    if usage is None:
        return RunCounts(usd)
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    return RunCounts(usd, 1, usage.input_tokens, usage.cache_read_tokens, written, usage.output_tokens)


@dataclass
class TogetherCounts:
    """Counts by run, handed to ``write`` at most once a second, and when a run ends."""

    write: Callable[[Mapping[str, RunCounts]], None]
    clock: Clock = time.monotonic
    _held: dict[str, RunCounts] = field(default_factory=dict)
    _written: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: str, counts: RunCounts) -> None:
        """Count a request of a run."""
        with self._lock:
            self._held[key] = self._held.get(key, RunCounts()).plus(counts)
            now = self.clock()
            if now - self._written < EACH:
                return
            self._written = now
            held, self._held = self._held, {}
        self.write(held)

    def end(self, key: str) -> None:
        """A run has ended: what is held of it is written now."""
        with self._lock:
            held = self._held.pop(key, None)
        if held:
            self.write({key: held})
