"""What Anthropic's Messages API refuses: its rules on a request body beyond the types of the fields.

The wording follows the API's own messages, so that a client's tests read as they would against the real one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from agentmem.kvcache.prompts import body_blocks
from agentmem.kvcache.rules import MAX_BREAKPOINTS, UNMARKABLE
from agentmem.kvcache.simulated import block_checks
from agentmem.types import Json

Body = Mapping[str, Any]


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
    block_checks.types,
    _breakpoints,
    block_checks.texts,
    _contents,
    _tools,
    block_checks.names,
    _pairs,
    block_checks.pictures,
    _thinking,
)
"""In the order in which they are made: each may rely on those before it."""
