"""agentmem.team.proof.touched: what the code has changed of the tests' own objects, and what it was given of them."""

import array
import collections
import io
from typing import Any

import pytest

from agentmem.team.proof.touched import state_of


class Slotted:
    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows = [1]

    def change(self) -> None:
        self.rows.append(2)


class Deep:
    def __init__(self) -> None:
        self.inside = Slotted()

    def change(self) -> None:
        self.inside.change()


CHANGES: dict[str, tuple[Any, Any]] = {
    "slots": (Slotted(), Slotted.change),
    "what is inside": (Deep(), Deep.change),
    "a stream": (io.StringIO("a"), lambda one: one.write("b")),
    "where a stream stands": (io.BytesIO(b"a"), lambda one: one.read()),
    "an array": (array.array("i", [1]), lambda one: one.pop()),
    "a dict of a class": (collections.UserDict(a=1), lambda one: one.clear()),
    "a deque": (collections.deque([1]), lambda one: one.append(2)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen(name: str) -> None:
    """The state of an object is the same as long as nothing in it has changed, and another then."""
    value, change = CHANGES[name]
    before = state_of(value)
    assert state_of(value) == before
    change(value)
    assert state_of(value) != before
