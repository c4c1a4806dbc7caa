"""Containers that both the code and the test hold: each has a copy, and what one changes is brought to the other.

Both ends run it by themselves, without the rest of agentmem. In one process ``box.items()`` may be the very list that
the box goes on filling. Apart it crosses as a copy; so the subject tells which containers something of its own holds
too, and from then on both ends look whether theirs has changed. A container in which others are held (``[[0]] * 3``) is
told of as well: a test that changes such a one is not proven, for its copy has parts of its own.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from marshal import dumps
from sys import getrefcount
from typing import Any

from agentmem.team.proof.arrays import is_array
from agentmem.team.proof.values import LOOKED_AT, bring, can_change, holds_one, size_of
from agentmem.team.proof.wire import Broken

_MANY = 40  # containers that each end looks at
_SMALL = 50  # items of an argument that is looked at each time that a function of the test's is called
_LATE = 2000  # others that are looked at when a test ends
_DEEP, _INSIDE = 4, 200  # how deep, and at how many parts of a container, is looked for others that are held
_FORMAT = 2  # of marshal: the last one in which equal values are written alike
_HERE = 2  # references to a container that is looked at: this one's and the question's
_LENT = 2  # references to what a test's function gave: those of whoever asked it
_FIRST = -(1 << 40)
"""Numbers of containers that the judge tells of are below this one."""
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


def contents(values: list[Any], write: Callable[[Any], Any], running: Sequence[Any] = ()) -> list[Any]:
    """What those of the values hold that can change, and of the arguments of a ``running`` call those that are small.

    Of large ones it is their size: that is asked each time that the code calls a function of the test's.
    """
    more = [one for one in running if can_change(one)]
    sizes = [size_of(one) for one in more]
    return [
        *(content(one, write) for one in values if can_change(one)),
        *(content(one, write) for one, size in zip(more, sizes, strict=True) if size <= _SMALL),
        *sizes,
    ]


class _Watched:
    """The ``most`` containers that were noted last, by their numbers, each with what it held then.

    Those that are large, or have had to give way, lie in ``late``, and are looked at when a test ends.
    """

    def __init__(self, write: Callable[[Any], Any], most: int) -> None:
        self.write, self.most = write, most
        self.held: dict[int, tuple[Any, Any]] = {}
        self.late: dict[int, tuple[Any, int]] = {}
        self.ids: dict[int, int] = {}

    def note(self, number: int, value: Any) -> None:
        """From now on a change of this container is found."""
        self.held.pop(number, None)
        self.late.pop(number, None)
        self.ids[id(value)] = number
        if size_of(value) > LOOKED_AT:
            self._put_off(number, value, content(value, self.write))
            return
        self.held[number] = value, content(value, self.write)
        if len(self.held) > self.most:
            first = next(iter(self.held))
            self._put_off(first, *self.held.pop(first))

    def _put_off(self, number: int, value: Any, was: Any) -> None:
        self.late[number] = value, _digest(was)
        if len(self.late) > _LATE:
            value, _ = self.late.pop(next(iter(self.late)))
            self.ids.pop(id(value), None)

    def value(self, number: Any) -> Any:
        """The container with this number; None for one that is not known."""
        found = self.held.get(number) or self.late.get(number) if type(number) is int else None
        return None if found is None else found[0]

    def number(self, value: Any) -> int | None:
        """The number of a container that is noted."""
        number = self.ids.get(id(value))
        return number if number is not None and self.value(number) is value else None

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

    def changed_late(self, numbers: Iterable[int] | None = None) -> list[int]:
        """The numbers of those that are looked at now alone, and have changed."""
        every = [one for one in (self.late if numbers is None else numbers) if one in self.late]
        return [one for one in every if _digest(content(self.late[one][0], self.write)) != self.late[one][1]]


class HeldByCode(_Watched):
    """The subject's: containers that crossed, and that something of the code's holds too."""

    def __init__(self, keep: Callable[[Any], int], write: Callable[[Any], Any]) -> None:
        super().__init__(write, _MANY)
        self.keep = keep

    def told(self, place: Any, value: Any, spare: int, *, held: bool = False) -> Iterator[list[Any]]:
        """What to tell of an answer or an argument, to which ``spare`` references are none of the code's.

        Of what is in a tuple the place is a list: that of the tuple, and those inside. All in it counts as ``held``
        where the code has the tuple.
        """
        for path, one, inside in _held_elsewhere(place if type(place) is list else [place], value, spare + 1, held):
            number = self.keep(one)
            known = self.value(number) is not None
            yield ["was" if known else "keep", path[0] if len(path) == 1 else path, number, inside]
            self.note(number, one)

    def lent(self, value: Any, told: Any, objects: dict[int, Any], numbers: dict[int, int]) -> Any:
        """What a test's function gave: of its containers, those that the test holds too are one as often as they come.

        One that the code has changed since is as the code has it.
        """
        for path, number in told:
            found, known = at(value, path), objects.get(number)
            if known is None or type(known) is not type(found):
                objects[number], numbers[id(found)] = found, number
                self.note(number, found)
            else:
                if number in self.held and self.held[number][1] == content(known, self.write):
                    bring(known, found)
                    self.note(number, known)
                value = with_part(value, path, known)
        return value


class HeldByTest(_Watched):
    """The judge's: its copies of such containers, by the numbers that the subject gave them."""

    def __init__(self, write: Callable[[Any], Any], lasts: Callable[[], bool] = bool) -> None:
        super().__init__(write, 2 * _MANY)
        self.lasts, self.lasting = lasts, set[int]()
        self.inside: set[int] = set()
        self.own: set[int] = set()
        self.twice: set[int] = set()
        self.count, self.noted = _FIRST, 0
        self.lost: Any = None

    def note(self, number: int, value: Any, *, own: bool = False, inside: bool = False) -> None:
        """From now on a change of this container is brought to the code. ``own`` ones came from the test."""
        before = self.value(number)
        if before is not None and before is not value:  # there are two of one
            self.count -= 1
            super()._put_off(self.count, before, content(before, self.write))
            self.twice.add(number)
        self.noted += before is None
        self._let_go()
        super().note(number, value)
        self.own |= {number} if own else set()
        self.lasting |= {number} if self.lasts() else set()
        self.inside |= {number} if inside else set()

    def lent(self, value: Any) -> list[list[Any]]:
        """Of what a function of the tests gave, the containers that the tests hold too: their places and numbers."""
        told: list[list[Any]] = []
        for path, one, _ in _held_elsewhere([], value, _LENT, held=False):
            if (number := self.number(one)) is None:
                self.count -= 1
                number = self.count
            self.note(number, one, own=True)
            told.append([path, number])
        return told

    def known(self, number: Any, like: Any) -> Any:
        """The copy with a number, if it is of the same type; else None."""
        found = self.value(number)
        return found if type(found) is type(like) else None

    def _placed(self, change: list[Any], place: list[Any], value: Any, altered: list[Any]) -> Any:
        """A value with a container at a place that the code holds too. One that is known stays the one that it was."""
        (kind, _, number, inside), found = change, at(value, place)
        if not can_change(found):
            raise Broken("a change is not of the agreed form")
        if kind == "was" and (known := self.known(number, found)) is not None and known is not found:
            if number in self.changed_late([number]):
                self.lost = known  # what the test changed, and did not bring
            if number in self.own and content(known, self.write) != content(found, self.write):
                altered.append(known)
            bring(known, found)
            value = with_part(value, place, known)
            found = at(value, place)
        self.note(number, found, inside=bool(inside))
        return value

    def taken(self, change: list[Any], given: Sequence[Any], value: Any, altered: list[Any]) -> Any:
        """The code holds an argument, the answer, or a part of it, too. An answer that is known stays what it was.

        One of the test's own that the code has changed meanwhile is put with those that are ``altered``.
        """
        if len(change) != 4 or type(change[2]) is not int:
            raise Broken("a change is not of the agreed form")
        _, place, number, inside = change
        first, *path = place if type(place) is list else [place]
        if first != ANSWER:
            if not can_change(found := at(list(given), [first, *path])):
                raise Broken("a change is not of the agreed form")
            self.note(number, found, own=True, inside=bool(inside))
            return value
        try:
            return self._placed(change, path, value, altered)
        except Broken:
            if isinstance(value, BaseException):
                return value  # it was made with other arguments
            raise

    def parted(self, ask: Callable[[], Any]) -> Any:
        """A container that the test has changed, and that holds others which are held elsewhere too; or one of those
        that are looked at now alone, which has changed here, or as ``ask`` says; else None."""
        changed = (self.held[one] for one in (self.inside | self.twice) & self.held.keys())
        if (found := next((value for value, was in changed if content(value, self.write) != was), None)) is not None:
            return found
        if self.lost is not None or (not self.late and self.noted <= _MANY):
            return self.lost
        said = ask()
        every = {*self.changed_late(), *(one for one in said if type(one) is int)} if type(said) is list else set()
        return next((value for value in map(self.value, every) if value is not None), None)

    def forget(self) -> None:
        """A new test begins. What came while ``lasts`` was true is there for all tests."""
        kept = self.lasting & (self.held.keys() | self.late.keys())
        self.held = {one: self.held[one] for one in self.held if one in kept}
        self.late = {one: self.late[one] for one in self.late if one in kept}
        self.ids = {id(self.value(one)): one for one in kept}
        self.inside, self.own, self.twice = self.inside & kept, self.own & kept, self.twice & kept
        self.noted, self.lost = len(kept), None

    def _let_go(self) -> None:
        """Of those that give way, at this end or the other, what the test has no more is not looked at."""
        for most in (self.most, _MANY):
            number = next(islice(self.held, max(0, len(self.held) - most), None), None)
            if len(self.held) >= most and number is not None and self.references(number) <= _ALONE:
                del self.held[number]

    def references(self, number: int) -> int:
        """The references to a container, but for that by which the link holds an answer."""
        return getrefcount(self.held[number][0]) - (number not in self.own)


def _digest(was: Any) -> int:
    return hash(was if isinstance(was, bytes) else repr(was))


def argument(given: Sequence[Any], place: Any) -> Any:
    """An argument that a call can change, or a tuple with such a one. Raises Broken for another."""
    if not can_change(found := at(list(given), [place])) and not holds_one(found):
        raise Broken("a change is not of the agreed form")
    return found


def at(value: Any, place: Any) -> Any:
    """The part of a value at a place: of what a tuple, an error, a list or a dict holds. Raises Broken."""
    for one in place if type(place) is list else [None]:
        parts = value.args if isinstance(value, BaseException) else value
        parts = list(parts.values()) if isinstance(parts, dict) else parts
        if type(one) is not int or not isinstance(parts, list | tuple) or not 0 <= one < len(parts):
            raise Broken("a change is not of the agreed form")
        value = tuple.__getitem__(parts, one) if isinstance(parts, tuple) else parts[one]
    return value


def with_part(value: Any, place: list[int], part: Any) -> Any:
    """A value with another part at a place; the value itself where it is a tuple of a class of its own."""
    if not place:
        return part
    if isinstance(value, BaseException):
        value.args = with_part(tuple(value.args), place, part)
    elif type(value) is list:
        value[place[0]] = with_part(value[place[0]], place[1:], part)
    elif type(value) is tuple:
        made = list(value)
        made[place[0]] = with_part(made[place[0]], place[1:], part)
        return tuple(made)
    return value


_Part = tuple[list[int], Any, bool]


def _held_elsewhere(path: list[int], value: Any, spare: int, held: bool) -> Iterator[_Part]:
    """The containers in a value, as far as it is made of tuples, that something else holds too: each with its place,
    and whether one in it is held elsewhere."""
    if can_change(value):
        held = held or getrefcount(value) > spare + _HERE or _is_view(value)
        inside = not is_array(value) and size_of(value) <= LOOKED_AT and _is_held_inside(value, 0)
        if held or inside:
            yield path, value, inside
        if inside and len(path) <= _DEEP:
            yield from _in_rows(path, value)
    elif isinstance(value, tuple) and len(path) <= _DEEP:
        held = held or getrefcount(value) > spare + _HERE
        for place in range(min(tuple.__len__(value), _INSIDE)):
            one = tuple.__getitem__(value, place)
            if type(one) not in (int, str, float, bool):
                yield from _held_elsewhere([*path, place], one, 2, held)  # the tuple's, and that of the name here


def _in_rows(path: list[int], value: Any) -> Iterator[_Part]:
    """The same of tuples of the code's own classes in a list or dict: they cross each as one, and stay as they were."""
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    for place in range(min(len(parts), _INSIDE)):
        one = parts[place]
        if isinstance(one, tuple) and type(one) is not tuple:
            yield from _held_elsewhere([*path, place], one, 2 + isinstance(value, dict), held=False)


def _is_view(value: Any) -> bool:
    """True for an array that shows what another one holds which something else holds too."""
    return is_array(value) and value.base is not None and getrefcount(value.base) > _HERE


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
        if getrefcount(one) > _IN_ONE and (can_change(one) or holds_one(one)):
            return True
        if _is_held_inside(one, depth + 1):
            return True
    return False


_IN_ONE = 3  # references to a part, as the loop above sees them: its container's, the loop's and the question's


def _alone() -> int:
    """The references to a container that nothing of a test holds."""
    held = HeldByTest(repr)
    held.note(1, [], own=True)
    return held.references(1)


_ALONE = _alone()
