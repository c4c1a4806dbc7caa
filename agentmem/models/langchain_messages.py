"""Turns a Request into LangChain's messages and tools. Texts stay as they are.

Anthropic's models through LangChain take our blocks verbatim, with thinking and cache_control. Other models get
LangChain's standard blocks, without those that only Claude understands.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentmem.errors import BlockPlace
from agentmem.models.anthropic_request import marked_values, marks_by_place
from agentmem.models.pictures import unseen
from agentmem.types import Frame, Json, Request, Turn

THINKING = frozenset({"thinking", "redacted_thinking"})


@dataclass(frozen=True, slots=True)
class Taken:
    """The content that a provider takes beside text. ``pictures``: also in results, only of people, or none.

    ``people_after_results`` is False if a person's message may not directly follow a tool's result.
    """

    pictures: Literal["anywhere", "people", "none"] = "people"
    people_after_results: bool = True


TAKEN: Mapping[str, Taken] = {
    "google_genai": Taken("anywhere"),
    "deepseek": Taken("none"),
    "mistral": Taken("people", people_after_results=False),
}
"""The content by provider. Others take pictures only in people's messages, as OpenAI's chat completions do."""

MOVED = "[A picture of this result follows in the next message.]"
BETWEEN = "Done."
"""The model's message between a tool's result and a person's message, where a provider demands one."""

Where = tuple[tuple[int, int | None], ...]
"""For each part of a message: the block of the turn that it comes from, and the block inside that one."""


@dataclass
class Converter:
    """Converts requests. The messages of a turn are kept until a request comes without that turn."""

    native: bool
    """True if the model takes Anthropic's own blocks."""
    taken: Taken = Taken()
    cache_control: bool = True
    """True if breakpoints are marked in them."""
    ttl: bool = True
    """True if marks have a lifetime."""
    _turns: dict[Turn, list[BaseMessage]] = field(default_factory=dict)

    def messages(self, request: Request) -> list[BaseMessage]:
        """The system message, then the turns. A tool result is a message of its own, except for Claude."""
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

    def place(self, request: Request, found: BlockPlace) -> BlockPlace | None:
        """The place in the request of a block that a provider named by its place in our messages; None if not found."""
        if self.native:
            return found
        at = found.message - bool(request.system)
        for index, turn in enumerate(request.turns):
            wheres = [where for _, where in self._placed(turn.role, [one.value for one in turn.frames])]
            if 0 <= at < len(wheres):
                where = wheres[at]
                if found.block is not None and found.block < len(where):
                    return BlockPlace(index, *where[found.block])
                blocks = {block for block, _ in where}
                return BlockPlace(index, blocks.pop() if len(blocks) == 1 else None)
            at -= len(wheres)
        return None

    def tools(self, request: Request) -> list[dict[str, Any]]:
        """Tool definitions in the form of the model's ``bind_tools``."""
        if self.native:
            marks = marks_by_place(request.marks if self.cache_control else (), self.ttl).get(("tool", 0), {})
            return [dict(value) for value in marked_values(request.tools, marks)]
        return [_function(tool) for tool in request.tools]

    def _turn(self, role: str, values: Sequence[Json]) -> list[BaseMessage]:
        return [message for message, _ in self._placed(role, values)]

    def apart(self, role: str, values: Sequence[Json]) -> list[BaseMessage]:
        """The messages of frames' values with a message for each result, as agents' states have them."""
        return [self._assistant(values)[0]] if role == "assistant" else [one for one, _ in self._user(values)]

    def _placed(self, role: str, values: Sequence[Json]) -> list[tuple[BaseMessage, Where]]:
        """The messages of a turn, each with the origins of its parts."""
        if role == "assistant":
            return [self._assistant(values)]
        if self.native:
            return [(HumanMessage(_content(values)), tuple((at, None) for at in range(len(values))))]
        return list(self._user(values))

    def _user(self, values: Sequence[Json]) -> Iterator[tuple[BaseMessage, Where]]:
        """The results first, then their pictures if results may not hold any, then messages of people."""
        said: list[tuple[dict[str, Any], tuple[int, int | None]]] = []
        results = False
        for at, value in enumerate(values):
            if value["type"] == "tool_result":
                results = True
                message, pictures = self._result(value)
                yield message, tuple((at, inner) for inner in range(len(_inner(value))))
                said += [(picture, (at, inner)) for inner, picture in pictures]
            else:
                said.append((self._block(value), (at, None)))
        if said and results and not self.taken.people_after_results:
            yield AIMessage(BETWEEN), ()
        if said:
            yield HumanMessage(_content([block for block, _ in said])), tuple(where for _, where in said)

    def _result(self, value: Json) -> tuple[ToolMessage, list[tuple[int, dict[str, Any]]]]:
        """The result's message, and the pictures that must follow it."""
        blocks, moved = list[dict[str, Any]](), list[tuple[int, dict[str, Any]]]()
        for at, block in enumerate(_inner(value)):
            if block["type"] == "image" and self.taken.pictures == "people":
                moved.append((at, self._block(block)))
                blocks.append({"type": "text", "text": MOVED})
            else:
                blocks.append(self._block(block))
        if all(block["type"] == "text" for block in blocks):  # the classes of some providers take no list
            content: Any = "\n\n".join(block["text"] for block in blocks)
        else:
            content = _content(blocks)
        status: Literal["error", "success"] = "error" if value.get("is_error") else "success"
        return ToolMessage(content, tool_call_id=value["tool_use_id"], status=status), moved

    def _assistant(self, values: Sequence[Json]) -> tuple[AIMessage, Where]:
        calls = [value for value in values if value["type"] == "tool_use"]
        said = [
            (at, value)
            for at, value in enumerate(values)
            if self.native or (value["type"] not in THINKING and value["type"] != "tool_use")
        ]
        made = AIMessage(
            _content([self._block(value) for _, value in said]),
            tool_calls=[
                {"type": "tool_call", "id": call["id"], "name": call["name"], "args": call["input"]} for call in calls
            ],
        )
        return made, tuple((at, None) for at, _ in said)

    def _block(self, value: Json) -> dict[str, Any]:
        if self.native or value["type"] != "image":
            return dict(value)
        source = value["source"]
        if self.taken.pictures == "none":
            return unseen(value)
        return {"type": "image", "base64": source["data"], "mime_type": source["media_type"]}


def _inner(result: Json) -> Sequence[Json]:
    content = result["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def tool_choice(choice: str) -> str:
    """Our tool_choice, Anthropic's object as JSON text, in LangChain's words: auto, any, none, or a tool's name."""
    value: Mapping[str, str] = json.loads(choice)
    return value["name"] if value["type"] == "tool" else value["type"]


def _content(blocks: Sequence[Json]) -> Any:
    """A single plain text as a string, which every provider takes, else the blocks."""
    if len(blocks) == 1 and set(blocks[0]) == {"type", "text"}:
        return blocks[0]["text"]
    return [dict(block) for block in blocks] or ""


def _function(tool: Frame) -> dict[str, Any]:
    """A tool definition in OpenAI's form, which LangChain converts for every provider."""
    value = tool.value
    function = {"name": value["name"], "description": value.get("description", ""), "parameters": value["input_schema"]}
    return {"type": "function", "function": function}
