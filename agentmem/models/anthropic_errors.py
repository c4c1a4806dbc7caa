"""The Anthropic SDK's errors as ours: which kind, in the provider's words, without any key; and when to ask again."""

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
"""All that a request can end with. A stream that breaks raises the HTTP library's own errors."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a status or a kind of error means to us, and what to say first."""

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
"""First match wins: the kind that the error names, else its status."""

OPTIONAL = ("diagnostics", "ttl", "cache_control")
"""What our requests carry beside what every server takes, the most particular first: each can be left out."""

_REFUSAL = re.compile(
    r"not permitted|not allowed|not support|unsupported|unknown|unrecogni[sz]ed|unexpected|extra (?:input|field)", re.I
)
"""How servers say that they do not take a field."""

UNREACHABLE = Meaning(frozenset(), frozenset(), ModelUnreachable, "the provider could not be reached or did not finish")


def translate(error: Exception, secret: str | None = None) -> ModelError:
    """``error`` as one of ours. ``secret`` is taken out of its text, as is all that looks like one."""
    meaning = meaning_of(error)
    detail = getattr(error, "api_message", None) or str(error) or type(error).__name__
    text = scrub(detail.replace(secret, "[redacted]") if secret else detail)
    kind = PromptTooLong if meaning.error is ModelRejected and is_too_long(text) else meaning.error
    made = kind(f"{meaning.says}: {text}{_way_out(text) if kind is ModelRejected else ''}")
    if isinstance(made, ModelRejected):
        made.place = place_of(detail)
    return made


def _way_out(text: str) -> str:
    """What to set where a server refuses what it could do without."""
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
    """Whether a new try may help where the SDK makes none of its own: the stream had begun when it broke."""
    if isinstance(error, anthropic.APIStatusError):
        return error.status_code == 200 and meaning_of(error).error in (ModelOverloaded, ModelUnreachable)
    return not isinstance(error, anthropic.AnthropicError)


AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
"""Statuses below 500 that may be another one next time: as in Anthropic's own SDKs."""


def is_unanswered(error: Exception) -> bool:
    """Whether the request came to nothing in a way that may pass: no connection, overloaded, a fault of the server.

    ``x-should-retry`` is the server's own word on it.
    """
    if not isinstance(error, anthropic.APIStatusError):
        return isinstance(error, anthropic.APIConnectionError)
    says = error.response.headers.get("x-should-retry")
    by_status = error.status_code in AGAIN or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return says == "true" or (says != "false" and by_status)


def asked_wait(error: Exception) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date."""
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
