"""What in the code's answers only says how far something is from a value of the test's: the code would decide it.

The judge runs it by itself, without the rest of agentmem. ``{"a"} - box.keys()`` gives the code what the test asks for,
and is content with nothing; so is ``when() - datetime(2024, 5, 5)``, where ``when()`` is of a class of the code's.
"""

from datetime import date, time, timedelta
from numbers import Number
from typing import Any

from agentmem.team.proof.arrays import is_array
from agentmem.team.proof.values import PLAIN

BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "and", "or", "xor", "pow", "lshift", "rshift", "matmul")
NAMED = {"and": "and_", "or": "or_"}
_SIDES = ("sub", "truediv", "floordiv", "mod", "and", "xor")
APART = {*_SIDES, *(f"i{one}" for one in _SIDES), *(NAMED[one] for one in _SIDES if one in NAMED), "divmod"}
"""Operators, by their names on the wire, that may leave nothing of the other side."""
_ARITHMETIC = {*BINARY, *(f"i{one}" for one in BINARY), *NAMED.values(), "divmod"}
"""Operators with two sides, and their names in the wire's messages."""
_MEASURES = (Number, date, time, timedelta)
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


def is_object(answer: Any) -> bool:
    """True for what stands for an object of the code that the code was not given by the test."""
    has = getattr(answer, "__dict__", {})
    plain = isinstance(answer, (*PLAIN, BaseException))
    return "_far" in has and not (plain or "_far_given" in has or "_far_member" in has)


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
