"""What a test builds by a class of the code's, to compare the code's answers with: does it hold what it was built of?

The judge runs it by itself, without the rest of agentmem. ``Row("a", 7)`` may ignore its arguments, and be what the
code answers. Where such a value crosses as a tuple, a text or a dict, the judge looks for the arguments in it: a value
that holds them is the test's own, one that does not is the code's choice, as its answers are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentmem.team.proof.agreeing import is_far
from agentmem.team.proof.values import PLAIN, SIMPLE

_DEEP = 4  # containers in containers that are looked into
_MAKING = frozenset({"_make", "_replace"})
"""Methods of named tuples that build one."""


def noted(link: Any, label: str, given: Sequence[Any], named: Mapping[str, Any], answer: Any) -> Any:
    """The answer of a class, or of a function that is named as one; noted if it does not hold what it was given."""
    name = label.rpartition(".")[2]
    if (given or named) and isinstance(answer, SIMPLE) and (name in _MAKING or name[:1].isupper()):
        held = _holds(answer, given, named)
        if is_far(answer):
            answer.__dict__["_far_held"] = held
        elif not held:
            link.unheld.add(name)
    return answer


def decides(one: Any, other: Any, heard: Sequence[Any]) -> bool:
    """True where two equal values are the code's, a class of its built one, and neither holds what a test gave."""
    held = [getattr(value, "__dict__", {}).get("_far_held") for value in (one, other)]
    if True in held or False not in held:
        return False
    return all(map(is_far, (one, other))) or _came(one, other, heard)


def _came(one: Any, other: Any, heard: Sequence[Any]) -> bool:
    plain = other if is_far(one) else one
    return any(part is plain for answer in heard for part in _parts(answer))


def _holds(answer: Any, given: Sequence[Any], named: Mapping[str, Any]) -> bool:
    """True if all that a test gave stands in a value, each as often as it was given."""
    every = [*given, *named.values()]
    left = list(_parts(answer))
    for one in (part for value in every for part in _parts(value, keys=False)):
        place = next((at for at, part in enumerate(left) if _same(part, one)), None)
        if place is None:
            return False
        del left[place]
    return True


def _parts(value: Any, depth: int = 0, *, keys: bool = True) -> Iterator[Any]:
    """A value, or what is in it where it is a container; the keys of dicts too, if they are wanted."""
    inside: Iterable[Any] | None = None
    if depth < _DEEP and isinstance(value, list | tuple | set | frozenset):
        inside = value
    elif depth < _DEEP and isinstance(value, dict):
        inside = (one for pair in value.items() for one in pair) if keys else value.values()
    if inside is None:
        yield value
    else:
        yield from (part for one in inside for part in _parts(one, depth + 1, keys=keys))


def _same(part: Any, given: Any) -> bool:
    if part is given:
        return True
    kind = next((one for one in PLAIN if isinstance(part, one)), None)
    if kind is None or is_far(given):
        return False
    return isinstance(given, kind) and bool(kind.__eq__(part, given) is True)
