"""agentmem.team.proof.agreeing: what an object of the code's says that a value of Python's own does not."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from agentmem.team.proof.agreeing import agreed, is_flag, standing_on, together, truth_of_flag
from agentmem.team.proof.reasons import Marks


class _Far:
    """Stands for an object of a class that stands on a type, with a value inside."""

    _far_link: Any
    _far_standing: Any

    def __init__(self, inside: Any = None) -> None:
        self.__dict__["_far"] = ["o", inside]


def _owner(standing: Any, inside: Any) -> tuple[Any, Marks]:
    marks = Marks(testing=True)
    link = SimpleNamespace(marks=marks, ask=lambda what, reference, *_: reference[1])
    made: Any = type("Own", (_Far,), {"_far_link": link, "_far_standing": standing, "_far_flag": standing is None})
    return made(inside), marks


@pytest.mark.parametrize(
    ("inside", "name", "given", "answer"),
    [
        (Decimal(9), "max", [Decimal(7)], Decimal(7)),
        (Decimal(9), "is_zero", [], True),
        (Decimal(9), "is_zero", [], 1),
        (Decimal(9), "same_quantum", [Decimal(7)], "yes"),
        (Decimal(9), "compare", [Decimal(7)], Decimal(0)),
        ({"a": 1}, "get", ["seven"], "seven"),
        ([1], "count", [7], 1),
        ({7}, "union", [{8}], {8}),
    ],
)
def test_what_only_the_code_says_marks_the_test(inside: Any, name: str, given: list[Any], answer: Any) -> None:
    """An answer that could say of any value how it is to the test's, and that Python's own method does not give."""
    owner, marks = _owner(type(inside), inside)
    assert agreed(owner, name, given, {}, lambda: answer) == answer
    assert marks.why == {"compares": f"{name} of Own"}


@pytest.mark.parametrize(
    ("inside", "name", "given", "answer"),
    [
        (Decimal(9), "max", [Decimal(7)], Decimal(9)),
        (Decimal(9), "to_eng_string", [], "nine"),
        (Decimal(9), "rounded", [7], 7),
        ({"a": "x"}, "get", ["A"], "x"),
        ({}, "get", ["b", 7], 7),
        ([7], "pop", [], 7),
        ([7], "extend", [[8]], None),
    ],
)
def test_what_python_says_too_or_tells_of_the_value_is_an_answer(
    inside: Any, name: str, given: list[Any], answer: Any
) -> None:
    """So are what a container holds, texts, and methods that Python's type does not have."""
    owner, marks = _owner(type(inside), inside)
    agreed(owner, name, given, {}, lambda: answer)
    assert marks.why == {}


def test_what_is_taken_away_is_what_python_takes_away() -> None:
    """Else what is left in a container, by a method of the code's, is what the code has decided."""
    for left, noted in ([{8}, False], [set(), True]):
        owner, marks = _owner(set, {7, 8})
        link = owner._far_link
        values = iter([{7, 8}, left])
        link.ask = lambda *_, values=values: next(values)
        agreed(owner, "remove", [7], {}, lambda: None)
        assert ("_far_measured" in owner.__dict__, marks.why) == (noted, {})


def test_flags_are_together_what_their_numbers_are() -> None:
    """Another answer marks the test; and none of them is true that has no number."""
    owner, marks = _owner(None, 1)
    other, right, wrong = (type(owner)(number) for number in (2, 0, 2))
    assert together(owner, "and_", [other], lambda: right) is right
    assert (marks.why, truth_of_flag(right), truth_of_flag(other)) == ({}, False, True)
    together(owner, "and_", [other], lambda: wrong)
    assert marks.why == {"compares": "and of Own"}


def test_a_class_stands_on_what_its_bases_are() -> None:
    """The nearest type with a value, whether it is Python's own or another class's of the code."""
    owner, _ = _owner(Decimal, None)
    assert standing_on([object, Decimal], "m", "Own") is Decimal
    assert standing_on([type(owner)], "m", "Owner") is Decimal
    assert standing_on([object], "m", "Own") is None
    assert is_flag([], "enum", "Flag")
    assert not is_flag([object], "m", "Flag")
