"""agentmem.kvcache.simulated.openai_bodies: bodies of OpenAI's APIs read like Anthropic's."""

from typing import Any

import pytest

from agentmem.kvcache.frames import body_frames
from agentmem.kvcache.keys import path
from agentmem.kvcache.prompts import body_prompt
from agentmem.kvcache.rules import gpt_rules
from agentmem.kvcache.simulated.openai_bodies import is_openai, messages_body

CHAT: dict[str, Any] = {
    "model": "gpt-5",
    "reasoning_effort": "low",
    "tools": [
        {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"a": 1, "b": 2}}}
    ],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"b": 1, "a": 2}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "a map"},
        {"role": "developer", "content": "Now in French."},
    ],
}
RESPONSES: dict[str, Any] = {
    "model": "gpt-5",
    "reasoning": {"effort": "low"},
    "instructions": "Be brief.",
    "tools": [{"type": "function", "name": "look", "description": "Looks.", "parameters": {"a": 1, "b": 2}}],
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "See:"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"b": 1, "a": 2}'},
        {"type": "function_call_output", "call_id": "c1", "output": "a map"},
        {"role": "developer", "content": "Now in French."},
    ],
}


@pytest.mark.parametrize("body", [CHAT, RESPONSES])
def test_both_apis_read_alike(body: dict[str, Any]) -> None:
    """Tools, system, text, pictures, calls and results become the same frames, in the provider's order."""
    frames = body_frames(messages_body(body))
    assert [one.segment for one in frames] == ["model", "tool", "system", "options", *["message"] * 5]
    assert [one.value.get("type") for one in frames[4:]] == ["text", "image", "tool_use", "tool_result", "text"]
    assert frames == body_frames(messages_body(CHAT))
    assert frames[6].value["input"] == '{"b": 1, "a": 2}', "arguments stay the text that the model wrote"


def test_a_response_format_stands_in_front() -> None:
    """A schema for the reply is part of the prefix, and comes first."""
    body = {**CHAT, "response_format": {"type": "json_schema", "json_schema": {"name": "answer"}}}
    assert body_frames(messages_body(body))[1].value["name"] == "response_format"


def test_breakpoints_from_5_6_on() -> None:
    """Older models store every prefix; newer ones at an implicit breakpoint at the end and at explicit ones."""
    explicit = {"type": "text", "text": "Long.", "prompt_cache_breakpoint": {"mode": "explicit"}}
    messages = [{"role": "user", "content": [explicit, {"type": "text", "text": "Short."}]}]
    old, new = (
        body_prompt(messages_body({"model": model, "messages": messages})) for model in ("gpt-5.5", "gpt-5.6-mini")
    )
    assert [mark.position for mark in path(new, gpt_rules(new.model)).breakpoints] == [0, 1]
    assert old.messages == new.messages


@pytest.mark.parametrize(
    ("body", "path", "openai"),
    [
        (CHAT, "", True),
        (RESPONSES, "", True),
        ({"model": "claude-opus-5", "messages": []}, "", False),
        ({"model": "anything", "system": "x", "messages": []}, "", False),
        ({"model": "anything", "messages": []}, "/v1/messages", False),
        ({"model": "claude-opus-5", "messages": []}, "/v1/chat/completions", True),
    ],
)
def test_whose_body_it_is(body: dict[str, Any], path: str, openai: bool) -> None:
    """The endpoint's path decides whose body it is. Without a path, fields that only one API has decide."""
    assert is_openai(body, path) == openai
