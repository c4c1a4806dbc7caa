"""A request as a prompt cache sees it: blocks in the order of the key, breakpoints, and settings.

It is made from a request body as a server receives it, or from a Request before it is sent.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentmem.kvcache.frames import Make, body_frames, options_value
from agentmem.kvcache.frames import frame as new_frame
from agentmem.kvcache.rules import UNMARKABLE, Setting
from agentmem.types import Frame, Json, Mark, Request, Ttl


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A ``cache_control`` mark: its block's position among tools, system and message blocks (from 0), and its TTL."""

    position: int
    ttl: Ttl


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request. ``settings`` are the canonical texts of the parts of the key that are not blocks.

    If ``diagnose``, the provider is asked to compare this request with the reply ``previous_id``.
    """

    model: str
    tools: tuple[Frame, ...]
    system: tuple[Frame, ...]
    messages: tuple[Frame, ...]
    settings: Mapping[Setting, str] = field(default_factory=dict)
    breakpoints: tuple[Breakpoint, ...] = ()
    diagnose: bool = False
    previous_id: str | None = None

    @property
    def frames(self) -> tuple[Frame, ...]:
        """All blocks in the order of the key."""
        return self.tools + self.system + self.messages


def body_prompt(body: Mapping[str, Any], make: Make = new_frame) -> Prompt:
    """The prompt of a request body of Anthropic's Messages API. ``make`` makes its frames."""
    frames = body_frames(body, make)
    tools, system, messages = (_of(frames, segment) for segment in ("tool", "system", "message"))
    diagnostics = body.get("diagnostics")
    return Prompt(
        model=body["model"],
        tools=tools,
        system=system,
        messages=messages,
        settings=_body_settings(body) | _block_settings(tools, messages),
        breakpoints=tuple(_body_breakpoints(body)),
        diagnose=diagnostics is not None,
        previous_id=(diagnostics or {}).get("previous_message_id"),
    )


def request_prompt(request: Request) -> Prompt:
    """The prompt that a Request has when it is sent."""
    messages = tuple(frame for turn in request.turns for frame in turn.frames)
    options = options_value(request.options)
    return Prompt(
        model=request.model,
        tools=request.tools,
        system=request.system,
        messages=messages,
        settings=_settings(options) | _block_settings(request.tools, messages),
        breakpoints=tuple(sorted(_mark_breakpoints(request), key=lambda one: one.position)),
        diagnose=True,
        previous_id=request.previous_id,
    )


def _of(frames: Iterable[Frame], segment: str) -> tuple[Frame, ...]:
    return tuple(frame for frame in frames if frame.segment == segment)


def _settings(values: Mapping[str, Any]) -> dict[Setting, str]:
    names: tuple[Setting, ...] = ("speed", "tool_choice", "thinking", "effort")
    return {name: json.dumps(values[name]) for name in names if values.get(name) is not None}


def _body_settings(body: Mapping[str, Any]) -> dict[Setting, str]:
    return _settings({**body, "effort": (body.get("output_config") or {}).get("effort")})


def _block_settings(tools: Iterable[Frame], messages: Iterable[Frame]) -> dict[Setting, str]:
    """Settings that only blocks show: whether there are images, citations, or a web search."""
    found: dict[Setting, str] = {}
    if any(is_web_search(tool) for tool in tools):
        found["web_search"] = "true"
    for frame in messages:
        kind = frame.value["type"]
        if kind in ("image", "tool_result") and _has_image(frame.value):
            found["images"] = "true"
        elif kind == "document" and (frame.value.get("citations") or {}).get("enabled"):
            found["citations"] = "true"
    return found


def is_web_search(tool: Frame) -> bool:
    """True for the provider's own web search tool, which is in the system part of the key."""
    return str(tool.value.get("type", "")).startswith("web_search")


def _has_image(value: Json) -> bool:
    if value["type"] == "image":
        return True
    content = value.get("content", "")
    return not isinstance(content, str) and any(block["type"] == "image" for block in content)


def _body_breakpoints(body: Mapping[str, Any]) -> Iterator[Breakpoint]:
    blocks = list(body_blocks(body))
    for position, block in enumerate(blocks):
        ttl = marked(block)
        if ttl:
            yield Breakpoint(position, ttl)
    automatic = body.get("cache_control")
    if automatic:
        last = max((place for place, block in enumerate(blocks) if markable(block)), default=None)
        if last is not None and not marked(blocks[last]):
            yield Breakpoint(last, automatic.get("ttl", "5m"))


def body_blocks(body: Mapping[str, Any]) -> Iterator[Json]:
    """Every tool, system block and message block of a body, in the order of the key."""
    yield from body.get("tools") or ()
    yield from _blocks(body.get("system") or ())
    for message in body["messages"]:
        yield from _blocks(message["content"])


def marked(block: Json) -> Ttl | None:
    """The TTL of the breakpoint on a block, or on a block inside it; None if there is none."""
    inner = block.get("content") if block.get("type") == "tool_result" else None
    nested = inner if isinstance(inner, Sequence) and not isinstance(inner, str) else ()
    marks = [one["cache_control"] for one in (*nested, block) if one.get("cache_control")]
    return marks[-1].get("ttl", "5m") if marks else None


def markable(block: Json) -> bool:
    """True if a block can carry a breakpoint: it is neither thinking nor empty text."""
    return block.get("type") not in UNMARKABLE and block.get("text") != ""


def _blocks(content: str | Sequence[Json]) -> Sequence[Json]:
    return ({"type": "text", "text": content},) if isinstance(content, str) else content


def _mark_breakpoints(request: Request) -> Iterator[Breakpoint]:
    for mark in request.marks:
        yield Breakpoint(_position(request, mark), mark.ttl)


def _position(request: Request, mark: Mark) -> int:
    if mark.segment == "tool":
        return mark.index
    if mark.segment == "system":
        return len(request.tools) + mark.index
    before = sum(len(turn.frames) for turn in request.turns[: mark.index])
    return len(request.tools) + len(request.system) + before + mark.block
