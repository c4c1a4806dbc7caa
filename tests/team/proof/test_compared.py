"""agentmem.team.proof.compared: what a test reads and only compares with what is written down."""

import unittest
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agentmem.team.proof.compared import is_compared

CASES = {
    "assert listdir() == 'a'": True,
    "assert listdir() != 'a' and listdir() in ('a', 'b')": True,
    "assert listdir().strip().split(',')[0] == 'a'": True,
    "assert sorted(listdir()) == ['a', -1]": True,
    "assert sorted(x for x in iterdir()) == ['a']": True,
    "assert {x.name for x in iterdir()} == {'a'}": True,
    "assert [x for x in iterdir()] == ['a']": True,
    "assert list(iterdir()) == ['a']": True,
    "list = through; assert list(iterdir()) == ['a']": False,
    "assert not listdir()": True,
    "self.assertEqual(listdir(), 'a')": True,
    "assert listdir() == wanted": False,
    "assert listdir() == other(1)": False,
    "assert listdir().join(wanted) == 'a'": False,
    "assert sorted(x for x in iterdir() if x != wanted) == ['a']": False,
    "assert sorted(x + wanted for x in iterdir()) == ['a']": False,
    "assert max(listdir(), wanted) == 'a'": False,
    "assert mine(listdir()) == 'a'": False,
    "sorted = mine; assert sorted(listdir()) == 'a'": False,
    "got = listdir(); assert got == 'a'": False,
    "got = listdir() == 'a'; assert got": False,
    "assert wanted == [1 for x in 'a' if listdir() == 'a']": False,
    "if listdir() == 'a': pass": False,
    "mine(listdir() == 'a')": False,
    "self.assertEqual(listdir(), wanted)": False,
    "listdir()": False,
    "assert cmp()": False,
    "assert cmp() == 1": False,
}


@pytest.mark.parametrize(("line", "compared"), CASES.items())
def test_what_is_read_is_compared_where_it_stands(tmp_path: Path, line: str, compared: bool) -> None:
    """By the text around the place that reads: with what is written down, and by what only tells of it."""
    file = tmp_path / "test_it.py"
    file.write_text(f"def test_it(self, wanted='a'):\n    {line}\n", encoding="utf-8")
    said = list[bool]()

    class Name(str):
        @property
        def name(self) -> "Name":
            return self

    def listdir() -> Name:
        said.append(is_compared(str(tmp_path)))
        return Name("a")

    def iterdir() -> Any:
        yield from [listdir()]

    names: dict[str, Any] = {
        "listdir": listdir,
        "iterdir": iterdir,
        "cmp": listdir,
        "other": str,
        "mine": lambda one: one,
        "through": lambda one: [*one],
    }
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    with suppress(AssertionError):
        names["test_it"](self=unittest.TestCase())
    assert set(said) == {compared}


def test_nothing_is_compared_outside_of_the_tests(tmp_path: Path) -> None:
    """Where no test is above, as in what pytest does for one."""
    assert not is_compared(str(tmp_path))
