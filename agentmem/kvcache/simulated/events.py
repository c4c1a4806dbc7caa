"""Replies in the shape of Anthropic's Messages API: the message object, and the events of its stream."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.kvcache.simulated.simulator import CacheOutcome
from agentmem.kvcache.why.fingerprints import CacheMiss
from agentmem.types import Json, Usage

Event = tuple[str, dict[str, Any]]
"""The name of a server-sent event and its data."""

_PIECE = 24  # characters of text or JSON in one delta


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """A reply of the simulated model: content blocks in the API's shape, and why it stopped.

        ServerAnswer([{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"page": "notes.md"}}])

    ``stop_reason`` defaults to tool_use if there is a tool call, else to end_turn; ``output_tokens`` to an estimate
    from the blocks. ``ServerAnswer.text("Hello.")`` makes a reply of text.
    """

    content: Sequence[Json]
    stop_reason: str | None = None
    output_tokens: int | None = None

    @classmethod
    def text(cls, text: str) -> "ServerAnswer":
        """A reply of one text block."""
        return cls(({"type": "text", "text": text},))


def completed(answer: ServerAnswer, max_tokens: int) -> ServerAnswer:
    """``answer`` with its defaults filled in. A request for no tokens only warms the cache."""
    if max_tokens == 0:
        return ServerAnswer((), "max_tokens", 0)
    calls = any(block["type"] == "tool_use" for block in answer.content)
    estimate = sum(frame("message", block, "assistant").tokens for block in answer.content)
    return replace(
        answer,
        stop_reason=answer.stop_reason or ("tool_use" if calls else "end_turn"),
        output_tokens=max(1, estimate) if answer.output_tokens is None else answer.output_tokens,
    )


def message(model: str, answer: ServerAnswer, outcome: CacheOutcome, diagnosed: bool) -> dict[str, Any]:
    """The whole reply as one object. ``answer`` must be completed."""
    return {
        "id": outcome.id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [dict(block) for block in answer.content],
        "stop_reason": answer.stop_reason,
        "stop_sequence": None,
        "diagnostics": _diagnostics(outcome.miss) if diagnosed else None,
        "usage": usage(outcome.usage, answer.output_tokens or 0),
    }


def usage(used: Usage, output_tokens: int) -> dict[str, Any]:
    """Usage in the API's shape. ``input_tokens`` are those neither read from the cache nor written to it."""
    return {
        "input_tokens": used.uncached_tokens,
        "cache_read_input_tokens": used.cache_read_tokens,
        "cache_creation_input_tokens": used.cache_write_5m_tokens + used.cache_write_1h_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": used.cache_write_1h_tokens,
        },
        "output_tokens": output_tokens,
    }


def _diagnostics(miss: CacheMiss | None) -> dict[str, Any] | None:
    if miss is None:
        return None
    tokens = {} if miss.tokens is None else {"cache_missed_input_tokens": miss.tokens}
    return {"cache_miss_reason": {"type": miss.reason, **tokens}}


def stream(whole: Mapping[str, Any]) -> Iterator[Event]:
    """The events of a message's stream."""
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    yield "message_start", {"type": "message_start", "message": begun}
    yield "ping", {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        empty, deltas = _parts(block)
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    used = {name: count for name, count in whole["usage"].items() if name.endswith("tokens")}  # totals, no split
    yield "message_delta", {"type": "message_delta", "delta": delta, "usage": used}
    yield "message_stop", {"type": "message_stop"}


def _parts(block: Json) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts, and the deltas that fill it."""
    split = _SPLITS.get(block["type"])
    return split(block) if split else (dict(block), [])


def _text(block: Json) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]


def _call(block: Json) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    text = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *_pieces(text))]
    return {**block, "input": {}}, deltas


def _thinking(block: Json) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
    deltas.append({"type": "signature_delta", "signature": block["signature"]})
    return {**block, "thinking": "", "signature": ""}, deltas


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]


_SPLITS = {"text": _text, "tool_use": _call, "thinking": _thinking}
