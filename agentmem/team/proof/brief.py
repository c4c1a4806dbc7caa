"""Short texts of values, for people, and to compare what calls gave.

The judge runs it by itself, without the rest of agentmem.
"""

import types
from collections.abc import Sequence
from itertools import islice
from typing import Any
from zlib import crc32

from agentmem.team.proof import values

_BRIEF = 120  # characters of a noted value
_SHOWN, _MANY = 8, 2000  # items of a container that are written, and those that count
_LARGE = 4000  # bytes of a value of which not all is written
_BITS = 4000  # of a number that is written in full: Python writes no more than 4,300 digits


def brief(value: Any) -> str:
    """A short text of a value, for people. It asks nothing of the subject."""
    if type(value) in (list, dict) and (told := _large(value)) is not None:
        return told
    if isinstance(value, list | tuple | set | frozenset):
        items = value if (plain := values.plain_of(value)) is None else plain
        parts = [brief(one) for one in islice(items, _MANY)]
        return cut(f"{type(value).__name__}({_first(sorted(parts) if isinstance(value, set | frozenset) else parts)})")
    if isinstance(value, dict):
        return cut("{" + _first([f"{brief(k)}: {brief(v)}" for k, v in islice(value.items(), _MANY)]) + "}")
    if type(value) is int and value.bit_length() > _BITS:
        return f"a number of {value.bit_length()} bits... #{_sum(hex(value))}"
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return cut(repr(value))
    if isinstance(value, types.FunctionType):
        return f"<{value.__name__}>"
    return f"a {type(value).__name__}"


def _large(value: Any) -> str | None:
    """A short text of a large value of lists, dicts, texts and numbers, which need not be gone through for it."""
    if (same := values.as_json(value)) is None or len(same[1]) < _LARGE:
        return None
    items = islice(value.items() if type(value) is dict else value, _SHOWN)
    first = [f"{_word(one[0])}: {_word(one[1])}" if type(value) is dict else _word(one) for one in items]
    text = ", ".join(first)[: _BRIEF - 40]
    return f"{type(value).__name__}({text}... {len(value)} in all #{crc32(same[1]):08x})"


def _word(value: Any) -> str:
    """A part of a large value: nothing inside it is written."""
    return f"a {type(value).__name__} of {len(value)}" if type(value) in (list, dict) else brief(value)


def cut(text: str) -> str:
    """A text that is short enough, with a sum of what is left out: two that differ there are not taken for one."""
    return text if len(text) <= _BRIEF else f"{text[: _BRIEF - 13]}... #{_sum(text)}"


def _first(parts: list[str]) -> str:
    if len(parts) <= _SHOWN:
        return ", ".join(parts)
    return f"{', '.join(parts[:_SHOWN])}, {len(parts) - _SHOWN} more... #{_sum(', '.join(parts))}"


def _sum(text: str) -> str:
    return f"{crc32(text.encode('utf-8', 'backslashreplace')):08x}"


def briefly(given: Sequence[Any], named: dict[str, Any]) -> str:
    """A call's arguments as a short text."""
    return ", ".join([*map(brief, given), *(f"{name}={brief(one)}" for name, one in named.items())])
