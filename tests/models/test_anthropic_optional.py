"""What a server may refuse of our requests can be left out, and the first refusal says how."""

from typing import Any

import anthropic
import httpx2
import pytest

from agentmem.kvcache.frames import canonical
from agentmem.models.anthropic_errors import translate
from agentmem.models.anthropic_request import arguments
from agentmem.types import Mark, Request
from tests.models.requests import ask, request

MARKS = (Mark("system", 0, 0, "1h"), Mark("message", 0, 0, "5m"))


def marked() -> Request:
    return request(ask("hello"), system=("be brief",), marks=MARKS)


def text(**options: bool) -> str:
    return canonical(arguments(marked(), **options)).decode()


@pytest.mark.parametrize("name", ["diagnostics", "cache_control", "ttl"])
def test_each_can_be_left_out(name: str) -> None:
    """By default all are sent; what is switched off is nowhere in the body, and the rest is."""
    assert f'"{name}"' in text()
    without = text(**{name: False})
    assert f'"{name}"' not in without
    for other in {"diagnostics", "cache_control", "ttl"} - {name} - ({"ttl"} if name == "cache_control" else set()):
        assert f'"{other}"' in without


def refused(message: str) -> str:
    body: dict[str, Any] = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    response = httpx2.Response(400, request=httpx2.Request("POST", "http://127.0.0.1/"), json=body)
    return str(translate(anthropic.BadRequestError(message, response=response, body=body)))


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("diagnostics: Extra inputs are not permitted", "diagnostics"),
        ("cache_control: Extra inputs are not permitted", "cache_control"),
        ("system.0.cache_control.ephemeral.ttl: Extra inputs are not permitted", "ttl"),
        ("messages.0.content.0.text.cache_control: Extra inputs are not permitted", "cache_control"),
        ("Unrecognized request argument supplied: diagnostics", "diagnostics"),
        ("unknown field 'cache_control' in tools[2]", "cache_control"),
        ("this model does not support cache_control", "cache_control"),
    ],
)
def test_a_refusal_says_what_to_set(message: str, name: str) -> None:
    """The error keeps the server's words and names the setting."""
    said = refused(message)
    assert message in said
    assert f"set {name} = false below [models.anthropic]" in said


@pytest.mark.parametrize(
    "message",
    [
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        "max_tokens: Extra inputs are not permitted",
        "messages: at least one message is required",
    ],
)
def test_other_refusals_suggest_nothing(message: str) -> None:
    """Not every mention of a field is a refusal of it."""
    assert "= false" not in refused(message)
