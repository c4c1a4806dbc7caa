"""What Anthropic's Messages API refuses: its rules on a request body beyond the types of the fields.

The wording follows the API's own messages, so that a client's tests read as they would against the real one.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from agentmem import images
from agentmem.kvcache.prompts import body_blocks
from agentmem.kvcache.rules import MAX_BREAKPOINTS, UNMARKABLE
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


def problem(body: Body) -> str | None:
    """The first thing wrong with a request body, in the API's words; None if it would be served."""
    return next((found for check in CHECKS for found in check(body)), None)


def _fields(body: Body) -> Iterator[str]:
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            yield f"{name}: Field required"
    if body.get("max_tokens", 0) < 0:
        yield "max_tokens: Input should be greater than or equal to 0"
    if not body.get("messages"):
        yield "messages: at least one message is required"
    elif body["messages"][0]["role"] != "user":
        yield "messages: first message must use the user role"


def _contents(body: Body) -> Iterator[str]:
    *earlier, last = body["messages"]
    empty = [at for at, message in enumerate(earlier) if not message["content"]]
    empty += [len(earlier)] if not last["content"] and last["role"] == "user" else []
    if empty:
        said = "all messages must have non-empty content except for the optional final assistant message"
        yield f"messages.{empty[0]}: {said}"
    ending = list(body_blocks({"messages": [last]}))[-1:] if last["role"] == "assistant" else []
    if ending and ending[0].get("type") == "text" and ending[0]["text"] != ending[0]["text"].rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"


def _tools(body: Body) -> Iterator[str]:
    names = [tool["name"] for tool in body.get("tools") or ()]
    if len(set(names)) < len(names):
        yield "tools: Tool names must be unique."
    choice = body.get("tool_choice") or {}
    if choice.get("type") == "tool" and choice.get("name") not in names:
        yield f"tool_choice: Tool '{choice.get('name')}' not found in provided tools"


def _pairs(body: Body) -> Iterator[str]:
    seen: set[str] = set()
    open_calls: set[str] = set()
    for index, (role, blocks) in enumerate(_turns(body["messages"])):
        if role == "assistant":
            open_calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
            if open_calls & seen or len(open_calls) < sum(block["type"] == "tool_use" for block in blocks):
                yield "messages: `tool_use` ids must be unique"
            seen |= open_calls
        else:
            yield from _results(index, blocks, open_calls)
            open_calls = set()
    if open_calls:
        yield f"messages.{len(body['messages']) - 1}: {_without(sorted(open_calls))}"


def _results(index: int, blocks: Sequence[Json], calls: set[str]) -> Iterator[str]:
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    for identity in results:
        if identity not in calls:
            yield (
                f"messages.{index}.content: unexpected `tool_use_id` found in `tool_result` blocks: {identity}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
    if len(set(results)) < len(results):
        yield f"messages.{index}.content: each tool_use must have a single result"
    missing = sorted(calls - set(results))
    leading = [block["type"] for block in blocks[: len(results)]]
    if missing or any(kind != "tool_result" for kind in leading):
        yield f"messages.{index}: {_without(missing or results)}"


def _without(calls: Sequence[str]) -> str:
    return (
        f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(calls)}. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _turns(messages: Sequence[Json]) -> list[tuple[str, list[Json]]]:
    """Messages with neighbours of one role merged, as the API does."""
    turns: list[tuple[str, list[Json]]] = []
    for message in messages:
        blocks = list(body_blocks({"messages": [message]}))
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message["role"], blocks))
    return turns


def _breakpoints(body: Body) -> Iterator[str]:
    marks: list[Json] = []
    for block in body_blocks(body):
        content = block.get("content")
        inner = content if block.get("type") == "tool_result" and isinstance(content, list) else []
        marks += [one["cache_control"] for one in (*inner, block) if one.get("cache_control")]
        if block.get("type") in UNMARKABLE and "cache_control" in block:
            yield f"{block['type']}.cache_control: Extra inputs are not permitted"
    marks += [body["cache_control"]] if body.get("cache_control") else []
    lifetimes = [mark.get("ttl", "5m") for mark in marks]
    if lifetimes != sorted(lifetimes):  # "1h" sorts before "5m"
        yield "cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block."
    if len(marks) > MAX_BREAKPOINTS:
        yield f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {len(marks)}."


def _thinking(body: Body) -> Iterator[str]:
    thinking = body.get("thinking") or {}
    if thinking.get("type") not in ("enabled", "adaptive"):
        return
    if thinking["type"] == "enabled" and not 1024 <= thinking.get("budget_tokens", 0) < body["max_tokens"]:
        yield "thinking.enabled.budget_tokens: Input should be at least 1024 and less than max_tokens"
    if body.get("temperature", 1) != 1:
        yield "`temperature` may only be set to 1 when thinking is enabled."
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        yield "Thinking may not be enabled when tool_choice forces tool use."
    if thinking["type"] == "enabled":
        yield from _begins_with_thinking(body["messages"])


def _begins_with_thinking(messages: Sequence[Json]) -> Iterator[str]:
    """With a budget for thinking, the reply whose calls are being answered begins with what was thought before them."""
    last = max((at for at, one in enumerate(messages) if one["role"] == "assistant"), default=0)
    blocks = list(body_blocks({"messages": [messages[last]]}))
    kinds = [block["type"] for block in blocks]
    if "tool_use" in kinds and kinds[0] not in UNMARKABLE:
        yield (
            f"messages.{last}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kinds[0]}`. When "
            "`thinking` is enabled, a final `assistant` message must start with a thinking block."
        )


CHECKS: tuple[Callable[[Body], Iterator[str]], ...] = (
    _fields,
    types,
    _breakpoints,
    texts,
    _contents,
    _tools,
    names,
    _pairs,
    pictures,
    _thinking,
)
"""In the order in which they are made: each may rely on those before it."""
