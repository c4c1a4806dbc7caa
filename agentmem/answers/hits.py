"""Single hits of the cache: what was asked, which kept question answered it, how near they were, and what it saved.

They stand beside the entries, and go with them: whose answer is removed, its hits are removed. They are written in
batches, so that no lookup waits for the disk; a kill may lose the last few.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agentmem.answers.lookup import Looked
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.errors import AnswersError
from agentmem.types import Clock

EACH = 64
"""Hits that are written at once."""
MOST = 2_000
"""Hits that are remembered: of more the latest."""


@dataclass(frozen=True, slots=True)
class ServedHit:
    """One hit. ``how`` is "exact" or "semantic", ``similarity`` the cosine of the two questions (1: they are equal).

    ``at`` and ``age`` are in seconds: when it was served, and how old the answer was. ``tokens`` and ``usd`` are what
    the answer had cost, which was saved now; ``seconds`` what was waited then. None where that is not known.
    """

    at: float
    tenant: str
    asked: str
    kept: str
    how: str
    similarity: float | None
    age: float
    tokens: int | None
    usd: float | None
    seconds: float | None

    def value(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class HitLog:
    """The hits of a cache. Safe for several threads."""

    def __init__(self, store: AnswerStore, clock: Clock = time.time) -> None:
        self._store, self._clock = store, clock
        self._waiting: list[tuple[int, str, str, float | None, float]] = []
        self._lock = threading.Lock()

    def add(self, looked: Looked, entry: KeptEntry) -> None:
        """Take a hit. Hits are written in batches."""
        exact = looked.how != "semantic"
        near = 1.0 if exact else next((cosine for one, cosine in looked.near if one.n == entry.n), None)
        with self._lock:
            self._waiting.append((entry.n, looked.question, "exact" if exact else "semantic", near, self._clock()))
            full = len(self._waiting) >= EACH
        if full:
            self.flush()

    def flush(self) -> None:
        """Write what waits. If that fails, it is kept for the next time."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        try:
            if waiting:
                self._store.serve(waiting, MOST)
        except AnswersError:
            with self._lock:
                self._waiting = [*waiting, *self._waiting][-MOST:]

    def latest(self, most: int = 100) -> Sequence[ServedHit]:
        """The latest hits, the last one first. Raises AnswersError."""
        self.flush()
        return [ServedHit(*row) for row in self._store.served(most)]
