"""Instances of the code's dataclasses that a test makes: their fields are the test's own, and the judge holds them.

The judge runs it by itself, without the rest of agentmem. Where a class only sets its fields, no question is needed.
Where it checks them too, the code makes one; what the test gave stays the test's, if it is what the code has then.
"""

from collections.abc import Callable, Sequence
from typing import Any

from agentmem.team.proof.agreeing import is_far
from agentmem.team.proof.chosen import holds
from agentmem.team.proof.earlier import alike

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
    kind._far_link.marks.calls += 1  # the code has said what it is made of: its fields, their defaults and its text
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


def affected(owner: Any, given: Sequence[Any], answer: Any) -> None:
    """A test calls a method of an instance, or sets what is no field: without an answer it builds the instance so."""
    if owner.__dict__.get("_far_values") is not None and (answer is None or answer is owner):
        owner.__dict__.setdefault("_far_built_by", []).extend(given)


def states_of(one: Any, other: Any, reference: Callable[[Any], Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The fields of two instances that are compared, of which one side is the test's own; None where none can be.

    Of two that the test has made, the code may have changed one since, and no more: that one is asked.
    """
    if one._far_values is None and other._far_values is None:
        return None
    now = [_state_now(value, reference) for value in (one, other)]
    for turn, (asked, made) in enumerate(((one, other), (other, one))):
        if "_far_built_by" in asked.__dict__ and "_far_given" in made.__dict__:
            continue  # the code was asked to change both
        if (kept := _own_state(made, reference)) is not None:
            if asked._far_values is None:
                one._far_link.earlier.compared(asked, made, now[turn])
            return (kept, now[1]) if turn else (now[0], kept)
    return None


def _state_now(value: Any, reference: Callable[[Any], Any]) -> dict[str, Any]:
    own: dict[str, Any] | None = value._far_values
    return told_state(value, reference) if own is None or "_far" in value.__dict__ else own


def _own_state(value: Any, reference: Callable[[Any], Any]) -> dict[str, Any] | None:
    """The fields of an instance that a test made, if they are its own: the code has changed none of them since.

    Where the test has built it by methods, those that are others now must hold what it gave these.
    """
    own: dict[str, Any] | None = value._far_values
    if own is None or "_far_given" not in value.__dict__:
        return own
    now, by = told_state(value, reference), value.__dict__.get("_far_built_by")
    changed = [now.get(name) for name, one in own.items() if not alike(now.get(name), one)]
    if not changed:
        return own if by is None else None
    return now if by and holds(changed, by, {}) else None


def is_fixed(value: Any) -> bool:
    """True for what nothing can change, and what is no object of the tests."""
    if is_far(value):
        own = value.__dict__
        return "_far" in own or ("_far_values" in own and all(map(is_fixed, (own["_far_values"] or {}).values())))
    if type(value) is tuple:
        return len(value) < 20 and all(map(is_fixed, value))
    short = type(value) in (str, bytes) and len(value) < 10_000
    return value is None or type(value) in (bool, int, float) or short


def _is_plain(value: Any) -> bool:
    return type(value) in _PLAIN or (type(value) is tuple and all(map(_is_plain, value)))


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
