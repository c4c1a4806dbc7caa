"""Whether an object of the code's answers as a value of Python's own does, where its class stands on one.

The judge runs it by itself, without the rest of agentmem. ``class Q(Decimal)`` may have a ``max`` that gives back what
it is given, and ``class N(IPv4Network)`` an ``overlaps`` that is always true: then the code would compare. So the judge
asks for the value inside before it gives the code anything, and Python's own method of that value must say the same,
whatever its name is. What only the code says, and could say of any value, is the code's decision.
"""

import operator
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from agentmem.team.proof.arrays import is_array
from agentmem.team.proof.bare import kind_of
from agentmem.team.proof.values import PLAIN, plain_of

_OPERATORS: dict[str, Callable[[int, int], int]] = {"and_": operator.and_, "or_": operator.or_, "xor": operator.xor}
"""What flags together are, by their numbers."""
_TRUTHS = re.compile(
    "is(?!o)_?[a-z]|(all|any|exists|(full_)?match|same(file|_quantum)|overlaps|su(b|per)net_of|..*with)$"
)
"""Methods and attributes of Python's types that are true or false, and are asked for no more than that."""
_LESSENING = frozenset(
    {"remove", "discard", "subtract", "difference_update", "intersection_update", "symmetric_difference_update"}
)
"""Methods by which a test takes away what it expects, to see what is left."""
_DEEP = 4  # containers in containers that are searched for objects of the code


def standing_on(above: Sequence[Any], module: str, name: str) -> Any:
    """The class of Python's, or NumPy's array, that a class with these bases stands on; None for none."""
    found = (getattr(one, "_far_standing", None) if _is_far_class(one) else one for one in above)
    array = sys.modules["numpy"].ndarray if (module, name) == ("numpy", "ndarray") and "numpy" in sys.modules else None
    return next((one for one in found if kind_of(one) is not None), array)


def is_flag(above: Sequence[Any], module: str, name: str) -> bool:
    """True for a class of flags, which are together what their numbers are together."""
    return (module, name) == ("enum", "Flag") or any(getattr(one, "_far_flag", False) for one in above)


def stands(owner: Any, name: str) -> bool:
    """True for a method that an object of the code's has because its class stands on a type of Python's."""
    return is_method(type(owner), name)


def is_method(kind: Any, name: str) -> bool:
    """The same of a class."""
    standing = getattr(kind, "_far_standing", None)
    return standing is not None and name[:2] != "__" and callable(getattr(standing, name, None))


def agreed(owner: Any, name: str, given: Sequence[Any], named: Mapping[str, Any], ask: Callable[[], Any]) -> Any:
    """The answer of ``ask``, which calls a method. Marks a test in which the code compares by it."""
    if not stands(owner, name):
        return ask()
    every = [*given, *named.values()]
    value = value_of(owner) if every else None  # before the code is told anything
    inside = [value_of(one) for one in every]
    answer = ask()
    about = _About(owner, name, value if every else None, inside, tuple(named))
    if every and name in _LESSENING and answer is None:
        about.lessen()
    elif is_opaque(answer):
        if about.measures(answer):
            carry(owner, answer, "")
    elif about.decides(said := plain_of(answer) if is_far(answer) else answer) and not about.says(said):
        _mark(owner, f"{name} of {type(owner).__name__}")
    return answer


def carry(owner: Any, answer: Any, about: str, *, known: bool = False) -> None:
    """Marks the test in which the code decided an answer, or notes it of an object, of which all is decided then.

    Of an object that is ``known`` already the code says by itself that it is the one.
    """
    if is_opaque(answer) and (answer is owner or not known):
        answer.__dict__["_far_measured"] = True
    else:
        _mark(owner, about)


def is_known(owner: Any, answer: Any) -> bool:
    """True if the answer that has just come is an object which the judge has had before."""
    return is_opaque(answer) and answer.__dict__.get("_far_again") == owner._far_link.marks.calls


def read(owner: Any, name: str, answer: Any) -> Any:
    """An attribute of such an object, as the code says. Marks a test to which it is true or false in its own way."""
    standing = getattr(type(owner), "_far_standing", None)
    asks = standing is not None and hasattr(standing, name) and not is_opaque(answer)
    if asks and (_is_truth(answer) or _TRUTHS.match(name)) and not same(answer, getattr(value_of(owner), name, None)):
        _mark(owner, f"{name} of {type(owner).__name__}")
    return answer


def together(owner: Any, what: str, given: Sequence[Any], ask: Callable[[], Any]) -> Any:
    """The answer of ``ask``, which is an operator. Marks a test in which flags are together what they are not."""
    flags = what in _OPERATORS and getattr(type(owner), "_far_flag", False) and type(given[0]) is type(owner)
    numbers = [_number(one) for one in (owner, given[0])] if flags else []
    answer = ask()
    if not flags:
        return answer
    one, other = numbers
    wanted = None if one is None or other is None else _OPERATORS[what](one, other)
    if type(answer) is not type(owner) or wanted is None or _number(answer) != wanted:
        _mark(owner, f"{what.strip('_')} of {type(owner).__name__}")
    return answer


def truth_of_flag(value: Any) -> bool | None:
    """Whether a flag, or flags together, are more than none, by their number; None where the judge does not know."""
    number = value.__dict__.get("value") if getattr(type(value), "_far_flag", False) else None
    return bool(number) if type(number) is int else None


def _number(flag: Any) -> int | None:
    """The number of a flag, or of flags together: asked once, and from then on the judge's own."""
    if "value" not in flag.__dict__:
        flag.__dict__["value"] = flag._far_link.ask("get", flag.__dict__["_far"], "_value_")
    found = flag.__dict__["value"]
    return found if type(found) is int else None


class _About:
    """A method that was called: of what value, and with what."""

    def __init__(self, owner: Any, name: str, value: Any, inside: Sequence[Any], names: tuple[str, ...]) -> None:
        self.owner, self.name, self.value = owner, name, _plain_inside(value)
        inside = [*map(_plain_inside, inside)]
        count = len(inside) - len(names)
        self.every, self.given, self.named = inside, inside[:count], dict(zip(names, inside[count:], strict=True))
        self.kind: Any = kind_of(type(owner)._far_standing)
        self.holds = hasattr(self.kind, "__len__") and not hasattr(self.kind, "__array__")
        self.of_files = issubclass(self.kind, PurePath) and not hasattr(self.kind, name)

    def measures(self, answer: Any) -> bool:
        """True for an object that may only say how something is to what the test gave."""
        if _TRUTHS.match(self.name):
            return True
        if not self.every or self.of_files:
            return False
        value = value_of(answer)
        content = isinstance(value, list | dict | set)
        return (content and self.decides(value) if self.holds else True) and not self.says(value)

    def lessen(self) -> None:
        """Notes of an object that what is left in it is not what Python's own method leaves of its value."""
        now = _plain_inside(value_of(self.owner))
        self.says(None)  # which changes the value
        if self.value is None or not same(now, self.value):
            self.owner.__dict__["_far_measured"] = True

    def decides(self, answer: Any) -> bool:
        """True for an answer that may only say how something is to what the test gave."""
        if _TRUTHS.match(self.name):
            return True
        counted = type(answer) in (int, float) and hasattr(self.kind, "index")
        if self.holds and not counted and any(same(answer, one) for one in _held(self.value)):
            return False
        if _is_truth(answer):
            return True
        if not self.every or self.of_files:
            return False
        if not self.holds:
            return not (isinstance(answer, str | bytes) and answer)
        empty = isinstance(answer, list | tuple | dict | set | frozenset) and not answer
        return counted or empty or any(same(answer, one) for one in self.every)

    def says(self, answer: Any) -> bool:
        """True if Python's own method of the value inside gives the same answer."""
        if (
            self.of_files
            or (value := _plain_inside(value_of(self.owner)) if self.value is None else self.value) is None
        ):
            return False
        if any(map(has_far, (value, *self.every))):
            return False
        try:
            return same(answer, getattr(value, self.name)(*self.given, **self.named))
        except Exception:
            return False


def value_of(one: Any) -> Any:
    """The value inside an object of the code's, which is asked once where it cannot change; of all else, itself."""
    if not is_far(one) or (kind := kind_of(getattr(type(one), "_far_standing", None))) is None:
        return one
    if "_far_bare" in one.__dict__:
        return one.__dict__["_far_bare"]
    if (reference := one.__dict__.get("_far")) is None:
        return None
    found = one._far_link.ask("bare", reference)
    found = found if type(found) is kind else None
    if not hasattr(kind, "__len__"):
        one.__dict__["_far_bare"] = found
    return found


def _held(value: Any) -> list[Any]:
    return list(value.values() if isinstance(value, dict) else value or ())


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other) or has_far(one) or has_far(other):
        return one is other
    return bool(sys.modules["numpy"].array_equal(one, other)) if is_array(one) else bool(one == other)


def _plain_inside(value: Any) -> Any:
    """A value with the plain ones of numbers and texts of the code's, also of those that a list, dict or set holds."""
    if type(value) in (list, set):
        return type(value)(map(_plain_inside, value))
    if type(value) is dict:
        return {_plain_inside(key): _plain_inside(one) for key, one in value.items()}
    return plain_of(value) if is_far(value) and isinstance(value, PLAIN) else value


def is_opaque(value: Any) -> bool:
    """True for an object of the code's that holds no value in the judge, as a number, a text or a member does."""
    return is_far(value) and not isinstance(value, (*PLAIN, BaseException)) and "_far_member" not in value.__dict__


def _is_truth(value: Any) -> bool:
    return type(value) is bool or (is_array(value) and type(value).__name__ in ("bool", "bool_"))


def is_far(value: Any) -> bool:
    """True for what stands for an object of the code's."""
    return hasattr(type(value), "_far_link")


def _is_far_class(value: Any) -> bool:
    return isinstance(value, type) and hasattr(value, "_far_link")


def has_far(value: Any, depth: int = 0) -> bool:
    """True if there is an object of the code's in a value: no comparison with it is the judge's own."""
    if depth < _DEEP and isinstance(value, list | tuple | set | frozenset):
        return any(has_far(one, depth + 1) for one in value)
    if depth < _DEEP and isinstance(value, dict):
        return any(has_far(one, depth + 1) for pair in value.items() for one in pair)
    return is_far(value) or _is_far_class(value)


def _mark(owner: Any, about: str) -> None:
    owner._far_link.marks.mark("compares", about)
