"""What the score is made from: how alike two questions are word by word, and what stands around them in the cache.

Two situations are told apart. An entry stands *alone* when no other near entry has its answer: then the two questions
alone decide, and the score looks at the words that one has and the other lacks, and at how near the nearest word of the
other comes to each, by the vectors these words have in their sentences (the late interaction of ColBERT, Khattab and
Zaharia 2020, over the least and the mean instead of the sum). It stands *among* others when several entries of other
words have the same answer: then where the question falls among them says more than any two wordings.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from agentmem.answers.values import CANDIDATES, Candidate
from agentmem.answers.words import QuestionPair, stem, words

if TYPE_CHECKING:
    from agentmem.recall.embedder import Reading

FLOOR = 0.35
"""The cosine that is taken for questions that have nothing to do with each other."""
_SHARPNESS = 0.05
"""Cosine by which a neighbour must be farther to have 1/e of the say."""
_SHORT, _SHARED = 8, 0.6
"""Answers of fewer words are the same only when they are equal; longer ones when they share this much."""
_MARGIN = -0.05, 0.1
_WIDE_MARGIN = -0.1, 0.3
_CROWD = 5

Same = Callable[[str, str], bool]
"""Whether two answers are the same for the one who asked."""


@runtime_checkable
class FeatureReader(Protocol):
    """Reads a text word by word, and knows which words are spelt right: `agentmem.recall.embedder.MiniLM`."""

    def read(self, text: str) -> "Reading": ...

    def spells(self, word: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Around:
    """The candidates around the one that would be served. Cosines with the question: ``similarity`` its own, ``rival``
    that of the nearest with another answer, ``second`` that of the next best of the same answer in other words.
    ``support`` counts the wordings of the answer, ``vote`` is its share of the say by nearness.
    """

    similarity: float
    rival: float
    second: float
    support: int
    vote: float

    @property
    def alone(self) -> bool:
        """No other wording of this answer is near."""
        return self.support < 2

    @property
    def margin(self) -> float:
        """How much nearer than anything with another answer."""
        return self.similarity - self.rival


def around(candidates: Sequence[Candidate], at: int, same: Same) -> Around:
    """What stands around candidate ``at``. Two entries whose words of meaning are the same count once."""
    own = candidates[at]
    alike = [one.id == own.id or same(one.answer, own.answer) for one in candidates]
    wordings: dict[frozenset[str], float] = {}
    for one, yes in zip(candidates, alike, strict=True):
        if yes:
            wordings.setdefault(meaning(one.question), one.vector_similarity)
    best = sorted(wordings.values(), reverse=True)
    others = [one.vector_similarity for one, yes in zip(candidates, alike, strict=True) if not yes]
    say = [math.exp((one.vector_similarity - candidates[0].vector_similarity) / _SHARPNESS) for one in candidates]
    return Around(
        own.vector_similarity,
        max(_rival(others, candidates, own), FLOOR),
        max(best[1], FLOOR) if len(best) > 1 else FLOOR,
        len(best),
        sum(weight for weight, yes in zip(say, alike, strict=True) if yes) / sum(say),
    )


ALONE = ("similarity", "uncovered", "inserted", "least", "mean", "margin")
PLAIN = ("similarity", "uncovered", "inserted", "synonyms", "margin")
AMONG = ("similarity", "uncovered", "margin", "rival", "second", "vote", "support")
"""The features of each situation, in the order of their weights; PLAIN is ALONE without a reader."""


def alone(found: QuestionPair, near: Around, left: "Reading", right: "Reading") -> tuple[float, ...]:
    """The features ALONE. ``left`` and ``right`` are the pair's questions, word by word."""
    least, mean = coverage(found, left, right)
    return near.similarity, uncovered(found), inserted(found), least, mean, _clip(near.margin, _MARGIN)


def plain(found: QuestionPair, near: Around) -> tuple[float, ...]:
    """The features PLAIN."""
    changed = float(found.synonyms > 0)
    return near.similarity, uncovered(found), inserted(found), changed, _clip(near.margin, _MARGIN)


def among(found: QuestionPair, near: Around) -> tuple[float, ...]:
    """The features AMONG."""
    wide = _clip(near.margin, _WIDE_MARGIN)
    crowd = min(near.support, _CROWD) / _CROWD
    return near.similarity, uncovered(found), wide, near.rival, near.second, near.vote, crowd


def uncovered(found: QuestionPair) -> float:
    """The share of words of meaning that the other question lacks, both sides added: 0 to 2."""
    left, right = sum(found.left.content), sum(found.right.content)
    return len(found.lone_left) / max(left, 1) + len(found.lone_right) / max(right, 1)


def inserted(found: QuestionPair) -> float:
    """1 where only one of them says more: an account, a joint account."""
    return float(bool(found.lone_left) != bool(found.lone_right))


def coverage(found: QuestionPair, left: "Reading", right: "Reading") -> tuple[float, float]:
    """(least, mean) cosine of the lone words with the nearest word of the other question; 1 where none is lone."""
    if not len(left.words) or not len(right.words):
        return 0.0, 0.0
    cosines = left.vectors @ right.vectors.T
    sides = ((found.lone_left, left.words, cosines.max(axis=1)), (found.lone_right, right.words, cosines.max(axis=0)))
    least, mean = 1.0, 0.0
    for lone, tokens, nearest in sides:
        found_at = [float(nearest[at]) for at, token in enumerate(tokens) if stem(token) in lone]
        least = min([least, *found_at])
        mean += (sum(found_at) / len(found_at) if found_at else 1.0) / 2
    return least, mean


def same_answer(one: str, other: str) -> bool:
    """Whether two kept answers are the same by their words alone: cheap, and blind to a rewording."""
    if one == other:
        return True
    if min(len(one), len(other)) < 2 * _SHORT - 1:  # too short for so many words: they need not be read
        return False
    left, right = words(one), words(other)
    if min(len(left.stems), len(right.stems)) < _SHORT or left.numbers != right.numbers or left.ids != right.ids:
        return False
    mine, yours = meaning(one), meaning(other)
    return left.negations == right.negations and len(mine & yours) >= _SHARED * len(mine | yours)


@lru_cache(maxsize=65_536)
def meaning(question: str) -> frozenset[str]:
    """The stems that carry a text's meaning, or all where none does."""
    found = words(question)
    kept = frozenset(stemmed for stemmed, keep in zip(found.stems, found.content, strict=True) if keep)
    return kept or frozenset(found.stems)


def _rival(others: Sequence[float], candidates: Sequence[Candidate], own: Candidate) -> float:
    """The nearest with another answer; where all near ones agree, it is farther than the last of them."""
    if others:
        return max(others)
    farthest = candidates[-1].vector_similarity if len(candidates) >= CANDIDATES else FLOOR
    return min(farthest, own.vector_similarity - _MARGIN[1])


def _clip(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
