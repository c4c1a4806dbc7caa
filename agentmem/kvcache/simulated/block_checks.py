"""What the Messages API refuses of single blocks: types, roles, names, ids, texts and pictures, each with its place.

The place stands before the words, as in the API's own errors: "messages.7.content.2.image.source.base64: ...".
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from agentmem import images
from agentmem.types import Json

Body = Mapping[str, Any]

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
CALL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,200}")
CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")

BY_PEOPLE = frozenset({"text", "image", "document", "search_result", "tool_result", "container_upload"})
"""Types of blocks in a user's message."""
BY_MODELS = frozenset({"text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "mcp_tool_use"})
"""Types of blocks in an assistant's message, beside the results of the provider's own tools."""
RESULTS = tuple(f"{name}_tool_result" for name in ("web_search", "web_fetch", "code_execution", "tool_search", "mcp"))
RESULTS += ("bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "mcp_tool_result")
IN_RESULTS = frozenset({"text", "image", "document", "search_result", "tool_reference", "browser_state"})
"""Types of blocks inside a tool's result."""
PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")


class Placed(NamedTuple):
    """A block of a message: its role, where it stands in the body, and whether inside a tool's result."""

    role: str
    place: str
    block: Json
    inside: bool = False


def placed(body: Body) -> Iterator[Placed]:
    """Every block of every message, those inside results after the result."""
    for at, message in enumerate(body["messages"]):
        content = message["content"]
        blocks = [_text(content)] if content and isinstance(content, str) else content
        for number, block in enumerate(blocks):
            place = f"messages.{at}.content.{number}"
            yield Placed(message["role"], place, block)
            inner = block.get("content") if block.get("type") == "tool_result" else None
            for deeper, one in enumerate(inner if isinstance(inner, list) else [_text(inner)] if inner else []):
                yield Placed(message["role"], f"{place}.tool_result.content.{deeper}", one, True)


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def types(body: Body) -> Iterator[str]:
    """Types that the API knows, in a message of the role that may say them."""
    known = BY_PEOPLE | BY_MODELS | {*RESULTS}
    for role, place, block, inside in placed(body):
        tag = block.get("type")
        if tag not in (IN_RESULTS if inside else known):
            yield f"{place}: Input tag '{tag}' found using 'type' does not match any of the expected tags"
        elif not inside and role == "user" and tag not in BY_PEOPLE:
            yield f"{place}: `{tag}` blocks can only be in `assistant` messages"
        elif role == "assistant" and tag in BY_PEOPLE - {"text"}:
            yield f"{place}: `{tag}` blocks can only be in `user` messages"


def texts(body: Body) -> Iterator[str]:
    """Text that says something: at the top more than white space, inside a result at least a character."""
    for _, place, block, inside in placed(body):
        if block["type"] == "text" and not block["text"]:
            if block.get("cache_control"):
                yield f"{place}: cache_control cannot be set for empty text blocks"
            yield f"{place}: text content blocks must be non-empty"
        elif block["type"] == "text" and not inside and not block["text"].strip():
            yield f"{place}: text content blocks must contain non-whitespace text"
    system = body.get("system") or ()
    for at, block in enumerate([] if isinstance(system, str) else system):
        if not block["text"].strip():
            yield f"system.{at}: text content blocks must contain non-whitespace text"


def names(body: Body) -> Iterator[str]:
    """Names of tools and calls, and ids of calls: their characters and lengths."""
    for at, tool in enumerate(body.get("tools") or ()):
        if not TOOL_NAME.fullmatch(tool["name"]):
            yield f"tools.{at}.custom.name: String should match pattern '^{TOOL_NAME.pattern}$'"
    for _, place, block, _ in placed(body):
        if block["type"] == "tool_use":
            if not CALL_ID.fullmatch(block["id"]):
                yield f"{place}.tool_use.id: String should match pattern '^{CALL_ID.pattern}$'"
            if not CALL_NAME.fullmatch(block["name"]):
                yield f"{place}.tool_use.name: {_length(block['name'])}"
            if not isinstance(block["input"], dict):
                yield f"{place}.tool_use.input: Input should be a valid dictionary"
        elif block["type"] == "tool_result" and not CALL_ID.fullmatch(block["tool_use_id"]):
            yield f"{place}.tool_result.tool_use_id: String should match pattern '^{CALL_ID.pattern}$'"


def _length(name: str) -> str:
    if not name:
        return "String should have at least 1 character"
    return f"String should {'have at most 200 characters' if len(name) > 200 else 'match pattern'}"


def pictures(body: Body) -> Iterator[str]:
    """Pictures: how many, and of each its type, its size and its sides."""
    shown = [one for one in placed(body) if one.block["type"] == "image"]
    if len(shown) > images.MOST_PICTURES:
        yield f"messages: too many images: {len(shown)} > {images.MOST_PICTURES}"
    for _, place, block, _ in shown:
        source = block["source"]
        if source.get("type") == "base64":
            found = next((said for check in _OF_A_PICTURE if (said := check(source, len(shown)))), None)
            if found:
                yield f"{place}.image.source.base64{found}"


def _media_type(source: Json, _count: int) -> str | None:
    known = ", ".join(f"'{one}'" for one in PICTURES)
    return None if source["media_type"] in PICTURES else f".media_type: Input should be {known}"


def _weight(source: Json, _count: int) -> str | None:
    size, most = len(source["data"]), images.MOST_ENCODED
    return f": image exceeds 5 MB maximum: {size} bytes > {most} bytes" if size > most else None


def _readable(source: Json, _count: int) -> str | None:
    if not source["data"]:
        return ": image cannot be empty"
    file = images.decoded(source["data"])
    if file is None:
        return ".data: Invalid base64 data"
    return None if images.size(file) else ": Could not process image"


def _as_said(source: Json, _count: int) -> str | None:
    said = source["media_type"]
    if images.kind(images.decoded(source["data"]) or b"") == said:
        return None
    return f": Image does not match the provided media type {said}"


def _sides(source: Json, count: int) -> str | None:
    longest = max(images.size(images.decoded(source["data"]) or b"") or (0, 0))
    many = count > images.MANY
    most = images.LONGEST_OF_MANY if many else images.LONGEST_SIDE
    words = " for many-image requests" if many else ""
    said = f".data: At least one of the image dimensions exceed max allowed size{words}: {most} pixels"
    return said if longest > most else None


_OF_A_PICTURE: tuple[Callable[[Json, int], str | None], ...] = (_media_type, _weight, _readable, _as_said, _sides)
"""In the order in which they are made: each may rely on those before it."""
