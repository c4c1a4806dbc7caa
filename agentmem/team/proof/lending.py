"""The tests' own functions, iterators and objects, as far as the code under test may use them.

The judge runs it by itself, without the rest of agentmem. A class of the tests is not lent, nor what could show a test
or change one: modules, test cases, what belongs to pytest.
"""

import functools
import inspect
import io
import operator
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from agentmem.team.proof.classes import NEVER, PURE
from agentmem.team.proof.naming import is_namespace
from agentmem.team.proof.reasons import Marks

CALLABLE = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial)
_CLOSED = (
    *("_pytest", "pytest", "pluggy", "agentmem", "unittest.case", "unittest.suite", "unittest.loader"),
    *(
        "subprocess",
        "importlib",
        "_frozen_importlib",
        "_frozen_importlib_external",
        "zipimport",
        "code",
        "pdb",
        "bdb",
        "ctypes",
        "multiprocessing",
    ),
)
"""Modules whose objects lead to the tests, or beyond this process."""
_SHOWING = (
    *("logging", "asyncio", "concurrent", "traceback", "inspect", "linecache", "warnings", "weakref", "gc", "cProfile"),
    *("trace", "doctest", "tracemalloc", "selectors", "signal", "runpy", "pkgutil", "sys", "string", "multiprocessing"),
)
"""Modules whose objects show the stack or reach into other objects. Their bound methods may be lent as functions."""
_INNER = (types.FrameType, types.TracebackType, types.CodeType, types.ModuleType)
"""Types of Python's own that show what a test holds."""
_FILES = (io.StringIO, io.BytesIO, io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
"""Exact types of what can be read and written by its methods."""
_RUNNING = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_TAKING_NAMES = frozenset(
    {"update_wrapper", "wraps", "setitem", "delitem", "patch", "seed", "setstate", "tzset", "settrace", "setprofile"}
    | {"excepthook", "basicConfig", "disable", "captureWarnings", "setLoggerClass", "addLevelName", "shutdown"}
    | {"clock_settime", "clock_settime_ns", "pthread_kill", "setLogRecordFactory", "getLogger", "register_at_fork"}
    | {"iadd", "iand", "iconcat", "ior", "ixor", "isub", "imul", "call", "setattr", "unregister_archive_format"}
)
"""Functions of these modules that change what they are given, or this process."""
_HANDLES = frozenset(
    {("contextlib", "redirect_stdout"), ("contextlib", "redirect_stderr"), ("contextlib", "chdir"), ("os", "_Environ")}
)
"""Types, by module and name, of what is put in another's place in this process, or is its environment."""
_OF_PROCESS = ("sys", "os", "builtins", "warnings", "logging", "signal", "importlib")
"""Modules whose lists and dicts steer this process."""
_HARMLESS = PURE | frozenset(
    {"threading", "queue", "logging", "contextlib", "json", "random", "_random", "time", "textwrap", "copy"}
    | {"re", "heapq", "_heapq", "bisect", "_bisect", "struct", "_struct", "zlib", "binascii", "hashlib", "base64"}
)
"""Modules besides the tests' own whose functions reach no further than their arguments: the code may call them."""
ENDING = (KeyboardInterrupt, SystemExit)
"""Errors by which a function of the tests may end a program, and no assertion's."""
_MOCK_OWN = ("assert", "configure", "reset", "mock_", "attach", "method_calls", "side_effect", "return_value", "call")
"""How names begin that steer a mock, or tell what it has seen: the code under test does not get them."""


def lendable(value: Any, marks: Marks) -> str:
    """How a value can be lent: as a function, file, iterator or object. Marks the test, and ends it, if it cannot."""
    if isinstance(value, type):
        return str(marks.not_proven("class", value.__name__))
    for one in (value, getattr(value, "__self__", None)):
        shown = one is value and (isinstance(one, _INNER) or _is_of(type(one), _SHOWING))
        if shown or _is_of(type(one), _CLOSED) or type(one).__name__ == "_ANY":
            marks.not_proven("object", f"{type(one).__name__} {getattr(one, '__name__', '')}".strip())
        if _is_handle(one):
            marks.not_proven("object", f"a {type(one).__name__} of this process")
    if isinstance(value, CALLABLE):
        if _reaches(value):
            marks.not_proven("object", f"the function {getattr(value, '__name__', '')}".strip())
        return "function"
    if type(value) in _FILES:
        return "file"
    return "iterator" if isinstance(value, Iterator) and not callable(value) else "object"


def _is_handle(value: Any) -> bool:
    """True for what changes this process: a patch, a stream or folder that is put in another's place, its own names."""
    kind = type(value)
    if kind.__module__ == "unittest.mock" and kind.__name__.startswith("_patch"):
        return True
    if (kind.__module__, kind.__name__) in _HANDLES:
        return True
    if kind in (dict, list):
        every = (one for name in _OF_PROCESS for one in vars(sys.modules.get(name) or object).values())
        return is_namespace(value) or any(one is value for one in every)
    return False


def _is_of(kind: type, modules: tuple[str, ...]) -> bool:
    """True if a class, or one above it, is of one of these modules."""
    names = [str(base.__module__) for base in kind.__mro__]
    return any(name == one or name.startswith(f"{one}.") for name in names for one in modules)


def _reaches(value: Any) -> bool:
    """True for a function that is neither the tests' own nor harmless, such as one that opens files."""
    if isinstance(value, functools.partial):
        return isinstance(value.func, type) or _reaches(value.func)
    if isinstance(value, types.MethodType):
        if type(value.__self__).__module__ == "unittest.mock":
            return False  # of a mock, as a test gives one
        return isinstance(value.__func__, CALLABLE) and _reaches(value.__func__)
    module = str(getattr(value, "__module__", None) or "").partition(".")[0]
    if isinstance(value, types.FunctionType):
        if getattr(value, "__wrapped__", None) is None and value.__name__ in _TAKING_NAMES and module in _HARMLESS:
            return True
        own = not value.__code__.co_filename.startswith((sys.prefix, sys.base_prefix, "<frozen"))
        return not own and module not in _HARMLESS
    if not isinstance(getattr(value, "__self__", None), types.ModuleType):
        return False  # a method of an object that the test hands over
    if value.__name__ in _TAKING_NAMES:
        return True
    return module not in _HARMLESS or (module == "builtins" and value.__name__ in NEVER - {"print"})


def builtin(kind: type) -> type:
    """The nearest builtin exception of a class."""
    found = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    return found if issubclass(found, Exception) or found in ENDING else RuntimeError


def parameters(value: Any) -> list[list[Any]] | None:
    """A function's parameters: name, kind, and whether it has a default; None where they are not known."""
    try:
        found = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[one.name, int(one.kind), one.default is not one.empty] for one in found]


def comparing(value: Any) -> list[str]:
    """The comparisons that an object's class makes in a way of its own, which the code has to ask for."""
    kind = type(value)
    if is_mock(value):
        return []
    return [one for one in _COMPARING if getattr(kind, f"__{one}__") is not getattr(object, f"__{one}__")]


def use(
    value: Any, what: str, given: list[Any], named: dict[str, Any], marks: Marks, *, fresh: bool | None = None
) -> Any:
    """What the code under test asks of a lent value. Raises what the value raises.

    A ``fresh`` object was made by a function of the tests while the code ran; the code may fill it. ``fresh`` is false
    of one that came so, and that something of the tests' holds too, as a mock holds what it returns.
    """
    if what == "call":
        answer = value(*given, **named)
        return _finished(answer, marks) if type(answer) is types.CoroutineType else answer
    if what == "copied":
        return marks.not_proven("object", f"a {type(value).__name__} that it copies")
    if what in _USES:
        return _USES[what](value, *given)
    if what == "get":
        return _get(value, given[0], marks)
    if what in _CHANGES:
        if not _may_change(value, what, given, fresh):
            marks.not_proven("changes", type(value).__name__)
        return _CHANGES[what](value, *given)
    return marks.not_proven("unknown", type(value).__name__)


def _finished(waiting: "types.CoroutineType[Any, Any, Any]", marks: Marks) -> "Awaited":
    """What a coroutine of the tests gives that the code awaits: it runs here, to its end. Ends a test that waits in it
    for anything else."""
    try:
        while waiting.send(None) is None:
            pass
    except StopIteration as end:
        return Awaited(end.value)
    finally:
        waiting.close()
    return marks.not_proven("object", "a coroutine that waits")  # type: ignore[no-any-return]  # it raises


def written(answer: Any, encode: Callable[[Any], Any]) -> Any:
    """The answer of a lent object as it crosses."""
    return ["awaited", encode(answer.value)] if type(answer) is Awaited else encode(answer)


def given(answer: Any) -> Any:
    """What the code gets of it."""
    return answer.value if type(answer) is Awaited else answer


@dataclass(frozen=True, slots=True)
class Awaited:
    """What the code gets when it awaits a coroutine of the tests."""

    value: Any


def made(lent: dict[int, Any], used: Any, known: int) -> dict[int, bool]:
    """Of what a function gave that was not known: whether it was made there, and no more of the tests holds it."""
    return {one: _references(lent, one, used) == _ALONE for one in range(known + 1, len(lent) + 1)}


def _references(lent: dict[int, Any], number: int, used: Any) -> int:
    """How often a value is held, where the function gave that value itself; -1 for others, and for one held weakly."""
    awaited = type(used) is Awaited
    value = used.value if awaited else used
    if lent[number] is not value or weakref.getweakrefcount(value):
        return -1
    return sys.getrefcount(value) + 2 * awaited  # which holds it in the place of three names: here and of the callers


def _alone() -> int:
    """How often that counts a value which nothing else holds."""
    used = object()
    return _counted({1: used}, used)


def _counted(lent: dict[int, Any], used: Any) -> int:
    return _references(lent, 1, used)  # as `made` asks


def _may_change(value: Any, what: str, given: list[Any], fresh: bool | None) -> bool:
    """True if the code may set an attribute, or an item: the tests must not find the code's there in place of theirs.

    Of an object that the tests hold too, only what a mock was not told of, and no object.
    """
    if what != "set":
        return bool(fresh)
    name, new = given[0], given[1] if len(given) > 1 else value
    mock = is_mock(value)
    if fresh is None or type(name) is not str or name.startswith("_") or (mock and name.startswith(_MOCK_OWN)):
        return False
    if callable(getattr(type(value), name, None)):
        return False  # a method of the tests' own
    if fresh:
        return not _is_filled(value, name)
    pure = mock and all(base.__module__ in ("unittest.mock", "builtins") for base in type(value).__mro__)
    known = pure and (hasattr(type(value), name) or name in vars(value) or name in vars(value)["_mock_children"])
    return pure and not known and type(new) in (type(None), bool, int, float, str, bytes)


def _is_filled(value: Any, name: str) -> bool:
    """True for an attribute to which the tests have given a value that says something: a test may read that later."""
    found = inspect.getattr_static(value, name, None)
    if isinstance(found, property):
        return False  # the test's own function is asked
    found = getattr(value, name, None) if hasattr(type(found), "__set__") else found
    plain = isinstance(found, (int, float, complex, str, bytes, list, tuple, dict, set, frozenset))
    return bool(found) if plain else found is not None


def is_mock(value: Any) -> bool:
    """True for a mock of unittest's."""
    return any(base.__module__ == "unittest.mock" for base in type(value).__mro__)


def _get(value: Any, name: Any, marks: Marks) -> Any:
    mock = is_mock(value)
    if type(name) is not str or name.startswith("_") or isinstance(value, (*CALLABLE, *_RUNNING)):
        return marks.not_proven("object", f"{type(value).__name__}.{name}")
    if (mock and name.startswith(_MOCK_OWN)) or (type(value) is memoryview and name == "obj"):
        return marks.not_proven("object", f"{type(value).__name__}.{name}")  # as the whole of which a view is a part
    return getattr(value, name)


_COMPARING = ("eq", "ne", "lt", "le", "gt", "ge", "hash")

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
    "hash": hash,
    **{one: getattr(operator, one) for one in _COMPARING if one != "hash"},
}
"""What may be asked of a lent value, besides calling it and reading an attribute."""

_ALONE = _alone()
