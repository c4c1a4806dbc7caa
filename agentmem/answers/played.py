"""A log of questions, played through a decision: what a cache would have served, and how often wrongly.

The cache starts empty. A question with the exact key of a kept one is an exact hit, else the decision says; what is not
served is answered rightly, and kept. The nearest entries are found exactly, so what is seen is the decision alone.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agentmem.answers.certificate import CONFIDENCE, upper_bound
from agentmem.answers.questions import normalised
from agentmem.answers.tuning import Point
from agentmem.answers.values import CANDIDATES, Candidate, Certificate, Decider
from agentmem.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PlayedQuestion:
    """A question of a log, the answer that is right for it (its text, or any name of it), and its query type."""

    question: str
    answer: str
    kind: str = "faq"


@dataclass(frozen=True, slots=True)
class PlayedOutcome:
    """What a lookup came to. ``right`` is whether what was served is; ``known``, whether the right answer was kept.

    ``key`` is the question as exact keys see it.
    """

    key: str
    kind: str
    how: Literal["exact", "semantic", "miss"]
    right: bool
    known: bool

    @property
    def hit(self) -> bool:
        """Whether something was served."""
        return self.how != "miss"


def play(log: Sequence[PlayedQuestion], vectors: Vectors, decide: Decider) -> list[PlayedOutcome]:
    """The outcome of each question of a log, in its order. ``vectors`` are the questions', a row for each."""
    kept = _Kept(vectors.shape[1], len(log))
    return [_played(kept, one, vector, decide) for one, vector in zip(log, vectors, strict=True)]


def reached(outcomes: Iterable[PlayedOutcome], threshold: float, kind: str = "") -> Point:
    """What a threshold reaches over the outcomes of a query type, or of all."""
    own = [one for one in outcomes if kind in ("", one.kind)]
    hits = [one.right for one in own if one.hit]
    return Point(threshold, len(hits), hits.count(False), sum(one.known for one in own))


def certified(outcomes: Iterable[PlayedOutcome], kind: str = "", confidence: float = CONFIDENCE) -> Certificate:
    """The certificate of the hits among the outcomes of a query type, or of all.

    An exact hit is known to be right or wrong, so the bound is on the hits by meaning, as a share of all. Those on one
    question are right or wrong together and count as fewer: of clusters of m hits the effective number is
    (sum of m)^2 / sum of m^2 (Kish, "Survey Sampling", 1965), and the exact bound is taken at that (Korn and Graubard,
    "Confidence intervals for proportions with small expected number of positive counts", 1998).
    """
    hits = [one for one in outcomes if one.hit and kind in ("", one.kind)]
    meant = [one for one in hits if one.how == "semantic"]
    wrong, wrong_meant = (sum(not one.right for one in group) for group in (hits, meant))
    bound = _clustered(wrong_meant, Counter(one.key for one in meant).values(), confidence)
    upper = (bound * max(len(meant), 1) + wrong - wrong_meant) / len(hits) if hits else 1.0
    return Certificate(len(hits), wrong, min(upper, 1.0), confidence)


def _clustered(wrong: int, sizes: Collection[int], confidence: float) -> float:
    """The bound on the share that is wrong in clusters of these sizes."""
    count = sum(sizes)
    effective = count**2 / sum(size**2 for size in sizes) if sizes else 0.0
    seen = math.floor(effective)
    return upper_bound(min(math.ceil(wrong * effective / max(count, 1)), seen), seen, confidence)


def nearest(vector: "NDArray[np.float32]", rows: Vectors, entries: Sequence[PlayedQuestion]) -> list[Candidate]:
    """The candidates of a question among the kept ones, nearest first."""
    import numpy as np

    cosines = rows @ vector
    best = np.argpartition(-cosines, CANDIDATES)[:CANDIDATES] if len(cosines) > CANDIDATES else range(len(cosines))
    ranked = sorted(map(int, best), key=lambda at: -cosines[at])
    return [
        Candidate(str(at), entries[at].question, entries[at].answer, float(cosines[at]), entries[at].kind)
        for at in ranked
    ]


def _played(kept: "_Kept", one: PlayedQuestion, vector: "NDArray[np.float32]", decide: Decider) -> PlayedOutcome:
    key = normalised(one.question)
    known = one.answer in kept.answers
    if key in kept.keys:
        return PlayedOutcome(key, one.kind, "exact", kept.keys[key] == one.answer, known)
    near = nearest(vector, kept.rows[: len(kept.entries)], kept.entries)
    verdict = decide(one.question, vector, near, one.kind) if near else None
    if verdict and verdict.serve and verdict.candidate:
        return PlayedOutcome(key, one.kind, "semantic", verdict.candidate.answer == one.answer, known)
    kept.keep(key, one, vector)
    return PlayedOutcome(key, one.kind, "miss", False, known)


class _Kept:
    """Kept questions with their vectors and answers, in RAM."""

    def __init__(self, dimensions: int, room: int) -> None:
        import numpy as np

        self.rows: Vectors = np.zeros((room, dimensions), np.float32)
        self.entries: list[PlayedQuestion] = []
        self.keys: dict[str, str] = {}
        self.answers: set[str] = set()

    def keep(self, key: str, one: PlayedQuestion, vector: "NDArray[np.float32]") -> None:
        """Keep a question with its answer."""
        self.rows[len(self.entries)] = vector
        self.entries.append(one)
        self.keys[key] = one.answer
        self.answers.add(one.answer)
