"""What a router knows while requests run: the ledger's history, and what of a new thread's prefix is warm where."""

from collections.abc import Iterable, Iterator
from itertools import islice
from threading import Lock
from typing import Any

from agentmem.meter.ledger import Row, rows
from agentmem.routing.conversations import Warm
from agentmem.routing.history import RouteHistory, history_of
from agentmem.routing.routes import Privacy
from agentmem.routing.targets import DEFAULT
from agentmem.transcript.journal import Journal
from agentmem.types import Frame

MOST = 5_000
"""The latest rows of the ledger that a history begins with."""


class LiveLedger:
    """The history of a journal's ledger, read at its first use and kept up to date. Several threads may use it."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._lock = journal, Lock()
        self._history: RouteHistory | None = None
        self._heads: dict[tuple[str, str], Warm] = {}

    def history(self) -> RouteHistory:
        """The history up to now."""
        with self._lock:
            if self._history is None:
                self._history = history_of(sorted(_latest(self._journal), key=lambda row: row.at))
            return self._history

    def heads(self, agent: str) -> dict[str, Warm]:
        """What each target was sent of the prefix that the threads of an agent share."""
        with self._lock:
            return {target: warm for (name, target), warm in self._heads.items() if name == agent}

    def add(self, row: Row, head: int) -> None:
        """Takes in a request's row; ``head`` are the tokens of its tools and system."""
        with self._lock:
            if self._history is not None:
                self._history = self._history.after(row)
            self._heads[row.agent, row.route.target if row.route else DEFAULT] = Warm(head, row.at)


def _latest(journal: Journal) -> Iterator[Row]:
    threads = sorted(journal.threads(), key=lambda one: one.updated, reverse=True)
    return islice((row for one in threads for row in rows(journal, one.name)), MOST)


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a JSON value, except the data of pictures."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if value.get("type") != "base64":
            for one in value.values():
                yield from texts_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_of(one)


def found_in(frames: Iterable[Frame], privacy: Privacy) -> str:
    """Why frames are private; "" if nothing in them is."""
    if not (privacy.pages or privacy.words):
        return ""
    return privacy.of_texts(text for one in frames for text in texts_of(one.value))


def has_picture(value: Any) -> bool:
    """True if a block is a picture, or holds one."""
    if not isinstance(value, dict):
        return False
    inside = value.get("content")
    return value.get("type") == "image" or (isinstance(inside, list) and any(map(has_picture, inside)))
