"""agentmem.meter.ledger."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.meter.ledger import Break, Row, classify, decode, draft, encode
from agentmem.types import Basis, Usage
from tests.meter.rows import ROW, entry, row

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
