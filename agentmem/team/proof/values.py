"""The values that cross: a closed table of exact types, each as JSON that says which it is.

Both ends run it by themselves, without the rest of agentmem. Numbers, texts, True, False and None are JSON's own;
all others are lists that begin with a tag. A subclass is none of these types, and arrives as what `plain_of` makes.
"""

import base64
import collections
import dataclasses
import datetime
import decimal
import fractions
import ipaddress
import json
import marshal
import pathlib
import re
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

from agentmem.team.proof.arrays import is_array
from agentmem.team.proof.wire import DEPTH, Broken

Encode = Callable[[Any, int], Any]
Decode = Callable[[Any, int], Any]


def _text(value: object) -> str:
    if type(value) is not str:
        raise Broken("a text was promised")
    return value


_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
"""Two halves of a letter, which JSON makes one letter of."""


def _halved(text: str) -> bool:
    return not text.isascii() and _HALVES.search(text) is not None


def _zoneless(value: Any) -> bool:
    return value.tzinfo is None or type(value.tzinfo) in (datetime.timezone, zoneinfo.ZoneInfo)


def _moment(value: Any) -> list[Any]:
    return [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, value.tzinfo]


def _fraction(text: str) -> fractions.Fraction:
    above, _, below = text.partition("/")  # no exponent, which few letters make as large as they like
    return fractions.Fraction(int(above), int(below or 1))


SCALARS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "bytes": (bytes, lambda v: base64.b64encode(v).decode("ascii"), lambda t: base64.b64decode(t, validate=True)),
    "bytearray": (
        bytearray,
        lambda v: base64.b64encode(v).decode("ascii"),
        lambda t: bytearray(base64.b64decode(t, validate=True)),
    ),
    "complex": (complex, repr, complex),
    "decimal": (decimal.Decimal, str, decimal.Decimal),
    "fraction": (fractions.Fraction, str, _fraction),
    "date": (datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
    "place": (zoneinfo.ZoneInfo, lambda v: str(v.key), zoneinfo.ZoneInfo),
    "uuid": (uuid.UUID, str, uuid.UUID),
    "path": (pathlib.PosixPath, str, pathlib.PosixPath),
    "pure": (pathlib.PurePosixPath, str, pathlib.PurePosixPath),
    "host4": (ipaddress.IPv4Address, str, ipaddress.IPv4Address),
    "host6": (ipaddress.IPv6Address, str, ipaddress.IPv6Address),
    "net4": (ipaddress.IPv4Network, str, ipaddress.IPv4Network),
    "net6": (ipaddress.IPv6Network, str, ipaddress.IPv6Network),
    "place4": (ipaddress.IPv4Interface, str, ipaddress.IPv4Interface),
    "place6": (ipaddress.IPv6Interface, str, ipaddress.IPv6Interface),
}
"""Types that are written as one text: the type, how to write it, how to read it."""

LISTS: dict[str, tuple[type, Callable[[Any], list[Any]], Callable[[list[Any]], Any]]] = {
    "l": (list, list, list),
    "t": (tuple, list, tuple),
    "s": (set, list, set),
    "f": (frozenset, list, frozenset),
    "delta": (
        datetime.timedelta,
        lambda v: [v.days, v.seconds, v.microseconds],
        lambda a: datetime.timedelta(*_three(a)),
    ),
    "zone": (
        datetime.timezone,
        lambda v: list(v.__getinitargs__()),
        lambda a: datetime.timezone(*a) if a[0] or len(a) > 1 else datetime.UTC,
    ),
    "time": (
        datetime.time,
        _moment,
        lambda a: datetime.time.fromisoformat(_text(a[0])).replace(fold=a[1], tzinfo=a[2]),
    ),
    "datetime": (
        datetime.datetime,
        _moment,
        lambda a: datetime.datetime.fromisoformat(_text(a[0])).replace(fold=a[1], tzinfo=a[2]),
    ),
    "slice": (slice, lambda v: [v.start, v.stop, v.step], lambda a: slice(*a)),
    "range": (range, lambda v: [v.start, v.stop, v.step], lambda a: range(*a)),
    "deque": (collections.deque, lambda v: [v.maxlen, *v], lambda a: collections.deque(a[1:], a[0])),
}
"""Types that are written as a list of values."""

PAIRS: dict[str, tuple[type, Callable[[list[Any]], Any]]] = {
    "d": (dict, dict),
    "od": (collections.OrderedDict, collections.OrderedDict),
    "count": (collections.Counter, lambda pairs: collections.Counter(dict(pairs))),
}
"""Types that are written as a list of pairs."""

SINGLE = {"Ellipsis": ..., "NotImplemented": NotImplemented}

_SCALAR_TAG = {kind: tag for tag, (kind, _, _) in SCALARS.items()}
_LIST_TAG = {kind: tag for tag, (kind, _, _) in LISTS.items()}
_PAIR_TAG = {kind: tag for tag, (kind, _) in PAIRS.items()}
_JSON = frozenset({type(None), bool, float, str})
_PASS = "surrogatepass"

MUTABLE = (
    *(list, dict, set, bytearray, collections.deque),
    *(collections.OrderedDict, collections.Counter, collections.defaultdict),
)
"""Exact types that a call can change; each end brings the other's changes in."""


def can_change(value: Any) -> bool:
    """True for a container that crosses as a copy, and that a call can change."""
    return type(value) in MUTABLE or (is_array(value) and type(value).__name__ == "ndarray")


def holds_one(value: Any, depth: int = 0) -> bool:
    """True for a tuple in which there is a container that a call can change, where nobody else sees that."""
    if not isinstance(value, tuple) or depth > DEPTH:
        return False
    return any(can_change(one) or holds_one(one, depth + 1) for one in tuple.__iter__(value))


def size_of(value: Any) -> int:
    """The number of a container's items."""
    return int(value.size) if is_array(value) else len(value)


LOOKED_AT = 2000
"""The most items of a container of the code that is looked at for changes by a test."""


_TRIED = 3  # containers in containers of which each is tried whether it is JSON as it is
_FORMAT = 2  # of marshal: the last one in which equal values are written alike


def as_json(value: Any) -> tuple[Any, bytes] | None:
    """A copy of a value that JSON holds as it is: lists, dicts with texts as keys, and what is in them; else None.

    marshal writes exact types only, and says whether the copy is the same; what it wrote comes with it. Both are much
    quicker than Python's loops.
    """
    try:
        written = marshal.dumps(value, _FORMAT)
        same = json.loads(json.dumps(value, check_circular=False))
        return (same, written) if _is_flat(same) and marshal.dumps(same, _FORMAT) == written else None
    except (ValueError, TypeError, RecursionError):
        return None


def _is_flat(value: Any) -> bool:
    """True if lists and dicts are not nested too deeply."""
    level = [value]
    for _ in range(DEPTH):
        inside = (one.values() if type(one) is dict else one for one in level)
        level = [one for parts in inside for one in parts if type(one) is dict or type(one) is list]
        if not level:
            return True
    return False


def encode(value: Any, other: Encode, depth: int = 0) -> Any:
    """A value as JSON; ``other`` writes what is not in the table. Raises Broken if it is nested too deeply."""
    kind = type(value)
    if kind in _JSON:
        return value if kind is not str or not _halved(value) else ["u", value.encode("utf-32-be", _PASS).hex()]
    if kind is int:
        return value if -(1 << 60) < value < 1 << 60 else ["i", hex(value)]
    if depth > DEPTH:
        raise Broken("a value is nested too deeply")
    if (kind is dict or kind is list) and depth <= _TRIED and len(value) and (same := as_json(value)) is not None:
        return ["J", same[0]]
    if kind in _LIST_TAG and (kind not in (datetime.datetime, datetime.time) or _zoneless(value)):
        tag = _LIST_TAG[kind]
        return [tag, *(encode(one, other, depth + 1) for one in LISTS[tag][1](value))]
    if kind in _PAIR_TAG:
        pairs = [[encode(k, other, depth + 1), encode(v, other, depth + 1)] for k, v in value.items()]
        return [_PAIR_TAG[kind], *pairs]
    if kind in _SCALAR_TAG:
        tag = _SCALAR_TAG[kind]
        return [tag, SCALARS[tag][1](value)]
    for name, single in SINGLE.items():
        if value is single:
            return ["1", name]
    return other(value, depth)


def zoned(value: Any, other: Encode, depth: int) -> Any:
    """A moment with a time zone of a class that is none of Python's, as JSON; None for anything else."""
    if type(value) not in (datetime.datetime, datetime.time):
        return None
    return [_LIST_TAG[type(value)], *(encode(one, other, depth + 1) for one in _moment(value))]


def decode(given: Any, other: Decode, depth: int = 0) -> Any:
    """The value of JSON that `encode` wrote; ``other`` reads other tags. Raises Broken for anything else."""
    kind = type(given)
    if kind in _JSON or kind is int:
        return given
    if kind is not list or not given or type(given[0]) is not str:
        raise Broken("a value is not of the agreed form")
    if depth > DEPTH + 4:
        raise Broken("a value is nested too deeply")
    try:
        return _decode(given, other, depth)
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, MemoryError) as error:
        raise Broken(f"a value of the kind {given[0][:20]!r} cannot be read") from error


def _decode(given: list[Any], other: Decode, depth: int) -> Any:
    tag = given[0]
    if tag == "J" and type(given[1]) in (list, dict) and _is_flat(given[1]):
        return given.pop()  # so that nothing else holds it
    if tag in LISTS:
        return LISTS[tag][2]([decode(one, other, depth + 1) for one in given[1:]])
    if tag in PAIRS:
        return PAIRS[tag][1]([(decode(k, other, depth + 1), decode(v, other, depth + 1)) for k, v in given[1:]])
    if tag == "i":
        return int(_text(given[1]), 16)
    if tag == "u":
        return bytes.fromhex(_text(given[1])).decode("utf-32-be", _PASS)
    if tag in SCALARS:
        return SCALARS[tag][2](_text(given[1]))
    if tag == "1":
        return SINGLE[given[1]]
    return other(given, depth)


def defaulting(value: "collections.defaultdict[Any, Any]", other: Encode, depth: int) -> Any:
    """A defaultdict as JSON."""
    pairs = [[encode(k, other, depth + 1), encode(v, other, depth + 1)] for k, v in value.items()]
    return ["dd", encode(value.default_factory, other, depth + 1), *pairs]


def defaulted(given: list[Any], other: Decode, depth: int) -> Any:
    """The defaultdict of JSON that `defaulting` wrote."""
    pairs = [(decode(k, other, depth + 1), decode(v, other, depth + 1)) for k, v in given[2:]]
    return collections.defaultdict(decode(given[1], other, depth + 1), pairs)


def _three(given: list[Any]) -> list[int]:
    if len(given) != 3 or any(type(one) is not int for one in given):
        raise Broken("three whole numbers were promised")
    return given


_PLAIN: dict[type, Callable[[Any], Any]] = {
    int: lambda v: int.__add__(v, 0),
    float: lambda v: float.__add__(v, 0.0),
    complex: lambda v: complex.__add__(v, 0),
    str: lambda v: "".join(str.__iter__(v)),
    bytes: lambda v: bytes(bytes.__iter__(v)),
    tuple: lambda v: tuple(tuple.__iter__(v)),
    frozenset: lambda v: frozenset(frozenset.__iter__(v)),
}
PLAIN: tuple[Any, ...] = tuple(_PLAIN)
"""Types whose subclasses' instances arrive as plain values."""
SIMPLE: tuple[Any, ...] = (*_PLAIN, type(None), *MUTABLE)
"""Types of what holds nothing but values, as a test writes them."""


def plain_of(value: Any) -> Any:
    """The plain value inside an instance of a subclass of a plain type, without calling its code; else None."""
    for kind in PLAIN:
        if isinstance(value, kind):
            return _PLAIN[kind](value)
    return None


_ATTRIBUTES: dict[type[BaseException], tuple[str, ...]] = {
    OSError: ("errno", "strerror", "filename", "filename2"),
    ImportError: ("name", "path", "msg"),
    NameError: ("name",),
    AttributeError: ("name",),
    SyntaxError: ("msg", "filename", "lineno", "offset", "text", "end_lineno", "end_offset"),
    SystemExit: ("code",),
    UnicodeError: ("object", "encoding", "start", "end", "reason"),
    BaseException: ("__notes__",),
}
"""What errors of Python's hold besides their arguments."""


def attributes_of(error: BaseException) -> list[tuple[str, Any]]:
    """What an error of Python's holds besides its arguments, as far as it is set."""
    names = [name for kind, names in _ATTRIBUTES.items() if isinstance(error, kind) for name in names]
    found = ((name, _attribute(error, name)) for name in names)
    return [(name, one) for name, one in found if type(one) in (int, str, bytes, list)]


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except TypeError:  # of an error of Unicode that was not begun
        return None


def give_attributes(error: BaseException, given: Any) -> None:
    """Give an error what `attributes_of` another one told of. Raises Broken."""
    names = {name for kind, names in _ATTRIBUTES.items() if isinstance(error, kind) for name in names}
    for name, one in given:
        notes = type(one) is list and all(type(part) is str for part in one)
        if name not in names or not (notes if name == "__notes__" else type(one) in (int, str, bytes)):
            raise Broken("an error is not of the agreed form")
        try:
            object.__setattr__(error, name, one)
        except (TypeError, AttributeError) as wrong:
            raise Broken("an error is not of the agreed form") from wrong


def copy_of(value: Any) -> Any:
    """A plain copy of an instance of a subclass of a container that can change, without calling its code; else None."""
    if isinstance(value, dict):
        return dict(zip(dict.keys(value), dict.values(value), strict=True))
    if isinstance(value, list):
        return list(list.__iter__(value))
    if isinstance(value, set):
        return set(set.__iter__(value))
    if isinstance(value, collections.deque):
        return list(collections.deque.__iter__(value))
    return None


def state_of(value: Any) -> Any:
    """A value's content as plain data, which the judge compares; None if it has no such content."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    return copy_of(value)


def bring(old: Any, new: Any) -> None:
    """Give a container the content of another, in place. Raises Broken if they are of different types."""
    if type(old) is not type(new):
        raise Broken("an argument has become another type")
    if isinstance(old, list):
        old[:] = [*map(_brought, old, new), *new[len(old) :]]
        return
    if isinstance(old, bytearray):
        old[:] = new
        return
    if is_array(old):
        if old.shape != new.shape or old.dtype != new.dtype:
            raise Broken("an array has become another one")
        old[...] = new
        return
    if isinstance(old, dict) and type(old) is not collections.Counter:
        new = {key: _brought(old.get(key), one) for key, one in new.items()}
    old.clear()
    old.extend(new) if hasattr(old, "extend") else old.update(new)


def containers(value: Any) -> list[Any]:
    """A container, and the lists and dicts in it, of which `bring` gives each its new content."""
    found = [value]
    for one in found:
        parts = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        found += [part for part in parts if type(part) in (list, dict)][: max(0, LOOKED_AT - len(found))]
    return found


def _brought(old: Any, new: Any) -> Any:
    """A part of a container with its new content: the same one, where both can change; in tuples too."""
    if type(old) is not type(new) or old is new:
        return new
    if type(old) in MUTABLE:
        bring(old, new)
        return old
    return tuple(map(_brought, old, new)) if type(old) is tuple and len(old) == len(new) else new
