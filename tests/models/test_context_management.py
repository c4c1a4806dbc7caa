"""A provider that edits or compacts the context itself: it is asked to, and what it took out stands in the ledger."""

import json
from pathlib import Path
from typing import Any

from anthropic.types import Message as SdkMessage
from anthropic.types import (
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
)
from anthropic.types.beta import BetaCompactionBlock, BetaCompactionContentBlockDelta

from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.meter.ledger import Row, decode, draft, rows
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.anthropic_reply import ReplyBuilder
from agentmem.runtime.agent import Agent
from agentmem.types import Entry, Extras, Opaque, Reply, Usage

CLEARED = {"type": "clear_tool_uses_20250919", "cleared_input_tokens": 30_000, "cleared_tool_uses": 4}
COMPACTION = {"type": "compaction", "input_tokens": 9_000, "cache_read_input_tokens": 41_000, "output_tokens": 800}


def streamed(*events: Any, usage: dict[str, Any], managed: dict[str, Any] | None = None) -> Reply:
    """The reply of a stream with these events between its first and its last ones."""
    whole: dict[str, Any] = {"id": "m", "type": "message", "role": "assistant", "model": "claude-opus-5", "content": []}
    begun = SdkMessage.construct(**whole, usage={"input_tokens": 7, "output_tokens": 0})
    builder, end = ReplyBuilder(), {"stop_reason": "end_turn"}
    last = RawMessageDeltaEvent.construct(type="message_delta", delta=end, usage=usage, context_management=managed)
    start = RawMessageStartEvent(type="message_start", message=begun)
    for event in (start, *events, last, RawMessageStopEvent(type="message_stop")):
        list(builder.take(event))
    return builder.reply(0.0, 0.0)


def test_what_the_provider_cleared_and_compacted_is_read() -> None:
    """Cleared tokens and compactions are edits of the reply; a compaction's own tokens are billed beside it."""
    reply = streamed(usage={"output_tokens": 3, "iterations": [COMPACTION]}, managed={"applied_edits": [CLEARED]})
    assert reply.extras.edits == (("clear_tool_uses_20250919", 30_000), ("compaction", 50_000))
    assert reply.extras.others == (("", Usage("measured", 9_000, 41_000, output_tokens=800)),)
    assert reply.usage == Usage("measured", 7, output_tokens=3)
    assert streamed(usage={"output_tokens": 3}, managed={"applied_edits": []}).extras.edits == ()


def test_a_providers_summary_goes_back_as_it_came() -> None:
    """The block of a compaction is kept whole, with its opaque part, so that it can be sent again."""
    started = RawContentBlockStartEvent.construct(
        type="content_block_start",
        index=0,
        content_block=BetaCompactionBlock.construct(type="compaction", content=None),
    )
    delta = BetaCompactionContentBlockDelta(
        type="compaction_delta", content="They sailed.", encrypted_content="c2VjcmV0"
    )
    event = RawContentBlockDeltaEvent.construct(type="content_block_delta", index=0, delta=delta)
    (block,) = streamed(started, event, usage={"output_tokens": 3}).message.blocks
    assert isinstance(block, Opaque)
    value = json.loads(block.raw)
    assert value == {"type": "compaction", "content": "They sailed.", "encrypted_content": "c2VjcmV0"}


def test_edits_stand_in_the_ledger() -> None:
    """A row keeps the edits of its request, and rows without them have the bytes that they had."""
    row = Row("t", "a", "answer", "anthropic:m", "cloud", Usage("measured", 1), 0.0)
    edited = Row(**{name: getattr(row, name) for name in row.__slots__} | {"extras": Extras(edits=(("x", 5),))})
    for one in (row, edited):
        written = draft(one)
        assert decode(Entry("t", 1, "", "usage", written.data, "")) == one
    assert b"edits" not in draft(Row(**{n: getattr(row, n) for n in row.__slots__} | {"extras": Extras("fast")})).data


def test_the_provider_is_asked_and_its_edit_is_a_declared_cut(tmp_path: Path) -> None:
    """The request has the field and the header; a request in which something was cleared counts as a cut."""
    managed = {"edits": [{"type": "clear_tool_uses_20250919"}, {"type": "compact_20260112"}]}
    with (
        MessagesServer([ServerAnswer.text("one"), ServerAnswer.text("two")]) as server,
        AnthropicModel("claude-sonnet-5-5", api_key="none", base_url=server.url, context_management=managed) as model,
        Agent(model, tmp_path) as one,
    ):
        one.run("Hello.", thread="t")
        request = server.requests[0]
        assert request.body["context_management"] == managed
        assert request.headers["anthropic-beta"] == "context-management-2025-06-27,compact-2026-01-12"
        assert [row.break_ for row in rows(one.journal, "t")] == ["first"]
