"""A reply's usage is what the provider reported, over all parts of a stream and in LangChain's words for it."""

from typing import Any

import pytest
from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageDeltaEvent, RawMessageStartEvent, RawMessageStopEvent
from langchain_core.messages import AIMessage

from agentmem.models.anthropic_reply import ReplyBuilder
from agentmem.models.langchain_reply import extras, usage
from agentmem.types import NO_EXTRAS, Extras, Message, Reply, Usage
from tests.models.requests import ask, request


def streamed(first: dict[str, Any], last: dict[str, Any]) -> Reply:
    """The reply of a stream whose first and last event report these."""
    whole: dict[str, Any] = {"id": "m", "type": "message", "role": "assistant", "model": "claude-opus-5", "content": []}
    begun = SdkMessage.construct(**whole | {"usage": {"input_tokens": 0, "output_tokens": 0} | first})
    builder = ReplyBuilder()
    for event in (
        RawMessageStartEvent(type="message_start", message=begun),
        RawMessageDeltaEvent.construct(
            type="message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 0} | last
        ),
        RawMessageStopEvent(type="message_stop"),
    ):
        list(builder.take(event))
    return builder.reply(0.0, 0.0)


@pytest.mark.parametrize(
    ("first", "last", "used"),
    [
        ({"input_tokens": 9, "output_tokens": 1}, {"output_tokens": 9000}, Usage("measured", 9, output_tokens=9000)),
        ({}, {"input_tokens": 9, "cache_read_input_tokens": 5, "output_tokens": 2}, Usage("measured", 9, 5, 0, 0, 2)),
        ({"input_tokens": 9, "cache_read_input_tokens": 5}, {"input_tokens": 0}, Usage("measured", 9, 5)),
        (
            {"cache_creation_input_tokens": 7, "cache_creation": {"ephemeral_1h_input_tokens": 7}},
            {"cache_creation_input_tokens": 7},
            Usage("measured", 0, 0, 0, 7),
        ),
    ],
)
def test_a_stream_counts_the_highest(first: dict[str, Any], last: dict[str, Any], used: Usage) -> None:
    """Nothing that was reported is lost by a zero in another event."""
    assert streamed(first, last).usage == used


def test_a_stream_reports_what_is_billed_beside() -> None:
    """Speed, searches and an advisor's tokens arrive with the reply."""
    advisor = {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 8000, "output_tokens": 700}
    reply = streamed({"speed": "fast"}, {"server_tool_use": {"web_search_requests": 2}, "iterations": [advisor]})
    assert reply.extras == Extras("fast", 2, (("claude-opus-4-6", Usage("measured", 8000, output_tokens=700)),))
    assert streamed({}, {}).extras == NO_EXTRAS


@pytest.mark.parametrize(
    ("details", "report", "used", "speed"),
    [
        ({"cache_read": 1024}, {}, Usage("measured", 476, 1024, 0, 0, 6), ""),
        ({"flex": 476, "flex_cache_read": 1024}, {}, Usage("measured", 476, 1024, 0, 0, 6), "flex"),
        ({"priority": 476, "priority_cache_read": 1024}, {}, Usage("measured", 476, 1024, 0, 0, 6), "priority"),
        ({"cache_read": 1000, "cache_creation": 100}, {}, Usage("measured", 400, 1000, 100, 0, 6), ""),
        (
            {"cache_read": 1024},
            {"token_usage": {"prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 128}}},
            Usage("measured", 348, 1024, 128, 0, 6),
            "",
        ),
    ],
)
def test_langchains_details(details: dict[str, int], report: dict[str, Any], used: Usage, speed: str) -> None:
    """A service tier's figures count as what they are, and OpenAI's writes are found where it reports them."""
    counted: Any = {"input_tokens": 1500, "output_tokens": 6, "total_tokens": 1506, "input_token_details": details}
    whole = AIMessage("ok", usage_metadata=counted, response_metadata=report)
    found = usage(request(ask("hi")), whole, Message("assistant", ()))
    assert (found, extras(whole).speed) == (used, speed)
    assert found.input_tokens == 1500
