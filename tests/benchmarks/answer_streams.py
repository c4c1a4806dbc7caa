"""Plays a stream of questions through a decision, as `agentmem.answers.logs` does, and adds up."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from agentmem.answers.decision import Decision, decider
from agentmem.answers.learned import LearnedAnswers
from agentmem.answers.log_replay import LOWEST, ReplayedOutcome, ReplayedQuestion
from agentmem.answers.logs import replay_log
from agentmem.answers.questions import normalised
from agentmem.answers.values import CANDIDATES, Candidate, Decider, QueryPolicy, Verdict
from agentmem.recall.embedder import MiniLM
from agentmem.types import Vectors

_AT_ONCE = 512


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


def neighbours(rows: Vectors) -> list[list[tuple[int, float]]]:
    """For each row the others with a cosine of LOWEST or more, nearest first: all streams over them share these."""
    found: list[list[tuple[int, float]]] = []
    for first in range(0, len(rows), _AT_ONCE):
        for at, cosines in enumerate(rows[first : first + _AT_ONCE] @ rows.T, first):
            near = np.flatnonzero(cosines >= LOWEST)
            ranked = near[np.argsort(-cosines[near], kind="stable")].tolist()
            found.append([(other, float(cosines[other])) for other in ranked if other != at])
    return found


def play_near(
    questions: Sequence[ReplayedQuestion],
    rows: Vectors,
    near: Sequence[Sequence[tuple[int, float]]],
    stream: NDArray[np.int64],
    decide: Decider,
) -> Played:
    """The same as `play`, for a decision that serves nothing below LOWEST. ``near`` are the rows' neighbours."""
    kept: set[int] = set()
    keys: dict[str, str] = {}
    found: list[ReplayedOutcome] = []
    for at in stream.tolist():
        one = questions[at]
        key = normalised(one.question)
        if key in keys:
            found.append(ReplayedOutcome(key, one.kind, "exact", keys[key] == one.answer, True))
            continue
        known = islice(((other, cosine) for other, cosine in near[at] if other in kept), CANDIDATES)
        candidates = [
            Candidate(str(other), questions[other].question, questions[other].answer, cosine, vector=rows[other])
            for other, cosine in known
        ]
        verdict = decide(one.question, rows[at], candidates, one.kind) if candidates else None
        if verdict and verdict.serve and verdict.candidate:
            right = verdict.candidate.answer == one.answer
            found.append(ReplayedOutcome(key, one.kind, "semantic", right, True))
        else:
            kept.add(at)
            keys[key] = one.answer
            found.append(ReplayedOutcome(key, one.kind, "miss", False, False))
    return counted(found, len(stream) - len(set(stream.tolist())))


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
