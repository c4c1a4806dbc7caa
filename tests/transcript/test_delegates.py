"""Names of delegates' threads: they say whose work a thread is."""

from itertools import islice

import pytest

from agentmem.transcript.delegates import below, fresh_names, owner, top, works_for


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("main.d1", "main"),
        ("main.d1.d12", "main.d1"),
        ("main", None),
        ("main.d0", None),
        ("main.dx", None),
        (".d1", None),
    ],
)
def test_a_name_says_whose_delegate_it_is(name: str, expected: str | None) -> None:
    """Only a whole number from 1 behind `.d` makes a delegate."""
    assert owner(name) == expected


def test_delegates_of_delegates_count_too() -> None:
    """All that works for a thread is found, and nothing that only looks like it."""
    names = ["main", "main.d1", "main.d1.d2", "mains.d1", "main.d2", "other"]
    assert below(names, "main") == ("main.d1", "main.d1.d2", "main.d2")
    assert below(names, "main.d1") == ("main.d1.d2",)
    assert works_for("main.d1.d2", "main")
    assert not works_for("main", "main")
    assert top("main.d1.d2", names) == "main"
    assert top("gone.d1", names) == "gone.d1"


def test_new_names_pass_over_those_that_there_are() -> None:
    """A number is never used twice."""
    assert list(islice(fresh_names("main", {"main.d1", "main.d3"}), 3)) == ["main.d2", "main.d4", "main.d5"]
