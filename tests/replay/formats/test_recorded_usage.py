"""What a log's usage says: over all lines of a reply, and of thinking that it does not show."""

from typing import Any

import pytest

from agentmem.replay.formats.claude_conversation import Conversation
from agentmem.replay.session import Exchange
from agentmem.replay.tally import billed
from agentmem.types import Extras, Usage


def said(text: str, second: int) -> dict[str, Any]:
    return {"type": "user", "uuid": f"u{second}", "timestamp": _at(second), "message": {"content": text}}


def line(
    identity: str, second: int, usage: dict[str, Any], *blocks: dict[str, Any], stop: str | None = "end_turn"
) -> Any:
    """One line of a reply."""
    message = {"id": identity, "model": "claude-opus-4-6", "content": list(blocks), "usage": usage, "stop_reason": stop}
    return {"type": "assistant", "uuid": f"a{second}", "timestamp": _at(second), "message": message}


def _at(second: int) -> str:
    return f"2026-03-01T10:00:{second:02}.000Z"


def read(*records: Any) -> tuple[Exchange, ...]:
    conversation = Conversation()
    for one in records:
        conversation.add(one)
    return conversation.exchanges()


OK = {"type": "text", "text": "ok"}
HIDDEN = {"type": "thinking", "thinking": "", "signature": "x" * 40}


def test_the_last_line_may_be_the_one_that_counts() -> None:
    """Zeros of the first line take nothing away."""
    zero, whole = {"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 9000, "output_tokens": 200}
    (one,) = read(said("go", 0), line("m1", 1, zero, OK), line("m1", 2, whole, OK))
    assert (one.usage, one.output) == (Usage("measured", 9000, output_tokens=200), 200)


def test_the_lifetime_may_come_with_a_later_line() -> None:
    """What was written for an hour says so, whichever line of the first reply reports it."""
    conversation = Conversation()
    split = {"cache_creation_input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 5}}
    for record in (said("go", 0), line("m1", 1, {"input_tokens": 0}, OK), line("m1", 2, split, OK)):
        conversation.add(record)
    assert conversation.ttl == "1h"


def test_reported_output_stands_for_what_is_not_in_the_text() -> None:
    """9,000 tokens of thinking that was signed and not written are 9,000 tokens."""
    usage = {"input_tokens": 10, "cache_creation_input_tokens": 8000, "output_tokens": 9000}
    (one,) = read(said("go", 0), line("m1", 1, usage, HIDDEN), line("m1", 2, usage, OK))
    assert one.output == 9000
    assert billed("anthropic", one) == pytest.approx(0.27505)


@pytest.mark.parametrize(
    ("stop", "reported", "hidden"), [("end_turn", 9000, 5000), (None, 3, 5000), ("end_turn", 900, 900)]
)
def test_growth_of_the_next_input_is_the_hidden_thinking(stop: str | None, reported: int, hidden: int) -> None:
    """What the next request has beyond what is recorded came with the reply, up to what was reported of it."""
    first = {"input_tokens": 8000, "output_tokens": reported}
    plain = read(said("go", 0), line("m1", 1, first, HIDDEN, OK, stop=stop))
    counted = sum(frame.tokens for frame in plain[0].reply)
    after = {"input_tokens": 8000 + counted + 5000, "output_tokens": 1}
    one, _ = read(said("go", 0), line("m1", 1, first, HIDDEN, OK, stop=stop), line("m2", 3, after, OK))
    thought = sum(frame.tokens for frame in one.reply)
    assert thought == (counted + hidden if reported != 900 else 900)
    assert one.output == (reported if stop else thought)


def test_what_was_billed_beside_is_read() -> None:
    """Fast mode doubles the price, an advisor is paid at its own."""
    advisor = {"type": "advisor_message", "model": "claude-sonnet-4-5", "input_tokens": 1000, "output_tokens": 10}
    usage = {"input_tokens": 1000, "output_tokens": 100, "iterations": [advisor]}
    (one,) = read(said("go", 0), line("m1", 1, usage, OK))
    assert one.extras == Extras(others=(("claude-sonnet-4-5", Usage("measured", 1000, output_tokens=10)),))
    assert billed("anthropic", one) == pytest.approx(0.005 + 0.0025 + 0.003 + 0.00015)
