"""Containers that the code and a test both hold: what is told of them, and what each end notices."""

from typing import Any

import pytest

from agentmem.team.proof.sharing import ANSWER, HeldByCode, HeldByTest


def _written(value: Any) -> Any:
    return repr(value)


def _held() -> tuple[HeldByCode, list[Any]]:
    kept: list[Any] = []

    def keep(value: Any) -> int:
        kept.append(value)
        return len(kept)

    return HeldByCode(keep, _written), kept


def _told(held: HeldByCode, value: Any) -> list[list[Any]]:
    """As of an answer: only the names here refer to it, besides what the code has."""
    return list(held.told(ANSWER, value, 2))


def test_a_container_of_the_code_s_own_is_told_of() -> None:
    """A list that something else holds too is told of, with a number, and its later changes by that number."""
    held, _ = _held()
    owner: dict[str, list[int]] = {"items": []}
    assert _told(held, owner["items"]) == [["keep", ANSWER, 1, False]]
    assert list(held.changed()) == []
    owner["items"].append(1)
    assert list(held.changed()) == [(1, [1])]
    assert list(held.changed()) == []


def test_a_container_that_nobody_else_holds_is_not_told_of() -> None:
    """A list that was made for the answer is the test's alone."""
    held, kept = _held()

    def answer() -> Any:
        made = [1, 2]
        return list(held.told(ANSWER, made, 1))

    assert answer() == []
    assert kept == []


@pytest.mark.parametrize(
    ("value", "inside"),
    [([[0]] * 2, True), ([[0], [0]], False), ({"a": [1]}, False), ((lambda row: {"a": row, "b": row})([1]), True)],
)
def test_parts_that_are_held_elsewhere_too_are_told(value: Any, *, inside: bool) -> None:
    """A container says whether one in it stands in two places."""
    held, _ = _held()
    owner = [value]
    assert [one[3] for one in _told(held, owner[0])] == [inside]


def test_the_judge_notices_what_the_test_changes() -> None:
    """A copy that a test changed is told once, with its number; one of a new test is forgotten."""
    held, copy = HeldByTest(_written), [1]
    held.note(7, copy)
    assert held.changed() == []
    copy.append(2)
    assert held.changed() == [(7, [1, 2])]
    assert held.changed() == []
    assert held.known(7, []) is copy
    assert held.known(7, {}) is None
    held.forget()
    assert held.known(7, []) is None


def test_a_changed_copy_with_parts_in_two_places_is_parted() -> None:
    """Only such a container that the test changed is named, and it is no less so for being looked at twice."""
    held, copy = HeldByTest(_written), [[0], [0]]
    held.note(1, copy, inside=True)
    assert held.parted(list) is None
    copy[0][0] = 1
    assert held.parted(list) is copy
    assert held.parted(list) is copy


def test_what_python_cannot_write_is_written_otherwise() -> None:
    """A list of objects is compared as the given way writes it."""
    held, copy = HeldByTest(_written), [object()]
    held.note(1, copy)
    copy.append(object())
    assert [number for number, _ in held.changed()] == [1]


def test_what_a_tuple_or_a_view_shows_is_told_of() -> None:
    """By its place in the answer; an array that shows another one counts as held while something has that."""
    numpy = pytest.importorskip("numpy")
    held, _ = _held()
    owner = {"rows": [1], "array": numpy.arange(4)}
    assert list(held.told(ANSWER, (1, (owner["rows"],)), 1)) == [["keep", [ANSWER, 1, 0], 1, False]]
    assert [one[:2] for one in held.told(ANSWER, owner["array"][1:], 0)] == [["keep", ANSWER]]
    told = list(held.told(ANSWER, numpy.arange(4).reshape(2, 2), 0))
    told += held.told(ANSWER, ([1], "x"), 0)
    assert told == []


def test_one_that_is_known_takes_its_place_in_a_tuple() -> None:
    """The judge's copy of an argument is what the answer holds then; in a tuple of a class of its own there are two."""
    held, own, altered = HeldByTest(_written), [1], list[Any]()
    held.taken(["keep", [0, 0], 5, False], [(own, 2)], None, [])
    made = held.taken(["was", [ANSWER, 0], 5, False], [], ([1, 3], 2), altered)
    assert made[0] is own
    assert own == [1, 3]
    assert altered == [own]
    named = held.taken(["was", [ANSWER, 0], 5, False], [], type("Row", (tuple,), {})(([1], 2)), [])
    assert named[0] is not own
    assert held.twice == {5}


def test_what_a_function_of_the_tests_gives_is_one_as_often_as_it_comes() -> None:
    """Where the test holds it too; what the code has made of it stays."""
    test, (code, _) = HeldByTest(_written), _held()
    rows, objects, numbers = [1], dict[int, Any](), dict[int, int]()
    owner = [rows]
    told = test.lent(owner[0])
    assert test.lent([2]) == []
    assert [place for place, _ in told] == [[]]
    first = code.lent([1], told, objects, numbers)
    first.append(2)
    assert code.lent([1], test.lent(owner[0]), objects, numbers) is first
    assert [value for _, value in code.changed()] == [[1, 2]]


def test_large_ones_and_those_that_give_way_are_looked_at_when_a_test_ends() -> None:
    """Their changes are not brought, and the test is told of; of what the test has no more it is not."""
    held, large, first = HeldByTest(_written), list(range(3000)), [1]
    held.note(1, large)
    held.note(2, first, own=True)
    kept = [[number] for number in range(3, 103)]
    for number, one in enumerate(kept, 3):
        held.note(number, one, own=True)
    assert (len(held.held), len(held.late)) == (80, 22)
    assert held.changed() == []
    assert held.parted(list) is None
    for number in range(200, 300):
        held.note(number, [number], own=True)
    assert len(held.late) == 62
    first.append(2)
    assert held.parted(list) is first
    assert held.parted(lambda: [1]) in (first, large)
