"""agentmem.team.proof.far: what a test can do with the objects of the code, and which names it can use."""

from pathlib import Path

from tests.team.proof.works import apart, verdicts

CODE = """
from typing import NamedTuple

_LIMIT = 3


class Pair(NamedTuple):
    a: int
    b: int


class Box:
    def __init__(self):
        self._inside = [1]
        self.shown = 2

    def _secret(self):
        return 5


def _helper(one):
    return one + 1


def public(one):
    return _helper(one) + _LIMIT


def pair():
    return Pair(1, 2)
"""
TESTS = """
from unittest import mock

import parking
from parking import _LIMIT, Box, _helper, pair, public


def test_public():
    assert public(1) == 5
    assert Box().shown == 2


def test_public_in_spite_of_the_underscore():
    assert pair()._asdict() == {"a": 1, "b": 2}
    assert pair()._replace(a=3) == (3, 2)


def test_imported_function():
    assert _helper(1) == 2


def test_imported_value():
    assert _LIMIT == 3


def test_function_of_the_module():
    assert parking._helper(1) == 2


def test_value_of_the_module():
    assert parking._LIMIT == 3


def test_of_an_object():
    assert Box()._inside == [1]


def test_a_method():
    assert Box()._secret() == 5


def test_is_replaced(monkeypatch):
    monkeypatch.setattr(parking, "_LIMIT", 4)
    assert public(1) == 6


def test_is_patched():
    with mock.patch("parking._LIMIT", 4):
        assert public(1) == 6


def test_is_set():
    box = Box()
    box._inside = 2
"""


def test_private_names_are_refused(tmp_path: Path) -> None:
    """A test that reads an object's private attribute, or sets a private name, is unproven for that reason.

    What a module of the project has can be used, as it is called or compared like all else.
    """
    run = apart(tmp_path, {"parking.py": CODE}, {"tests/test_a.py": TESTS})
    found = verdicts(run)
    proven = {name for name, verdict in found.items() if verdict == "proven"}
    modules = {"test_imported_function", "test_function_of_the_module", "test_value_of_the_module"}
    assert proven == {"test_public", "test_public_in_spite_of_the_underscore", *modules}, run.tests
    assert found["test_imported_value"] == "unproven untouched"  # nothing of the code was called in the test
    private = set(found) - proven - {"test_imported_value"}
    assert {found[name] for name in private} == {"unproven private"}
    assert len(found) == TESTS.count("def test_")
