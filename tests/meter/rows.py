"""Rows for the meter's tests."""

from dataclasses import replace
from typing import Any

from agentmem.meter.ledger import Row
from agentmem.types import Entry, Usage

ROW = Row(
    thread="run-1",
    agent="agent",
    purpose="answer",
    model="anthropic:claude-opus-5-5",
    tier="cloud",
    usage=Usage("measured", uncached_tokens=10, cache_read_tokens=890, cache_write_5m_tokens=100, output_tokens=50),
    at=1_760_000_000.125,
    estimate=1_050,
    first_token_after=0.5,
    seconds=2.25,
    cost_usd=0.001718,
    cost_uncached_usd=0.005,
    digest="ab" * 32,
    extends=3_000,
    bytes=3_400,
    new_tokens=110,
    context_tokens=1_000,
    message_id="msg_01XFDUDYJgAACzvnptvVoYEL",
)


def row(**changes: Any) -> Row:
    """``ROW`` with other values."""
    return replace(ROW, **changes)


def entry(data: bytes, thread: str = "run-1") -> Entry:
    """A usage entry that holds ``data``; its hashes are of no interest here."""
    return Entry(thread, 7, "", "usage", data, "")
