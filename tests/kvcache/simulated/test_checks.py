"""The Messages API's refusals, in its words."""

import copy
from typing import Any

import pytest

from agentmem.kvcache.simulated.checks import problem

Body = dict[str, Any]
MARK = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}


def text(content: str = "hi", **more: Any) -> Body:
    """A text block."""
    return {"type": "text", "text": content, **more}


def call(identity: str = "t1") -> Body:
    """A tool call."""
    return {"type": "tool_use", "id": identity, "name": "read", "input": {}}


def result(identity: str = "t1", **more: Any) -> Body:
    """A tool result."""
    return {"type": "tool_result", "tool_use_id": identity, "content": [text("ok")], **more}


def body(*contents: list[Body] | str, **more: Any) -> Body:
    """A body whose messages alternate, beginning with the user."""
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": content} for index, content in enumerate(contents)]
    tools = [{"name": "read", "input_schema": {"type": "object"}}]
    return {"model": "claude-opus-5", "max_tokens": 100, "tools": tools, "messages": messages, **more}


def without(name: str) -> Body:
    """A body that lacks a field."""
    return {key: value for key, value in body("hi").items() if key != name}


@pytest.mark.parametrize(
    "good",
    [
        body("hi"),
        body("hi", max_tokens=0),
        body([text()], [call()], [result(), text("and?")]),
        body([text()], [call("a"), call("b")], [result("b"), result("a")]),
        body([text()], [{"type": "thinking", "thinking": "", "signature": "s"}, call()], [result()]),
        body([text(cache_control=LONG)], [text(cache_control=LONG)], [text(cache_control=MARK)], cache_control=MARK),
        body("hi", thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000),
        body("hi", [text("prefill")]),
        {**body(), "messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]},
        {
            **body(),
            "messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": [call("a")]},
                {"role": "assistant", "content": [call("b")]},
                {"role": "user", "content": [result("a")]},
                {"role": "user", "content": [result("b")]},
            ],
        },
    ],
)
def test_served(good: Body) -> None:
    """Bodies that the API serves have no problem: neighbours of one role are merged, not refused."""
    before = copy.deepcopy(good)
    assert problem(good) is None
    assert good == before


def tool(name: str) -> Body:
    """A tool definition."""
    return {"name": name, "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (without("max_tokens"), "max_tokens: Field required"),
        (without("model"), "model: Field required"),
        (without("messages"), "messages: Field required"),
        (body("hi", max_tokens=-1), "greater than or equal to 0"),
        (body(), "at least one message is required"),
        ({**body(), "messages": [{"role": "assistant", "content": "a"}]}, "first message must use the user role"),
        (body([text("")]), "must be non-empty"),
        (body([text(" \n")]), "must contain non-whitespace text"),
        (body([text("", cache_control=MARK)]), "cache_control cannot be set for empty text blocks"),
        (body("hi", system=[text("")]), "must contain non-whitespace text"),
        (body([]), "must have non-empty content"),
        (body("a", [], "b"), "must have non-empty content"),
        (body("hi", tools=[tool("a"), tool("a")]), "Tool names must be unique"),
        (body("hi", tool_choice={"type": "tool", "name": "write"}), "Tool 'write' not found"),
        (body([result()]), "unexpected `tool_use_id` found in `tool_result` blocks: t1"),
        (body("a", "b", [result()]), "unexpected `tool_use_id`"),
        (body("a", [call()], "b"), "`tool_use` ids were found without `tool_result` blocks immediately after: t1"),
        (body("a", [call("x"), call("y")], [result("x")]), "immediately after: y"),
        (body("a", [call()], [text(), result()]), "without `tool_result` blocks immediately after"),
        (body("a", [call()], [result(), result()]), "must have a single result"),
        (body("a", [call(), call()], [result()]), "`tool_use` ids must be unique"),
        (body("a", [call()], [result()], [call()], [result()]), "`tool_use` ids must be unique"),
        (
            body("a", [{"type": "thinking", "thinking": "", "signature": "s", "cache_control": MARK}]),
            "thinking.cache_control: Extra inputs are not permitted",
        ),
        (body([text(cache_control=MARK)] * 5), "A maximum of 4 blocks with cache_control may be provided. Found 5."),
        (body([text(cache_control=MARK)] * 4, cache_control=MARK), "Found 5."),
        (
            body("a", [call()], [{**result(), "content": [text(cache_control=MARK)] * 4, "cache_control": MARK}]),
            "Found 5.",
        ),
        (
            body([text(cache_control=MARK), text(cache_control=LONG)]),
            "ttl='1h' cache_control block must not come after",
        ),
        (body([text(cache_control=LONG)], tools=[{**tool("a"), "cache_control": MARK}]), "must not come after"),
        (body("hi", thinking={"type": "enabled", "budget_tokens": 500}, max_tokens=2000), "budget_tokens"),
        (body("hi", thinking={"type": "enabled", "budget_tokens": 2000}, max_tokens=2000), "budget_tokens"),
        (body("hi", thinking={"type": "adaptive"}, temperature=0), "`temperature` may only be set to 1"),
        (body("hi", thinking={"type": "adaptive"}, tool_choice={"type": "any"}), "forces tool use"),
    ],
)
def test_refused(bad: Body, says: str) -> None:
    """Each body that the API refuses is refused, with the API's message."""
    assert says in (problem(bad) or "")


def test_the_first_problem_is_named() -> None:
    """The checks run in order and stop at the first problem."""
    assert problem(body([text("")], max_tokens=-1)) == "max_tokens: Input should be greater than or equal to 0"
