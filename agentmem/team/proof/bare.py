"""The value of Python's own inside an object of a class of the code's that stands on it: of a date, a path, a dict.

Both ends run it by themselves, without the rest of agentmem. Such an object crosses as a proxy, for its class may have
methods of its own; what Python's own methods say of its value, the judge can say itself.
"""

import collections
import datetime
import decimal
import fractions
import ipaddress
import pathlib
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from agentmem.team.proof.values import LOOKED_AT

_BARE: dict[type, Callable[[Any], Any]] = {
    datetime.datetime: lambda v: datetime.datetime.combine(datetime.datetime.date(v), datetime.datetime.timetz(v)),
    datetime.date: lambda v: datetime.date.fromordinal(datetime.date.toordinal(v)),
    datetime.time: lambda v: datetime.datetime.combine(datetime.date.min, v).timetz(),
    datetime.timedelta: lambda v: datetime.timedelta.__add__(v, datetime.timedelta()),
    decimal.Decimal: decimal.Decimal,
    fractions.Fraction: lambda v: fractions.Fraction(v._numerator, v._denominator),
    uuid.UUID: lambda v: uuid.UUID(int=v.int),
    pathlib.PurePosixPath: lambda v: pathlib.PurePosixPath(pathlib.PurePosixPath.__str__(v)),
    ipaddress.IPv4Interface: lambda v: ipaddress.IPv4Interface(ipaddress.IPv4Interface.__str__(v)),
    ipaddress.IPv6Interface: lambda v: ipaddress.IPv6Interface(ipaddress.IPv6Interface.__str__(v)),
    ipaddress.IPv4Address: lambda v: ipaddress.IPv4Address(ipaddress.IPv4Address.__str__(v)),
    ipaddress.IPv6Address: lambda v: ipaddress.IPv6Address(ipaddress.IPv6Address.__str__(v)),
    ipaddress.IPv4Network: lambda v: ipaddress.IPv4Network(ipaddress.IPv4Network.__str__(v)),
    ipaddress.IPv6Network: lambda v: ipaddress.IPv6Network(ipaddress.IPv6Network.__str__(v)),
    collections.Counter: lambda v: collections.Counter(_pairs(v)),
    collections.OrderedDict: lambda v: collections.OrderedDict(_pairs(v)),
    dict: lambda v: _pairs(v),
    list: lambda v: list(list.__iter__(v)),
    set: lambda v: set(set.__iter__(v)),
    collections.deque: lambda v: collections.deque(collections.deque.__iter__(v), v.maxlen),
    bytearray: lambda v: bytearray(memoryview(v)),
}
"""How the value is read, without calling code of the class's; the nearer types first."""
BARE = tuple(_BARE)


def _pairs(value: dict[Any, Any]) -> dict[Any, Any]:
    return dict(zip(dict.keys(value), dict.values(value), strict=True))


def kind_of(base: Any) -> Any:
    """The type of Python's, or of NumPy's arrays, that a class is or stands on; None for any other class."""
    if not isinstance(base, type):
        return None
    return next((one for one in (*_BARE, *_array()) if issubclass(base, one)), None)


def _array() -> tuple[Any, ...]:
    numpy = sys.modules.get("numpy")
    return () if numpy is None else (numpy.ndarray,)


def bare_of(value: Any) -> Any:
    """The value inside an object of such a class; None where it has none."""
    kind = kind_of(type(value))
    if kind is None:
        return None
    return _BARE[kind](value) if kind in _BARE else value.view(kind)


def crossing(value: Any, encode: Callable[[Any], Any], described: set[int] | None = None) -> Any:
    """The value inside an object of such a class, as far as it can cross and is not large; else None.

    The classes that are ``described`` when this is tried are not sent, so that they have still to be.
    """
    known = set(described or ())
    try:
        with suppress(Exception):
            found = bare_of(value)
            if not hasattr(found, "__len__") or len(found) <= LOOKED_AT:
                encode(found)
                return found
        return None
    finally:
        if described is not None:
            described &= known
