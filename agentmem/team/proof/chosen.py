"""What a test builds by a class of the code's, to compare the code's answers with: does it hold what it was built of?

The judge runs it by itself, without the rest of agentmem. ``Row("a", 7)`` may ignore its arguments, and be what the
code answers. Where such a value crosses as a tuple, a text or a dict, the judge looks for the arguments in it: a value
that holds them is the test's own, one that does not is the code's choice, as its answers are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentmem.team.proof.agreeing import is_far
from agentmem.team.proof.values import PLAIN, SIMPLE, containers

_DEEP = 4  # containers in containers that are looked into
MAKING = frozenset({"_make", "_replace"})
"""Methods of named tuples that build one."""


def noted(link: Any, label: str, given: Sequence[Any], named: Mapping[str, Any], answer: Any, kind: Any = None) -> Any:
    """The answer of a class, ``kind``, or of a function that is named as one; noted if it does not hold its arguments.

    A class is asked whatever its name is: named tuples often have one in small letters.
    """
    name = label.rpartition(".")[2]
    builds = kind is not None or name in MAKING or name.lstrip("_")[:1].isupper()
    if builds and (given or named) and isinstance(answer, SIMPLE):
        held = holds(answer, given, named)
        if is_far(answer):
            answer.__dict__["_far_held"] = held
        elif not held:
            link.unheld.add(name)
            link.unheld.update(one for (_, one), value in link.names.items() if value is kind)
    elif kind is not None and is_far(answer):  # a list or dict of the code's
        answer.__dict__["_far_built"] = given, named
    return answer


def names_unheld(link: Any, own: Mapping[str, Any]) -> frozenset[str]:
    """The names of all that is noted, and those that the test's file has for it: ``from shop import Row as R``."""
    found = (name for name, value in list(own.items()) if link.unheld and _own_name(value) in link.unheld)
    return frozenset(link.unheld).union(found)


def _own_name(value: Any) -> str:
    if isinstance(value, type):
        return value.__name__
    return str(value.__dict__.get("_far_label", "")).rpartition(".")[2] if is_far(value) else ""


def decides(one: Any, other: Any, heard: Sequence[Any]) -> bool:
    """True where two equal values are the code's, a class of its built one, and neither holds what a test gave."""
    held = [getattr(value, "__dict__", {}).get("_far_held") for value in (one, other)]
    if True in held or False not in held:
        return False
    return all(map(is_far, (one, other))) or _came(one, other, heard)


def same_content(one: Any, content: Any, other: Any) -> bool:
    """True if a list, dict or set of a class of the code's, with this content, equals a plain value.

    Marks a test that built it of what is not in there, and compares it with what the code answered.
    """
    same = bool(content == other)
    built = one.__dict__.get("_far_built")
    if same and built and any(built) and not holds(content, *built) and _came(one, other, one._far_link.heard):
        one._far_link.marks.mark("compares", f"{type(one).__name__}() does not hold what it was given")
    return same


def _came(one: Any, other: Any, heard: Sequence[Any]) -> bool:
    plain = other if is_far(one) else one
    return any(one is plain for answer in heard for one in (answer, *containers(answer), *_parts(answer)))


def holds(answer: Any, given: Sequence[Any], named: Mapping[str, Any]) -> bool:
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
