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
    assert held.parted() is None
    copy[0][0] = 1
    assert held.parted() is copy
    assert held.parted() is copy


def test_what_python_cannot_write_is_written_otherwise() -> None:
    """A list of objects is compared as the given way writes it."""
    held, copy = HeldByTest(_written), [object()]
    held.note(1, copy)
    copy.append(object())
    assert [number for number, _ in held.changed()] == [1]
