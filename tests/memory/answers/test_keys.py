"""Exact keys: what is the same question, and what is not."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.memory.answers.keys import key_of, normalised, scope_of
from agentmem.memory.answers.values import Context


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I return a shoe?", "how do I  return a shoe"),
        ("How do I return a shoe?", " How do I return\na shoe ? "),
        ("Where is Café Noir?", "Where is Cafe\u0301 noir"),
        ("What is this.", "What is this"),
    ],
)
def test_what_cannot_matter_is_left_out(one: str, other: str) -> None:
    """Spaces, capitals of plain words, the mark at the end, and how an accent is written."""
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("what does rm -R do", "what does rm -r do"),
        ("what is the US limit", "what is the us limit"),
        ("what is 10²", "what is 102"),
        ("what is 5!", "what is 5"),
        ("is it 3.", "is it 3"),
        ("what is $PATH", "what is $Path"),
        ("what is a.Bc", "what is a.bc"),
        ("can I pay", "can I not pay"),
    ],
)
def test_what_may_matter_stays(one: str, other: str) -> None:
    """Capitals of code and of abbreviations, signs and numbers."""
    assert normalised(one) != normalised(other)


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(text: str) -> None:
    """So that a question in its normal form finds itself."""
    assert normalised(normalised(text)) == normalised(text)


texts = st.text(max_size=6)
contexts = st.builds(
    Context, texts, texts, texts, st.lists(texts, max_size=3).map(tuple), st.none() | st.text(min_size=1, max_size=4)
)


@given(st.lists(contexts, unique=True, min_size=2, max_size=6))
def test_no_two_contexts_share_a_scope(many: list[Context]) -> None:
    """Wherever the text of one part ends and that of the next begins."""
    for one, other in combinations(many, 2):
        assert scope_of(one) != scope_of(other)
        assert key_of(scope_of(one), "q") != key_of(scope_of(other), "q")
