"""The gates on how much of a thing a question is about, and on which of its times, both ways round."""

import pytest

from tests.answers.gates import rule


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("Can I return part of my order?", "Can I return my order?", "quantity"),
        ("Which part of the town is the oldest?", "Where is the town the oldest?", ""),
        ("How do I mow half of the lawn?", "How do I mow the whole lawn?", "numbers"),
        ("Do all members vote?", "Do any members vote?", "quantity"),
        ("What are all the lakes?", "What are some of the lakes?", ""),
        ("Who won the race last year?", "Who won the race this year?", "time of"),
        ("Is tea stronger than coffee?", "Is tea as strong as coffee?", "quantity"),
        ("Is it safe for cats?", "Is it safe for cats under one?", "numbers"),
        ("How many sea miles is that?", "How many miles is that?", "narrower"),
    ],
)
def test_how_much_of_it_and_when(left: str, right: str, objects: str) -> None:
    """A part is not the whole, any not all, last year not this year; a list of all is a list of some."""
    assert rule(left, right) == objects
    assert rule(right, left) == objects
