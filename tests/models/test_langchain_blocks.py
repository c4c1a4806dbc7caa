"""LangChain's messages as our blocks, in every form that its classes take."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agentmem.models.langchain_blocks import message_blocks
from agentmem.models.langchain_messages import Converter, Taken
from agentmem.types import Image, Opaque, Text, ToolCall, ToolResult

DATA = "aGVsbG8="
PICTURES: dict[str, Any] = {
    "Anthropic's": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
    "LangChain's": {"type": "image", "base64": DATA, "mime_type": "image/png"},
    "LangChain's earlier": {"type": "image", "source_type": "base64", "data": DATA, "mime_type": "image/png"},
    "OpenAI's": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}},
    "OpenAI's as text": {"type": "image_url", "image_url": f"data:image/png;base64,{DATA}"},
}


@pytest.mark.parametrize("form", PICTURES)
def test_a_picture_is_one_whatever_its_form(form: str) -> None:
    """In a person's message and in a result."""
    assert message_blocks(HumanMessage([PICTURES[form]])) == (Image("image/png", DATA),)
    result = ToolMessage(["a photo", PICTURES[form]], tool_call_id="c")
    assert message_blocks(result) == (ToolResult("c", (Text("a photo"), Image("image/png", DATA))),)


def test_what_has_no_kind_stays_as_it_is() -> None:
    """A picture by its address, a file, thinking: as they came, without marks and LangChain's index."""
    address = {"type": "image", "url": "https://example.org/a.png"}
    (found,) = message_blocks(HumanMessage([{**address, "cache_control": {"type": "ephemeral"}}]))
    assert isinstance(found, Opaque) and found.wire() == address
    thinking: Any = {"type": "thinking", "thinking": "hm", "signature": "s", "index": 0}
    said = message_blocks(AIMessage([thinking, {"type": "text", "text": "Hi."}]))
    assert isinstance(said[0], Opaque) and said[0].wire() == {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert said[1] == Text("Hi.")


def test_calls_come_once_and_last() -> None:
    """Blocks that repeat them are left out; unreadable arguments stay as they were; a missing id is always the same."""
    repeated: Any = {"type": "tool_use", "id": "a", "name": "look", "input": {"at": 1}}
    good: Any = {"id": "a", "name": "look", "args": {"at": 1}}
    bad: Any = {"id": None, "name": "look", "args": '{"at": ', "error": "cut off", "type": "invalid_tool_call"}
    message = AIMessage(
        [{"type": "text", "text": "Hi."}, repeated], tool_calls=[good], invalid_tool_calls=[bad], id="m"
    )
    text, call, broken = message_blocks(message)
    assert (text, call) == (Text("Hi."), ToolCall("a", "look", '{"at":1}'))
    assert isinstance(broken, ToolCall) and broken.is_unreadable and broken.id
    assert message_blocks(message) == (text, call, broken)


def test_errors_and_empty_results() -> None:
    """A failed tool's result says so; an empty one has no blocks."""
    failed = ToolMessage("no such file", tool_call_id="c", status="error")
    assert message_blocks(failed) == (ToolResult("c", (Text("no such file"),), True),)
    assert message_blocks(ToolMessage("", tool_call_id="c")) == (ToolResult("c", ()),)


@pytest.mark.parametrize("native", [True, False])
def test_blocks_go_back_to_messages(native: bool) -> None:
    """Each message's blocks, made into messages again, are the same blocks."""
    call: Any = {"id": "a", "name": "look", "args": {"at": 1}}
    converter = Converter(native, Taken("anywhere"))
    for message in (
        HumanMessage("hello"),
        HumanMessage(["a", PICTURES["LangChain's"]]),
        AIMessage("Hi.", tool_calls=[call]),
        ToolMessage("a map", tool_call_id="a"),
        ToolMessage(["a photo", PICTURES["Anthropic's"]], tool_call_id="a", status="error"),
    ):
        blocks = message_blocks(message)
        role = "assistant" if isinstance(message, AIMessage) else "user"
        (made,) = converter.apart(role, [one.wire() for one in blocks])
        assert message_blocks(made) == blocks and type(made) is type(message)
