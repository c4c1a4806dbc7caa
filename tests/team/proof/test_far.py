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


LENT = """
from importlib import import_module


def loaded(name):
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "first":
            raise
        return "none"


WORDS = {"a"}


def has(word):
    return word in WORDS


def arguments():
    import sys

    return list(sys.argv)
"""
LENDING = """
import sys
from unittest.mock import patch

import pytest

import parking


def test_an_error_comes_back_as_itself():
    error = ModuleNotFoundError("no inner", name="inner")
    with patch.object(parking, "import_module", side_effect=error) as load:
        with pytest.raises(ModuleNotFoundError) as raised:
            parking.loaded("first")
    assert raised.value is error
    load.assert_called_once_with("first")


def test_an_error_has_its_name():
    with patch.object(parking, "import_module", side_effect=ModuleNotFoundError("x", name="first")):
        assert parking.loaded("first") == "none"


def test_a_container_is_changed_in_place():
    parking.WORDS.add("b")
    try:
        assert parking.has("b") and parking.has("a")
    finally:
        parking.WORDS.remove("b")


def test_the_change_was_taken_back():
    assert not parking.has("b")


def test_arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["shop", "--fast"])
    assert parking.arguments() == ["shop", "--fast"]
"""


def test_what_a_test_lends_and_changes_reaches_the_code(tmp_path: Path) -> None:
    """Errors of callbacks come back as themselves; containers of the code and arguments that a test changes count."""
    run = apart(tmp_path, {"parking.py": LENT}, {"tests/test_a.py": LENDING})
    names = [line[4:].partition("(")[0] for line in LENDING.splitlines() if line.startswith("def test_")]
    assert verdicts(run) == dict.fromkeys(names, "proven"), run.tests


CHOSEN = """
class Point:
    def __new__(cls, *given, **named):
        return _only

    def __init__(self, *given, **named):
        pass

    def __eq__(self, other):
        return True


_only = object.__new__(Point)


class Yes:
    def __getattr__(self, name):
        return self

    def __call__(self, *given):
        return self

    def __len__(self):
        return 2


def point(text):
    return _only


def label(count):
    return Yes()


class Car:
    pass


def same(car):
    return car
"""
CHOOSING = """
import parking
from parking import Car, Point, label, point


def test_the_code_makes_what_it_is_compared_with():
    assert [Point(1, y=2)] == [point("1,2")]


def test_it_was_there_before():
    assert [point("1,2")] == [Point(1, y=2)]


def test_the_code_says_what_is_true():
    assert label(3).endswith(" min")


def test_an_object_comes_back():
    car = Car()
    assert parking.same(car) is car
    assert [parking.same(car)] == [car]
"""


def test_the_code_chooses_no_object_that_it_is_compared_with(tmp_path: Path) -> None:
    """A class that gives an object which is there, and the truth of an object, leave a test unproven."""
    run = apart(tmp_path, {"parking.py": CHOSEN}, {"tests/test_a.py": CHOOSING})
    chosen = ("test_the_code_makes_what_it_is_compared_with", "test_it_was_there_before")
    assert verdicts(run) == {
        **dict.fromkeys((*chosen, "test_the_code_says_what_is_true"), "unproven compares"),
        "test_an_object_comes_back": "proven",
    }, run.tests


ONE = """
import enum

Low = Exception


class High(ValueError):
    pass


class Colour(enum.Enum):
    RED = 1
    BLUE = 1
    GREEN = 3


class Frac:
    @classmethod
    def of(cls, a, b):
        return ONLY


ONLY = Frac()


class Two(tuple):
    _fields = ("__eq__",)


def half():
    return ONLY


def two():
    return Two([lambda other: True])


def colour(name):
    return Colour[name]


def low():
    raise High("below")


def stops():
    raise StopIteration


def noted(count: int) -> str:
    return str(count)


class Chain:
    def add(self, one):
        return self
"""
ALIKE = """
import pytest
import works
from works import Chain, Colour, Frac, colour, half, low, noted, stops, two


def test_two_members_are_one():
    assert colour("BLUE") == Colour.RED


def test_a_member_of_its_own():
    assert colour("GREEN") == Colour.GREEN == Colour(3)


def test_one_object_of_two_calls():
    assert [half()] == [Frac.of(1, 2)]


def test_one_object_of_one_call():
    assert half() is half()


def test_an_object_that_returns_itself():
    chain = Chain()
    assert chain.add(1).add(2) is chain


def test_every_error_is_one():
    with pytest.raises(works.Low):
        low()


def test_an_error_of_its_own():
    with pytest.raises(works.High, match="below"):
        low()


def test_a_field_that_compares():
    assert two() == 1


def test_a_loop_is_stopped():
    assert all(map(lambda one: stops() == one, [1, 2]))


def test_a_stop_that_is_expected():
    with pytest.raises(StopIteration):
        stops()


def test_annotations():
    assert noted.__annotations__ == {"count": int, "return": str}
"""


def test_the_code_does_not_say_that_two_things_are_one(tmp_path: Path) -> None:
    """Members, objects of two calls and classes that are all alike, and a stop in a loop, leave a test unproven."""
    found = verdicts(apart(tmp_path, {"works.py": ONE}, {"tests/test_a.py": ALIKE}))
    alike = ("test_two_members_are_one", "test_one_object_of_two_calls", "test_every_error_is_one")
    told = dict.fromkeys(alike, "unproven compares") | {"test_a_loop_is_stopped": "unproven stops"}
    assert found == {name: told.get(name, "proven") for name in found} | {"test_a_field_that_compares": "failed"}
    assert len(found) == ALIKE.count("def test_")


METACLASS = """
class Marker(type):
    def __repr__(cls):
        return cls.__name__


class Left(metaclass=Marker):
    pass


def side(left):
    return Left if left else None


def double(number):
    return 2 * number
"""
MAKES_CLASSES = """
from parking import Left, Marker, double, side


def test_makes_a_class():
    class Right(metaclass=Marker):
        pass

    assert repr(Right) == "Right"


def test_makes_a_class_of_both():
    class Right(Marker, metaclass=Marker):
        pass

    assert repr(Right) == "Right"


def test_calls_it():
    assert repr(Marker("Up", (), {})) == "Up"


def test_asks_what_belongs_to_it():
    assert isinstance(Left, Marker)


def test_without():
    assert side(False) is None
    assert double(2) == 4
"""


def test_what_is_made_of_a_metaclass_of_the_code_is_unproven(tmp_path: Path) -> None:
    """It would be a class of the code's; it fails nothing, and what does not use it is proven."""
    run = apart(tmp_path, {"parking.py": METACLASS}, {"tests/test_a.py": MAKES_CLASSES})
    found = verdicts(run)
    assert found.pop("test_without") == "proven"
    assert set(found.values()) == {"unproven class"} and len(found) == 4, run.tests
