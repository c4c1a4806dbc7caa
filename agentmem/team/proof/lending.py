"""The tests' own functions, iterators and objects, as far as the code under test may use them.

The judge runs it by itself, without the rest of agentmem. A class of the tests is not lent, nor what could show a test
or change one: modules, test cases, what belongs to pytest.
"""

import functools
import inspect
import operator
import types
from collections.abc import Iterator
from typing import Any

from agentmem.team.proof.reasons import Marks

CALLABLE = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial)
_CLOSED = ("_pytest", "pytest", "pluggy", "agentmem", "unittest.case", "unittest.suite", "unittest.loader")
_MOCK_OWN = ("assert", "configure", "reset", "mock_", "attach", "method_calls", "side_effect", "return_value", "call")
"""How names begin that steer a mock, or tell what it has seen: the code under test does not get them."""


def lendable(value: Any, marks: Marks) -> str:
    """How a value can be lent: as a function, an iterator or an object. Marks the test, and ends it, if it cannot."""
    if isinstance(value, type):
        return str(marks.not_proven("class", value.__name__))
    owner = getattr(value, "__self__", None)
    for one in (value, owner):
        if isinstance(one, types.ModuleType) and one is not owner:
            marks.not_proven("object", f"the module {one.__name__}")
        if _is_closed(type(one)):
            marks.not_proven("object", type(one).__name__)
    if isinstance(value, CALLABLE):
        return "function"
    return "iterator" if isinstance(value, Iterator) and not callable(value) else "object"


def _is_closed(kind: type) -> bool:
    return any(str(base.__module__).startswith(_CLOSED) for base in kind.__mro__) or kind.__name__ == "_ANY"


def parameters(value: Any) -> list[list[Any]] | None:
    """A function's parameters: name, kind, and whether it has a default; None where they are not known."""
    try:
        found = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[one.name, int(one.kind), one.default is not one.empty] for one in found]


def use(value: Any, what: str, given: list[Any], named: dict[str, Any], marks: Marks, *, fresh: bool = False) -> Any:
    """What the code under test asks of a lent value. Raises what the value raises.

    A ``fresh`` object was made by a function of the tests while the code ran; the code may fill it.
    """
    if what == "call":
        return value(*given, **named)
    if what in _USES:
        return _USES[what](value, *given)
    if what == "get":
        return _get(value, given[0], marks)
    if what in _CHANGES:
        return _CHANGES[what](value, *given) if fresh else marks.not_proven("changes", type(value).__name__)
    return marks.not_proven("unknown", type(value).__name__)


def _get(value: Any, name: Any, marks: Marks) -> Any:
    mock = any(base.__module__ == "unittest.mock" for base in type(value).__mro__)
    if type(name) is not str or name.startswith("_") or isinstance(value, CALLABLE):
        return marks.not_proven("object", f"{type(value).__name__}.{name}")
    if mock and name.startswith(_MOCK_OWN):
        return marks.not_proven("object", f"{type(value).__name__}.{name}")
    return getattr(value, name)


_CHANGES: dict[str, Any] = {"set": setattr, "setitem": operator.setitem, "delitem": operator.delitem}

_USES: dict[str, Any] = {
    "next": next,
    "send": lambda value, sent: value.send(sent),
    "close": lambda value: value.close(),
    "iter": iter,
    "len": len,
    "bool": bool,
    "index": operator.index,
    "str": str,
    "getitem": operator.getitem,
    "contains": operator.contains,
    "enter": lambda value: value.__enter__(),
    "exit": lambda value, error: value.__exit__(type(error) if error else None, error, None),
}
"""What may be asked of a lent value, besides calling it and reading an attribute."""
