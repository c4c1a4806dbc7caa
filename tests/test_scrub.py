"""agentmem.scrub."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.scrub import _PATTERNS, REDACTED, scrub

BODY = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key sk-ant-api03-{BODY} was refused", f"sk-ant-api03-{BODY}"),
        (f"Incorrect API key provided: sk-proj-{BODY}.", BODY),
        (f"Authorization: Bearer {BODY}", BODY),
        (f"authorization: basic {BODY}==", BODY),
        (f"{{'x-api-key': '{BODY}'}}", BODY),
        (f'{{"api_key":"{BODY}"}}', BODY),
        (f"ANTHROPIC_API_KEY={BODY} agentmem run", BODY),
        ("cannot reach postgres://me:hunter2@db.example/x", "hunter2"),
        ("cannot reach postgres://me:hunter@2@db.example/x", "hunter@2"),
        ("redis://:hunter2@localhost:6379", "hunter2"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        (f"aws_secret_access_key = {BODY}/x", BODY),
        (f"ghp_{BODY}", BODY),
        (f"github_pat_{BODY}", BODY),
        (f"xoxb-{BODY}", BODY),
        (f"AIza{BODY}abc", BODY),
        (f"hf_{BODY}", BODY),
        (f"eyJhbGciOiJIUzI1NiJ9.{BODY}.{BODY}", BODY),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----", BODY),
        (f"-----BEGIN PRIVATE KEY-----\n{BODY} (cut short", BODY),
        (f"https://x.example/v1?token={BODY}&page=2", BODY),
        ("password: correct-horse", "correct-horse"),
    ],
)
def test_a_secret_is_taken_out(text: str, secret: str) -> None:
    """Keys, tokens, headers, passwords and private keys are removed."""
    assert secret not in scrub(text)
    assert REDACTED in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "the request would take about 12,345 tokens and the budget is 100,000",
        "max_tokens: 8192, input tokens: 1234567",
        "see https://docs.example/errors#overloaded and page.md#API keys",
        "mailto:someone@example.com wrote",
        "risk-management and task-oriented work",
        "sha256 9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "msg_01XFDUDYJgAACzvnptvVoYEL",
        "previous_message_not_found",
        "http://127.0.0.1:8080/v1/messages",
    ],
)
def test_plain_text_is_left_alone(text: str) -> None:
    """Text without a secret stays as it is."""
    assert scrub(text) == text


@given(st.text(), st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789_-", min_size=20, max_size=60), st.text())
def test_a_key_is_found_in_any_text(before: str, body: str, after: str) -> None:
    """A key between spaces is removed from any text."""
    assert f"sk-{body}" not in scrub(f"{before} sk-{body} {after}")


@given(st.text())
def test_scrubbing_twice_changes_nothing(text: str) -> None:
    """A scrubbed text holds nothing to scrub."""
    once = scrub(text)
    assert scrub(once) == once


PIECES = [
    *("-----BEGIN RSA PRIVATE KEY-----\nabc", "-----END RSA PRIVATE KEY-----", "https://u:p@h/x", "Bearer abcdefghijk"),
    *("\u017fk-abcdefghijk", "s\u212a-abcdefghijk", f"AKIA{BODY[:16].upper()}", f"ghp_{BODY}", f"github_pat_{BODY}"),
    *(
        f"glpat-{BODY}",
        f"xoxb-{BODY}",
        f"AIza{BODY}",
        f"hf_{BODY}",
        "eyJabcdefghij.abcdefghij.x",
        "api_key = 'abcdefgh'",
    ),
    *(
        "pa\u017f\u017fword: abcdefgh",
        "to\u212aen=abcdefg",
        "PASSWORD=hunter22",
        " ",
        "\n",
        "word",
        "\u0130",
        "\u00df",
        "=",
    ),
]


@given(st.lists(st.sampled_from(PIECES), max_size=6))
def test_a_shape_is_found_wherever_one_of_its_texts_is(pieces: list[str]) -> None:
    """A shape that is searched for only where a text of it stands is found as if it were searched for everywhere."""
    text = whole = "".join(pieces)
    for _, pattern in _PATTERNS:
        whole = re.sub(pattern, _bare, whole, flags=re.IGNORECASE | re.DOTALL)
    assert scrub(text) == whole


def _bare(match: re.Match[str]) -> str:
    return (match.groupdict().get("keep") or "") + REDACTED
