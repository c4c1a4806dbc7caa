"""LangChain tools on a menu: their schemas, their calls, their answers."""

from typing import Any

import pytest
from langchain_core.tools import StructuredTool, ToolException
from langchain_core.tools import tool as langchain_tool

from agentmem.menu import foreign, toolbox
from agentmem.menu.menu import make_menu, tool
from agentmem.menu.toolbox import ToolContext
from agentmem.types import Image, Text
from tests.menu.tooling import result, said


@langchain_tool
def multiply(first: int, second: int = 2) -> int:
    """Multiplies two numbers."""
    return first * second


@langchain_tool
async def add(first: int, second: int = 2) -> int:
    """Adds."""
    return first + second


@langchain_tool
def refuse() -> str:
    """Refuses."""
    raise ToolException("Not today.")


@langchain_tool(response_format="content_and_artifact")
def draw() -> tuple[list[dict[str, Any]], object]:
    """Draws."""
    return [
        {"type": "text", "text": "Here:"},
        {"type": "image", "base64": "aGk=", "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": "data:image/gif;base64,aGk="}},
    ], object()


def test_langchain_tools_are_called(context: ToolContext) -> None:
    """Plain and async ones, by name."""
    menu = make_menu([multiply, add])
    assert said(result(menu, context, "multiply", {"first": 4})) == "8"
    assert said(result(menu, context, "add", {"first": "4", "second": 5})) == "9"


def test_langchain_content_blocks_become_ours(context: ToolContext) -> None:
    """Texts and pictures in LangChain's forms."""
    content = result(make_menu([draw]), context, "draw", {}).content
    assert content == (Text("Here:"), Image("image/png", "aGk="), Image("image/gif", "aGk="))


PICTURE = Image("image/png", "aGk=")
URL = "data:image/png;base64,aGk="


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([{"type": "text", "text": "a"}, {"type": "text", "text": ""}], (Text("a"),)),
        ([{"type": "text", "text": " "}], (Text("(empty)"),)),
        ([{"type": "image", "data": "aGk=", "mimeType": "image/png"}], (PICTURE,)),
        (
            [{"type": "image_url", "image_url": URL}, {"type": "image_url", "image_url": {"url": URL}}],
            (PICTURE, PICTURE),
        ),
        (
            [{"type": "text", "text": "a"}, {"type": "file", "base64": "x" * 9_000, "mime_type": "application/pdf"}],
            (Text("a"), Text('{"type": "file", "mime_type": "application/pdf"}')),
        ),
        ([], (Text("[]"),)),
        ("", (Text("(empty)"),)),
    ],
)
def test_what_a_server_gives_back(given: object, shown: tuple[Text | Image, ...]) -> None:
    """Empty texts go, pictures in every form are pictures, and of a file only what is short is shown, not its bytes."""
    assert toolbox.blocks(foreign.content(given)) == shown


def test_bad_arguments_of_a_langchain_tool_are_sentences_too(context: ToolContext) -> None:
    """The same words as for functions."""
    menu = make_menu([multiply])
    assert said(result(menu, context, "multiply", {"first": "x"})) == ("`first` must be a whole number, you gave 'x'.")
    assert "Did you mean `first`?" in said(result(menu, context, "multiply", {"frist": 1}))


def test_a_langchain_tools_own_refusal_is_told(context: ToolContext) -> None:
    """A ToolException's message reaches the model."""
    answer = result(make_menu([refuse]), context, "refuse", {})
    assert answer.is_error
    assert "Not today." in said(answer)


def test_a_langchain_tool_with_a_plain_schema_is_called(context: ToolContext) -> None:
    """Arguments go through as they are."""
    schema = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    source = StructuredTool(name="ask", description="Asks.", args_schema=schema, func=lambda q: q.upper())
    assert said(result(make_menu([source]), context, "ask", {"q": "why"})) == "WHY"
    assert said(result(make_menu([source]), context, "ask", {})) == "`q` is missing."


def test_a_langchain_tool_is_a_tool() -> None:
    """Name, description and schema are LangChain's; `tool` may rename it and say its effect."""
    made = tool(multiply, effect="read", name="times")
    assert made.definition() == {
        "name": "times",
        "description": "Multiplies two numbers.",
        "input_schema": {
            "type": "object",
            "properties": {"first": {"type": "integer"}, "second": {"type": "integer", "default": 2}},
            "required": ["first"],
        },
    }
    assert made.effect == "read"
    assert make_menu([multiply]).names == ("multiply",)


def test_a_langchain_tool_with_a_plain_schema_is_a_tool() -> None:
    """Tools that come with a JSON Schema, as those of MCP servers do, are checked against it."""
    schema = {"type": "object", "properties": {"q": {"type": "string", "title": "Q"}}, "required": ["q"]}
    source = StructuredTool(name="ask", description="Asks.", args_schema=schema, func=lambda q: q)
    made = tool(source)
    assert made.schema["properties"] == {"q": {"type": "string"}}
    assert made.checked({"q": "why"}) == {"q": "why"}
