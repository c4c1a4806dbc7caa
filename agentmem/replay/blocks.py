"""Recorded frames as blocks that a transcript takes."""

from collections.abc import Callable, Mapping
from typing import Any

from agentmem.kvcache.frames import canonical
from agentmem.transcript.transcript import unpack
from agentmem.types import Block, Json, Opaque, Text, ToolCall


def block(value: Json) -> Block:
    """The block behind a message frame's value. What a transcript has no kind for, or is not whole, stays opaque."""
    try:
        return _KINDS[value["type"]](value)
    except (KeyError, TypeError, AttributeError):
        return Opaque(canonical(value).decode())


def _call(value: Json) -> Block:
    return ToolCall(value["id"], value["name"], canonical(value["input"]).decode())


def _result(value: Json) -> Block:
    content: Any = value.get("content") or ()
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return unpack({**value, "content": parts})


_KINDS: Mapping[str, Callable[[Json], Block]] = {
    "text": lambda value: Text(value["text"]),
    "image": unpack,
    "tool_use": _call,
    "tool_result": _result,
}
