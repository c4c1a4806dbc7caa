"""agentmem.team.proof.bare: the value inside an object of a class that stands on a type of Python's."""

import collections
import datetime
import decimal
import fractions
import ipaddress
import pathlib
import uuid
from typing import Any

import pytest

from agentmem.team.proof.bare import BARE, bare_of, crossing, kind_of

VALUES = [
    *(datetime.datetime(2024, 5, 5, 1, tzinfo=datetime.UTC), datetime.date(2024, 5, 5), datetime.timedelta(1, 2, 3)),
    datetime.time(1, 2, 3, 4, tzinfo=datetime.UTC),
    *(decimal.Decimal("7.250"), fractions.Fraction(1, 3), uuid.UUID(int=7), pathlib.PurePosixPath("/srv/a")),
    *(ipaddress.ip_interface("10.0.0.1/8"), ipaddress.ip_interface("::1/64")),
    *(ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("::1")),
    *(ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::/64")),
    *(collections.Counter("aab"), collections.OrderedDict(b=1, a=2), {"b": 1}, [7, 8], {7}),
    *(collections.deque([1, 2], 3), bytearray(b"x")),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda one: type(one).__name__)
def test_the_value_is_read_without_the_classs_own_ways(value: Any) -> None:
    """Whatever a class says that it is as a text or how long, the value inside is found, of Python's own type."""
    kind: type = type(value)

    class Own(kind):  # type: ignore[misc]  # a class that stands on a type that is a value
        def __str__(self) -> str:
            return "own"

        def __repr__(self) -> str:
            return "own"

        def __iter__(self) -> Any:
            return iter(())

    given: Any = str(value) if kind.__module__ in ("ipaddress", "pathlib", "uuid", "decimal") else value
    made: Any = Own(given) if kind.__module__ != "datetime" else _moment(Own, value)
    found = bare_of(made)
    assert (type(found), found) == (kind, value)
    assert kind_of(Own) is kind


def _moment(own: Any, value: Any) -> Any:
    if isinstance(value, datetime.timedelta):
        return own(value.days, value.seconds, value.microseconds)
    if isinstance(value, datetime.time):
        return own(value.hour, value.minute, value.second, value.microsecond, tzinfo=value.tzinfo)
    if isinstance(value, datetime.datetime):
        return own(value.year, value.month, value.day, value.hour, tzinfo=value.tzinfo)
    return own(value.year, value.month, value.day)


def test_every_type_is_there() -> None:
    """The table above holds each type of which a value is read."""
    assert {type(one) for one in VALUES} == set(BARE)


def test_what_cannot_cross_or_is_large_has_no_value() -> None:
    """Such an object has nothing that the judge could say of it."""

    class Many(list[int]):
        pass

    def refuse(value: Any) -> None:
        raise ValueError(value)

    assert crossing(Many([1]), lambda value: value) == [1]
    assert crossing(Many([1]), refuse) is None
    assert crossing(Many(range(5000)), lambda value: value) is None
    assert crossing(object(), lambda value: value) is None
