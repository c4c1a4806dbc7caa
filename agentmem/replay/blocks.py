"""Recorded frames as blocks that a transcript takes."""

from agentmem.context.transcript import unpack
from agentmem.kvcache.frames import canonical
from agentmem.types import Block, Json, Opaque, ToolCall


def block(value: Json) -> Block:
    """The block behind a message frame's value. What only the recording's provider understands stays opaque."""
    kind = value["type"]
    if kind == "tool_use":
        return ToolCall(value["id"], value["name"], canonical(value["input"]).decode())
    if kind == "text" or (kind == "image" and "data" in value["source"]):
        return unpack(value)
    if kind == "tool_result":
        content = value.get("content") or ()
        return unpack(
            {**value, "content": [{"type": "text", "text": content}] if isinstance(content, str) else content}
        )
    return Opaque(canonical(value).decode())
