"""What values that came from the code hold: texts and numbers in containers of theirs, and arrays without items.

The judge runs it by itself, without the rest of agentmem.
"""

import os
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from agentmem.team.proof.arrays import is_array
from agentmem.team.proof.values import plain_of

_DEEP = 8  # containers in containers that are searched


def parts_of(value: Any, kind: type, depth: int = 0) -> Iterator[Any]:
    """The texts, or what else is exactly of a kind, in a value."""
    value = value if (plain := plain_of(value)) is None else plain
    if type(value) is kind or (kind is str and isinstance(value, str)):
        yield value
    elif kind is str and isinstance(value, bytes | PurePath):
        yield os.fsdecode(value)
    elif depth < _DEEP and isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from parts_of(one, kind, depth + 1)
    elif depth < _DEEP and isinstance(value, dict):
        for pair in value.items():
            yield from parts_of(pair, kind, depth + 1)
    elif depth < _DEEP and isinstance(value, BaseException):
        yield from parts_of(value.args, kind, depth + 1)


def is_empty(value: Any, depth: int = 0) -> bool:
    """True if there is an array without items in a value: compared with a number, it is equal."""
    if is_array(value):
        return bool(value.size == 0)
    if depth >= _DEEP or not isinstance(value, list | tuple | dict):
        return False
    return any(is_empty(one, depth + 1) for one in (value.values() if isinstance(value, dict) else value))
