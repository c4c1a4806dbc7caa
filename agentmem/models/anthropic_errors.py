"""Turns the Anthropic SDK's errors into ours, in the provider's words and without any key, and says when to retry.

It stands apart from `anthropic` as a table of the API's statuses and error kinds.
"""

import json
import re
import time
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus

import anthropic
import httpx2

from agentmem.errors import (
    ModelError,
    ModelNotAvailable,
    ModelOverloaded,
    ModelRejected,
    ModelUnreachable,
    PromptTooLong,
)
from agentmem.models.anthropic_reply import BrokenReply
from agentmem.models.error_messages import is_too_long, place_of
from agentmem.scrub import scrub

CAUGHT = (anthropic.AnthropicError, httpx2.HTTPError, httpx2.StreamError, json.JSONDecodeError, BrokenReply)
"""Every error that a request can end with. A stream that breaks raises the HTTP library's own errors."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a status or a kind of error: our class, and the words to begin with."""

    statuses: frozenset[int]
    kinds: frozenset[str]
    error: type[ModelError]
    says: str


MEANINGS = (
    Meaning(
        frozenset({401, 403}),
        frozenset({"authentication_error", "permission_error"}),
        ModelNotAvailable,
        "the provider does not accept the key; set ANTHROPIC_API_KEY or give api_key",
    ),
    Meaning(
        frozenset({402}),
        frozenset({"billing_error"}),
        ModelNotAvailable,
        "the provider wants its account settled",
    ),
    Meaning(frozenset({404}), frozenset({"not_found_error"}), ModelNotAvailable, "the provider has no such model"),
    Meaning(
        frozenset({429, 529}),
        frozenset({"rate_limit_error", "overloaded_error"}),
        ModelOverloaded,
        "the provider is overloaded or limits the rate; try again later",
    ),
    Meaning(
        frozenset({400, 413, 422}),
        frozenset({"invalid_request_error", "request_too_large"}),
        ModelRejected,
        "the provider refused the request",
    ),
)
"""The meanings of errors. The kind that an error names counts first, then its status; the first match wins."""

OPTIONAL = ("diagnostics", "ttl", "cache_control")
"""The optional fields of our requests, which some servers refuse, the most specific first."""

_REFUSAL = re.compile(
    r"not permitted|not allowed|not support|unsupported|unknown|unrecogni[sz]ed|unexpected|extra (?:input|field)", re.I
)
"""The words with which servers refuse a field."""

UNREACHABLE = Meaning(frozenset(), frozenset(), ModelUnreachable, "the provider could not be reached or did not finish")


def translate(error: Exception, secret: str | None = None) -> ModelError:
    """``error`` as one of ours. ``secret`` and everything that looks like a secret is removed from its text."""
    meaning = meaning_of(error)
    detail = getattr(error, "api_message", None) or str(error) or type(error).__name__
    text = scrub(detail.replace(secret, "[redacted]") if secret else detail)
    kind = PromptTooLong if meaning.error is ModelRejected and is_too_long(text) else meaning.error
    made = kind(f"{meaning.says}: {text}{_way_out(text) if kind is ModelRejected else ''}")
    if isinstance(made, ModelRejected):
        made.place = place_of(detail)
    return made


def _way_out(text: str) -> str:
    """The setting to change if a server refuses an optional field."""
    words = re.findall(r"[a-z_]+", text)
    refused = next((name for name in OPTIONAL if name in words), None)
    if refused is None or not _REFUSAL.search(text):
        return ""
    return (
        f". This server refuses {refused}: set {refused} = false below [models.anthropic] in agentmem.toml, "
        f"or give {refused}=False to AnthropicModel"
    )


def meaning_of(error: Exception) -> Meaning:
    """The row of MEANINGS for an error; an error inside a stream has the stream's status, 200, and names its kind."""
    kind = getattr(error, "type", None)
    status = getattr(error, "status_code", None)
    named = (row for row in MEANINGS if kind in row.kinds)
    return next(named, next((row for row in MEANINGS if status in row.statuses), UNREACHABLE))


def passing(error: Exception) -> bool:
    """True if another try may help after a stream that had begun and broke; the SDK does not retry those."""
    if isinstance(error, anthropic.APIStatusError):
        return error.status_code == 200 and meaning_of(error).error in (ModelOverloaded, ModelUnreachable)
    return not isinstance(error, anthropic.AnthropicError)


AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
"""Statuses below 500 after which another try may succeed: the same as in Anthropic's own SDKs."""


def is_unanswered(error: Exception) -> bool:
    """True if the request got no answer for a passing reason: no connection, an overload, a fault of the server.

    The server's own header ``x-should-retry`` wins.
    """
    if not isinstance(error, anthropic.APIStatusError):
        return isinstance(error, anthropic.APIConnectionError)
    says = error.response.headers.get("x-should-retry")
    by_status = error.status_code in AGAIN or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return says == "true" or (says != "false" and by_status)


def asked_wait(error: Exception) -> float | None:
    """The seconds that the server asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date."""
    if not isinstance(error, anthropic.APIStatusError):
        return None
    headers = error.response.headers
    milliseconds, said = _number(headers.get("retry-after-ms")), headers.get("retry-after")
    seconds = _number(said) if milliseconds is None else milliseconds / 1000
    date = parsedate_tz(said) if seconds is None and said else None
    seconds = mktime_tz(date) - time.time() if date else seconds
    return None if seconds is None else max(0.0, seconds)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
