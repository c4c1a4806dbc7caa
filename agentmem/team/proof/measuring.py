"""What in the code's answers only says how far something is from a value of the test's: the code would decide it.

The judge runs it by itself, without the rest of agentmem. ``{"a"} - box.keys()`` gives the code what the test asks for,
and is content with nothing; so is ``when() - datetime(2024, 5, 5)``, where ``when()`` is of a class of the code's.
What the code makes of both may be an object too. Then whatever a test learns of that object is as much the code's
decision; where it holds a value here, as a number or text of a class of the code's does, the test has learnt it.
"""

import operator
from collections.abc import Sequence
from datetime import date, time, timedelta
from numbers import Number
from typing import Any

from agentmem.team.proof.agreeing import carry, has_far, is_far, is_known, is_opaque, same, stands, value_of
from agentmem.team.proof.arrays import is_array
from agentmem.team.proof.values import PLAIN, plain_of

BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "and", "or", "xor", "pow", "lshift", "rshift", "matmul")
NAMED = {"and": "and_", "or": "or_"}
_SIDES = ("sub", "truediv", "floordiv", "mod", "and", "xor")
APART = {*_SIDES, *(f"i{one}" for one in _SIDES), *(NAMED[one] for one in _SIDES if one in NAMED), "divmod"}
"""Operators, by their names on the wire, that may leave nothing of the other side."""
_ARITHMETIC = {*BINARY, *(f"i{one}" for one in BINARY), *NAMED.values(), "divmod"}
"""Operators with two sides, and their names in the wire's messages."""
_IN_PLACE = frozenset(f"i{one}" for one in BINARY)
_MEASURES = (Number, date, time, timedelta)
_HELD = (list, dict, set, frozenset, tuple)
_CONTENT = (list, dict, set)
_SETTING = frozenset({"setitem", "delitem"})
_NOTHING = object()
_NULL = (0, 1)
_FUNCTIONS = frozenset({"function", "method", "builtin_function_or_method", "partial"})
_OF_SETS = frozenset({"issuperset", "issubset", "isdisjoint", "difference", "symmetric_difference", "intersection"})
"""Methods that compare a set with another."""


def is_measured(owner: Any) -> bool:
    """True for what the code has made of an object and a plain value, to say what lies between them."""
    return "_far_measured" in getattr(owner, "__dict__", {})


def decides(what: str, given: Any, answer: Any) -> bool:
    """True where the code says by an operator what is left of a value of the test's: nothing, perhaps, or all of it."""
    if what in APART and not (isinstance(answer, str | bytes) and answer):
        return True
    measures = isinstance(given, _MEASURES) and isinstance(answer, _MEASURES)
    return what in _ARITHMETIC and (measures or is_array(given) or (type(given) is type(answer) and given == answer))


def compares(name: str, given: bool = True) -> bool:
    """True for a method that compares a set with another, of whatever object. See agreeing.py for all others."""
    return name in _OF_SETS and given


def measured(
    owner: Any, what: str, given: Sequence[Any], answer: Any, before: Any = None, *, turned: bool = False
) -> Any:
    """The answer of an operation. Marks a test in which the code says how far it is from a value of the test's.

    ``before`` is what ``value_before`` gave; ``turned`` is true where the value stands on the left.
    """
    if what in _SETTING:
        return answer
    plain, known = bool(given) and _is_of_test(given[0]), is_known(owner, answer)
    if is_measured(owner) or (plain and _is_decided(owner, what, given[0], answer, before, turned)):
        carry(owner, answer, f"{type(owner).__name__} {what} a value gives a {type(answer).__name__}", known=known)
    return answer


def value_before(owner: Any, what: str, given: Sequence[Any]) -> Any:
    """The value inside an object that an operator may change, for ``measured``."""
    return value_of(owner) if what in _IN_PLACE and isinstance(given[0], _HELD) else None


def method(owner: Any, name: str, given: Sequence[Any], answer: Any) -> Any:
    """The answer of a method, or an attribute. Marks a test in which it compares in the place of Python's own."""
    decided, known = is_measured(owner), is_known(owner, answer)
    if not decided and compares(name, bool(given)):
        decided = not is_opaque(answer) or (not stands(owner, name) and _is_left(given, answer))
    if decided:
        carry(owner, answer, f"{name} of {type(owner).__name__}", known=known)
    return answer


def seen(owner: Any, what: str) -> None:
    """Marks a test that learns, without a question, what an object of the code's holds that only measures."""
    if is_measured(owner):
        owner._far_link.marks.mark("compares", f"{what} of {type(owner).__name__}")


def is_null(fields: dict[str, Any]) -> bool:
    """True for the fields of a dataclass that say of no number but none, or that all is one, and else of no value."""
    numbers = [one for one in fields.values() if type(one) is not bool and isinstance(one, Number | timedelta)]
    return all(not one or one in _NULL for one in numbers) if numbers else not any(fields.values())


def _is_of_test(given: Any) -> bool:
    """True for a plain value, also one of a class of the code's that is a number, text or tuple."""
    return not is_far(given) or (isinstance(given, PLAIN) and "_far_member" not in given.__dict__)


def _is_decided(owner: Any, what: str, given: Any, answer: Any, before: Any, turned: bool) -> bool:
    if not is_opaque(answer):
        return decides(what, given, plain_of(answer) if is_far(answer) else answer)
    if what in APART:
        return True
    wanted = isinstance(given, (*_MEASURES, *_HELD)) or is_array(given)
    if what not in _ARITHMETIC or not wanted or (value := value_of(answer)) is None or is_far(value):
        return False
    null = isinstance(given, _MEASURES) and isinstance(value, (Number, timedelta)) and not value
    if not null and not (is_array(given) and is_array(value)) and not same(value, given):
        return False
    inside = before if before is not None else value_of(owner) if answer is not owner else None
    return not same(_of_python(what, *((given, inside) if turned else (inside, given))), value)


def _of_python(what: str, one: Any, other: Any) -> Any:
    """What Python's own operator makes of two values; nothing that is like another where it makes none."""
    if has_far(one) or has_far(other):  # it would be asked
        return _NOTHING
    try:
        return getattr(operator, what.removeprefix("i") if what in _IN_PLACE else what)(one, other)
    except Exception:
        return _NOTHING


def _is_left(given: Sequence[Any], answer: Any) -> bool:
    """True for an object that may be what is left of values of a test's: of a set, if it is empty or all of them."""
    if not any(map(_is_of_test, given)):
        return False
    value = value_of(answer)
    return not isinstance(value, _CONTENT) or not value or any(value == one for one in given if not is_far(one))


def is_object(answer: Any) -> bool:
    """True for what stands for an object of the code that the code was not given by the test."""
    has = getattr(answer, "__dict__", {})
    plain = isinstance(answer, (*PLAIN, BaseException))
    return "_far" in has and not (plain or "_far_given" in has or "_far_member" in has)


def is_function(value: Any) -> bool:
    """True for a function of the code's, which many objects may have as an attribute."""
    return type(value).__qualname__ in _FUNCTIONS


def is_match(value: Any) -> bool:
    """True for what a pattern of Python's has found, which is always true: the code's has no way of its own to say."""
    kind = type(value)
    own = {name for one in kind.__mro__ for name in one.__dict__.get("_far_special", ())}
    return (kind.__module__, kind.__name__) == ("re", "Match") and not own & {"__bool__", "__len__"}


def used_members(kind: Any) -> Any:
    """The members of an enum, by which a test uses the code; None for another class."""
    members = kind.__dict__.get("_far_members")
    kind._far_link.marks.calls += members is not None
    return members
