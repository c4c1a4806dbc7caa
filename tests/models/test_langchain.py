"""LangChain chat models behind our protocol: messages out, replies, usage and errors in."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core import exceptions as langchain
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.tool import tool_call_chunk

from agentmem.errors import (
    ConfigError,
    ModelError,
    ModelNotAvailable,
    ModelOverloaded,
    ModelRejected,
    ModelUnreachable,
)
from agentmem.models import load
from agentmem.models.langchain import LangChainModel
from agentmem.models.langchain_messages import MOVED
from agentmem.types import (
    Delta,
    Mark,
    Message,
    ModelProfile,
    Opaque,
    Options,
    Reply,
    Request,
    Text,
    TextDelta,
    ToolCall,
    Usage,
)
from tests.models.chat import Provider, Whole
from tests.models.requests import PIXEL, READ, ask, request, tool_loop


def collect(model: LangChainModel, one: Request) -> list[Delta]:
    """All that a stream gives."""
    return list(model.stream(one))


def acollect(model: LangChainModel, one: Request) -> list[Delta]:
    """All that an asyncio stream gives."""

    async def gather() -> list[Delta]:
        return [delta async for delta in model.astream(one)]

    return asyncio.run(gather())


both = pytest.mark.parametrize("run", [collect, acollect], ids=["sync", "async"])


def answered(deltas: Sequence[Delta]) -> Reply:
    """The Reply, which must be the last item and the only one of its kind."""
    *texts, last = deltas
    assert isinstance(last, Reply)
    assert all(isinstance(each, TextDelta) for each in texts)
    return last


def reply_of(*chunks: AIMessageChunk, **fields: Any) -> Reply:
    """The Reply made of these chunks."""
    return answered(collect(LangChainModel(Provider(chunks=list(chunks), **fields)), request(ask("go"))))


# Out: what the provider is asked.


def asked(one: Request, **fields: Any) -> tuple[list[Any], dict[str, Any]]:
    """The messages and arguments that reach a provider."""
    provider = Provider(chunks=[AIMessageChunk(content="ok")], **fields)
    collect(LangChainModel(provider), one)
    return provider.asked[0]


def test_a_tool_loop_as_messages() -> None:
    """System, user, assistant with calls, one message a result, then the text beside them; thinking is left out."""
    messages, _ = asked(request(*tool_loop(), system=("Be kind.",)))
    assert [type(message) for message in messages] == [
        SystemMessage,
        HumanMessage,
        AIMessage,
        ToolMessage,
        ToolMessage,
        HumanMessage,
    ]
    system, user, assistant, first, second, note = messages
    assert (system.content, user.content) == ("Be kind.", "What is on the pages?")
    assert assistant.content == "I will read both."
    assert [(call["id"], call["name"], call["args"]) for call in assistant.tool_calls] == [
        ("toolu_1", "read", {"page": "b.md", "a": 1}),
        ("toolu_2", "read", {"page": "ü.md"}),
    ]
    assert list(assistant.tool_calls[0]["args"]) == ["page", "a"]
    assert first.content == f"# B\n\n{MOVED}"
    assert note.content == [
        {"type": "image", "base64": PIXEL.data, "mime_type": "image/png"},
        {"type": "text", "text": "Be quick."},
    ]
    assert (first.status, second.status, second.content) == ("success", "error", "no such page")
    assert (first.tool_call_id, second.tool_call_id) == ("toolu_1", "toolu_2")


def test_claude_through_langchain_gets_its_own_blocks() -> None:
    """Thinking goes back verbatim, and marks become cache_control; the request's own frames stay as they are."""
    marks = (Mark("tool", 0, 0, "1h"), Mark("system", 0, 0, "1h"), Mark("message", 2, 1, "5m"))
    one = request(*tool_loop(), tools=(READ,), system=("Be kind.",), marks=marks)
    messages, arguments = asked(one, name_of_provider="anthropic", name_of_model="claude-opus-5")
    assert arguments["tools"] == [{**READ, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert messages[0].content[0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert messages[2].content[0] == {"signature": "EqQB+/=", "thinking": "Let me look…", "type": "thinking"}
    assert [block["type"] for block in messages[2].content] == ["thinking", "text", "tool_use", "tool_use"]
    results = [dict(frame.value) for frame in one.turns[2].frames]
    results[1]["cache_control"] = {"type": "ephemeral", "ttl": "5m"}
    assert messages[3].content == results
    assert all("cache_control" not in frame.value for turn in one.turns for frame in turn.frames)


def test_tools_become_functions() -> None:
    """Tools are bound in OpenAI's form, which LangChain converts; the choice goes along."""
    options = Options(tool_choice='{"type":"tool","name":"read"}')
    _, arguments = asked(request(ask("go"), tools=(READ,), options=options))
    function = {"name": "read", "description": "Read a page.", "parameters": READ["input_schema"]}
    assert arguments["tools"] == [{"type": "function", "function": function}]
    assert arguments["tool_choice"] == "read"
    _, arguments = asked(request(ask("go"), tools=(READ,), options=Options(tool_choice='{"type":"any"}')))
    assert arguments["tool_choice"] == "any"


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("openai", {"max_tokens": 50, "temperature": 0.5, "reasoning_effort": "low"}),
        ("google_genai", {"max_output_tokens": 50, "temperature": 0.5}),
        ("anthropic", {"max_tokens": 50, "temperature": 0.5, "effort": "low", "thinking": {"type": "adaptive"}}),
        ("groq", {"max_tokens": 50, "temperature": 0.5}),
        ("home-made", {}),
    ],
)
def test_options_by_the_names_of_each_provider(provider: str, expected: dict[str, Any]) -> None:
    """Options go to providers whose names for them are known, and to no others."""
    options = Options(50, 0.5, '{"type":"adaptive"}', "low")
    _, arguments = asked(request(ask("go"), options=options), name_of_provider=provider)
    assert arguments == expected


def test_turns_are_converted_once() -> None:
    """The next request of a thread reuses the messages of the turns that it shares, and a marked one is made anew."""
    provider = Provider(
        chunks=[AIMessageChunk(content="ok")], name_of_provider="anthropic", name_of_model="claude-opus-5"
    )
    model = LangChainModel(provider)
    first = request(*tool_loop())
    second = Request(
        first.model, (), (), (*first.turns, *request(ask("more")).turns), marks=(Mark("message", 2, 2, "5m"),)
    )
    collect(model, first)
    collect(model, second)
    before, after = (messages for messages, _ in provider.asked)
    assert all(one is other for one, other in zip(before[:2], after[:2], strict=True))
    assert "cache_control" not in before[2].content[2]
    assert after[2].content[2] == {**Text("Be quick.").wire(), "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    assert after[3].content == "more"


def test_a_turn_with_several_texts_and_a_picture() -> None:
    """More than one block is a list, in order."""
    messages, _ = asked(request(Message("user", (Text("a"), PIXEL, Text("b")))))
    assert [block["type"] for block in messages[0].content] == ["text", "image", "text"]


# In: what the provider says.


@both
def test_text_streams_and_ends_in_a_reply(run: Any) -> None:
    """LangChain's own fake model, which streams word by word and reports no usage."""
    model = LangChainModel(GenericFakeChatModel(messages=iter([AIMessage("one two three")])))
    deltas = run(model, request(ask("count")))
    reply = answered(deltas)
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == ["one", " ", "two", " ", "three"]
    assert reply.message == Message("assistant", (Text("one two three"),))
    assert reply.usage.basis == "estimated"
    assert reply.usage.output_tokens > 0
    assert (reply.id, reply.stop_reason) == ("", "end_turn")
    assert 0 < reply.first_token_after <= reply.seconds


def test_usage_that_is_not_reported_is_estimated() -> None:
    """Our own count of the request stands in, labelled."""
    model = LangChainModel(Provider(chunks=[AIMessageChunk(content="ok")]))
    one = Request("gpt-5.5", (), (), request(ask("go")).turns, estimate=1234)
    assert answered(collect(model, one)).usage == Usage("estimated", uncached_tokens=1234, output_tokens=6)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({}, (1000, 0, 0, 0)),
        ({"cache_read": 600}, (400, 600, 0, 0)),
        ({"cache_read": 600, "cache_creation": 300}, (100, 600, 300, 0)),
        (
            {
                "cache_read": 600,
                "cache_creation": 0,
                "ephemeral_5m_input_tokens": 100,
                "ephemeral_1h_input_tokens": 200,
            },
            (100, 600, 100, 200),
        ),
        ({"cache_creation": 300, "ephemeral_1h_input_tokens": 300}, (700, 0, 0, 300)),
    ],
)
def test_cached_tokens_are_taken_out_of_the_input(details: dict[str, Any], expected: tuple[int, int, int, int]) -> None:
    """LangChain's input_tokens include what was read and written; ours are counted apart and sum up to them."""
    usage: Any = {"input_tokens": 1000, "output_tokens": 7, "total_tokens": 1007, "input_token_details": details}
    used = reply_of(AIMessageChunk(content="ok"), AIMessageChunk(content="", usage_metadata=usage)).usage
    assert used == Usage("measured", *expected, 7)
    assert used.input_tokens == 1000


def test_a_sum_of_writes_is_booked_by_the_marks() -> None:
    """Where only the sum is given, an hour's marks mean an hour's writes."""
    usage: Any = {
        "input_tokens": 9,
        "output_tokens": 1,
        "total_tokens": 10,
        "input_token_details": {"cache_creation": 9},
    }
    chunks = [AIMessageChunk(content="ok"), AIMessageChunk(content="", usage_metadata=usage)]
    for ttl, expected in (("1h", (0, 9)), ("5m", (9, 0))):
        one = request(ask("go"), marks=(Mark("message", 0, 0, "1h" if ttl == "1h" else "5m"),))
        used = answered(collect(LangChainModel(Provider(chunks=chunks)), one)).usage
        assert (used.cache_write_5m_tokens, used.cache_write_1h_tokens) == expected


@both
def test_tool_call_chunks_are_merged(run: Any) -> None:
    """Calls that come in pieces are put together by their index, in the model's order."""
    pieces = [
        tool_call_chunk(name="read", args="", id="call_1", index=0),
        tool_call_chunk(name=None, args='{"z": 1, ', id=None, index=0),
        tool_call_chunk(name=None, args='"a": "ü"}', id=None, index=0),
        tool_call_chunk(name="list", args="", id="call_2", index=1),
    ]
    chunks = [
        AIMessageChunk(content="Both."),
        *(AIMessageChunk(content="", tool_call_chunks=[piece]) for piece in pieces),
    ]
    reply = answered(run(LangChainModel(Provider(chunks=chunks)), request(ask("go"), tools=(READ,))))
    assert reply.message.blocks == (
        Text("Both."),
        ToolCall("call_1", "read", '{"z":1,"a":"ü"}'),
        ToolCall("call_2", "list", "{}"),
    )
    assert reply.stop_reason == "tool_use"


def test_arguments_that_were_cut_off_are_not_mended() -> None:
    """Half a JSON object is passed on as such, so that the tool refuses it instead of running on half of it."""
    piece = tool_call_chunk(name="write", args='{"page": "a.md", "text": "half', id="call_1", index=0)
    call = reply_of(AIMessageChunk(content="", tool_call_chunks=[piece])).message.calls[0]
    assert json.loads(call.arguments) == {"INVALID_JSON": '{"page": "a.md", "text": "half'}


@both
def test_a_model_that_does_not_stream(run: Any) -> None:
    """Its single message is the reply; a call without an id is given one."""
    answer = AIMessage(
        "whole",
        tool_calls=[{"type": "tool_call", "id": None, "name": "read", "args": {"b": 1, "a": 2}}],
        response_metadata={"finish_reason": "tool_calls", "id": "chatcmpl-1"},
    )
    deltas = run(LangChainModel(Whole(answer=answer)), request(ask("go")))
    reply = answered(deltas)
    assert deltas[0] == TextDelta("whole")
    assert reply.message.blocks[0] == Text("whole")
    assert reply.message.calls[0].arguments == '{"b":1,"a":2}'
    assert reply.message.calls[0].id.startswith("call_")
    assert reply.id == "chatcmpl-1"


def test_thinking_and_other_blocks_are_kept_verbatim() -> None:
    """What only the provider understands is kept in order, without the index of LangChain's merging."""
    thinking: dict[str, Any] = {"type": "thinking", "thinking": "hm", "index": 0}
    signature: dict[str, Any] = {"type": "thinking", "signature": "s+/=", "index": 0}
    text: dict[str, Any] = {"type": "text", "text": "So.", "index": 1}
    blocks = reply_of(*(AIMessageChunk(content=[block]) for block in (thinking, signature, text))).message.blocks
    assert isinstance(blocks[0], Opaque)
    assert json.loads(blocks[0].raw) == {"type": "thinking", "thinking": "hm", "signature": "s+/="}
    assert blocks[1:] == (Text("So."),)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"finish_reason": "stop"}, "end_turn"),
        ({"finish_reason": "length"}, "max_tokens"),
        ({"finish_reason": "MAX_TOKENS"}, "max_tokens"),
        ({"finish_reason": "FinishReason.SAFETY"}, "refusal"),
        ({"finish_reason": "content_filter"}, "refusal"),
        ({"finish_reason": "RECITATION"}, "refusal"),
        ({"stopReason": "guardrail_intervened"}, "refusal"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "max_tokens"),
        ({"status": "completed", "incomplete_details": None}, "end_turn"),
        ({"stop_reason": "pause_turn"}, "pause_turn"),
        ({"done_reason": "length"}, "max_tokens"),
        ({}, "end_turn"),
    ],
)
def test_stop_reasons(metadata: dict[str, Any], expected: str) -> None:
    """Each provider's word for it becomes Anthropic's."""
    assert (
        reply_of(AIMessageChunk(content="so"), AIMessageChunk(content="", response_metadata=metadata)).stop_reason
        == expected
    )


def test_a_reply_with_calls_that_was_cut_off_says_so() -> None:
    """Calls do not hide that the reply ended at its limit: they may be half of what was meant."""
    piece = tool_call_chunk(name="write", args="", id="call_1", index=0)
    end = AIMessageChunk(content="", response_metadata={"finish_reason": "length"})
    assert reply_of(AIMessageChunk(content="", tool_call_chunks=[piece]), end).stop_reason == "max_tokens"


def test_an_empty_reply() -> None:
    """A model that says nothing gives an empty message."""
    assert reply_of(AIMessageChunk(content="")).message == Message("assistant", ())


# What goes wrong.


class Coded(Exception):
    """An error of a provider's library, with its HTTP status."""

    def __init__(self, status_code: int) -> None:
        super().__init__(f"status {status_code} for key sk-test-0123456789abcdef")
        self.status_code = status_code


@both
@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (langchain.ModelAuthenticationError("no"), ModelNotAvailable),
        (langchain.ModelPermissionDeniedError("no"), ModelNotAvailable),
        (langchain.ModelNotFoundError("no"), ModelNotAvailable),
        (langchain.ModelRateLimitError("no"), ModelOverloaded),
        (langchain.ModelInvalidRequestError("no"), ModelRejected),
        (langchain.ContextOverflowError("no"), ModelRejected),
        (langchain.ModelAPIError("no"), ModelUnreachable),
        (langchain.ModelConnectionError("no"), ModelUnreachable),
        (langchain.ModelTimeoutError("no"), ModelUnreachable),
        (Coded(401), ModelNotAvailable),
        (Coded(429), ModelOverloaded),
        (Coded(529), ModelOverloaded),
        (Coded(400), ModelRejected),
        (Coded(503), ModelUnreachable),
        (ConnectionResetError("gone"), ModelUnreachable),
        (TimeoutError("late"), ModelUnreachable),
        (ValueError("unknown role"), ModelRejected),
    ],
    ids=lambda value: f"{type(value).__name__}" if isinstance(value, Exception) else None,
)
def test_errors(run: Any, failure: Exception, expected: type[ModelError]) -> None:
    """Whatever a provider's class raises becomes one of our errors, scrubbed, with its cause."""
    model = LangChainModel(Provider(chunks=[AIMessageChunk(content="begun")], failure=failure))
    with pytest.raises(expected) as caught:
        run(model, request(ask("go")))
    assert type(caught.value.__cause__) is type(failure)
    assert "sk-test" not in str(caught.value)


def test_text_before_an_error_is_handed_on() -> None:
    """The pieces that came stay what they were; then the error."""
    model = LangChainModel(Provider(chunks=[AIMessageChunk(content="begun")], failure=TimeoutError()))
    stream = model.stream(request(ask("go")))
    assert next(stream) == TextDelta("begun")
    with pytest.raises(ModelUnreachable, match="did not finish: TimeoutError"):
        next(stream)


def test_a_model_without_tools() -> None:
    """A class that cannot bind tools is named, with what to do."""
    model = LangChainModel(GenericFakeChatModel(messages=iter([AIMessage("x")])))
    with pytest.raises(ModelNotAvailable, match="GenericFakeChatModel takes no tools"):
        collect(model, request(ask("go"), tools=(READ,)))


def test_profiles() -> None:
    """Provider and model are those that LangChain names; Claude's older models strip thinking."""
    assert LangChainModel(Provider()).profile == ModelProfile("openai", "gpt-5.5", "cloud")
    old = LangChainModel(Provider(name_of_provider="anthropic", name_of_model="claude-haiku-4-5"))
    assert old.profile.plain_turn_strips_thinking
    fake = LangChainModel(GenericFakeChatModel(messages=iter([])))
    assert fake.profile.provider == "genericfakechatmodel"
    fake.close()
    fake.close()


# Names.


def test_a_provider_whose_package_is_missing() -> None:
    """The error names the package to install."""
    with pytest.raises(ModelNotAvailable, match=r"ollama:llama5 needs its provider's package: .*langchain-ollama"):
        load("ollama:llama5")


def test_a_provider_that_langchain_does_not_know() -> None:
    """An unknown provider is a configuration error."""
    with pytest.raises(ConfigError, match="acme"):
        load("acme:super-9")


def test_anthropic_is_our_own_adapter() -> None:
    """``anthropic:`` is the official SDK, not LangChain's class."""
    model = load("anthropic:claude-opus-5", api_key="k")
    assert not isinstance(model, LangChainModel)
    model.close()


def test_nothing_heavy_is_imported_for_the_function() -> None:
    """``import agentmem.models`` brings neither SDK nor LangChain."""
    code = (
        "import sys, agentmem.models\n"
        "print(sorted({'anthropic', 'langchain_core', 'langchain', 'httpx2', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
