"""Plays a stream of questions against a decision: what is served, and how often it is wrong.

A lookup is an exact hit, a semantic hit, or a miss; a miss is answered rightly and kept. The nearest entries are found
exactly, so what is measured is the decision alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentmem.memory.answers.values import CANDIDATES, Candidate, Decider, Verdict
from agentmem.types import Vectors
from tests.benchmarks.answer_data import Question


@dataclass(frozen=True)
class Played:
    """What one stream came to: lookups, exact hits, semantic hits, wrong ones among all hits, and exact repeats."""

    lookups: int
    exact: int
    semantic: int
    wrong: int
    repeats: int

    @property
    def hits(self) -> int:
        return self.exact + self.semantic

    @property
    def hit_rate(self) -> float:
        return self.hits / self.lookups

    @property
    def wrong_per_hit(self) -> float:
        return self.wrong / self.hits if self.hits else 0.0

    @property
    def wrong_per_lookup(self) -> float:
        return self.wrong / self.lookups


def play(questions: Sequence[Question], rows: Vectors, stream: NDArray[np.int64], decide: Decider) -> Played:
    """The stream, played against an empty cache. ``rows`` are the questions' vectors."""
    cache = Cache(rows.shape[1], len(stream))
    exact = semantic = wrong = 0
    for at in stream:
        one = questions[at]
        if one.text in cache.answers:
            exact += 1
            continue
        candidates = cache.near(rows[at])
        verdict = decide(one.text, rows[at], candidates, "faq") if candidates else None
        if verdict and verdict.serve and verdict.candidate:
            semantic += 1
            wrong += verdict.candidate.answer != one.answer
        else:
            cache.keep(one, rows[at])
    return Played(len(stream), exact, semantic, wrong, len(stream) - len(set(stream.tolist())))


def nearest(vector: NDArray[np.float32], rows: Vectors, entries: Sequence[Question]) -> list[Candidate]:
    """The candidates of a question among the kept ones, nearest first."""
    cosines = rows @ vector
    best = np.argpartition(-cosines, CANDIDATES)[:CANDIDATES] if len(cosines) > CANDIDATES else range(len(cosines))
    ranked = sorted(map(int, best), key=lambda at: -cosines[at])
    return [Candidate(str(at), entries[at].text, entries[at].answer, float(cosines[at])) for at in ranked]


def by_cosine(least: float) -> Decider:
    """A rule to compare with: serve the nearest from a cosine on."""

    def decide(question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
        best = candidates[0]
        serve = best.vector_similarity >= least
        return Verdict(serve, best, best.vector_similarity, least, "cosine", "", kind)

    return decide


class Cache:
    """Kept questions with their vectors and answers, in RAM."""

    def __init__(self, dimensions: int, room: int) -> None:
        self.rows = np.zeros((room, dimensions), np.float32)
        self.kept: list[Question] = []
        self.answers: dict[str, str] = {}

    def near(self, vector: NDArray[np.float32]) -> list[Candidate]:
        """The nearest entries, nearest first."""
        return nearest(vector, self.rows[: len(self.kept)], self.kept)

    def keep(self, one: Question, vector: NDArray[np.float32]) -> None:
        """Keep a question with its answer."""
        self.rows[len(self.kept)] = vector
        self.kept.append(one)
        self.answers[one.text] = one.answer


def settle(thresholds: Iterable[float], good: Callable[[float], bool]) -> float:
    """The lowest threshold that is good, as are all above it: they are tried from the highest down. 1 where none is."""
    settled = 1.0
    for threshold in sorted(thresholds, reverse=True):
        if not good(threshold):
            break
        settled = threshold
    return settled
