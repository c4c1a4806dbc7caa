"""agentmem.meter.ledger."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.context.view import wire
from agentmem.context.window import View, extend, window
from agentmem.meter.ledger import Break, RequestMeter, Row, classify, decode, draft, encode, extension, was_read
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening
from agentmem.types import Basis, Draft, Message, ModelProfile, Reply, Request, Text, Usage
from tests.meter.rows import ROW, entry, row
from tests.transcript.transcripts import drafts, entries, reply

COUNTS = st.integers(0, 10_000_000)
MONEY = st.none() | st.integers(0, 10**11).map(lambda nanos: nanos / 10**9)
SECONDS = st.integers(0, 10**7).map(lambda millis: millis / 1000)
NAMES = st.text(st.characters(codec="ascii", categories=("Ll", "Nd")), min_size=1, max_size=20)
USAGES = st.builds(Usage, st.sampled_from(get_args(Basis)), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
ROWS = st.builds(
    Row,
    thread=NAMES,
    agent=NAMES,
    purpose=NAMES,
    model=NAMES,
    tier=st.sampled_from(("cloud", "local", "scripted")),
    usage=USAGES,
    at=SECONDS,
    estimate=COUNTS,
    first_token_after=SECONDS,
    seconds=SECONDS,
    cost_usd=MONEY,
    cost_uncached_usd=MONEY,
    priced_as=st.just("") | NAMES,
    digest=st.just("") | st.just("0f" * 32),
    extends=COUNTS,
    bytes=COUNTS,
    new_tokens=COUNTS,
    context_tokens=COUNTS,
    provider_reason=st.none() | NAMES,
    message_id=st.just("") | NAMES,
    break_=st.sampled_from(get_args(Break)),
    error=st.none() | NAMES,
)


@given(ROWS)
def test_a_row_survives_its_entry(one: Row) -> None:
    """Decoding an encoded row gives the row again, whatever was left out of it."""
    assert decode(entry(encode(one), one.thread)) == one
    assert draft(one).known == json.loads(draft(one).data)


@given(ROWS)
def test_encoding_is_canonical(one: Row) -> None:
    """The same row always has the same bytes, and they are compact JSON."""
    data = encode(one)
    assert data == encode(decode(entry(data, one.thread)))
    assert data == json.dumps(json.loads(data), separators=(",", ":"), ensure_ascii=False).encode()


def test_a_full_row_is_small() -> None:
    """A row with every field given takes less than 500 bytes."""
    full = row(
        usage=Usage("simulated", 123_456, 123_456, 123_456, 123_456, 12_345),
        priced_as="anthropic:claude-sonnet-5-5",
        provider_reason="previous_message_not_found",
        break_="expiry",
    )
    assert len(encode(full)) < 500


def test_free_text_is_cut_short() -> None:
    """However long an error is, its row stays below 500 bytes beyond it."""
    assert len(encode(row(error="no connection " * 500, digest=""))) < 500


def test_an_ordinary_row_leaves_out_what_goes_without_saying() -> None:
    """Zeros, unknowns and the thread's name (the entry's own) are not written."""
    bare = Row("run-1", "agent", "answer", "local:smollm2", "local", Usage("measured"), at=1.0)
    assert set(json.loads(encode(bare))) == {"agent", "for", "model", "tier", "at", "basis"}


@pytest.mark.parametrize("name", ["error", "provider_reason"])
def test_secrets_never_reach_the_ledger(name: str) -> None:
    """A key in what a provider or an error wrote is gone from the row's bytes."""
    secret = "sk-ant-api03-abcdefghijklmnop"
    data = encode(row(**{name: f"x {secret} y"}))
    assert secret.encode() not in data
    assert b"[redacted]" in data


def test_text_that_is_not_unicode_is_still_encoded() -> None:
    """A lone surrogate in an error does not lose the row."""
    assert decode(entry(encode(row(error="bad \ud800 text")))).error == "bad ? text"


def test_keys_of_a_later_version_are_passed_over() -> None:
    """A row with an unknown key decodes."""
    value = json.loads(encode(ROW)) | {"colour": "blue"}
    assert decode(entry(json.dumps(value).encode())) == ROW


def test_an_unknown_basis_is_refused() -> None:
    """Numbers of an unknown meter are not taken for measured ones."""
    value = json.loads(encode(ROW)) | {"basis": "guessed"}
    with pytest.raises(KeyError):
        decode(entry(json.dumps(value).encode()))


def test_a_draft_is_a_usage_entry() -> None:
    """The row is appended as an entry of kind "usage"."""
    assert draft(ROW).kind == "usage"
    assert draft(ROW).data == encode(ROW)


@pytest.mark.parametrize(
    ("first", "extends", "cut", "idle", "expected"),
    [
        (True, False, False, 0.0, "first"),
        (False, True, False, 10.0, "none"),
        (False, True, False, 301.0, "expiry"),
        (False, True, True, 10.0, "none"),
        (False, False, True, 900.0, "cut"),
        (False, False, False, 10.0, "break"),
        (False, False, False, 900.0, "break"),
    ],
)
def test_a_request_is_classified(first: bool, extends: bool, cut: bool, idle: float, expected: str) -> None:
    """A prefix that changed is a break unless a cut declares it; an unchanged one may have expired."""
    assert classify(first=first, extends=extends, cut=cut, idle=idle, lifetime=300.0) == expected


def test_a_name_that_cannot_be_encoded() -> None:
    """Half a surrogate pair becomes a question mark, and what the draft knows does not say otherwise."""
    made = draft(row(message_id="a\ud800b"))
    assert json.loads(made.data)["id"] == "a?b"
    assert made.known is None


METER = RequestMeter("agent", ModelProfile("anthropic", "claude-sonnet-4-5", "cloud"))
OPENING = transcript.opening(Opening("claude-sonnet-4-5", system=("be brief",)))
FIRST = [OPENING, transcript.user("go")]
SECOND = [*FIRST, reply(Text("done")), transcript.user("more")]
CUT = [*SECOND, transcript.reconfigure(Opening("claude-sonnet-4-5", system=("be long",)))]


def metered(view: View, sent: View | None = None, last: Row | None = None, at: float = 0.0) -> Row:
    request = Request("claude-sonnet-4-5", (), (), view.turns)
    answer = Reply(Message("assistant", (Text("ok"),)), Usage("measured", uncached_tokens=10, output_tokens=2))
    return METER.row("t", request, answer, view, sent, last, at)


@given(drafts(cuts=True), st.data())
def test_extension_is_the_common_prefix_in_whole_frames(made: list[Draft], data: st.DataObject) -> None:
    """It is all of the earlier wire where that is a prefix of the later, and never more than both begin with."""
    views = [View()]
    for one in entries(made):
        views.append(extend(views[-1], one))
    early, late = sorted((data.draw(st.integers(1, len(views) - 1)), data.draw(st.integers(1, len(views) - 1))))
    before, after = wire(views[early]), wire(views[late])
    shared = extension(views[early], views[late])
    assert before[:shared] == after[:shared]
    if after.startswith(before):
        assert shared == len(before)


def test_the_first_request_is_all_new() -> None:
    """There is nothing before it to extend."""
    view = window(entries(FIRST))
    first = metered(view)
    assert (first.break_, first.extends, first.new_tokens) == ("first", 0, view.tokens)


def test_a_request_that_extends_sends_only_what_is_new() -> None:
    """Within the lifetime it is no break; after it, the cache entry had expired."""
    sent, view = window(entries(FIRST)), window(entries(SECOND))
    first = metered(sent)
    second = metered(view, sent, first, at=10.0)
    assert (second.break_, second.extends, second.new_tokens) == ("none", sent.size, view.tokens - sent.tokens)
    assert metered(view, sent, first, at=301.0).break_ == "expiry"


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
    after = metered(view, sent, metered(sent))
    assert after.break_ == "cut"
    assert after.extends < sent.size
    assert 0 < after.new_tokens < view.tokens


def test_text_that_changed_without_a_cut_is_a_break() -> None:
    """When the frames of a resumed thread are no longer what was sent, the digest tells."""
    sent, view = window(entries(FIRST)), window(entries(SECOND))
    forged = metered(window(entries([OPENING, transcript.user("something else")])))
    after = metered(view, sent, forged)
    assert (after.break_, after.extends) == ("break", 0)


def test_dollars_are_known_for_a_priced_model() -> None:
    """The cost is the usage at the model's prices; it is unknown, not zero, for a model without."""
    view = window(entries(FIRST))
    assert metered(view).cost_usd is not None
    unpriced = RequestMeter("agent", ModelProfile("scripted", "scripted", "scripted"))
    answer = Reply(Message("assistant", (Text("ok"),)), Usage("estimated", uncached_tokens=10))
    request = Request("scripted", (), (), view.turns)
    assert unpriced.row("t", request, answer, view, None, None, 0.0).cost_usd is None


def test_a_failure_has_a_row_without_a_key_in_it() -> None:
    """What the provider said is kept, short and without secrets."""
    view = window(entries(FIRST))
    failed = METER.failure("t", Request("m", (), (), view.turns), ValueError("bad key sk-ant-REDACTME12345"), view, 0.0)
    assert b"ValueError" in encode(failed)
    assert b"REDACTME" not in encode(failed)
