"""Instances of the code's dataclasses that a test makes: their fields are the test's own, and the judge holds them.

The judge runs it by itself, without the rest of agentmem. Where a class only sets its fields, no question is needed.
Where it checks them too, the code makes one; what the test gave stays the test's, if it is what the code has then.
"""

from collections.abc import Callable
from typing import Any

_PLAIN = (type(None), bool, int, float, str, bytes)


def fields_of(kind: Any, given: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The fields of a new instance, by the arguments that make it. Raises TypeError where they do not fit."""
    fields = [one for one in kind._far_fields if one[1]]
    places = [one[0] for one in fields if not one[2]]
    values = dict(zip(places, given, strict=False)) | named
    for name, _, _, _, default, *_ in fields:
        if name not in values and default and default != ["?"]:
            values[name] = default[0].copy() if isinstance(default[0], list | dict | set) else default[0]
    known = {one[0] for one in fields}
    if len(given) > len(places) or set(values) != known:
        raise TypeError(f"{kind.__name__}() takes {', '.join(sorted(known))}, not {', '.join(sorted(values))}")
    return {name: values[name] for name in (one[0] for one in fields)}


def data_of(kind: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """``Point(1, 2)``: an instance that holds its fields here, as a plain dataclass takes them."""
    made = object.__new__(kind)
    made.__dict__["_far_values"] = fields_of(kind, given, named)
    return made


def keep_fields(kind: Any, made: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Keep the fields of an instance that the code has made, where they are what the test gave it, and plain."""
    try:
        values = fields_of(kind, given, named)
    except TypeError:
        return
    if all(map(_is_plain, values.values())) and len(values) == len(kind._far_fields):
        state = kind._far_link.ask("copy", list(made.__dict__["_far"]))
        if type(state) is dict and state.keys() == values.keys() and all(_same(state[n], values[n]) for n in values):
            made.__dict__["_far_values"] = values


def told_state(value: Any, reference: Callable[[Any], Any]) -> dict[str, Any]:
    """The fields of an instance as the code says."""
    state = value._far_link.ask("copy", reference(value))
    return state if type(state) is dict else {}


def states_of(one: Any, other: Any, reference: Callable[[Any], Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The fields of two instances that are compared, of which one side is the test's own; None where none can be.

    Of two that the test has made, the code may have changed one since, and no more: that one is asked.
    """
    own = [value._far_values for value in (one, other)]
    if own[0] is None and own[1] is None:
        return None
    if own[0] is None or own[1] is None:
        first, second = (told_state(v, reference) if v._far_values is None else v._far_values for v in (one, other))
        asked, made, now = (one, other, first) if own[0] is None else (other, one, second)
        one._far_link.earlier.compared(asked, made, now)
        return first, second
    now = [told_state(value, reference) if "_far" in value.__dict__ else value._far_values for value in (one, other)]
    if now[1] == own[1]:
        return now[0], own[1]
    return (own[0], now[1]) if now[0] == own[0] else None


def _is_plain(value: Any) -> bool:
    return type(value) in _PLAIN or (type(value) is tuple and all(map(_is_plain, value)))


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
