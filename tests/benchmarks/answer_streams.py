"""Plays a stream of questions through a decision, as `agentmem.answers.logs` does, and adds up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from agentmem.answers.decision import Decision, decider
from agentmem.answers.learned import LearnedAnswers
from agentmem.answers.log_replay import ReplayedOutcome, ReplayedQuestion
from agentmem.answers.logs import replay_log
from agentmem.answers.values import Candidate, Decider, QueryPolicy, Verdict
from agentmem.recall.embedder import MiniLM
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


class Remembering(Decision):
    """The cache's own decision, which asks the gates once about a pair, whatever the arm: they know no threshold."""

    __slots__ = ()
    known: ClassVar[dict[tuple[str, str], tuple[str, str]]] = {}

    def objection(self, kept: str, asked: str) -> tuple[str, str]:
        """What the gates said of the pair."""
        if (kept, asked) not in self.known:
            self.known[kept, asked] = super().objection(kept, asked)
        return self.known[kept, asked]


def ours(threshold: float, learned: LearnedAnswers | None = None) -> Decider:
    """The cache's own decision at a threshold."""
    usual = decider({"faq": QueryPolicy("faq", threshold, model=learned.name if learned else "")}, MiniLM().spells)
    return Remembering(usual.policies, usual.gates, usual.spells, learned)


def by_cosine(least: float) -> Decider:
    """A rule to compare with: serve the nearest from a cosine on."""

    def decide(question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
        best = candidates[0]
        serve = best.vector_similarity >= least
        return Verdict(serve, best, best.vector_similarity, least, "cosine", "", kind)

    return decide
