"""Reads request bodies of OpenAI's APIs as bodies of Anthropic's Messages API, so that one reader of prompts is enough.

It reads chat completions and responses. The result is never sent, only compared. So equal parts must stay equal,
different parts different, and all must be in the provider's order: a response format and tools first, then system and
developer messages, then the conversation.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any

Body = Mapping[str, Any]
Block = dict[str, Any]

_SYSTEM = ("system", "developer")


def is_openai(body: Body, path: str = "") -> bool:
    """True if a body is OpenAI's: by the endpoint's path, by fields that only its API has, or by the model's name."""
    if path:
        return not path.rstrip("/").endswith("/messages")
    messages = body.get("messages") or ()
    roles = {message.get("role") for message in messages}
    if "input" in body or roles & {*_SYSTEM, "tool"} or any("function" in tool for tool in body.get("tools") or ()):
        return True
    return "system" not in body and "claude" not in str(body["model"])


def messages_body(body: Body) -> dict[str, Any]:
    """The body in the shape of Anthropic's API."""
    items = _items(body)
    leading = list(takewhile(lambda item: item.get("role") in _SYSTEM, items))
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort")
    return {
        "model": body["model"],
        "tools": [*_format(body), *map(_tool, body.get("tools") or ())],
        "system": [block for item in leading for block in _contents(item.get("content"))],
        "messages": [_message(item) for item in items[len(leading) :]],
        "output_config": {"effort": effort} if effort else {},
        "tool_choice": body.get("tool_choice"),
    }


def _items(body: Body) -> list[Body]:
    """The conversation as a list of messages, or of a response's items."""
    if "input" not in body:
        return list(body.get("messages") or ())
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    return [{"role": "system", "content": body["instructions"]}, *items] if body.get("instructions") else items


def _format(body: Body) -> Iterator[Block]:
    """The schema of the reply, if any. It comes before everything else."""
    schema = body.get("response_format") or (body.get("text") or {}).get("format")
    if schema and schema.get("type") not in (None, "text"):
        yield {"name": "response_format", "input_schema": schema}


def _tool(tool: Body) -> Block:
    card = tool["function"] if "function" in tool else {key: part for key, part in tool.items() if key != "type"}
    return {"input_schema" if key == "parameters" else key: part for key, part in (card or tool).items()} or dict(tool)


def _message(item: Body) -> Block:
    """A message, or an item of a response, such as a call and its output."""
    special = _ITEMS.get(item.get("type", "")) or _ITEMS.get(item.get("role", ""))
    if special:
        return special(item)
    calls = [_call(call["id"], call["function"]) for call in item.get("tool_calls") or ()]
    content = [*_contents(item.get("content")), *calls]
    return {"role": item.get("role", "assistant"), "content": content if "role" in item else [dict(item)]}


def _result(identity: str, content: Any) -> Block:
    inner = content if isinstance(content, str) else list(_contents(content))
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": identity, "content": inner}]}


def _call(identity: str, function: Body) -> Block:
    """A call. Its arguments stay the text that the model wrote, because its bytes are compared."""
    return {"type": "tool_use", "id": identity, "name": function["name"], "input": function["arguments"]}


_ITEMS: Mapping[str, Callable[[Body], Block]] = {
    "tool": lambda item: _result(item.get("tool_call_id", ""), item.get("content") or ""),
    "function_call_output": lambda item: _result(item["call_id"], item["output"]),
    "function_call": lambda item: {"role": "assistant", "content": [_call(item["call_id"], item)]},
}


def _contents(content: Any) -> Iterable[Block]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return map(_part, content or ())


def _part(part: Body) -> Block:
    marked = part.get("prompt_cache_breakpoint")
    bare = {key: value for key, value in part.items() if key != "prompt_cache_breakpoint"}
    return _bare_part(bare) | ({"cache_control": {"type": "ephemeral"}} if marked else {})


def _bare_part(part: Body) -> Block:
    if part.get("type") in ("text", "input_text", "output_text"):
        return {"type": "text", "text": part.get("text", "")}
    if part.get("type") in ("image_url", "input_image"):
        url = part.get("image_url") or part.get("file_id") or ""
        return {"type": "image", "source": _source(url if isinstance(url, str) else url.get("url", ""))}
    return dict(part)


def _source(url: str) -> Block:
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:"):
        return {"type": "base64", "media_type": head.removeprefix("data:").partition(";")[0], "data": data}
    return {"type": "url", "url": url}
