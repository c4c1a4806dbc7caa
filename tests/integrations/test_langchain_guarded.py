"""The last look at a request's marks: at most four, in an order that the API takes."""

from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from pydantic import SecretStr

from agentmem.integrations.langchain_guarded import KEY, guarded, settled
from agentmem.kvcache.simulated.checks import problem

LONG, SHORT = {"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral"}


def body(tools: Any = None, system: Any = None, said: Any = (), whole: Any = None) -> dict[str, Any]:
    """A body with these marks, None for none."""

    def marked(block: dict[str, Any], mark: Any) -> dict[str, Any]:
        return {**block, **({KEY: mark} if mark else {})}

    made = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 10,
        "tools": [marked({"name": "a", "input_schema": {"type": "object"}}, tools)],
        "system": [marked({"type": "text", "text": "Be brief."}, system)],
        "messages": [
            {"role": ("user", "assistant")[at % 2], "content": [marked({"type": "text", "text": f"said {at}"}, mark)]}
            for at, mark in enumerate((*said, None) if len(said) % 2 == 0 else said)
        ],
    }
    return marked(made, whole)


CASES = {
    "ours": (body(None, LONG, (SHORT, None, SHORT)), 3),
    "with theirs behind": (body(SHORT, SHORT, (SHORT, None, SHORT), SHORT), 4),
    "a tool before our hour": (body(SHORT, LONG, (SHORT,)), 2),
    "the whole body": (body(None, LONG, (SHORT, SHORT, SHORT), SHORT), 4),
    "many messages": (body(None, LONG, (SHORT, SHORT, SHORT, SHORT, SHORT)), 4),
    "none": (body(), 0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_api_takes_what_goes_out(name: str) -> None:
    """Whatever was marked, the API's own checks pass, and as many marks stay as fit."""
    given, left = CASES[name]
    made = settled(given)
    assert problem(made) is None
    assert str(made).count(f"'{KEY}'") == left


def test_the_newest_message_keeps_its_mark() -> None:
    """Marks in messages leave from the earliest on."""
    made = settled(body(None, LONG, (SHORT,) * 7))
    assert [KEY in one["content"][0] for one in made["messages"]] == [False] * 4 + [True] * 3


def test_a_guarded_model_is_one_of_its_class() -> None:
    """LangChain's middlewares look at the class; the model given stays as it was."""
    model: Any = ChatAnthropic(model_name="claude-sonnet-5-5", api_key=SecretStr("x"), timeout=None, stop=None)
    made = guarded(model)
    assert isinstance(made, ChatAnthropic) and type(made).__name__ == "ChatAnthropic"
    assert type(model) is ChatAnthropic and made is not model
    payload = made._get_request_payload([("user", [{"type": "text", "text": str(at), KEY: SHORT}]) for at in range(7)])
    assert str(payload).count(f"'{KEY}'") == 4
