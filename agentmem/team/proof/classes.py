"""How a class is described on the wire: its name, its bases, and what a judge must know of enums and dataclasses.

The subject runs it by itself, without the rest of agentmem.
"""

import abc
import builtins
import dataclasses
import enum
import importlib
import inspect
import operator
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from agentmem.team.proof.bare import BARE
from agentmem.team.proof.values import PLAIN, SIMPLE
from agentmem.team.proof.wire import Broken

PURE = frozenset(
    {"builtins", "math", "operator", "itertools", "functools", "collections", "datetime", "decimal", "fractions"}
    | {"pathlib", "pathlib._local", "uuid", "string", "statistics", "cmath", "ipaddress"}  # as 3.13 names it
    | {"_operator", "_functools", "_collections", "_decimal"}
)
"""Modules whose functions and types the judge may use as its own where the project shows them under its own name."""

NEVER = frozenset(
    {"eval", "exec", "compile", "open", "input", "breakpoint", "globals", "locals", "vars", "getattr", "setattr"}
    | {"delattr", "__import__", "print", "exit", "quit", "help", "memoryview", "super", "type", "id"}
)
"""Builtins that are not handed over by name: they reach beyond their arguments."""

UNTOLD = frozenset(
    {"str.format", "str.format_map", "Formatter", "attrgetter", "methodcaller", "setcontext", "getcontext"}
    | {"localcontext", "setattr", "getnode"}
)
"""Names of pure modules that the judge takes from no message: they reach into objects, or change the judge."""

_OWN = {id(one): ["T", one.__module__, one.__name__] for one in BARE}
"""Types that are known whatever stands under their names later."""

_STEERING = frozenset({"unittest", "doctest", "bdb", "pdb", "asyncio", "concurrent", "threading", "multiprocessing"})
"""Modules whose errors are caught by what runs tests, where they would end one without a failure."""

_MOST = 400  # members of an enum, fields and methods of a class that are described


def known(value: Any) -> list[str] | None:
    """A function or type of a pure module by its names, such as ``["T", "math", "sqrt"]``; None for anything else."""
    if not isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | types.MethodDescriptorType):
        return None
    if (own := _OWN.get(id(value))) is not None:
        return list(own)
    if isinstance(value, types.MethodDescriptorType):
        owner: Any = value.__objclass__
        named = known(owner)
        return [*named[:2], f"{owner.__name__}.{value.__name__}"] if named else None
    module, name = getattr(value, "__module__", None), getattr(value, "__name__", "")
    if module not in PURE or (module == "builtins" and name in NEVER):
        return None
    return ["T", module, name] if getattr(sys.modules.get(module), name, None) is value else None


def told(value: Any) -> list[str] | None:
    """The names of a function or type that the code may give the judge by its names; None for anything else."""
    named = known(value)
    return None if named is not None and named[2] in UNTOLD else named


def describe(kind: type, number: int, base: Callable[[type], Any], encode: Callable[[Any], Any]) -> list[Any]:
    """A class: "K", its number, module, name, bases, special methods, methods, its kind, and what that kind has."""
    special = sorted(name for name in SPECIAL if _own(kind, name))
    hashed: Any = kind.__hash__  # None for what cannot be hashed
    special += ["__hash__"] if hashed is None and not issubclass(kind, PLAIN) else []
    special += [one for one in BELONGING if _says_what_belongs(kind, one)]
    methods = [n for n in dir(kind) if not n.startswith("_") and inspect.isfunction(inspect.getattr_static(kind, n))]
    what, has = _kind(kind, encode)
    module, name = str(getattr(kind, "__module__", "")), kind.__qualname__
    return ["K", number, module, name, [base(b) for b in kind.__bases__], special, methods[:_MOST], what, has]


SPECIAL = frozenset(
    {
        f"__{name}__"
        for name in ("get", "call", "iter", "next", "len", "getitem", "setitem", "delitem", "contains", "enter")
    }
    | {f"__{name}__" for name in ("set", "delete", "set_name")}
    | {f"__{name}__" for name in ("exit", "bool", "str", "repr", "int", "float", "complex", "index", "abs", "neg")}
    | {f"__{name}__" for name in ("pos", "invert", "round", "reversed", "bytes", "format", "divmod", "rdivmod")}
    | {f"__{name}__" for name in ("eq", "ne", "lt", "le", "gt", "ge", "await", "aiter", "anext", "aenter", "aexit")}
    | {f"__{kind}{op}__" for kind in ("", "r", "i") for op in ("add", "sub", "mul", "truediv", "floordiv", "mod")}
    | {f"__{kind}{op}__" for kind in ("", "r", "i") for op in ("and", "or", "xor", "pow", "lshift", "rshift", "matmul")}
)
"""Special methods that a proxy has where its class has them."""


BELONGING = ("__subclasshook__", "__instancecheck__", "__subclasscheck__", "_missing_", "__class__")
"""How a class says itself what belongs to it, or its objects to what they belong."""


def _says_what_belongs(kind: type, name: str) -> bool:
    """True for a class with such a way of its own, or of its class's, as an abstract one has."""
    found = _static(type(kind) if name.endswith("check__") else kind, name)
    of_python = (*vars(object).values(), *vars(type).values(), vars(enum.Enum)["_missing_"])
    return found is not None and not any(found is one for one in of_python)


def _own(kind: type, name: str) -> bool:
    """True if the class has a special method of its own, and not only what every object, or number, or text, has."""
    above = next(one for one in (*PLAIN, object) if issubclass(kind, one))
    found = _static(kind, name)
    if above is not object and getattr(found, "__module__", "") == "enum" and name not in ("__str__", "__format__"):
        return False  # of Python's flags that are numbers, which are as numbers are
    return found is not None and found is not _static(above, name)


def _static(kind: type, name: str) -> Any:
    """What a class has under a name, without asking its class."""
    return next((vars(one)[name] for one in kind.__mro__ if name in vars(one)), None)


def _kind(kind: type, encode: Callable[[Any], Any]) -> tuple[str, list[Any]]:
    if issubclass(kind, enum.Enum):
        members = list(kind.__members__.items())[:_MOST]
        return "enum", [[alias, str(one.name), _shown(one.value, encode)] for alias, one in members]
    if dataclasses.is_dataclass(kind):
        return "data", [_is_plain(kind), [_field(one, encode) for one in dataclasses.fields(kind)[:_MOST]]]
    fields = getattr(kind, "_fields", None)
    if issubclass(kind, tuple) and isinstance(fields, tuple) and not any(str(one).startswith("_") for one in fields):
        return "named", [_is_plain_tuple(kind), [str(one) for one in fields]]
    return "meta" if issubclass(kind, type) else "", []


def _shown(value: Any, encode: Callable[[Any], Any]) -> Any:
    try:
        return encode(value)
    except Exception:
        return None


def _is_plain(kind: type) -> bool | str:
    """True if making one only sets its fields, so that the judge can do that alone; "checked" where it may check them.

    A class that does more has no plain way: what is made is looked at.
    """
    made = kind.__dict__.get("__init__")
    parameters: Any = getattr(kind, "__dataclass_params__", None)
    generated = made is not None and getattr(made, "__qualname__", "").endswith("__create_fn__.<locals>.__init__")
    generated = generated or (parameters is not None and parameters.init and _has_no_source(made))
    maker: Any = kind.__new__
    abstract = inspect.isabstract(kind)  # of which none can be made
    default = maker is object.__new__ and type(kind) in (type, abc.ABCMeta) and not abstract
    sets = kind.__setattr__ in (object.__setattr__, _frozen(kind))
    plain = bool(generated and default and parameters.eq and _own_equal(kind) and sets)
    return "checked" if plain and hasattr(kind, "__post_init__") else plain


def _own_equal(kind: type) -> bool:
    """True if Python has made how two are compared, or the class is one whose judge compares fields anyway."""
    return not hasattr(kind, "__post_init__") or _has_no_source(kind.__eq__)


def _has_no_source(made: Any) -> bool:
    return getattr(getattr(made, "__code__", None), "co_filename", "") == "<string>"


def _frozen(kind: type) -> Any:
    """The generated ``__setattr__`` of a frozen dataclass; None for another."""
    parameters: Any = getattr(kind, "__dataclass_params__", None)
    made = kind.__dict__.get("__setattr__")
    return made if parameters is not None and parameters.frozen and _has_no_source(made) else None


def _is_plain_tuple(kind: type) -> bool:
    return _has_no_source(getattr(kind.__new__, "__func__", kind.__new__)) or "namedtuple" in repr(kind.__new__)


def _field(one: "dataclasses.Field[Any]", encode: Callable[[Any], Any]) -> list[Any]:
    """A field: its name, whether it is an argument, by keyword only, compared, its default, and whether it is shown."""
    if one.default is not dataclasses.MISSING:
        default = [_shown(one.default, encode)]
    elif one.default_factory in (list, dict, set, tuple):
        default = [_shown(one.default_factory(), encode)]
    else:
        default = [] if one.default_factory is dataclasses.MISSING else ["?"]
    return [one.name, bool(one.init), bool(one.kw_only), bool(one.compare), default, bool(one.repr)]


def safe_builtin(name: str) -> Any:
    """A builtin function or type by its name. Raises LookupError for those that reach beyond their arguments."""
    if name in NEVER or not hasattr(builtins, name):
        raise LookupError(name)
    return getattr(builtins, name)


def pure(module: Any, name: Any) -> Any:
    """A function or type of a pure module, which the judge has itself. Raises Broken for any other."""
    if type(module) is not str or type(name) is not str or module not in PURE or name in UNTOLD:
        raise Broken("a name of another module was not agreed")
    found = operator.attrgetter(name)(importlib.import_module(module))
    if known(found) != ["T", module, name]:  # it would be another thing by a way round, as statistics.sys
        raise Broken("a name of another module was not agreed")
    return found


def names(module: Any, what: str, name: Any = "", had: Sequence[str] = ()) -> list[str]:
    """The names of a module, those that ``from ... import *`` takes, or those of the thing that has this name.

    Where it is "known", the public names of a thing in all modules with a top name of these, and those that it ``had``.
    """
    if what == "dir":
        return [one for one in dir(module) if type(one) is str]
    if what == "known":
        every = (vars(one) for key, one in list(sys.modules.items()) if key.partition(".")[0] in name)
        return sorted({key for one in every for key in _names_in(one, module, had)})
    public = [one for one in vars(module) if one[0] != "_"]
    if what == "twins":
        found = vars(module).get(name)
        return [one for one in public if vars(module)[one] is found and not isinstance(found, SIMPLE)]
    return list(getattr(module, "__all__", None) or public)


def _names_in(own: Mapping[str, Any], thing: Any, had: Sequence[str], *, deeper: bool = True) -> Iterator[str]:
    """The public names of a thing among those of a module or class, and of a module's classes."""
    for name, one in list(own.items()):
        if type(name) is not str or (name[:1] == "_" and name not in had):
            continue
        if one is thing or (isinstance(one, staticmethod) and one.__func__ is thing):
            yield name
        elif deeper and isinstance(one, type):
            yield from _names_in(vars(one), thing, had, deeper=False)
            yield from _names_in(getattr(one, "__members__", {}), thing, had, deeper=False)


def error_of_python(module: str, name: str) -> Any:
    """An error's class of Python's own, such as json's, where the judge has loaded its module; else None."""
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names or top in _STEERING or name.startswith("_") or not name.isidentifier():
        return None
    found: Any = vars(sys.modules[module]).get(name) if module in sys.modules else None
    fits = isinstance(found, type) and issubclass(found, Exception) and found.__module__ == module
    return found if fits else None
