"""Objects of the tests that the code changes by their own methods, and whether a test still computes with them.

The judge runs it by itself, without the rest of agentmem. ``assert total(cart) == sum(cart.prices)`` holds for code
that calls ``cart.clear()`` and answers 0, as it does for a list (see changing.py). What the code has put where the
test had put nothing is an answer like others: ``mail.sent``, or a stream that was empty. It may stand beside another.
"""

import array
import ast
import datetime
import decimal
import functools
import io
import operator
import re
import struct
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from marshal import dumps
from typing import Any

from agentmem.team.proof import changing
from agentmem.team.proof.arguments import frames_inside
from agentmem.team.proof.arrays import is_array
from agentmem.team.proof.lending import is_mock
from agentmem.team.proof.origins import is_of_code
from agentmem.team.proof.reasons import Marks
from agentmem.team.proof.still_used import still_used
from agentmem.team.proof.uses import Uses
from agentmem.team.proof.values import can_change, containers, copy_of, size_of

_FEW = 20  # containers in an object that are looked for among a test's names
_MOST = 2000  # parts of an object that are looked at
_FORMAT = 2  # of marshal: the last one in which equal values are written alike
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_STREAMS = (io.StringIO, io.BytesIO)
_FIXED: tuple[type, ...] = (
    *(re.Pattern, re.Match, struct.Struct, range, slice, tuple, frozenset, decimal.Decimal, operator.itemgetter),
    *(operator.attrgetter, datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo),
)
"""Of Python's own: what nothing changes."""
_WHOLE = frozenset({"getvalue", "getbuffer", "name", "closed", "close"})
"""What is asked of a stream wherever it stands."""
CONTENT, PLACE = "content of it", "place in it"
"""In the state of an object, beside its attributes: what it holds as a container, and where a stream stands."""
_State = dict[str, list[Any]]


def state_of(value: Any) -> _State:
    """What an object of the tests holds, by its attributes, so that two such states can be compared."""
    if isinstance(value, _STREAMS):
        if value.closed:
            return {}
        content = value.getvalue()
        return {CONTENT: [content], PLACE: [f"at {value.tell()}" if content else None]}
    state = {name: _written(one) for name, one in (*_of_classes(value), *_attributes(value))}
    if isinstance(value, array.array):
        state[CONTENT] = [value.tobytes()]
    elif (content := copy_of(value)) is not None:
        state[CONTENT] = _parts(content)
    return state


def _written(value: Any) -> list[Any]:
    """The same of a list or dict of plain values, as Python writes it, which is much quicker; else its parts."""
    if type(value) in (list, dict) and 0 < len(value) <= _MOST:
        try:
            return [dumps(value, _FORMAT)]
        except ValueError:  # an object is in it
            pass
    return _parts(value)


def _parts(value: Any) -> list[Any]:
    """A value and what is in it: plain values as they are, containers by their lengths, all else by what it is."""
    found, left, seen = list[Any](), [value], set[int]()
    for one in left:
        if len(found) > _MOST:
            break
        if type(one) in _PLAIN:
            found.append(one)
            continue
        inside = _inside(one) if id(one) not in seen else None
        seen.add(id(one))
        found.append(id(one) if inside is None else (type(one).__name__, len(inside)))
        left += (inside or ())[:_MOST]
    return found


def _inside(value: Any) -> list[Any] | None:
    if isinstance(value, array.array) or is_array(value):
        return [value.tobytes()]
    content = value if type(value) in (tuple, frozenset) else copy_of(value)
    if isinstance(content, dict):
        return [one for pair in content.items() for one in pair]
    if content is not None:
        return list(content)
    own = [one for pair in _attributes(value) for one in pair]
    return [id(value), *own] if own else None


def _attributes(value: Any) -> list[tuple[str, Any]]:
    """The attributes of an object of the tests; none of what is no plain object: the code's, classes, mocks."""
    if isinstance(value, type | types.ModuleType) or is_of_code(value) or is_mock(value):
        return []
    slots = [name for kind in type(value).__mro__ for name in _names(vars(kind).get("__slots__", ()))]
    state = getattr(value, "__dict__", None) or {}
    own = list(state.items())[:_MOST] if isinstance(state, Mapping) else []
    missing = object()
    held = ((name, getattr(value, name, missing)) for name in slots if name[:2] != "__")
    return [*own, *(pair for pair in held if pair[1] is not missing)]


def _of_classes(value: Any) -> Iterator[tuple[str, Any]]:
    """What an object shares with others of its class, by the attributes of classes that are not Python's own."""
    for kind in reversed(type(value).__mro__):
        if str(getattr(kind, "__module__", "builtins")).partition(".")[0] not in sys.stdlib_module_names:
            plain = ((name, one) for name, one in vars(kind).items() if name[:2] != "__")
            yield from ((name, one) for name, one in plain if not callable(one) and not hasattr(type(one), "__get__"))


def _is_closed(value: Any) -> bool:
    """True for an object that nobody can look into, and whose methods may change it: an element of XML, a lock."""
    kind = type(value)
    if kind is object or hasattr(value, "__dict__") or any("__slots__" in vars(one) for one in kind.__mro__):
        return False
    return not isinstance(value, (*_PLAIN, *_FIXED, *_STREAMS, array.array)) and copy_of(value) is None


def _names(slots: Any) -> Sequence[str]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _is_blank(parts: Sequence[Any]) -> bool:
    """True if a test has put nothing there."""
    return all(not one[1] if type(one) is tuple and type(one[1]) is int else not one for one in parts)


def _inner(owner: Any, names: frozenset[str]) -> list[Any]:
    """The lists, dicts and objects in these attributes of an object, and of objects there: a test may name them."""
    left = [one for name, one in _attributes(owner) if name in names]
    for one in left:
        if len(left) < _FEW:
            left += containers(one)[1:] if can_change(one) else [part for _, part in _attributes(one)]
    return [one for one in left[:_FEW] if can_change(one) or _attributes(one)]


def _takes(value: Any) -> bool:
    """True for an object of the tests with an attribute in which something may be gathered."""
    plain = type(value) in _PLAIN or callable(value)
    return not plain and any(can_change(one) and not size_of(one) for _, one in _attributes(value))


class Touched:
    """What the code has used of the tests' objects since its last answer, each with what it held before."""

    def __init__(self, root: str, marks: Marks, changes: changing.Changes) -> None:
        self.root, self.marks, self.changes, self.test = root, marks, changes, -1
        self.before: dict[int, tuple[Any, _State]] = {}
        self.after: dict[int, tuple[Any, _State, set[str]]] = {}
        self.others: dict[int, Any] = {}
        self.known = set[Any]()

    def given(self, every: Sequence[Any]) -> None:
        """A call gives the code these: what is in them then may be its answer."""
        self._begin()
        for one in every:
            if can_change(one) or isinstance(one, (*_STREAMS, array.array)) or _takes(one):
                self.others[id(one)] = one

    def using(self, value: Any, what: str) -> None:
        """The code uses a value that was lent to it."""
        self._begin()
        while isinstance(value, functools.partial):
            value = value.func
        owner = getattr(value, "__self__", value) if isinstance(value, _BOUND) else value
        if isinstance(owner, types.ModuleType | types.FunctionType | type) or is_of_code(owner):
            return
        self.others[id(owner)] = owner
        if id(owner) in self.before or is_mock(owner):
            return
        moves = what in ("next", "send") and isinstance(owner, Iterator) and not isinstance(owner, _STREAMS)
        moves = moves or _is_closed(owner)
        self.before[id(owner)] = owner, {CONTENT: ["it", "goes on"]} if moves else state_of(owner)

    def _begin(self) -> None:
        if self.marks.test not in (0, self.test):  # what all tests share is used by one
            self.test, self.before, self.after, self.others = self.marks.test, {}, {}, {}
            self.known = set()

    def note(self, changed: Sequence[Any]) -> None:
        """Mark a test that goes on using what a call has changed of its own: containers, and what it has lent."""
        changing.note(changed, self.changes, self.marks)
        used, self.before = self.before, {}
        for owner, was in used.values():
            if (names := self._changed(owner, was)) and self._is_new(owner, names):
                for one in (owner, *_inner(owner, names)):
                    whose = (owner, names) if one is owner or can_change(one) else (one, frozenset(state_of(one)))
                    kind: Any = functools.partial(_UsesOfLent, *whose, self.others)
                    if name := still_used(one, self.root, kind):
                        self.marks.mark("argument", name)

    def _changed(self, owner: Any, was: _State) -> frozenset[str]:
        """What the code has changed of an object, where the test had put something."""
        now = state_of(owner) if was.get(CONTENT) != ["it", "goes on"] else {CONTENT: ["it", "went on"]}
        _, last, own = self.after.get(id(owner), (owner, {}, set[str]()))
        codes = {name for name in own if was.get(name) == last.get(name)}
        codes |= {name for name in (*was, *now) if _is_blank(was.get(name, ()))}
        self.after[id(owner)] = owner, now, codes
        return frozenset(name for name in was if now.get(name) != was[name] and name not in codes)

    def _is_new(self, owner: Any, names: frozenset[str]) -> bool:
        """False if the same has been looked at from the same place, as in a loop."""
        places = ((one.f_code, one.f_lasti) for one in frames_inside(f"{self.root}/"))
        key = (id(owner), names, *places)
        new = key not in self.known
        self.known.add(key)
        return new


_BOUND = (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType)


class _UsesOfLent(Uses):
    """The uses of an object of which the code has changed these attributes, beside ``others`` that it was given."""

    def __init__(
        self, owner: Any, names: frozenset[str], others: Mapping[int, Any], function: ast.AST, known: Mapping[str, Any]
    ) -> None:
        self.owner, self.changed = owner, names
        self.others = {one for one in others if one != id(owner)}
        self.sought = any(isinstance(one, ast.Attribute) and one.attr == "seek" for one in ast.walk(function))
        super().__init__(function, known)

    def is_safe(self, read: ast.expr) -> bool:
        """True also where another attribute is read, or a stream wherever it stands."""
        above = self.above[read]
        name = above.attr if isinstance(above, ast.Attribute) and above.value is read else ""
        if name and name not in self.changed and name in (getattr(self.owner, "__dict__", None) or {}):
            return True
        if self.changed == {PLACE} and (self.sought or name in _WHOLE):
            return True
        return super().is_safe(read)

    def _is_code(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name) and id(self.names.get(node.id)) in self.others:
            return True
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            state = getattr(self.names.get(node.value.id), "__dict__", None)
            if isinstance(state, Mapping) and id(state.get(node.attr, self)) in self.others:
                return True
        return super()._is_code(node)
