"""Caches for tests: a clock that is set by hand, an embedder of words, and a decision by cosine alone."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agentmem.answers.cache import AnswerCache
from agentmem.answers.freshness import Checks
from agentmem.answers.settings import AnswerSettings
from agentmem.answers.values import Answer, Candidate, Verdict
from agentmem.types import Vectors
from tests.recall.threads import Hashed

LIMIT = 0.7
QUIET = AnswerSettings(audit=0.0, checks=Checks(most=0))
"""Without work behind that a test did not ask for."""


class Time:
    """A clock that moves only when told to."""

    def __init__(self, now: float = 1_764_158_400.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Calls:
    """An answering function that counts its calls and returns what it is told."""

    def __init__(self, *texts: str | Answer) -> None:
        self.texts = list(texts)
        self.asked: list[str] = []

    def __call__(self, question: str) -> str | Answer:
        self.asked.append(question)
        return self.texts.pop(0) if len(self.texts) > 1 else self.texts[0] if self.texts else f"answer to {question}"

    async def later(self, question: str) -> str | Answer:
        return self(question)


def by_cosine(question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
    """Serves the nearest candidate above the limit."""
    best = candidates[0]
    serve = best.vector_similarity >= LIMIT
    return Verdict(serve, best, best.vector_similarity, LIMIT, "cosine", f"{best.vector_similarity:.2f}", kind)


def equal(one: str, other: str) -> bool:
    """Two answers agree if they are equal."""
    return one == other


def opened(folder: Path, stack: ExitStack | None = None, **settings: Any) -> AnswerCache:
    """A cache in a folder, with word vectors unless told otherwise."""
    usual = {"embedder": Hashed(), "decide": by_cosine, "agrees": equal, "clock": Time(), "settings": QUIET}
    given: dict[str, Any] = usual | settings
    cache = AnswerCache(folder, **given)
    return stack.enter_context(cache) if stack else cache
