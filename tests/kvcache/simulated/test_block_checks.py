"""The Messages API's refusals of single blocks, in its words and with the blocks' places."""

from typing import Any

import pytest

from agentmem.errors import ModelRejected
from agentmem.images import MOST_ENCODED
from agentmem.kvcache.simulated.checks import problem
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import LARGEST, MessagesServer
from agentmem.models.anthropic import AnthropicModel
from tests import pictures
from tests.kvcache.simulated.test_checks import body, call, result, text, tool
from tests.models.requests import ask, request

Body = dict[str, Any]
HEAVY = MOST_ENCODED // 4 * 3
"""Bytes of the heaviest picture."""


def picture(file: bytes | None = None, kind: str = "image/png", **source: Any) -> Body:
    made = pictures.block(file, kind)
    return {**made, "source": {**made["source"], **source}}


def named(name: str, identity: str = "t1") -> Body:
    return {**call(identity), "name": name}


def holding(*blocks: Any) -> Body:
    return body("a", [call()], [{**result(), "content": list(blocks)}])


@pytest.mark.parametrize(
    "good",
    [
        body([text(), picture(), picture(pictures.gif(), "image/gif")]),
        body([picture(pictures.png(8000, 8000))]),
        body([picture(pictures.png(2001, 1))] * 20),
        body([picture(pictures.png(2000, 2000))] * 100),
        body([picture(pictures.png(more=HEAVY - 29))]),
        body([picture(type="url", url="https://example.org/a.png")]),
        holding(picture(), text("x"), {"type": "search_result", "source": "s", "title": "t", "content": []}),
        holding(text(" ")),
        holding(),
        body("a", ""),
        body("a", [call()], [{"type": "tool_result", "tool_use_id": "t1"}]),
        body("a", [named("n" * 200, "A-z_0")], [result("A-z_0")]),
        body("a", tools=[tool("n" * 128)]),
        body("a", [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]),
        body(
            "a",
            [{"type": "thinking", "thinking": "", "signature": "s"}, call()],
            [result()],
            max_tokens=2000,
            thinking={"type": "enabled", "budget_tokens": 1024},
        ),
    ],
)
def test_served(good: Body) -> None:
    """A body within all limits, or at one, has no problem."""
    assert problem(good) is None


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (
            body([{"type": "reasoning"}]),
            "messages.0.content.0: Input tag 'reasoning' found using 'type' does not match",
        ),
        (body("a", [{"type": "reasoning"}]), "messages.1.content.0: Input tag 'reasoning'"),
        (body([text(), {"type": "image_url"}]), "messages.0.content.1: Input tag 'image_url'"),
        (holding(text(), {"type": "audio"}), "messages.2.content.0.tool_result.content.1: Input tag 'audio'"),
        (body([call()]), "`tool_use` blocks can only be in `assistant` messages"),
        (body("a", [picture()]), "`image` blocks can only be in `user` messages"),
        (body("a", [result()]), "`tool_result` blocks can only be in `user` messages"),
        (body([text(), text("")]), "messages.0.content.1: text content blocks must be non-empty"),
        (body("a", [text("\n\t ")]), "messages.1.content.0: text content blocks must contain non-whitespace text"),
        (
            holding(text("a"), text("")),
            "messages.2.content.0.tool_result.content.1: text content blocks must be non-empty",
        ),
        (body("a", "b "), "final assistant content cannot end with trailing whitespace"),
        (
            body("a", [call()]),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1",
        ),
        (body("a", tools=[tool("a.b")]), "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"),
        (body("a", tools=[tool("n" * 129)]), "tools.0.custom.name"),
        (body("a", tools=[tool("")]), "tools.0.custom.name"),
        (body("a", [named("")], [result()]), "messages.1.content.0.tool_use.name: String should have at least 1 char"),
        (body("a", [named("n" * 201)], [result()]), "tool_use.name: String should have at most 200 characters"),
        (body("a", [named("functions.read")], [result()]), "tool_use.name: String should match pattern"),
        (
            body("a", [call("read:0")], [result("read:0")]),
            "messages.1.content.0.tool_use.id: String should match pattern",
        ),
        (body("a", [call("")], [result("")]), "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"),
        (body("a", [{**call(), "input": "x"}], [result()]), "tool_use.input: Input should be a valid dictionary"),
        (body("a", [call("x"), call("x")], [result("x")]), "`tool_use` ids must be unique"),
        (body([picture(kind="image/bmp")]), "messages.0.content.0.image.source.base64.media_type: Input should be"),
        (body([picture(kind="")]), "image.source.base64.media_type: Input should be"),
        (body([picture(data="")]), "image.source.base64: image cannot be empty"),
        (body([picture(data="@@@")]), "image.source.base64.data: Invalid base64 data"),
        (body([picture(b"no picture at all, but long enough")]), "image.source.base64: Could not process image"),
        (body([picture(pictures.gif())]), "Image does not match the provided media type image/png"),
        (
            body([text(), picture(pictures.png(more=HEAVY))]),
            f"messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: {MOST_ENCODED + 40} bytes > ",
        ),
        (body([picture(pictures.png(8001, 1))]), "exceed max allowed size: 8000 pixels"),
        (
            holding(picture(pictures.png(1, 8001))),
            "messages.2.content.0.tool_result.content.0.image.source.base64.data: At",
        ),
        (body([picture(pictures.png(2001, 1))] * 21), "exceed max allowed size for many-image requests: 2000 pixels"),
        (body([picture()] * 101), "too many images: 101 > 100"),
        (
            body("a", [call()], [result()], max_tokens=2000, thinking={"type": "enabled", "budget_tokens": 1024}),
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`",
        ),
    ],
)
def test_refused(bad: Body, says: str) -> None:
    """A block beyond a limit or in a wrong form is refused, and its place is named."""
    assert says in (problem(bad) or "")


def test_a_request_may_have_32_megabytes() -> None:
    """A request above 32 MB is refused unread, as the API does, with its own status."""
    with MessagesServer([ServerAnswer.text("ok")]) as server:
        model = AnthropicModel("claude-sonnet-5", api_key="k", base_url=server.url, max_retries=0)
        with pytest.raises(ModelRejected, match="exceeds the maximum size"):
            list(model.stream(request(ask("order " * (LARGEST // 6 + 1)))))
        assert list(model.stream(request(ask("x" * 1000))))
        model.close()
