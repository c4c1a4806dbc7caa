"""Short texts of values, for people, and to compare what calls gave.

The judge runs it by itself, without the rest of agentmem.
"""

import types
from collections.abc import Sequence
from typing import Any

from agentmem.team.proof import values

_BRIEF = 120  # characters of a noted value
_BITS = 4000  # of a number that is written in full: Python writes no more than 4,300 digits


def brief(value: Any) -> str:
    """A short text of a value, for people. It asks nothing of the subject."""
    if isinstance(value, list | tuple | set | frozenset):
        items = list(value if (plain := values.plain_of(value)) is None else plain)
        return _cut(f"{type(value).__name__}({', '.join(map(brief, items[:8]))})")
    if isinstance(value, dict):
        return _cut("{" + ", ".join(f"{brief(k)}: {brief(v)}" for k, v in list(value.items())[:8]) + "}")
    if type(value) is int and value.bit_length() > _BITS:
        return f"a number of {value.bit_length()} bits"
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return _cut(repr(value))
    if isinstance(value, types.FunctionType):
        return f"<{value.__name__}>"
    return f"a {type(value).__name__}"


def _cut(text: str) -> str:
    return text if len(text) <= _BRIEF else text[: _BRIEF - 3] + "..."


def briefly(given: Sequence[Any], named: dict[str, Any]) -> str:
    """A call's arguments as a short text."""
    return ", ".join([*map(brief, given), *(f"{name}={brief(one)}" for name, one in named.items())])
