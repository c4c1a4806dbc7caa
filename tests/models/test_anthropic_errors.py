"""Which failed requests are sent again, and after what wait."""

import time
from email.utils import formatdate

import anthropic
import httpx2
import pytest

from agentmem.models.anthropic_errors import asked_wait, is_unanswered

REQUEST = httpx2.Request("POST", "http://localhost/v1/messages")


def refused(status: int, **headers: str) -> anthropic.APIStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return anthropic.APIStatusError("no", response=httpx2.Response(status, headers=named, request=REQUEST), body=None)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        *((refused(status), True) for status in (408, 409, 429, 500, 502, 503, 504, 529)),
        *((refused(status), False) for status in (400, 401, 402, 403, 404, 413, 422)),
        (refused(400, x_should_retry="true"), True),
        (refused(529, x_should_retry="false"), False),
        (anthropic.APIConnectionError(request=REQUEST), True),
        (anthropic.APITimeoutError(REQUEST), True),
        (anthropic.AnthropicError("no key"), False),
        (ValueError("ours"), False),
    ],
)
def test_what_is_sent_again(error: Exception, again: bool) -> None:
    """What may pass is; what is wrong with the request itself is not. The server's own word counts most."""
    assert is_unanswered(error) is again


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after_ms": "soon", "retry_after": "2"}, 2.0),
    ],
)
def test_the_wait_that_is_asked_for(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds before seconds; what cannot be read is no wish."""
    assert asked_wait(refused(429, **headers)) == seconds


def test_a_date_to_wait_for() -> None:
    """A date is as many seconds as it is away."""
    wait = asked_wait(refused(429, retry_after=formatdate(time.time() + 60, usegmt=True)))
    assert wait is not None
    assert 50 < wait <= 60


def test_no_answer_asks_for_nothing() -> None:
    """Without a response there is no header."""
    assert asked_wait(anthropic.APIConnectionError(request=REQUEST)) is None
