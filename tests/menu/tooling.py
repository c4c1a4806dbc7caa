"""What the tests of tools share: a function with every kind of parameter, and calls as a model makes them."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from agentmem.menu.tool import Menu
from agentmem.menu.toolbox import ToolContext, call
from agentmem.types import Text, ToolCall, ToolResult


@dataclass
class Step:
    """One step."""

    title: str
    state: Literal["open", "done"] = "open"


def fetch(
    page: str,
    limit: Annotated[int, Field(ge=1, le=9)] = 5,
    ratio: float = 0.5,
    raw: bool = False,
    kind: Literal["text", "table"] = "text",
    steps: list[Step] | None = None,
    tags: list[str] | None = None,
    either: int | list[int] = 0,
) -> str:
    """Fetches.

    Args:
        page: The page to fetch, for example notes/todo.md.
        limit: How many.
    """
    return json.dumps([page, limit, ratio, raw, kind, str(steps), tags, either])


def result(menu: Menu, context: ToolContext, name: str, arguments: str | dict[str, Any], **more: Any) -> ToolResult:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return call(menu, ToolCall("c1", name, text), context, **more)


def said(answer: ToolResult) -> str:
    return "\n".join(block.text for block in answer.content if isinstance(block, Text))
