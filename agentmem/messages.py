"""Blocks and messages: what is said, whoever says it. Import them from agentmem.types.

A block's ``wire`` gives its canonical JSON value in the form of Anthropic's Messages API, which is the richest of the
providers'; models/ maps it to what each of them wants.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["user", "assistant"]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_STRICT = json.JSONDecoder(parse_constant=_no_constant)


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text, or markdown."""

    text: str

    def wire(self) -> dict[str, Any]:
        return {"type": "text", "text": self.text}


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: its media type ("image/png") and its bytes in base64."""

    media_type: str
    data: str

    def wire(self) -> dict[str, Any]:
        source = {"type": "base64", "media_type": self.media_type, "data": self.data}
        return {"type": "image", "source": source}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool. ``arguments`` is a JSON object as text, in the order the model wrote it."""

    id: str
    name: str
    arguments: str

    def wire(self) -> dict[str, Any]:
        return {"type": "tool_use", "id": self.id, "name": self.name, "input": self.parsed or {}}

    @property
    def parsed(self) -> dict[str, Any] | None:
        """The arguments, or None where the model wrote something that is no JSON object."""
        try:
            value = _STRICT.decode(self.arguments or "{}")
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A block that only its provider understands (thinking, for example), as JSON text. Echoed verbatim."""

    raw: str

    def wire(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.raw)
        return value


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back to the call ``call_id``."""

    call_id: str
    content: tuple[Text | Image | Opaque, ...]
    is_error: bool = False

    def wire(self) -> dict[str, Any]:
        value: dict[str, Any] = {"type": "tool_result", "tool_use_id": self.call_id}
        value["content"] = [block.wire() for block in self.content]
        if self.is_error:
            value["is_error"] = True
        return value


Block = Text | Image | ToolCall | ToolResult | Opaque


@dataclass(frozen=True, slots=True)
class Message:
    """One side's turn: a role and its blocks, in order."""

    role: Role
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """The text blocks, joined by blank lines; images, calls and thinking are left out."""
        return "\n\n".join(block.text for block in self.blocks if isinstance(block, Text))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return tuple(block for block in self.blocks if isinstance(block, ToolCall))
