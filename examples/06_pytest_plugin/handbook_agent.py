"""An agent without agentmem: the official SDK, a tool, a loop. One of its two system prompts tells the time."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import anthropic

RULES = "\n".join(
    ["You answer questions about a company's handbook."]
    + [f"{number}. Look things up before you answer, and name the page." for number in range(1, 120)]
)
TOOL: Any = {
    "name": "look_up",
    "description": "Gives the page of the handbook on a subject.",
    "input_schema": {"type": "object", "properties": {"subject": {"type": "string"}}, "required": ["subject"]},
}


def steady() -> str:
    """A system prompt that is the same every time."""
    return RULES


def dated() -> str:
    """A system prompt with the time: each request begins differently from the one before."""
    return f"It is {datetime.now():%A, %d %B %Y, %H:%M:%S.%f}.\n{RULES}"


def answer(client: anthropic.Anthropic, question: str, system: Callable[[], str] = steady) -> str:
    """The agent: asks the model and looks up pages for it, until it answers."""
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        reply = client.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=500,
            system=[{"type": "text", "text": system(), "cache_control": {"type": "ephemeral"}}],
            tools=[TOOL],
            messages=messages,
            cache_control={"type": "ephemeral"},
        )
        messages.append({"role": "assistant", "content": [block.model_dump() for block in reply.content]})
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in reply.content if block.type == "text")
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": page(call.input)} for call in calls]
        messages.append({"role": "user", "content": results})


def page(arguments: Any) -> str:
    """The tool: a page of the handbook."""
    text = (Path(__file__).parent / "handbook.md").read_text(encoding="utf-8")
    return next(
        (part for part in text.split("\n\n") if str(arguments["subject"]) in part.lower()), "There is no such page."
    )
