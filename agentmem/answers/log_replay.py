"""Plays a log through an empty cache at any number of thresholds, with the work that they share done once.

Near questions and the gates' objections do not depend on a threshold. So the cosines of all questions with the earlier
ones are computed in blocks, and each pair is put to the gates once, when it is first needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from agentmem.answers.exclusions import excluded
from agentmem.answers.learned import SURE
from agentmem.answers.questions import normalised
from agentmem.answers.values import CANDIDATES
from agentmem.answers.words import same_slots
from agentmem.types import Vectors

Objects = Callable[[str, str], bool]
"""True if a gate objects to (kept question, asked question)."""
Told = Callable[[str], None]
"""Gets a line on the progress."""

LOWEST = 0.8
"""The least cosine of a neighbour."""
_MOST = 256
"""Neighbours of a question that are remembered. Those that were served are not kept, so more are needed than are looked
at."""
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class ReplayedQuestion:
    """A question of a log, the right answer to it (its text, or any name for it), and its query type."""

    question: str
    answer: str
    kind: str = "faq"


@dataclass(frozen=True, slots=True)
class ReplayedOutcome:
    """The outcome of a lookup. ``right``: the served answer is right. ``known``: the right answer was in the cache.

    ``key`` is the question as exact keys see it.
    """

    key: str
    kind: str
    how: Literal["exact", "semantic", "miss", "excluded"]
    right: bool
    known: bool

    @property
    def hit(self) -> bool:
        """True if an answer was served."""
        return self.how in ("exact", "semantic")


def quiet(line: str) -> None:
    """Tell nobody."""


class LogReplay:
    """A log, played at thresholds from LOWEST on. Questions may share an answer if it and their slots are equal."""

    def __init__(self, log: Sequence[ReplayedQuestion], vectors: Vectors, objects: Objects, told: Told = quiet) -> None:
        self._log, self._objects, self._told = log, objects, told
        self._keys = [normalised(one.question) for one in log]
        self._out = [excluded(one.question, "question") is not None for one in log]
        self._near = _neighbours(vectors, told)
        self._objected: dict[tuple[int, int], bool] = {}

    def at(self, threshold: float, chances: "Vectors | None" = None) -> list[ReplayedOutcome]:
        """The outcome of each question at a threshold, in their order.

        ``chances`` are those of the answers by what was learned, a row for each question.
        """
        self._told(f"playing {len(self._log):,} questions at {threshold}")
        kept: dict[int, None] = {}
        keys: dict[str, int] = {}
        known: set[str] = set()
        return [self._played(place, threshold, chances, kept, keys, known) for place in range(len(self._log))]

    def _played(
        self,
        place: int,
        threshold: float,
        chances: "Vectors | None",
        held: dict[int, None],
        keys: dict[str, int],
        known: set[str],
    ) -> ReplayedOutcome:
        key, one = self._keys[place], self._log[place]
        if self._out[place]:
            return ReplayedOutcome(key, one.kind, "excluded", False, False)
        seen = one.answer in known
        if key in keys:
            return ReplayedOutcome(key, one.kind, "exact", self._log[keys[key]].answer == one.answer, seen)
        served = self._served(place, threshold, chances, held)
        if served is not None:
            kept = self._log[served]
            right = kept.answer == one.answer and same_slots(kept.question, one.question)
            return ReplayedOutcome(key, one.kind, "semantic", right, seen)
        held[place], keys[key] = None, place
        known.add(one.answer)
        return ReplayedOutcome(key, one.kind, "miss", False, seen)

    def _served(self, place: int, threshold: float, chances: "Vectors | None", kept: dict[int, None]) -> int | None:
        """The kept question whose answer is served: the nearest without an objection, as the decision has it."""
        candidates = 0
        for other, cosine in self._near[place]:
            if cosine < threshold or candidates == CANDIDATES:
                return None
            if other in kept:
                candidates += 1
                sure = chances is None or float(chances[other] @ chances[place]) >= SURE
                if sure and not self._objecting(other, place):
                    return other
        return None

    def _objecting(self, kept: int, asked: int) -> bool:
        known = self._objected.get((kept, asked))
        if known is None:
            known = self._objects(self._log[kept].question, self._log[asked].question)
            self._objected[kept, asked] = known
        return known


def _neighbours(vectors: Vectors, told: Told) -> list[list[tuple[int, float]]]:
    """For each row the earlier ones with a cosine of LOWEST or more, nearest first, at most _MOST."""
    import numpy as np

    found: list[list[tuple[int, float]]] = []
    for first in range(0, len(vectors), _BLOCK):
        cosines = vectors[first : first + _BLOCK] @ vectors[: first + _BLOCK].T
        for at, row in enumerate(cosines, first):
            near = np.flatnonzero(row[:at] >= LOWEST)
            best = near[np.argsort(-row[near], kind="stable")][:_MOST]
            found.append([(int(one), float(row[one])) for one in best])
        told(f"compared {len(found):,} of {len(vectors):,} questions")
    return found
