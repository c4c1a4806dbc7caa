"""Which failed requests to Anthropic's Messages API are sent again, and how long it asks to wait before."""

import time
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus

import anthropic

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
