"""A Request as LangChain's messages and tools. Texts go over as they are.

Models of Anthropic's through LangChain take our blocks verbatim, thinking and cache_control included. Others get
LangChain's standard blocks; what only Claude understands is left out for them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentmem.models.anthropic_request import marked_values, marks_by_place
from agentmem.types import Frame, Json, Request, Turn

THINKING = frozenset({"thinking", "redacted_thinking"})


@dataclass
class Converter:
    """Converts requests; what a turn became is remembered until a request comes without that turn."""

    native: bool
    """Whether the model takes Anthropic's own blocks."""
    cache_control: bool = True
    """Whether the breakpoints are marked in them."""
    ttl: bool = True
    """Whether marks say how long they live."""
    _turns: dict[Turn, list[BaseMessage]] = field(default_factory=dict)

    def messages(self, request: Request) -> list[BaseMessage]:
        """System message first, then the turns; a tool result is a message of its own, but to Claude."""
        marks = marks_by_place(request.marks, self.ttl) if self.native and self.cache_control else {}
        system = marked_values(request.system, marks.get(("system", 0), {}))
        made: list[BaseMessage] = [SystemMessage(_content(system))] if system else []
        turns: dict[Turn, list[BaseMessage]] = {}
        for index, turn in enumerate(request.turns):
            places = marks.get(("message", index))
            if places:
                made += self._turn(turn.role, marked_values(turn.frames, places))
            else:
                turns[turn] = self._turns.get(turn) or self._turn(turn.role, marked_values(turn.frames, {}))
                made += turns[turn]
        self._turns = turns
        return made

    def tools(self, request: Request) -> list[dict[str, Any]]:
        """Tool definitions as the model's ``bind_tools`` takes them."""
        if self.native:
            marks = marks_by_place(request.marks if self.cache_control else (), self.ttl).get(("tool", 0), {})
            return [dict(value) for value in marked_values(request.tools, marks)]
        return [_function(tool) for tool in request.tools]

    def _turn(self, role: str, values: Sequence[Json]) -> list[BaseMessage]:
        if role == "assistant":
            return [self._assistant(values)]
        return [HumanMessage(_content(values))] if self.native else list(self._user(values))

    def _user(self, values: Iterable[Json]) -> Iterator[BaseMessage]:
        for is_result, group in groupby(values, lambda value: value["type"] == "tool_result"):
            if is_result:
                yield from (self._result(value) for value in group)
            else:
                yield HumanMessage(_content([self._block(value) for value in group]))

    def _result(self, value: Json) -> ToolMessage:
        content = value["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        return ToolMessage(
            _content([self._block(block) for block in blocks]),
            tool_call_id=value["tool_use_id"],
            status="error" if value.get("is_error") else "success",
        )

    def _assistant(self, values: Sequence[Json]) -> AIMessage:
        calls = [value for value in values if value["type"] == "tool_use"]
        said = values if self.native else [v for v in values if v["type"] not in THINKING and v["type"] != "tool_use"]
        return AIMessage(
            _content([self._block(value) for value in said]),
            tool_calls=[
                {"type": "tool_call", "id": call["id"], "name": call["name"], "args": call["input"]} for call in calls
            ],
        )

    def _block(self, value: Json) -> dict[str, Any]:
        if self.native or value["type"] != "image":
            return dict(value)
        source = value["source"]
        return {"type": "image", "base64": source["data"], "mime_type": source["media_type"]}


def tool_choice(choice: str) -> str:
    """Our tool_choice, Anthropic's object as JSON text, in LangChain's words: auto, any, none, or a tool's name."""
    value: Mapping[str, str] = json.loads(choice)
    return value["name"] if value["type"] == "tool" else value["type"]


def _content(blocks: Sequence[Json]) -> Any:
    """A single plain text as a string, which every provider takes; else the blocks."""
    if len(blocks) == 1 and set(blocks[0]) == {"type", "text"}:
        return blocks[0]["text"]
    return [dict(block) for block in blocks] or ""


def _function(tool: Frame) -> dict[str, Any]:
    """A tool definition in OpenAI's form, which LangChain converts for every provider."""
    value = tool.value
    function = {"name": value["name"], "description": value.get("description", ""), "parameters": value["input_schema"]}
    return {"type": "function", "function": function}
