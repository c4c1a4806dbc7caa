"""LangChain's messages as our blocks: the one mapping that models, middleware and replay share.

The way back, from frames to LangChain's messages, is `langchain_messages.Converter`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentmem.context.view import safe_id
from agentmem.kvcache.frames import canonical
from agentmem.transcript.transcript import call_arguments
from agentmem.types import Block, Image, Json, Opaque, Text, ToolCall, ToolResult

_DATA = "data:"
CALLS = frozenset(
    {"tool_use", "tool_call", "tool_call_chunk", "function_call", "input_json_delta", "invalid_tool_call"}
)
"""Blocks that repeat what LangChain gives as tool calls."""


def message_blocks(message: BaseMessage) -> tuple[Block, ...]:
    """The blocks of any message, its calls last. A tool's message is one result."""
    if isinstance(message, ToolMessage):
        return (tool_result(message),)
    if isinstance(message, AIMessage):
        return (*reply_blocks(message), *calls(message))
    return tuple(content_blocks(message.content))


def tool_result(message: ToolMessage) -> ToolResult:
    """A tool's message as a result. Parts that we have no kind for stay as they came."""
    return ToolResult(message.tool_call_id, tuple(content_blocks(message.content)), message.status == "error")


def content_blocks(content: str | Sequence[str | Mapping[str, Any]]) -> Iterator[Text | Image | Opaque]:
    """The blocks of a message's content. Cache marks are not part of it."""
    for part in (content,) if isinstance(content, str) else content:
        if isinstance(part, str):
            yield from (Text(part),) if part else ()
        else:
            yield _block({key: value for key, value in part.items() if key != "cache_control"})


def reply_blocks(message: AIMessage) -> Iterator[Block]:
    """Text and blocks that only the provider understands, in order. Neighbouring texts become one."""
    texts: list[str] = []
    for block in [message.content] if isinstance(message.content, str) else message.content:
        text = block if isinstance(block, str) else block.get("text") if block.get("type") == "text" else None
        if text is not None:
            texts.append(text)
        elif isinstance(block, dict) and block.get("type") not in CALLS:
            yield from _text("".join(texts))
            texts.clear()
            # the index is for LangChain's own merging
            bare = {key: value for key, value in block.items() if key != "index"}
            yield Opaque(canonical(bare).decode("utf-8", "surrogatepass"))
    yield from _text("".join(texts))


def calls(message: AIMessage) -> Iterator[ToolCall]:
    """The calls of a whole message, also those with arguments that are no JSON. Always the same ids."""
    for at, call in enumerate((*message.tool_calls, *message.invalid_tool_calls)):
        given = call["args"]
        said = given if isinstance(given, str) else json.dumps(given or {}, ensure_ascii=False)
        identity = call["id"] or safe_id(str(message.id), at)
        yield ToolCall(identity, call["name"] or "", call_arguments(said))


def _text(text: str) -> Iterator[Block]:
    if text:
        yield Text(text)


def _block(part: Json) -> Text | Image | Opaque:
    kind = part.get("type")
    if kind == "text" and isinstance(part.get("text"), str):
        return Text(part["text"])
    picture = _picture(part) if kind in ("image", "image_url") else None
    return picture or Opaque(canonical(part).decode("utf-8", "surrogatepass"))


def _picture(part: Json) -> Image | None:
    """A picture whose bytes are in the message, in any of the forms that LangChain takes; None if they are not."""
    source = part.get("source")
    if isinstance(source, Mapping) and {"media_type", "data"} <= source.keys():
        return Image(source["media_type"], source["data"])
    data = part.get("base64") or (part.get("data") if part.get("source_type") == "base64" else None)
    if data and part.get("mime_type"):
        return Image(part["mime_type"], data)
    url = part.get("image_url")
    url = url.get("url") if isinstance(url, Mapping) else url
    if isinstance(url, str) and url.startswith(_DATA) and ";base64," in url:
        media_type, _, encoded = url.removeprefix(_DATA).partition(";base64,")
        return Image(media_type, encoded)
    return None
