"""A thread goes on with another provider: every pair, with thoughts, calls and pictures, through the real classes."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_deepseek import ChatDeepSeek
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_mistralai import ChatMistralAI
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from pydantic import SecretStr

from agentmem.context.view import request
from agentmem.context.window import window
from agentmem.kvcache.simulated.checks import problem
from agentmem.models.anthropic_request import arguments, check_body
from agentmem.models.langchain_messages import TAKEN, Converter, Taken
from agentmem.models.local import readable
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening
from agentmem.types import Block, Draft, Image, Json, Opaque, Request, Text, ToolCall, ToolResult
from tests.models.requests import PIXEL, READ
from tests.transcript.transcripts import entries, reply

KEY = SecretStr("k")
CHATS: dict[str, Callable[[], Any]] = {
    "openai": lambda: ChatOpenAI(model="gpt-5.5", api_key=KEY),
    "openai responses": lambda: ChatOpenAI(model="gpt-5.5", api_key=KEY, use_responses_api=True),
    "azure": lambda: AzureChatOpenAI(
        model="gpt-5", azure_endpoint="http://127.0.0.1:9", api_version="2025-01-01", api_key=KEY
    ),
    "mistral": lambda: ChatMistralAI(model_name="mistral-large-latest", api_key=KEY),
    "deepseek": lambda: ChatDeepSeek(model="deepseek-chat", api_key=KEY),
    "google_genai": lambda: ChatGoogleGenerativeAI(model="gemini-2.5-pro", google_api_key=KEY),
}
PROVIDERS = ("anthropic", "local", *CHATS)
MODELS = {"anthropic": "claude-sonnet-5", "local": "smollm2"}


def opaque(**value: Any) -> Opaque:
    return Opaque(json.dumps(value))


THOUGHTS: dict[str, tuple[Block, ...]] = {
    "anthropic": (
        opaque(type="thinking", thinking="hm", signature="s"),
        opaque(type="redacted_thinking", data="x"),
        opaque(type="server_tool_use", id="srvtoolu_1", name="web_search", input={"query": "x"}),
        opaque(type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[]),
        opaque(type="text", text="As they say.", citations=[]),
    ),
    "openai responses": (
        opaque(type="reasoning", id="rs_1", summary=[{"type": "summary_text", "text": "hm"}]),
        opaque(type="web_search_call", id="ws_1", status="completed"),
        opaque(type="refusal", refusal="Not that."),
    ),
    "google_genai": (
        opaque(type="thinking", thinking="hm", signature="s"),
        opaque(type="executable_code", executable_code="1", language="PYTHON", id="e1"),
        opaque(type="code_execution_result", code_execution_result="1", outcome=1, tool_call_id="e1"),
    ),
    "mistral": (
        opaque(type="thinking", thinking=[{"type": "text", "text": "hm"}]),
        opaque(type="reference", reference_ids=[1]),
    ),
}
"""What each writes that others cannot read."""

IDS = {
    "anthropic": "toolu_01A09q90qw90lq917835lq9",
    "mistral": "D681PevKs",
    "local": "chatcmpl-tool-0123456789abcdef0123456789abcdef",
    "deepseek": "functions.read:0",
    "google_genai": "1f0c6ef2-8f55-4a39-9f0e-6d7d4a0d9f5b",
}
"""Forms of their ids, those of servers that they are used through too."""


def opening(provider: str) -> Opening:
    """What a thread is opened with under a provider; the two ways to speak to OpenAI are one provider."""
    model = MODELS.get(provider, provider.split()[0])
    return Opening(model, (READ,), ("Be brief.",), provider=provider.split()[0])


def spoken(provider: str) -> list[Draft]:
    """A thread of two rounds: thoughts, two calls whose ids come again, a picture from a person and from a tool."""
    first, second = IDS.get(provider, "call_abc"), f"{IDS.get(provider, 'call_abc')[:-1]}8"
    calls = (ToolCall(first, "read", '{"page":"a"}'), ToolCall(second, "functions.read", "{}"))
    made = [transcript.opening(opening(provider)), transcript.user([Text("Look."), PIXEL])]
    for _ in range(2):
        made.append(reply(*THOUGHTS.get(provider, ()), Text("I look."), *calls))
        made.append(transcript.tool_result(ToolResult(second, (Text(""),), is_error=True)))
        made.append(transcript.tool_result(ToolResult(first, (Text("Here:"), Image("image/jpg", PIXEL.data)))))
    return made


def sent(made: list[Draft]) -> Request:
    """The request that a thread stands for."""
    return request(window(entries(made)), estimate=0, limit=1, thread="t")


def converted(chat: Any, one: Request) -> tuple[list[BaseMessage], Any]:
    """LangChain's messages for a request, and what the provider's class makes of them."""
    provider = chat._get_ls_params()["ls_provider"]
    messages = Converter(False, TAKEN.get(provider, Taken())).messages(one)
    if isinstance(chat, ChatGoogleGenerativeAI):
        return messages, chat._prepare_request(messages)["contents"]
    if isinstance(chat, ChatMistralAI):
        return messages, chat._create_message_dicts(messages, None)[0]
    payload = chat._get_request_payload(messages)
    return messages, payload.get("messages") or payload["input"]


def check_claude(one: Request) -> None:
    """The Messages API, as the strict server has it."""
    body = json.loads(json.dumps(arguments(one)))
    check_body(body)
    assert problem(body) is None


def check_chat(messages: Sequence[Json], pictures: bool = True) -> None:
    """OpenAI's chat completions: every call answered at once, ids of at most 40 characters, results of text alone."""
    open_calls: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            assert message["tool_call_id"] == open_calls.pop(0)
            assert isinstance(message["content"], str)
            continue
        assert not open_calls
        content = message.get("content")
        for part in content if isinstance(content, list) else []:
            assert part["type"] in ({"text", "image_url"} if message["role"] == "user" and pictures else {"text"})
        open_calls = [call["id"] for call in message.get("tool_calls") or ()]
        assert all(len(id) <= 40 for id in open_calls)
        assert all(_NAME.fullmatch(call["function"]["name"]) for call in message.get("tool_calls") or ())
        assert content or open_calls, (at, message)
    assert not open_calls


_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def check_responses(items: Sequence[Json]) -> None:
    """OpenAI's responses: known items only, calls with their outputs, no item of another provider's."""
    kinds = [item.get("type", "message") for item in items]
    assert set(kinds) <= {"message", "function_call", "function_call_output"}
    calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
    outputs = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
    assert calls == outputs
    assert len(set(calls)) == len(calls)
    assert all(len(id) <= 64 for id in calls)


def check_mistral(messages: Sequence[Json]) -> None:
    """As chat completions, with ids of nine characters, and nobody but the model speaks after a result."""
    check_chat(messages)
    for before, after in pairwise(messages):
        assert (before["role"], after["role"]) != ("tool", "user")
        assert all(re.fullmatch("[a-zA-Z0-9]{9}", call["id"]) for call in before.get("tool_calls") or ())


def check_google(contents: Sequence[Any]) -> None:
    """Gemini: turns alternate, each with parts, and as many answers as calls, in the turn after them."""
    roles = [one.role for one in contents]
    assert roles[0] == "user"
    for before, after in pairwise(contents):
        calls = [part.function_call.name for part in before.parts if part.function_call]
        answers = [part.function_response.name for part in after.parts if part.function_response]
        assert calls == answers
    assert all(one.parts for one in contents)


def check(provider: str, one: Request) -> None:
    """Raises AssertionError where the provider would refuse a request."""
    if provider in ("anthropic", "local"):
        return check_claude(one if provider == "anthropic" else replace(one, turns=readable(one.turns)))
    _, made = converted(CHATS[provider](), one)
    checks: dict[str, Callable[[Any], None]] = {
        "openai responses": check_responses,
        "mistral": check_mistral,
        "google_genai": check_google,
        "deepseek": lambda messages: check_chat(messages, pictures=False),
    }
    return checks.get(provider, check_chat)(made)


PAIRS = [pair for pair in permutations(PROVIDERS, 2) if {one.split()[0] for one in pair} != {"openai"}]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_thread_goes_on(before: str, after: str) -> None:
    """With whatever the one wrote, the other is given what it takes."""
    changed = transcript.reconfigure(opening(after))
    made = [*spoken(before), changed, transcript.user("And now?")]
    check(after, sent(made))
    check(after, sent([*made, reply(Text("Fine.")), transcript.user("Thanks.")]))


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_thread_goes_on_while_calls_are_open(before: str, after: str) -> None:
    """The provider changes before the results of the last calls are in."""
    made = spoken(before)
    check(after, sent([*made[:-2], transcript.reconfigure(opening(after)), *made[-2:], transcript.user("And now?")]))


@pytest.mark.parametrize("provider", [one for one in PROVIDERS if one != "openai responses"])
def test_there_and_back(provider: str) -> None:
    """A thread that comes back to its provider is served too: thoughts of the first stretch stay away."""
    other = "openai" if provider == "anthropic" else "anthropic"
    made = [*spoken(provider), transcript.reconfigure(opening(other)), transcript.user("a"), reply(Text("b"))]
    check(provider, sent([*made, transcript.reconfigure(opening(provider)), transcript.user("c")]))


def test_pictures_reach_those_who_see_them() -> None:
    """A tool's picture follows its result, as a person's, where results are text; who sees none reads of it."""
    made = sent(spoken("openai"))
    _, messages = converted(CHATS["openai"](), made)
    assert [part["type"] for part in messages[-1]["content"]] == ["image_url"]
    assert base64.b64decode(messages[-1]["content"][0]["image_url"]["url"].partition(",")[2])
    _, messages = converted(CHATS["deepseek"](), made)
    assert "reads text only" in messages[-2]["content"] + messages[-1]["content"]
    assert PIXEL.data not in json.dumps(messages)
    assert not any(b'"image"' in one.data for turn in readable(made.turns) for one in turn.frames)
