"""agentmem.team.proof.compared: what a test reads and only compares with what is written down."""

import unittest
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agentmem.team.proof.compared import is_compared

CASES = {
    "assert read() == 'a'": True,
    "assert read() != 'a' and read() in ('a', 'b')": True,
    "assert read().strip().split(',')[0] == 'a'": True,
    "assert sorted(read()) == ['a', -1]": True,
    "assert sorted(x for x in each()) == ['a']": True,
    "assert {x.name for x in each()} == {'a'}": True,
    "assert [x for x in each()] == ['a']": True,
    "assert not read()": True,
    "self.assertEqual(read(), 'a')": True,
    "assert read() == wanted": False,
    "assert read() == other(1)": False,
    "assert read().join(wanted) == 'a'": False,
    "assert sorted(x for x in each() if x != wanted) == ['a']": False,
    "assert sorted(x + wanted for x in each()) == ['a']": False,
    "assert max(read(), wanted) == 'a'": False,
    "assert mine(read()) == 'a'": False,
    "sorted = mine; assert sorted(read()) == 'a'": False,
    "got = read(); assert got == 'a'": False,
    "got = read() == 'a'; assert got": False,
    "assert wanted == [1 for x in 'a' if read() == 'a']": False,
    "if read() == 'a': pass": False,
    "mine(read() == 'a')": False,
    "self.assertEqual(read(), wanted)": False,
    "read()": False,
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

    def read() -> Name:
        said.append(is_compared(str(tmp_path)))
        return Name("a")

    def each() -> Any:
        yield from [read()]

    names: dict[str, Any] = {"read": read, "each": each, "other": str, "mine": lambda one: one}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    with suppress(AssertionError):
        names["test_it"](self=unittest.TestCase())
    assert set(said) == {compared}


def test_nothing_is_compared_outside_of_the_tests(tmp_path: Path) -> None:
    """Where no test is above, as in what pytest does for one."""
    assert not is_compared(str(tmp_path))
