"""The certificate: the threshold is set on questions that nothing was fitted to, and the bound holds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agentmem.errors import ConfigError
from agentmem.routing.certified import certified, is_held, read_labels, tune
from agentmem.routing.difficulty import LabelledQuestion
from tests.routing.test_difficulty import ByWords, questions

HEAD = "question,small,large,subject\n"


def test_easy_questions_go_to_the_small_model() -> None:
    """Half of the questions are such that both models answer them: they go, and the bound is kept."""
    found = tune(questions(600), ByWords())
    sure = found.certificate
    assert 0.3 < sure.small <= 0.55
    assert sure.worse <= 0.02
    assert sure.right == pytest.approx(sure.large)
    assert not found.router.needs_large("What is the sum of 5 and 2?", "sums")
    assert found.router.needs_large("Prove the lemma of case 5 by induction.", "proofs")


def test_without_evidence_everything_goes_to_the_large_model() -> None:
    """Where the small model is worse everywhere, or too few are labelled for 2 %, nothing is certified."""
    hard = [replace(one, small=False) for one in questions(300)]
    assert tune(hard, ByWords()).certificate.small == 0
    assert tune(questions(60), ByWords()).certificate.small == 0


def test_the_bound_is_seldom_wrong() -> None:
    """Over many draws of held questions, the true loss exceeds 2 % in at most 5 % of them."""
    draw, wrong = np.random.default_rng(3), 0
    for _ in range(20):
        risk = draw.random(600)
        lost = draw.random(600) < 0.2 * risk
        held = [LabelledQuestion(str(at), not bad, True) for at, bad in enumerate(lost)]
        sure = certified(held, risk)
        wrong += 0.1 * sure.small**2 > 0.02  # the true loss of all questions whose risk is below the threshold
    assert wrong <= 3


def test_too_few_labels() -> None:
    """Says how many are needed."""
    with pytest.raises(ConfigError, match="about 90 are needed"):
        tune(questions(10), ByWords())


def test_held_questions_are_about_a_third() -> None:
    """By the text alone, so the same in every run."""
    assert 150 < sum(is_held(f"question {n}") for n in range(600)) < 250


def test_labels_of_a_file(tmp_path: Path) -> None:
    """Right and wrong in several words; the subject may be missing."""
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + "What?,right,1,sums\nWhy?,wrong,yes,\n")
    assert read_labels(path) == [
        LabelledQuestion("What?", True, True, "sums"),
        LabelledQuestion("Why?", False, True, ""),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("question,small\nWhat?,1\n", "has no column large"),
        (HEAD + "What?,1,perhaps,\n", "line 2: large is 'perhaps'"),
    ],
)
def test_a_file_that_does_not_fit(tmp_path: Path, text: str, says: str) -> None:
    """With the column, or the line."""
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(ConfigError, match=says):
        read_labels(tmp_path / "labels.csv")
