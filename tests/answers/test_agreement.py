"""The judge of whether two answers say the same."""

from pathlib import Path

import pytest

from agentmem.answers.agreement import JUDGE, Errors, default_agrees, errors, judged, read_errors, write_errors
from agentmem.answers.values import Labelled
from agentmem.errors import ConfigError
from agentmem.recall.embedder import MiniLM

AGREES = default_agrees(MiniLM())


@pytest.mark.parametrize(
    ("one", "other", "agree", "rule"),
    [
        ("It costs 5 euros.", "It costs 6 euros.", False, "numbers"),
        ("Use form AB-12.", "Use form AB-13.", False, "ids"),
        ("Yes, you can bring a dog.", "No, you can not bring a dog.", False, "yes and no"),
        ("You can bring a dog.", "You can not bring a dog.", False, "negation"),
        ("No, it does not include breakfast.", "It does not include breakfast.", True, "meaning"),
        ("The shop opens at noon.", "The shop closes at noon.", False, "antonyms"),
        ("Parcels go out on Monday.", "Parcels go out on Tuesday.", False, "kinds"),
        (
            "Open Settings, then Security, and choose Reset.",
            "Open Settings, then Security and pick Reset.",
            True,
            "meaning",
        ),
        ("Bread is baked at night.", "The museum has a nice garden.", False, "meaning"),
        ("Soon. ", "Soon.", True, "equal"),
    ],
)
def test_each_rule_in_its_turn(one: str, other: str, agree: bool, rule: str) -> None:
    """Numbers, codes, polarity, then the meaning: each rule decides in its turn, and the judgement names it."""
    judged = AGREES.judge(one, other)
    assert (judged.agree, judged.rule) == (agree, rule)
    assert AGREES(one, other) == AGREES(other, one) == agree


def test_without_an_embedder_words_are_compared() -> None:
    """Without an embedder the rules still hold, and shared words replace the meaning."""
    plain = default_agrees(None)
    assert plain("The office opens on Monday mornings.", "The office opens Monday mornings.")
    assert not plain("The office opens on Mondays.", "Parcels arrive by bicycle.")


def test_the_errors_of_a_judge_are_counted_with_their_bounds() -> None:
    """A judge that always says yes misses every difference and raises no alarm."""
    found = errors(lambda one, other: True, [("a", "a", True), ("a", "b", False), ("c", "d", False)])
    assert (found.different, found.missed, found.same, found.alarmed) == (2, 2, 1, 0)
    assert found.missed_bounds[1] == 1.0
    assert found.alarmed_bounds[0] == 0.0


def test_what_is_left_without_the_judges_errors() -> None:
    """A judge that calls a fifth of equal answers different finds a fifth wrong where nothing is."""
    found = Errors(different=50, missed=5, same=100, alarmed=20)
    assert found.corrected(0.20) == 0.0
    assert found.corrected(0.55) == pytest.approx(0.5)
    assert found.corrected(0.95) == 1.0
    assert Errors(0, 0, 100, 20).corrected(0.5) is None
    assert Errors(10, 9, 10, 5).corrected(0.5) is None  # it says "different" of equal ones more often


def test_only_pairs_with_both_answers_measure_the_judge(tmp_path: Path) -> None:
    """Only pairs with both answers measure the judge. Its errors are stored. A damaged file says what to do."""
    pairs = [Labelled("a", "b", True, served="x", fresh="x"), Labelled("c", "d", False, served="x", fresh="")]
    assert judged(AGREES, pairs[1:]) is None
    found = judged(AGREES, pairs)
    assert found == Errors(0, 0, 1, 0)
    assert read_errors(tmp_path) is None
    write_errors(tmp_path, found)
    assert read_errors(tmp_path) == found
    (tmp_path / JUDGE).write_text("{")
    with pytest.raises(ConfigError, match="delete the file"):
        read_errors(tmp_path)
