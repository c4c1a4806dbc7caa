"""Builds our Reply from a LangChain model's stream: text, calls, other blocks, usage and the stop reason."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from agentmem.kvcache.frames import frame
from agentmem.kvcache.reported import read_extras, read_usage
from agentmem.models.anthropic_request import write_ttl
from agentmem.models.langchain_blocks import reply_blocks
from agentmem.transcript.transcript import call_arguments
from agentmem.types import Extras, Message, Reply, Request, ToolCall, Ttl, Usage

STOPS = {
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "model_length": "max_tokens",
    "content_filter": "refusal",
    **dict.fromkeys(("safety", "recitation", "blocklist", "prohibited_content", "spii"), "refusal"),  # Gemini
    **dict.fromkeys(("guardrail_intervened", "content_filtered"), "refusal"),  # Bedrock
    "refusal": "refusal",
    "pause_turn": "pause_turn",
    "stop_sequence": "stop_sequence",
    "model_context_window_exceeded": "model_context_window_exceeded",
}
"""Providers' stop reasons and Anthropic's word for each. Any other one is an ordinary end."""

_TIERS = ("flex", "priority")
"""OpenAI's service tiers, which LangChain puts in front of the names of the numbers that they price."""

_REASON_FIELDS = ("stop_reason", "finish_reason", "done_reason", "stopReason")
_ENDED = (*_REASON_FIELDS, "status")  # OpenAI's Responses API has a status
_INCOMPLETE = "incomplete_details"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds to the first chunk and to the last."""

    first: float
    last: float


def reply(request: Request, chunks: Sequence[AIMessage], timing: Timing) -> Reply:
    """The Reply of all chunks that came."""
    whole = merged(chunks)
    calls = tuple(_calls(whole))
    message = Message("assistant", (*reply_blocks(whole), *calls))
    return Reply(
        message=message,
        usage=usage(request, whole, message),
        stop_reason=_stop_reason(whole, calls),
        id=_id(whole),
        first_token_after=timing.first,
        seconds=timing.last,
        extras=extras(whole),
    )


def merged(chunks: Sequence[AIMessage]) -> AIMessage:
    """One message of all chunks. A model that does not stream gives a single message, which is not a chunk."""
    pieces = [chunk for chunk in chunks if isinstance(chunk, AIMessageChunk)]
    whole = [chunk for chunk in chunks if not isinstance(chunk, AIMessageChunk)]
    if whole:
        return whole[-1]
    return add_ai_message_chunks(pieces[0], *pieces[1:]) if pieces else AIMessage("")


def usage(request: Request, whole: AIMessage, message: Message) -> Usage:
    """The usage. LangChain's ``input_tokens`` include the cached ones; our ``uncached_tokens`` do not.

    If a model reports nothing, the usage is estimated from our own counts, and labelled so.
    """
    given = whole.usage_metadata
    if given is None:
        output = sum(frame("message", block.wire(), "assistant").tokens for block in message.blocks)
        return Usage("estimated", uncached_tokens=request.estimate, output_tokens=output)
    details = _details(whole)
    read = details.get("cache_read") or 0
    short, long = _written(details, write_ttl(request.marks))
    uncached = max(0, given["input_tokens"] - read - short - long)
    return Usage("measured", uncached, read, short, long, given["output_tokens"])


def extras(whole: AIMessage) -> Extras:
    """The charges beside the tokens: from Claude's own fields, or by the service tier in the names of numbers."""
    reported = whole.response_metadata.get("usage")
    if isinstance(reported, Mapping):
        return read_extras(reported)
    given = whole.usage_metadata
    told = {*(given.get("input_token_details") or {}), *(given.get("output_token_details") or {})} if given else set()
    return Extras(speed=next((tier for tier in _TIERS if any(name.startswith(tier) for name in told)), ""))


def _details(whole: AIMessage) -> Mapping[str, int]:
    """The input tokens by kind. A service tier's numbers have its name in front: flex_cache_read.

    OpenAI's cache writes are only in its own report; LangChain leaves them out of the details.
    """
    found: dict[str, int] = {}
    given = whole.usage_metadata
    for name, value in ((given.get("input_token_details") if given else None) or {}).items():
        bare = next((name.removeprefix(f"{tier}_") for tier in _TIERS if name.startswith(f"{tier}_")), name)
        found[bare] = found.get(bare, 0) + int(str(value or 0))
    reported = whole.response_metadata.get("token_usage")
    if not found.get("cache_creation") and isinstance(reported, Mapping):
        usage = read_usage(reported)
        found["cache_creation"] = usage.cache_write_5m_tokens
    written = found.pop("cache_write", 0) + found.pop("cache_write_tokens", 0)
    return found if found.get("cache_creation") else {**found, "cache_creation": written}


def _written(details: Mapping[str, Any], undivided: Ttl) -> tuple[int, int]:
    """Tokens written for 5 minutes and for an hour; a sum without a split counts for ``undivided``.

    langchain-anthropic gives the split only for whole replies, and then no sum.
    """
    short = details.get("ephemeral_5m_input_tokens") or 0
    long = details.get("ephemeral_1h_input_tokens") or 0
    rest = max(0, (details.get("cache_creation") or 0) - short - long)
    return (short, long + rest) if undivided == "1h" else (short + rest, long)


def _calls(whole: AIMessage) -> Iterator[ToolCall]:
    """Calls with their arguments as the model wrote them: LangChain would complete those that were cut off."""
    if isinstance(whole, AIMessageChunk):
        for chunk in whole.tool_call_chunks:
            yield _call(chunk["id"], chunk["name"], chunk["args"] or "")
    else:
        for call in whole.tool_calls:
            yield _call(call["id"], call["name"], json.dumps(call["args"], ensure_ascii=False))
        for broken in whole.invalid_tool_calls:
            yield _call(broken["id"], broken["name"], broken["args"] or "")


def _call(identity: str | None, name: str | None, arguments: str) -> ToolCall:
    return ToolCall(identity or f"call_{uuid4().hex}", name or "", call_arguments(arguments))


def says_why(chunks: Sequence[AIMessage]) -> bool:
    """True if a chunk says why the reply ended, as the last chunk of a whole stream does."""
    return any(chunk.response_metadata.get(name) for chunk in chunks for name in _ENDED)


def _stop_reason(whole: AIMessage, calls: Sequence[ToolCall]) -> str:
    """The stop reason in Anthropic's words. A reply that was cut off counts as that also with calls in it."""
    details = whole.response_metadata.get(_INCOMPLETE) or {}
    said = (details.get("reason"), *(whole.response_metadata.get(name) for name in _REASON_FIELDS))
    word = next((str(each) for each in said if each), "")
    return STOPS.get(word.lower().rpartition(".")[2], "tool_use" if calls else "end_turn")


def _id(whole: AIMessage) -> str:
    """The provider's id; "" for LangChain's own, which begins with lc_ or run-."""
    identity = str(whole.response_metadata.get("id") or whole.id or "")
    return "" if identity.startswith(("lc_", "run-")) else identity
