"""agentmem.team.proof.empties: what NumPy takes for an array without items."""

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from agentmem.team.proof.empties import Empties, asked, ended, had_none
from agentmem.team.proof.reasons import Marks


@pytest.mark.parametrize(
    ("value", "none"),
    [
        *(([[]], True), (((),), True), ({}, True), ({"a": []}, True), (range(0), True), ("", True), (b"", True)),
        *((deque(), True), ([[1], []], True), (0, False), (None, False), ([0], False), ({"a": "x"}, False)),
    ],
)
def test_what_has_no_items_counts_where_all_are_compared_at_once(value: Any, *, none: bool) -> None:
    """A list that is empty itself counts always."""
    assert had_none([7, value], frozenset({"all"})) is none
    assert not had_none([7, value], frozenset({"len"}))
    assert had_none([[]], frozenset({"len"}))


def test_an_iterator_that_gave_nothing_is_noted() -> None:
    """One that gave something is not; nor is a list that ends behind its first item."""
    link = SimpleNamespace(heard=[], marks=Marks())
    one: Any = SimpleNamespace(_far_link=link)
    asked(one, "next", 7)
    ended(one, "next", ())
    ended(one, "getitem", (1,))
    assert link.heard == []
    ended(one, "getitem", (0,))
    asked(one, "len", 0)
    ended(SimpleNamespace(_far_link=link), "next", ())
    assert link.heard == [{}, {}, {}]


@pytest.mark.parametrize(("items", "called", "marked"), [(2, False, True), (2, True, False), (1, False, False)])
def test_an_object_that_gives_fewer_items_than_it_has_is_marked(items: int, called: bool, marked: bool) -> None:
    """Not where the code was called in between: it may have taken one out."""
    marks = Marks(testing=True)
    link = SimpleNamespace(heard=[], marks=marks)
    owner: Any = SimpleNamespace(_far_link=link)
    turns: Any = SimpleNamespace(_far_link=link, _far_of=(owner, 0))
    asked(turns, "next", 7)
    ended(turns, "next", ())
    marks.turns += called
    asked(owner, "len", items)
    assert list(marks.why) == ["compares"] * marked


def test_two_sides_of_which_one_has_no_items_are_marked() -> None:
    """By whatever way they are given, and only in a test that has used the code."""
    numpy: Any = pytest.importorskip("numpy")
    marks = Marks(testing=True)
    close = Empties(SimpleNamespace(marks=marks, inside="/nowhere/"))._looking(numpy.allclose)
    assert close([], 7)
    assert marks.why == {}
    marks.calls = 1
    assert close([], [])
    assert close([7], 7)
    assert marks.why == {}
    assert close(b=7, a=[[]])
    assert list(marks.why) == ["array"]
