"""Requests for tests of model adapters."""

import json

from agentmem.kvcache.frames import frame, options_value
from agentmem.types import Frame, Image, Json, Mark, Message, Opaque, Options, Request, Text, ToolCall, ToolResult, Turn

MODEL = "claude-opus-5"
READ: Json = {
    "name": "read",
    "description": "Read a page.",
    "input_schema": {"type": "object", "properties": {"page": {"type": "string"}}, "required": ["page"]},
}
THINKING = Opaque(json.dumps({"signature": "EqQB+/=", "thinking": "Let me look…", "type": "thinking"}))
PIXEL = Image(
    "image/png",
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=",
)


def turn(message: Message) -> Turn:
    """A message as the turn of a request."""
    return Turn(message.role, tuple(frame("message", block.wire(), message.role) for block in message.blocks))


def request(
    *messages: Message,
    tools: tuple[Json, ...] = (),
    system: tuple[str, ...] = (),
    options: Options = Options(max_tokens=1000),
    marks: tuple[Mark, ...] = (),
    previous_id: str | None = None,
    model: str = MODEL,
) -> Request:
    """A request of these messages."""
    return Request(
        model=model,
        tools=tuple(frame("tool", tool) for tool in tools),
        system=tuple(frame("system", {"type": "text", "text": text}) for text in system),
        turns=tuple(map(turn, messages)),
        options=options,
        marks=marks,
        previous_id=previous_id,
    )


def ask(text: str) -> Message:
    """A user turn of one text."""
    return Message("user", (Text(text),))


def tool_loop() -> tuple[Message, ...]:
    """A question, two parallel calls after thinking, and their results with a picture."""
    return (
        ask("What is on the pages?"),
        Message(
            "assistant",
            (
                THINKING,
                Text("I will read both."),
                ToolCall("toolu_1", "read", '{"page":"b.md","a":1}'),
                ToolCall("toolu_2", "read", '{"page":"ü.md"}'),
            ),
        ),
        Message(
            "user",
            (
                ToolResult("toolu_1", (Text("# B"), PIXEL)),
                ToolResult("toolu_2", (Text("no such page"),), is_error=True),
                Text("Be quick."),
            ),
        ),
    )


def wire_frames(one: Request) -> tuple[Frame, ...]:
    """The frames of a request, in the order of the cache key."""
    return (
        frame("model", {"model": one.model}),
        *one.tools,
        *one.system,
        frame("options", options_value(one.options)),
        *(block for each in one.turns for block in each.frames),
    )
