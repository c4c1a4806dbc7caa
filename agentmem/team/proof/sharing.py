"""Containers that both the code and the test hold: each has a copy, and what one changes is brought to the other.

Both ends run it by themselves, without the rest of agentmem. In one process ``box.items()`` may be the very list that
the box goes on filling. Apart it crosses as a copy; so the subject tells which containers something of its own holds
too, and from then on both ends look whether theirs has changed. A container in which others are held (``[[0]] * 3``) is
told of as well: a test that changes such a one is not proven, for its copy has parts of its own.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from marshal import dumps
from sys import getrefcount
from typing import Any

from agentmem.team.proof.arrays import is_array
from agentmem.team.proof.values import LOOKED_AT, can_change, size_of

_MANY = 40  # containers that each end looks at
_DEEP, _INSIDE = 4, 200  # how deep, and at how many parts of a container, is looked for others that are held
_FORMAT = 2  # of marshal: the last one in which equal values are written alike
_HERE = 2  # references to a container that is looked at: this one's and the question's
ANSWER = -1
"""The place of an answer; those of arguments are counted from 0."""


def content(value: Any, write: Callable[[Any], Any]) -> Any:
    """What a container holds, to be compared later; ``write`` is for what Python's own way cannot write."""
    if is_array(value):
        return value.tobytes()
    try:
        return dumps(value, _FORMAT)
    except ValueError:
        return write(value)


def contents(values: list[Any], write: Callable[[Any], Any]) -> list[Any]:
    """What those of the values hold that can change."""
    return [content(one, write) for one in values if can_change(one)]


class _Watched:
    """The ``most`` containers that were noted last, by their numbers, each with what it held then."""

    def __init__(self, write: Callable[[Any], Any], most: int) -> None:
        self.write, self.most = write, most
        self.held: dict[int, tuple[Any, Any]] = {}

    def note(self, number: int, value: Any) -> None:
        """From now on a change of this container is found."""
        self.held.pop(number, None)
        self.held[number] = value, content(value, self.write)
        if len(self.held) > self.most:
            del self.held[next(iter(self.held))]

    def changed(self) -> list[tuple[int, Any]]:
        """The containers that have changed since they were noted, with their numbers. They are noted anew."""
        found = []
        for number, (value, was) in self.held.items():
            kind = type(value)
            plain = kind is list or kind is dict or kind is set  # quick, for it is asked at each call
            try:
                now = dumps(value, _FORMAT) if plain else content(value, self.write)
            except ValueError:
                now = self.write(value)
            if now != was:
                found.append((number, value))
        for number, value in found:
            self.note(number, value)
        return found


class HeldByCode(_Watched):
    """The subject's: containers that crossed, and that something of the code's holds too."""

    def __init__(self, keep: Callable[[Any], int], write: Callable[[Any], Any]) -> None:
        super().__init__(write, _MANY)
        self.keep = keep

    def told(self, place: int, value: Any, spare: int) -> Iterator[list[Any]]:
        """What to tell of an answer or an argument, to which ``spare`` references are none of the code's."""
        if not can_change(value) or size_of(value) > LOOKED_AT:
            return
        apart = getrefcount(value) <= spare + _HERE
        inside = not is_array(value) and _is_held_inside(value, 0)
        if apart and not inside:
            return
        number = self.keep(value)
        yield ["was" if number in self.held else "keep", place, number, inside]
        self.note(number, value)


class HeldByTest(_Watched):
    """The judge's: its copies of such containers, by the numbers that the subject gave them."""

    def __init__(self, write: Callable[[Any], Any]) -> None:
        super().__init__(write, 2 * _MANY)
        self.inside: set[int] = set()
        self.own: set[int] = set()

    def note(self, number: int, value: Any, *, own: bool = False, inside: bool = False) -> None:
        """From now on a change of this container is brought to the code. ``own`` ones came from the test."""
        super().note(number, value)
        self.own |= {number} if own else set()
        self.inside |= {number} if inside else set()

    def known(self, number: Any, like: Any) -> Any:
        """The copy with a number, if it is of the same type; else None."""
        found = self.held[number][0] if type(number) is int and number in self.held else None
        return found if type(found) is type(like) else None

    def parted(self) -> Any:
        """A container that the test has changed, and that holds others which are held elsewhere too; else None."""
        changed = (self.held[one] for one in self.inside & self.held.keys())
        return next((value for value, was in changed if content(value, self.write) != was), None)

    def forget(self) -> None:
        """A new test begins."""
        self.held, self.inside, self.own = {}, set(), set()


def _is_held_inside(value: Any, depth: int) -> bool:
    """True if a container in a container is held by something else too."""
    if depth > _DEEP:
        return False
    if isinstance(value, dict):
        parts: Any = value.values()
    else:
        parts = value if isinstance(value, list | tuple | deque) else ()
    for one in islice(parts, _INSIDE):
        if type(one) in (int, str, float, bool, bytes):
            continue
        if can_change(one) and getrefcount(one) > _IN_ONE:
            return True
        if _is_held_inside(one, depth + 1):
            return True
    return False


_IN_ONE = 3  # references to a part, as the loop above sees them: its container's, the loop's and the question's
