"""Plays a stream of questions through a decision, as `agentmem.answers.logs` does, and adds up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentmem.answers.log_replay import ReplayedOutcome, ReplayedQuestion
from agentmem.answers.logs import replay_log
from agentmem.answers.values import Candidate, Decider, Verdict
from agentmem.types import Vectors


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


def play(questions: Sequence[ReplayedQuestion], rows: Vectors, stream: NDArray[np.int64], decide: Decider) -> Played:
    """The stream, played against an empty cache. ``rows`` are the questions' vectors."""
    return counted(outcomes(questions, rows, stream, decide), len(stream) - len(set(stream.tolist())))


def outcomes(
    questions: Sequence[ReplayedQuestion], rows: Vectors, stream: NDArray[np.int64], decide: Decider
) -> list[ReplayedOutcome]:
    """What each lookup of the stream came to."""
    return replay_log([questions[at] for at in stream], rows[stream], decide)


def counted(found: Sequence[ReplayedOutcome], repeats: int) -> Played:
    """The outcomes, added up."""
    hows = [one.how for one in found]
    wrong = sum(one.hit and not one.right for one in found)
    return Played(len(found), hows.count("exact"), hows.count("semantic"), wrong, repeats)


def by_cosine(least: float) -> Decider:
    """A rule to compare with: serve the nearest from a cosine on."""

    def decide(question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
        best = candidates[0]
        serve = best.vector_similarity >= least
        return Verdict(serve, best, best.vector_similarity, least, "cosine", "", kind)

    return decide
