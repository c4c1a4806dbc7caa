"""Checks settings where they are passed, so that a value of the wrong type is refused before it fails elsewhere.

A table gives the allowed values of each setting, and `check_settings` applies it. Errors name classes, never contents.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from math import isnan
from numbers import Integral, Real
from os import PathLike
from typing import Any

from agentmem.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Wanted:
    """The values that a setting may have: in words, and as a test."""

    words: str
    fits: Callable[[Any], bool]

    def __or__(self, other: "Wanted") -> "Wanted":
        return Wanted(f"{self.words} or {other.words}", lambda given: self.fits(given) or other.fits(given))


def check_settings(where: str, given: Mapping[str, object], wanted: Mapping[str, Wanted]) -> None:
    """Raises ConfigError for the first setting whose value does not fit ``wanted``. ``where`` names its owner."""
    for name, one in wanted.items():
        if not one.fits(given[name]):
            raise ConfigError(f"{name} of {where} must be {one.words}, and {shown(given[name])} is not")


def check_fields(where: str, value: Any, wanted: Mapping[str, Wanted]) -> None:
    """`check_settings` for a new dataclass: call it in ``__post_init__``."""
    check_settings(where, {one.name: getattr(value, one.name) for one in fields(value)}, wanted)


def shown(given: object) -> str:
    """A value for an error's text. An object is named by its class only, since it may hold a key."""
    if given is None or isinstance(given, bool | int | float | str):
        text = ascii(given)
        return text if len(text) <= 60 else f"{text[:57]}..."
    if isinstance(given, type):
        return f"the class {given.__name__}"
    return f"an object of the class {type(given).__module__}.{type(given).__qualname__}"


def of(kind: type, words: str) -> Wanted:
    """Fits an object of a class."""
    return Wanted(words, lambda given: isinstance(given, kind))


def having(words: str, *methods: str) -> Wanted:
    """Fits an object with these methods, but not its class."""

    def fits(given: Any) -> bool:
        return not isinstance(given, type) and all(callable(getattr(given, name, None)) for name in methods)

    return Wanted(words, fits)


def among(*values: object) -> Wanted:
    """Fits one of these values."""
    words = f"{', '.join(map(repr, values[:-1]))} or {values[-1]!r}" if values[1:] else repr(values[0])
    return Wanted(words, lambda given: isinstance(given, str | int) and given in values)


def _number(given: Any) -> bool:
    return not isinstance(given, bool) and isinstance(given, Real) and not isnan(given)


def _whole(given: Any) -> bool:
    return not isinstance(given, bool) and isinstance(given, Integral)


def _list(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str | bytes | bytearray | memoryview)


def _all_texts(given: Any) -> bool:
    return all(isinstance(one, str) for one in given)


NOTHING = Wanted("None", lambda given: given is None)
TEXT = of(str, "a text")
TEXTS = Wanted('a list of texts, such as ["a", "b"]', lambda given: _list(given) and _all_texts(given))
NAMES = TEXTS | Wanted("a set of them", lambda given: isinstance(given, Set) and _all_texts(given))
PATH = Wanted("a path", lambda given: isinstance(given, str | PathLike))
MAP = of(Mapping, "a mapping")
TEXT_MAP = Wanted(
    "a mapping of texts to texts",
    lambda given: isinstance(given, Mapping) and all(map(TEXT.fits, (*given.keys(), *given.values()))),
)
FLAG = of(bool, "True or False")
NUMBER = Wanted("a number", _number)
WHOLE = Wanted("a whole number", _whole)
COUNT = Wanted("a whole number above 0", lambda given: _whole(given) and given > 0)
POSITIVE = Wanted("a number above 0", lambda given: _number(given) and given > 0)
SIZE = Wanted("a whole number, 0 or more", lambda given: _whole(given) and given >= 0)
LIST = Wanted("a list", _list)
PATHS = Wanted("a list of paths", lambda given: LIST.fits(given) and all(map(PATH.fits, given)))
CALLABLE = Wanted("a function", callable)


def is_langchain(given: object) -> bool:
    """True if the object's class inherits from one of LangChain's. LangChain is not imported to find out."""
    return not isinstance(given, type) and descends(given, "langchain_core")


def descends(given: object, *packages: str) -> bool:
    """True if the object's class, or a base of it, comes from one of these packages."""
    return any(base.__module__.split(".")[0] in packages for base in type(given).__mro__)
