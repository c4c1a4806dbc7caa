"""The gate on words that only one question has, both ways round."""

import pytest

from tests.answers.gates import rule


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("Does a rabbit need a vaccine?", "Does a wild rabbit need a vaccine?", "narrower"),
        ("Are sheep dogs allowed?", "Are dogs allowed?", "narrower"),
        ("How long does cream keep?", "How long does cream keep after opening?", "narrower"),
        ("How many people speak Welsh?", "How many people speak Welsh in Chile?", "narrower"),
        ("How do I stop the plan for a quarter?", "How do I stop the plan?", "narrower"),
        ("Is sugar free tea sweet?", "Is sugar tea sweet?", "scope"),
        ("How do I bake bread?", "How do I bake good bread?", ""),
        ("How do I open an account?", "How do I open a new account?", ""),
        ("Where is the form?", "In your opinion, where is the form?", ""),
        ("Who is the smartest dog?", "Who is the smartest, quickest dog?", ""),
    ],
)
def test_a_word_that_narrows_only_one_question(left: str, right: str, objects: str) -> None:
    """A modifier, a name, a place or a time makes it another question; praise and fillers do not."""
    assert rule(left, right) == objects
    assert bool(rule(right, left)) == bool(objects)
