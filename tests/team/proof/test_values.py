"""agentmem.team.proof.values: what crosses arrives as it was, of the same types, by whichever way it is written."""

import json
import math
from collections import OrderedDict
from enum import IntEnum
from typing import Any

import pytest

from agentmem.team.proof.values import as_json, decode, encode
from agentmem.team.proof.wire import DEPTH, Broken


def _refused(value: Any, depth: int) -> Any:
    raise LookupError(type(value).__name__)


def _crossed(value: Any) -> Any:
    return decode(json.loads(json.dumps(encode(value, _refused))), _refused)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return type(value), [(type(key), _types(one)) for key, one in value.items()]
    return (type(value), [_types(one) for one in value]) if isinstance(value, list | tuple) else type(value)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True, {"b": "ü"}], "c": "\ud800"},
        [[1, (2, [3])], {"a": {4}}],
        {1: "a", False: "b", "1": "c", None: "d"},
        ["\ud83d" + "\ude00", "😀"],
        [10**30, -(10**30), 1 << 61, 0.1, -0.0, math.inf],
        [b"x", bytearray(b"x"), {"a": b"x"}],
        {"J": ["J", [1]], "l": ["l", 1]},
        OrderedDict(a=[1]),
    ],
)
def test_containers_arrive_as_they_were(value: Any) -> None:
    """Whether JSON holds them as they are, or only in parts, or not at all."""
    found = _crossed(value)
    assert (found, _types(found)) == (value, _types(value))
    assert str(found) == str(value)  # also the sign of nothing, and numbers that are equal


def test_subclasses_are_not_taken_for_what_they_stand_on() -> None:
    """JSON would write a number of an enum as a number: it goes the other way, as what else is not in the table."""

    class One(IntEnum):
        A = 1

    class Text(str):
        pass

    for value in ([One.A], {"a": [Text("x")]}, {Text("x"): 1}, {"a": {"b": {"c": {"d": {"e": One.A}}}}}):
        assert as_json(value) is None
        with pytest.raises(LookupError):
            encode(value, _refused)


def test_a_value_that_was_written_stays_as_it_was() -> None:
    """What changes later is not in it: so a change is found by comparing."""
    value: dict[str, list[int]] = {"a": [1]}
    before = encode(value, _refused)
    value["a"].append(2)
    assert encode(value, _refused) != before


def test_what_is_nested_too_deeply_is_refused_at_both_ends() -> None:
    """By whichever way it is written."""
    deep: Any = []
    for _ in range(DEPTH + 6):
        deep = [deep]
    with pytest.raises(Broken):
        encode(deep, _refused)
    with pytest.raises(Broken):
        decode(["J", [deep, [deep]]], _refused)
    for given in (["J"], ["J", 1], ["J", "x"], ["J", None]):
        with pytest.raises((Broken, LookupError)):
            decode(given, _refused)
