"""agentmem.team.proof.measuring: answers that only say how far something is from a value of the test's."""

import datetime

import pytest

from agentmem.team.proof.measuring import compares, decides


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
