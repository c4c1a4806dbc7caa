"""Rows of the ledger say how each request stands to the one before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.context.window import View, extend, window
from agentmem.context.wire import wire
from agentmem.meter.ledger import Row
from agentmem.runtime.metering import RequestMeter, extension, was_read
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Message, ModelProfile, Reply, Request, Text, Usage
from tests.transcript.transcripts import drafts, entries, reply

METER = RequestMeter("agent", ModelProfile("anthropic", "claude-sonnet-4-5", "cloud"))
OPENING = transcript.opening(Opening("claude-sonnet-4-5", system=("be brief",)))
FIRST = [OPENING, transcript.user("go")]
SECOND = [*FIRST, reply(Text("done")), transcript.user("more")]
CUT = [*SECOND, transcript.reconfigure(Opening("claude-sonnet-4-5", system=("be long",)))]


def row(view: View, sent: View | None = None, last: Row | None = None, at: float = 0.0) -> Row:
    request = Request("claude-sonnet-4-5", (), (), view.turns)
    answer = Reply(Message("assistant", (Text("ok"),)), Usage("measured", uncached_tokens=10, output_tokens=2))
    return METER.row("t", request, answer, view, sent, last, at)


@given(drafts(cuts=True), st.data())
def test_extension_is_the_common_prefix_in_whole_frames(made: list[Draft], data: st.DataObject) -> None:
    """It is all of the earlier wire where that is a prefix of the later, and never more than both begin with."""
    views = [View()]
    for entry in entries(made):
        views.append(extend(views[-1], entry))
    early, late = sorted((data.draw(st.integers(1, len(views) - 1)), data.draw(st.integers(1, len(views) - 1))))
    before, after = wire(views[early]), wire(views[late])
    shared = extension(views[early], views[late])
    assert before[:shared] == after[:shared]
    if after.startswith(before):
        assert shared == len(before)


def test_the_first_request_is_all_new() -> None:
    """There is nothing before it to extend."""
    view = window(entries(FIRST))
    first = row(view)
    assert (first.break_, first.extends, first.new_tokens) == ("first", 0, view.tokens)


def test_a_request_that_extends_sends_only_what_is_new() -> None:
    """Within the lifetime it is no break; after it, the cache entry had expired."""
    sent, view = window(entries(FIRST)), window(entries(SECOND))
    first = row(sent)
    second = row(view, sent, first, at=10.0)
    assert (second.break_, second.extends, second.new_tokens) == ("none", sent.size, view.tokens - sent.tokens)
    assert row(view, sent, first, at=301.0).break_ == "expiry"


@pytest.mark.parametrize(
    ("provider", "name", "idle", "read", "break_"),
    [
        ("openai", "gpt-5.6", 600.0, 900, "none"),
        ("openai", "gpt-5.6", 600.0, 0, "none"),
        ("openai", "gpt-5.6", 1801.0, 0, "expiry"),
        ("openai", "gpt-5.5", 600.0, 0, "expiry"),
        ("openai", "gpt-5.5", 600.0, 1000, "none"),
        ("azure", "gpt-5.6", 600.0, 0, "none"),
        ("deepseek", "deepseek-chat", 10_000.0, 0, "none"),
        ("deepseek", "deepseek-chat", 15_000.0, 0, "expiry"),
        ("local", "smollm2", 10.0**9, 0, "none"),
        ("anthropic", "claude-opus-5", 299.0, 0, "none"),
        ("anthropic", "claude-opus-5", 301.0, 0, "expiry"),
        ("anthropic", "claude-opus-5", 301.0, 1000, "none"),
    ],
)
def test_a_row_agrees_with_the_rules_and_with_what_was_read(
    provider: str, name: str, idle: float, read: int, break_: str
) -> None:
    """Lifetimes are the model's own, and a request whose messages were read from the cache is no expiry."""
    meter = RequestMeter("agent", ModelProfile(provider, name, "cloud"))
    sent, view = window(entries(FIRST)), window(entries(SECOND))
    request = Request(name, (), (), view.turns)

    def answered(cached: int) -> Reply:
        return Reply(Message("assistant", (Text("ok"),)), Usage("measured", 1000 - cached, cached, output_tokens=2))

    first = meter.row("t", request, answered(0), sent, None, None, 0.0)
    assert meter.row("t", request, answered(read), view, sent, first, idle).break_ == break_


def test_what_only_the_head_was_read_of_had_expired() -> None:
    """Tools and system live for an hour: that they are read does not tell that the messages were."""
    opening = transcript.opening(Opening("claude-opus-5", system=("be brief " * 400,)))
    begun = [opening, transcript.user("go")]
    sent = window(entries(begun))
    head = round(1000 * sum(one.tokens for one in sent.prefix) / sent.tokens)
    assert head > 900
    before, after = Usage("measured", 1000), Usage("measured", 100, head)
    assert not was_read(after, before, sent)
    assert was_read(Usage("measured", 50, 999), before, sent)


def test_a_cut_is_declared() -> None:
    """After a change of the system prompt the row is a cut, and only the new frames count as new."""
    sent, view = window(entries(SECOND)), window(entries(CUT))
    after = row(view, sent, row(sent))
    assert after.break_ == "cut"
    assert after.extends < sent.size
    assert 0 < after.new_tokens < view.tokens


def test_text_that_changed_without_a_cut_is_a_break() -> None:
    """When the frames of a resumed thread are no longer what was sent, the digest tells."""
    sent, view = window(entries(FIRST)), window(entries(SECOND))
    forged = row(window(entries([OPENING, transcript.user("something else")])))
    after = row(view, sent, forged)
    assert (after.break_, after.extends) == ("break", 0)


def test_dollars_are_known_for_a_priced_model() -> None:
    """The cost is the usage at the model's prices; it is unknown, not zero, for a model without."""
    view = window(entries(FIRST))
    assert row(view).cost_usd is not None
    unpriced = RequestMeter("agent", ModelProfile("scripted", "scripted", "scripted"))
    answer = Reply(Message("assistant", (Text("ok"),)), Usage("estimated", uncached_tokens=10))
    request = Request("scripted", (), (), view.turns)
    assert unpriced.row("t", request, answer, view, None, None, 0.0).cost_usd is None


def test_a_failure_has_a_row_without_a_key_in_it() -> None:
    """What the provider said is kept, short and without secrets."""
    from agentmem.meter.ledger import encode

    view = window(entries(FIRST))
    failed = METER.failure("t", Request("m", (), (), view.turns), ValueError("bad key sk-ant-REDACTME12345"), view, 0.0)
    assert b"ValueError" in encode(failed)
    assert b"REDACTME" not in encode(failed)
