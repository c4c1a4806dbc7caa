"""Whether two answers say the same."""

import pytest

from agentmem.memory.answers.agreement import default_agrees, errors, named
from agentmem.memory.embedder import MiniLM

AGREES = default_agrees(MiniLM())


@pytest.mark.parametrize(
    ("one", "other", "agree", "rule"),
    [
        ("It costs 5 euros.", "It costs 6 euros.", False, "numbers"),
        ("Use form AB-12.", "Use form AB-13.", False, "ids"),
        ("Yes, you can bring a dog.", "No, you can not bring a dog.", False, "polarity"),
        (
            "Open Settings, then Security, and choose Reset.",
            "Open Settings, then Security and pick Reset.",
            True,
            "meaning",
        ),
        ("Bread is baked at night.", "The museum closes at noon.", False, "meaning"),
        ("Soon. ", "Soon.", True, "equal"),
    ],
)
def test_each_rule_in_its_turn(one: str, other: str, agree: bool, rule: str) -> None:
    """Numbers, codes, polarity, then the meaning; and the judgement says which decided."""
    judged = AGREES.judge(one, other)
    assert (judged.agree, judged.rule) == (agree, rule)
    assert AGREES(one, other) == AGREES(other, one) == agree


def test_without_an_embedder_words_are_compared() -> None:
    """The rules hold, and shared words stand for the meaning."""
    plain = default_agrees(None)
    assert plain("The office opens on Monday mornings.", "The office opens Monday mornings.")
    assert not plain("The office opens on Mondays.", "Parcels arrive by bicycle.")


def test_the_errors_of_a_judge_are_counted_with_their_bounds() -> None:
    """A judge that says yes to everything misses all that differ and alarms at nothing."""
    found = errors(lambda one, other: True, [("a", "a", True), ("a", "b", False), ("c", "d", False)])
    assert (found.different, found.missed, found.same, found.alarmed) == (2, 2, 1, 0)
    assert found.missed_bounds[1] == 1.0
    assert found.alarmed_bounds[0] == 0.0


def test_the_rules_are_named_in_order() -> None:
    """What decides first stands first."""
    assert named() == ("ids", "numbers", "polarity")
