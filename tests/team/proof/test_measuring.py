"""agentmem.team.proof.measuring: answers that only say how far something is from a value of the test's."""

import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from agentmem.team.proof.measuring import compares, decides, is_measured, is_null, measured, method, seen
from agentmem.team.proof.reasons import Marks


def _far(base: type = object, inside: Any = None, standing: Any = None) -> tuple[Any, Marks]:
    """What stands for an object of the code's, with a value inside."""
    marks = Marks(testing=True)
    link = SimpleNamespace(marks=marks, ask=lambda *_: inside)
    made: Any = type("Own", (base,), {"_far_link": link, "_far_standing": standing})()
    made.__dict__["_far"] = ["o", 1]
    return made, marks


@pytest.mark.parametrize(
    ("what", "given", "answer"),
    [
        ("sub", {"a"}, set()),
        ("xor", {"a"}, {"a"}),
        ("and_", 4, 0),
        ("mod", "x", ""),
        ("add", 1, 2),
        ("sub", datetime.datetime(2024, 5, 5), datetime.timedelta(0)),
        ("truediv", datetime.timedelta(1), 1.0),
    ],
)
def test_what_is_left_of_a_value_is_decided_by_the_code(what: str, given: object, answer: object) -> None:
    """Operators that may leave nothing of the other side, and arithmetic with numbers and times."""
    assert decides(what, given, answer)


@pytest.mark.parametrize(
    ("what", "given", "answer"),
    [("mod", (1, 2), "1 of 2"), ("add", "x", "yx"), ("or_", {"a": 1}, {"a": 1, "b": 2}), ("mul", "x", "xx")],
)
def test_what_is_made_of_a_value_is_an_answer(what: str, given: object, answer: object) -> None:
    """Texts and containers that are put together hold more than the test gave."""
    assert not decides(what, given, answer)


def test_methods_that_compare_sets_are_known_by_their_names() -> None:
    """Of any object, where the test gives them something."""
    assert [compares(name) for name in ("issuperset", "compare", "add")] == [True, False, False]
    assert not compares("issuperset", False)


@pytest.mark.parametrize("base", [float, int, str, tuple, frozenset])
def test_a_number_or_text_of_a_class_of_the_code_s_is_what_it_holds(base: type) -> None:
    """A test has learnt its value when it has it, so that it is marked at once."""
    owner, marks = _far()
    measured(owner, "sub", (7,), _far(base)[0])
    assert marks.why == {"compares": "Own sub a value gives a Own"}


def test_what_a_test_learns_of_what_is_left_is_decided() -> None:
    """By whatever question, with an argument or without, and through other objects; not by what nobody asks."""
    owner, marks = _far()
    left, part = _far()[0], _far()[0]
    measured(owner, "sub", (7,), left)
    method(left, "part", (), part)
    assert (is_measured(left), is_measured(part), marks.why) == (True, True, {})
    for told in (
        lambda: measured(part, "getitem", (0,), 0),
        lambda: method(part, "days", [7], 0),
        lambda: seen(part, ""),
    ):
        part._far_link.marks.why = {}
        told()
        assert list(part._far_link.marks.why) == ["compares"]


@pytest.mark.parametrize(("inside", "left", "noted"), [([1], [7], True), ([], [7], False), ([1], [1, 7], False)])
def test_a_list_that_holds_no_more_than_what_was_added_is_no_sum(inside: Any, left: Any, noted: bool) -> None:
    """Unless Python's own makes of the value inside the same."""
    owner, answer = _far(inside=inside, standing=list)[0], _far(inside=left, standing=list)[0]
    measured(owner, "add", ([7],), answer)
    assert is_measured(answer) is noted


def test_a_set_of_the_code_s_is_what_is_left_if_it_is_empty_or_all() -> None:
    """And any other object, where the test gave the values."""
    for inside, given, noted in (({7}, {7}, True), (set(), {7}, True), ({8}, {7}, False), ({7}, _far()[0], False)):
        answer, _ = _far(inside=inside, standing=set)
        method(_far()[0], "intersection", [given], answer)
        assert is_measured(answer) is noted


def test_fields_say_nothing_if_all_numbers_are_none_or_one() -> None:
    """Texts beside numbers do not count."""
    assert [is_null(one) for one in ({"n": 0, "unit": "d"}, {"n": 3}, {"t": ""}, {"t": "a"})] == [
        True,
        False,
        True,
        False,
    ]
