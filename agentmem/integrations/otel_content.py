"""What a request, a reply and a tool said, as OpenTelemetry's GenAI conventions have it. Only if it was asked for."""

from typing import Any

from agentmem.types import Json, Message, Reply, Request, ToolResult


def asked(request: Request) -> tuple[list[Any], list[Any]]:
    """The system prompt and the messages of a request."""
    from opentelemetry.util.genai.types import InputMessage, TextPart

    system = [TextPart(str(one.value.get("text", ""))) for one in request.system]
    messages = [
        InputMessage(turn.role, [part for one in turn.frames for part in _parts(one.value)]) for turn in request.turns
    ]
    return system, messages


def replied(reply: Reply) -> list[Any]:
    """The message of a reply."""
    from opentelemetry.util.genai.types import OutputMessage

    parts = [part for block in reply.message.blocks for part in _parts(block.wire())]
    return [OutputMessage("assistant", parts, reply.stop_reason)]


def told(result: ToolResult) -> str:
    """The words of a tool's result."""
    return Message("user", tuple(block for block in result.content)).text


def _parts(block: Json) -> list[Any]:
    from opentelemetry.util.genai.types import ReasoningPart, TextPart, ToolCallRequestPart, ToolCallResponsePart

    kind = block.get("type")
    if kind == "text":
        return [TextPart(str(block.get("text", "")))]
    if kind == "thinking":
        return [ReasoningPart(str(block.get("thinking", "")))]
    if kind == "tool_use":
        return [ToolCallRequestPart(block.get("input"), str(block.get("name", "")), str(block.get("id", "")))]
    if kind == "tool_result":
        return [ToolCallResponsePart(block.get("content"), str(block.get("tool_use_id", "")))]
    return []
