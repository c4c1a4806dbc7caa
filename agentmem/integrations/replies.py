"""Reads a provider's reply from the bytes of its HTTP response: one JSON object, or the events of a stream.

A streamed reply becomes the object that the same request would have got without streaming: Anthropic's message,
OpenAI's chat completion or OpenAI's response. Only `wirelog` needs it; it stands alone as a parser without any hook.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from agentmem.kvcache.reported import merged

Data = dict[str, Any]


def parse_reply(body: bytes) -> Data | None:
    """The reply in a response's decoded body; None if none can be read."""
    whole = _json(body.decode(errors="replace"))
    if whole is not None:
        return whole
    events = list(_events(body.decode(errors="replace")))
    return next((build(events) for known, build in _DIALECTS if any(map(known, events))), None)


def has_ended(body: bytes) -> bool:
    """Whether a stream's decoded body has the event that is its last: clients may go away as soon as they read it."""
    return _LAST.search(body) is not None


_LAST = re.compile(
    rb"^(data: ?\[DONE\]|event: ?(message_stop|response\.(completed|incomplete|failed))\r?$)", re.MULTILINE
)
"""The last event of Anthropic's messages, of OpenAI's chat completions, and of its responses."""


def _json(text: str) -> Data | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _events(text: str) -> Iterator[Data]:
    """The JSON objects of a stream of server-sent events. Other or incomplete events are passed over."""
    for event in text.replace("\r\n", "\n").split("\n\n"):
        lines = (line.removeprefix("data:").strip() for line in event.split("\n") if line.startswith("data:"))
        data = _json("\n".join(lines))
        if data is not None:
            yield data


def _message(events: Iterable[Data]) -> Data:
    """Anthropic: message_start, then blocks that start, grow and stop, then message_delta."""
    message: Data = {}
    blocks: dict[int, Data] = {}
    arguments: dict[int, str] = {}
    for event in events:
        match event.get("type"):
            case "message_start":
                message = dict(event["message"])
            case "content_block_start":
                blocks[event["index"]] = dict(event["content_block"])
            case "content_block_delta":
                _grow(blocks.setdefault(event["index"], {}), event["delta"], arguments, event["index"])
            case "message_delta":
                usage = merged(message.get("usage") or {}, event.get("usage") or {})
                message |= {**event.get("delta", {}), "usage": usage}
            case "error":
                message["error"] = event.get("error")
    for index, text in arguments.items():
        blocks[index]["input"] = _json(text or "{}") or {}
    return message | {"content": [blocks[index] for index in sorted(blocks)]}


def _grow(block: Data, delta: Mapping[str, Any], arguments: dict[int, str], index: int) -> None:
    match delta.get("type"):
        case "input_json_delta":
            arguments[index] = arguments.get(index, "") + delta["partial_json"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
        case _:
            grown = {key: part for key, part in delta.items() if key != "type" and isinstance(part, str)}
            block |= {key: block.get(key, "") + part for key, part in grown.items()}


def _completion(events: Iterable[Data]) -> Data:
    """OpenAI's chat completions: chunks with a piece of each choice; the last has the usage if it was asked for."""
    whole: Data = {}
    choices: dict[int, Data] = {}
    for chunk in events:
        whole |= {key: value for key, value in chunk.items() if key != "choices" and value is not None}
        for piece in chunk.get("choices") or ():
            empty = {"index": piece["index"], "message": {"role": "assistant", "content": ""}, "finish_reason": None}
            choice = choices.setdefault(piece["index"], empty)
            choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]
            _add(choice["message"], piece.get("delta") or {})
    return whole | {"object": "chat.completion", "choices": [choices[index] for index in sorted(choices)]}


def _add(message: Data, delta: Mapping[str, Any]) -> None:
    message["content"] += delta.get("content") or ""
    for call in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        while len(calls) <= call["index"]:
            calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        known, function = calls[call["index"]], call.get("function") or {}
        known["id"] = call.get("id") or known["id"]
        known["function"]["name"] += function.get("name") or ""
        known["function"]["arguments"] += function.get("arguments") or ""


def _response(events: Iterable[Data]) -> Data:
    """OpenAI's responses: events carry the whole response so far; the last one is complete."""
    known: list[Data] = [event["response"] for event in events if isinstance(event.get("response"), dict)]
    return known[-1] if known else {}


_DIALECTS: tuple[tuple[Callable[[Data], bool], Callable[[Iterable[Data]], Data]], ...] = (
    (lambda event: event.get("type") == "message_start", _message),
    (lambda event: event.get("object") == "chat.completion.chunk", _completion),
    (lambda event: str(event.get("type")).startswith("response."), _response),
)
"""For each dialect: the test that recognises its events, and the function that joins them."""
