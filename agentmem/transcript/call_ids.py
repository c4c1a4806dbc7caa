"""The ids of tool calls: each one of its own in its thread, in the characters that every provider takes back.

Providers refuse a request in which two calls share an id ("`tool_use` ids must be unique") or an id has other
characters than letters, digits, ``_`` and ``-``; models and gateways send both.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from itertools import chain, count

from agentmem.types import Block, Message, ToolCall

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


def arrived(message: Message, known: Collection[str]) -> Message:
    """A reply as it is written down: ids in characters that go back, and none that a call of the thread has."""
    return _renamed(message, lambda call_id: _FOREIGN.sub("_", call_id) or "call", known)


def unique(message: Message) -> Message:
    """The message with an id for each call that no other of its calls has."""
    return _renamed(message, lambda call_id: call_id, ())


def sibling(call_id: str, waiting: Collection[str]) -> str | None:
    """The id under which a second call of that id waits for its result."""
    made = re.compile(rf"{re.escape(call_id)}_\d+")
    return next((one for one in waiting if made.fullmatch(one)), None)


def _renamed(message: Message, wanted: Callable[[str], str], known: Collection[str]) -> Message:
    taken: set[str] = set()
    blocks = tuple(_named(block, wanted, taken, known) for block in message.blocks)
    return message if blocks == message.blocks else replace(message, blocks=blocks)


def _named(block: Block, wanted: Callable[[str], str], taken: set[str], known: Collection[str]) -> Block:
    if not isinstance(block, ToolCall):
        return block
    fresh = next(one for one in _candidates(wanted(block.id)) if one not in taken and one not in known)
    taken.add(fresh)
    return block if fresh == block.id else replace(block, id=fresh)


def _candidates(call_id: str) -> Iterator[str]:
    return chain([call_id], (f"{call_id}_{number}" for number in count(2)))
