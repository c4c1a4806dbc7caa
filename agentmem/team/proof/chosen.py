"""What a test builds by a class of the code's, to compare the code's answers with: does it hold what it was built of?

The judge runs it by itself, without the rest of agentmem. ``Row("a", 7)`` may ignore its arguments, and be what the
code answers. Where such a value crosses as a tuple, a text or a dict, the judge looks for the arguments in it: a value
that holds them is the test's own, one that does not is the code's choice, as its answers are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentmem.team.proof.values import PLAIN, SIMPLE

_DEEP = 4  # containers in containers that are looked into
_MAKING = frozenset({"_make", "_replace"})
"""Methods of named tuples that build one."""


def noted(link: Any, label: str, given: Sequence[Any], named: Mapping[str, Any], answer: Any) -> Any:
    """The answer of a class, or of a function that is named as one; noted if it does not hold what it was given."""
    name = label.rpartition(".")[2]
    if (given or named) and isinstance(answer, SIMPLE) and (name in _MAKING or name[:1].isupper()):
        held = _holds(answer, given, named)
        if hasattr(type(answer), "_far_link"):
            answer.__dict__["_far_held"] = held
        elif not held:
            link.unheld.add(name)
    return answer


def decides(one: Any, other: Any, heard: Sequence[Any]) -> bool:
    """True where two equal values are the code's, a class of its built one, and neither holds what a test gave."""
    held = [getattr(value, "__dict__", {}).get("_far_held") for value in (one, other)]
    if True in held or False not in held:
        return False
    return all(map(_is_far, (one, other))) or _came(one, other, heard)


def _came(one: Any, other: Any, heard: Sequence[Any]) -> bool:
    plain = other if _is_far(one) else one
    return any(part is plain for answer in heard for part in _parts(answer, 0))


def _is_far(value: Any) -> bool:
    return hasattr(type(value), "_far_link")


def _holds(answer: Any, given: Sequence[Any], named: Mapping[str, Any]) -> bool:
    """True if all that a test gave stands in a value, each as often as it was given."""
    every = [*given, *named.values()]
    left = list(_parts(answer, 0))
    for one in (part for value in every for part in _leaves(value, 0)):
        place = next((at for at, part in enumerate(left) if _same(part, one)), None)
        if place is None:
            return False
        del left[place]
    return True


def _leaves(value: Any, depth: int) -> Iterator[Any]:
    """The plain parts of an argument."""
    if depth < _DEEP and isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _leaves(one, depth + 1)
    elif depth < _DEEP and isinstance(value, dict):
        yield from (part for one in value.values() for part in _leaves(one, depth + 1))
    else:
        yield value


def _parts(value: Any, depth: int) -> Iterator[Any]:
    """A value, and the plain parts of it, as keys too."""
    if depth < _DEEP and isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _parts(one, depth + 1)
    elif depth < _DEEP and isinstance(value, dict):
        yield from (part for pair in value.items() for one in pair for part in _parts(one, depth + 1))
    else:
        yield value


def _same(part: Any, given: Any) -> bool:
    if part is given:
        return True
    kind = next((one for one in PLAIN if isinstance(part, one)), None)
    if kind is None or _is_far(given):
        return False
    return isinstance(given, kind) and bool(kind.__eq__(part, given) is True)
