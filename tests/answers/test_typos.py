"""What is a misspelt word, and what another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.answers.typos import distance, misspelt

KNOWN = frozenset({"address", "label", "salt", "nitrate"})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("adress", "address", True),
        ("lable", "label", True),
        ("slat", "salt", True),
        ("dress", "address", False),
        ("nitrite", "nitrate", False),
        ("kowalski", "kowalska", False),
        ("sat", "salt", False),
    ],
)
def test_a_misspelt_word_has_its_letters_and_one_known_side(one: str, other: str, same: bool) -> None:
    """One or two letters may be wrong, but not the first; substances and two unknown words are never typos."""
    assert misspelt(one, other, KNOWN.__contains__) is same
    assert misspelt(other, one, KNOWN.__contains__) is same


@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_the_distance_is_symmetric_and_zero_only_for_equals(one: str, other: str, third: str) -> None:
    """The distance is symmetric, zero only for equal words, and at most the longer word's length."""
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)
    assert distance(one, third) <= max(len(one), len(third))
