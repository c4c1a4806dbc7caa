"""Where a value of a test's may come from: what the test wrote, the code, or what the code has changed.

The judge runs it by itself, without the rest of agentmem. Nothing of the tests is called for it, nor of the code.
"""

import collections
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import types
import uuid
from typing import Any

from agentmem.team.proof.arrays import is_array

Origins = frozenset[str]
WRITTEN: Origins = frozenset()
"""What is written down: it held what it holds before the code changed anything."""
CODE: Origins = frozenset({"code"})
CHANGED: Origins = frozenset({"changed"})
OPEN: Origins = frozenset({"open"})
"""What may be any of these."""

_PLAIN = frozenset(
    {type(None), bool, int, float, complex, str, bytes, range, slice, type(...), type(NotImplemented), uuid.UUID}
    | {decimal.Decimal, fractions.Fraction, datetime.date, datetime.time, datetime.datetime, datetime.timedelta}
    | {datetime.timezone, re.Pattern, pathlib.PosixPath, pathlib.PurePosixPath}
)
_CONTAINERS = (list, tuple, set, frozenset, collections.deque, dict)
_DEEP, _LOOKED_AT = 8, 20_000  # how deep, and at how many things in one, is looked for where they come from
_MANY = 2000  # containers that were changed, which are kept
_HEARS = ("Capture", "WarningsRecorder", "ExceptionInfo", "Mock", "_Call")
"""How names of classes of pytest's and unittest's look whose objects hold what the code did."""
RUNNERS = ("_pytest.", "pytest", "unittest.")
MISSING = object()


class Changes:
    """The containers of the tests' that the code has changed in one test, and before all tests.

    ``earlier`` are those that were changed before the test began, in an earlier one, or in a thread (``outside`` if for
    this test); ``lasting`` are those for all tests. ``touched`` is true once one was come upon.
    ``put`` are the origins of what functions of the tests have put into attributes and globals since, by name;
    ``locals`` are the variables that held what was changed, by their functions: a file and a line.
    """

    def __init__(self, root: str) -> None:
        self.inside = f"{root}/"
        self.test, self.threads, self.outside, self.touched = 0, False, False, False
        self.changed, self.put = dict[int, Any](), dict[str, Origins]()
        self.earlier = dict[int, Any]()
        self.lasting, self.lastly = dict[int, Any](), dict[str, Origins]()
        self.left = 0
        self.read, self.active = set[Any](), set[Any]()
        self.locals = dict[tuple[str, int], dict[str, Origins]]()

    def begin(self, test: int) -> None:
        """Forget what the test before did, but not what was there before all tests."""
        if test and test != self.test:
            seen = list({**self.lasting, **self.changed}.items())[-_MANY:]
            self.changed, self.earlier, self.put = dict(seen), dict(seen), dict(self.lastly)
            self.read, self.locals, self.threads, self.test = set(), {}, False, test
            self.outside, self.touched = False, False

    def add(self, containers: list[Any]) -> dict[int, Any]:
        """The code has changed these."""
        found = {id(one): one for one in containers}
        self.changed |= found
        return found

    def keep(self, found: dict[int, Any], *, wide: bool) -> None:
        """These were changed where the test does not wait for it; ``wide`` if before all tests, or for many."""
        self.earlier |= found
        self.outside |= not wide
        if wide:
            self.lasting |= found
            self.lastly = dict(self.put)

    def of(self, value: Any, depth: int = 0) -> Origins:
        """The origins of a value and of what it holds."""
        kind, self.left = type(value), self.left - 1 if depth else _LOOKED_AT
        if id(value) in self.changed:
            return CHANGED
        if is_of_code(value):
            return CODE
        if kind in _PLAIN:
            return WRITTEN
        if depth > _DEEP or self.left < 0:
            return OPEN
        if kind in _CONTAINERS or (isinstance(value, tuple | dict | list | set) and not self._is_own(kind)):
            return self._of_parts(value, depth)
        if is_array(value):
            return OPEN if value.dtype.hasobject else self._of_array(value, depth)
        return self._of_thing(value, depth)

    def _of_parts(self, value: Any, depth: int) -> Origins:
        parts = [*dict.keys(value), *dict.values(value)] if isinstance(value, dict) else list(value)
        return WRITTEN.union(*(self.of(one, depth + 1) for one in parts))

    def _of_array(self, value: Any, depth: int) -> Origins:
        base = getattr(value, "base", None)
        return WRITTEN if base is None or type(base) is bytes else self.of(base, depth + 1)

    def _of_thing(self, value: Any, depth: int) -> Origins:
        kind = type(value)
        if isinstance(value, types.ModuleType | enum.Enum | type):
            return WRITTEN
        if kind is types.BuiltinFunctionType or kind is types.MethodWrapperType:
            owner = value.__self__
            return WRITTEN if owner is None or isinstance(owner, types.ModuleType) else self.of(owner, depth + 1)
        if kind.__module__.partition(".")[0] == "numpy" and hasattr(kind, "__call__"):  # noqa: B004  # nothing is called
            return WRITTEN
        if kind is types.FunctionType:
            return OPEN if self.is_inside(unwrapped(value)) else WRITTEN
        if kind is types.MethodType:
            return self.of(value.__func__, depth + 1) | self.of(value.__self__, depth + 1)
        if kind is functools.partial:
            return WRITTEN.union(*(self.of(one, depth + 1) for one in (value.func, value.args, value.keywords)))
        if isinstance(value, BaseException) and kind.__module__ == "builtins":
            return self.of(value.args, depth + 1)
        if kind.__module__.startswith(RUNNERS):
            asks = "Request" in kind.__name__
            return OPEN if asks else CODE if any(one in kind.__name__ for one in _HEARS) else WRITTEN
        return OPEN

    def _is_own(self, kind: type) -> bool:
        """True for a subclass that reads its items in a way of its own."""
        return any(
            name in vars(one) for one in kind.__mro__[:-1] for name in ("__iter__",) if one.__module__ != "builtins"
        )

    def is_inside(self, value: Any) -> bool:
        """True for a function of the tests'."""
        value = value.__func__ if type(value) is types.MethodType else value
        return type(value) is types.FunctionType and value.__code__.co_filename.startswith(self.inside)


def unwrapped(value: Any) -> Any:
    """The function that another one, which a decorator made, calls."""
    for _ in range(_DEEP):
        if type(value) is not types.FunctionType or "__wrapped__" not in value.__dict__:
            break
        value = value.__dict__["__wrapped__"]
    return value


def is_of_code(value: Any) -> bool:
    """True for what stands for anything of the code's."""
    kind = value if isinstance(value, type) else type(value)
    return hasattr(kind, "_far_link") or kind.__module__.startswith("agentmem.team.proof")


def attribute(owner: Any, name: str) -> Any:
    """What an object holds under a name, without running anything; a property or method of its class's as it is."""
    if is_of_code(owner):
        return MISSING
    if isinstance(owner, types.ModuleType):
        return vars(owner).get(name, MISSING)
    bases = owner.__mro__ if isinstance(owner, type) else type(owner).__mro__
    found = next((vars(one)[name] for one in bases if name in vars(one)), MISSING)
    if isinstance(owner, type):
        return found.__func__ if isinstance(found, staticmethod | classmethod) else found
    if isinstance(found, types.MemberDescriptorType):
        try:
            return object.__getattribute__(owner, name)
        except AttributeError:
            return MISSING
    try:
        own = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        own = {}
    return own.get(name, found) if type(own) is dict else found


def item(owner: Any, key: Any) -> Any:
    """What one of Python's own containers holds under a key that is written down."""
    if type(owner) not in (list, tuple, dict, collections.OrderedDict, collections.deque):
        return MISSING
    try:
        return owner[key]
    except (LookupError, TypeError):
        return MISSING
