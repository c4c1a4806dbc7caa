"""agentmem.kvcache.why.texts: the ways in which texts differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.why.texts import alike, common, excerpts, is_summary, only_volatile, permuted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The time is 2026-11-23T10:00:01Z.", "The time is 2026-11-23T10:00:44Z."),
        ("Today is Monday, 23 November 2026.", "Today is Tuesday, 24 November 2026."),
        ("session 9f1c2d7e-11aa-4b2c-9d11-0123456789ab", "session 0a1c2d7e-22bb-4b2c-9d11-ffffffffffff"),
        ("You have 12 steps left.", "You have 11 steps left."),
        ("up for 3 minutes", "up for 1 hour 4 minutes"),
        ("trace kqzvbtrwpmxa of the build", "trace zzpqmwtaxkbr of the build"),
    ],
)
def test_what_changes_by_itself(before: str, after: str) -> None:
    """Times, dates, ids and counts may differ in value and in length."""
    assert only_volatile(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("list 10 files", "list 20 files, but none of the tests"),
        ("the result of a long search", "[old result cleared]"),
        ("1 2 3 4 5 6 7 8 9 10", "2 3 4 5 6 7 8 9 10 11"),
        ("same", "same"),
    ],
)
def test_what_somebody_changed(before: str, after: str) -> None:
    """Other words, many changed numbers, and no change at all are not volatile text."""
    assert not only_volatile(before, after)


def test_a_short_number_may_be_told_from_an_id() -> None:
    """``shortest`` keeps limits and versions, which people set, apart from ids."""
    assert only_volatile("limit 10", "limit 20")
    assert not only_volatile("limit 10", "limit 20", shortest=4)
    assert only_volatile("id a1b2c3", "id d4e5f6", shortest=4)


@given(st.lists(st.sampled_from(("alpha", "beta", "7", "x_y")), min_size=1), st.randoms(use_true_random=False))
def test_the_same_words_in_another_order(words: list[str], dice: object) -> None:
    """A shuffled listing is a permutation. With an addition it is not."""
    before = ", ".join(words)
    after = ", ".join(sorted(words))
    assert permuted(before, after) == (before != after)
    assert not permuted(before, after + ", more")


def test_summaries_and_likeness() -> None:
    """A text that calls itself a summary is one. Two texts with half of their words in common are alike."""
    assert is_summary("This session is continued from an earlier one. Summary: ...")
    assert not is_summary("Please summarise this document for me.")
    assert alike("fix the parser and its tests", "fix the parser and its docs")
    assert not alike("fix the parser and its tests", "book a train to Rome")


@given(st.text(max_size=300), st.text(max_size=300))
def test_excerpts_begin_shortly_before_the_difference(before: str, after: str) -> None:
    """Each excerpt is short and begins shortly before the difference."""
    one, other = excerpts(before, after)
    assert len(one) <= 162
    assert len(other) <= 162
    assert common(one, other) >= min(common(before, after), 48) or "[redacted]" in one + other
