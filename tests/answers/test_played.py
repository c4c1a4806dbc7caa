"""A log, played through a decision."""

from collections.abc import Sequence

import numpy as np
import pytest

from agentmem.answers.certificate import upper_bound
from agentmem.answers.played import PlayedOutcome, PlayedQuestion, certified, play, reached
from agentmem.answers.values import Candidate, Decider, Verdict
from agentmem.types import Vectors
from tests.recall.threads import Hashed

LOG = [
    PlayedQuestion("where is the pier", "left"),
    PlayedQuestion("Where is the pier?", "left"),
    PlayedQuestion("where is the pier please", "left"),
    PlayedQuestion("where is the peer", "person"),
    PlayedQuestion("who sings", "anna", "support"),
]


def nearest_from(least: float) -> Decider:
    """Serve the nearest from a cosine on."""

    def decide(question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
        best = candidates[0]
        return Verdict(best.vector_similarity >= least, best, best.vector_similarity, least, "cosine", "", kind)

    return decide


def played(least: float) -> list[PlayedOutcome]:
    return play(LOG, Hashed().embed([one.question for one in LOG]), nearest_from(least))


def test_what_is_not_served_is_kept() -> None:
    """An exact key is a hit whatever the decision; what is missed is kept with its right answer."""
    assert [one.how for one in played(2.0)] == ["miss", "exact", "miss", "miss", "miss"]
    assert [one.known for one in played(2.0)] == [False, True, True, False, False]


def test_a_wrong_answer_is_seen() -> None:
    """Serving whatever is nearest is right for a rewording and wrong for another question."""
    found = played(-2.0)
    assert [one.how for one in found] == ["miss", "exact", "semantic", "semantic", "semantic"]
    assert [one.right for one in found] == [False, True, True, False, False]
    point = reached(found, 0.5)
    assert (point.served, point.wrong, point.right) == (4, 2, 2)
    assert reached(found, 0.5, "support").served == 1


def outcomes(sizes: Sequence[int], wrong: int, exact: int = 0) -> list[PlayedOutcome]:
    """Hits by meaning on questions that come so often each, the first ones wrong; and exact hits."""
    meant = [
        PlayedOutcome(f"q{at}", "faq", "semantic", at >= wrong, True)
        for at, size in enumerate(sizes)
        for _ in range(size)
    ]
    return meant + [PlayedOutcome(f"e{at}", "faq", "exact", True, True) for at in range(exact)]


def test_hits_on_one_question_are_no_independent_ones() -> None:
    """A hundred questions of four hits each count as a hundred hits; exact hits dilute the bound."""
    assert certified(outcomes([1] * 400, 2)).upper == pytest.approx(upper_bound(2, 400))
    assert certified(outcomes([4] * 100, 2)).upper == pytest.approx(upper_bound(2, 100))
    half = certified(outcomes([4] * 100, 2, exact=400))
    assert half.upper == pytest.approx(upper_bound(2, 100) / 2)
    assert (half.hits, half.wrong) == (800, 8)
    uneven = certified(outcomes([97, 1, 1, 1], 0)).upper
    assert uneven == pytest.approx(upper_bound(0, 1))


def test_nothing_served_is_not_certified() -> None:
    """Without a hit by meaning one that is wrong is reckoned with."""
    assert certified([]).upper == 1.0
    assert certified(outcomes([], 0, exact=50)).upper == pytest.approx(1 / 50)
    assert np.isclose(certified(outcomes([1] * 3, 3)).upper, 1.0)
