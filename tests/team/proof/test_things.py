"""agentmem.team.proof.things: what texts of the code's lead to in a test."""

import pytest

from agentmem.team.proof.things import overwrites, walks


@pytest.mark.parametrize(
    ("text", "used", "found"),
    [
        ("__init__.__globals__", "", True),
        ("__globals__", "getattr", True),
        ("__globals__", "", False),
        ("run.__code__.co_consts", "", True),
        ("Foo.__init__", "getattr", False),
        ("see __globals__ of it, and more.", "", False),
        ("name", "getattr", False),
    ],
)
def test_a_way_through_the_tests_objects_is_found(text: str, used: str, found: bool) -> None:
    """A chain of attributes always, and a single one where the test reads attributes by a name."""
    assert walks([text], frozenset({used})) == (text if found else "")


@pytest.mark.parametrize(
    ("text", "used", "found"),
    [
        ("WANT", "globals", True),
        ("WANT", "setattr", True),
        ("WANT", "print", False),
        ("json", "setattr", False),
        ("len", "globals", True),
        ("id", "vars", False),
        ("other", "globals", False),
    ],
)
def test_a_name_that_may_be_written_over_is_found(text: str, used: str, found: bool) -> None:
    """One that the file compares with, and that the code names, where the test writes names by texts."""
    assert overwrites([text], frozenset({used}), {"WANT": 7, "json": pytest, "__name__": "x"}) == (
        text if found else ""
    )
