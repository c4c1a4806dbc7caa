"""Calling tools: whatever a model sends, it gets a result that it can act on."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.tools import StructuredTool, ToolException
from langchain_core.tools import tool as langchain_tool
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass as checked_dataclass

from agentmem.errors import ToolError
from agentmem.pages.workspace import Workspace
from agentmem.runtime.menu import Menu, Tool, make_menu, tool
from agentmem.runtime.toolbox import ToolContext, call
from agentmem.tokens import count
from agentmem.types import Image, Text, ToolCall, ToolResult


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ToolContext]:
    """A context with an empty workspace."""
    workspace = Workspace(tmp_path)
    yield ToolContext(workspace, "main", environment={"PATH": "/usr/bin:/bin"})
    workspace.close()


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    """A context for tools that do not look at it."""
    return ToolContext(Workspace(tmp_path_factory.mktemp("workspace")), "main", environment={})


@dataclass
class Step:
    """One step."""

    title: str
    state: Literal["open", "done"] = "open"


def fetch(
    page: str,
    limit: Annotated[int, Field(ge=1, le=9)] = 5,
    ratio: float = 0.5,
    raw: bool = False,
    kind: Literal["text", "table"] = "text",
    steps: list[Step] | None = None,
    tags: list[str] | None = None,
    either: int | list[int] = 0,
) -> str:
    """Fetches.

    Args:
        page: The page to fetch, for example notes/todo.md.
        limit: How many.
    """
    return json.dumps([page, limit, ratio, raw, kind, str(steps), tags, either])


def result(menu: Menu, context: ToolContext, name: str, arguments: str | dict[str, Any], **more: Any) -> ToolResult:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return call(menu, ToolCall("c1", name, text), context, **more)


def said(answer: ToolResult) -> str:
    return "\n".join(block.text for block in answer.content if isinstance(block, Text))


def refusal(context: ToolContext, arguments: str | dict[str, Any]) -> str:
    answer = result(make_menu([fetch]), context, "fetch", arguments)
    assert answer.is_error
    assert "Traceback" not in said(answer)
    return said(answer)


# Arguments.


def test_good_arguments_reach_the_function(context: ToolContext) -> None:
    """The function's answer comes back under the call's id, as text."""
    answer = result(make_menu([fetch]), context, "fetch", {"page": "a.md", "steps": [{"title": "go"}]})
    assert answer == ToolResult("c1", answer.content)
    assert json.loads(said(answer))[5] == "[Step(title='go', state='open')]"


def test_no_text_at_all_counts_as_no_arguments(context: ToolContext) -> None:
    """Some models send nothing for a tool without parameters."""

    def now() -> str:
        """Tells the time."""
        return "noon"

    assert said(result(make_menu([now]), context, "now", "")) == "noon"


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ({"page": "a", "limit": "3"}, {1: 3}),
        ({"page": "a", "limit": 3.0}, {1: 3}),
        ({"page": 7}, {0: "7"}),
        ({"page": "a", "raw": "true"}, {3: True}),
        ({"page": "a", "ratio": 1}, {2: 1.0}),
        ({"page": "a", "steps": None}, {5: "None"}),
        ({"page": "a", "tags": '["x", "y"]'}, {6: ["x", "y"]}),
    ],
)
def test_harmless_slips_are_read_as_meant(
    context: ToolContext, arguments: dict[str, Any], values: dict[int, object]
) -> None:
    """A number in quotes, a number for text, a list in a string: all can only mean one thing."""
    answer = result(make_menu([fetch]), context, "fetch", arguments)
    assert not answer.is_error, said(answer)
    read = json.loads(said(answer))
    assert {at: read[at] for at in values} == values


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "`page` is missing. It is the page to fetch, for example notes/todo.md."),
        ({"page": "a", "limit": "ten"}, "`limit` must be a whole number from 1 to 9, you gave 'ten'."),
        ({"page": "a", "limit": 1.5}, "`limit` must be a whole number from 1 to 9, you gave 1.5."),
        ({"page": "a", "limit": 0}, "`limit` must be greater than or equal to 1, you gave 0."),
        ({"page": ["a"]}, "`page` must be text, you gave ['a']."),
        ({"page": None}, "`page` must be text, you gave None."),
        ({"page": "a", "ratio": "much"}, "`ratio` must be a number, you gave 'much'."),
        ({"page": "a", "raw": "perhaps"}, "`raw` must be true or false, you gave 'perhaps'."),
        ({"page": "a", "kind": "list"}, "`kind` must be one of `text`, `table`, you gave 'list'."),
        ({"page": "a", "tags": "x"}, "`tags` must be a list of texts, you gave 'x'."),
        ({"page": "a", "tags": [[]]}, "`tags[0]` must be text, you gave []."),
        ({"page": "a", "steps": ["go"]}, "`steps[0]` must be an object, you gave 'go'."),
        ({"page": "a", "steps": [{}]}, "`steps[0].title` is missing."),
        ({"page": "a", "steps": [{"title": "a", "state": "shut"}]}, "`steps[0].state` must be one of `open`, `done`"),
        ({"page": "a", "either": "x"}, "`either` must be a whole number or list of whole numbers, you gave 'x'."),
        ({"pgae": "a"}, "`pgae` is not a parameter of fetch. Did you mean `page`? It takes `page`, `limit`, `ratio`"),
        ({"page": "x" * 200, "limit": "y" * 200}, "`limit` must be a whole number from 1 to 9, you gave 'yyy"),
        ("{'page': 'a'}", "not valid JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        ('{"page": "a"', "not valid JSON: Expecting ',' delimiter at line 1, column 13"),
        ('{"page": NaN}', "NaN is no JSON value"),
        ("[1]", "must be one JSON object of names and values, you gave a list"),
        ('"a"', "must be one JSON object of names and values, you gave text."),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_bad_arguments_come_back_as_sentences(context: ToolContext, arguments: Any, sentence: str) -> None:
    """Each says what is wrong and what to write instead."""
    text = refusal(context, arguments)
    assert sentence in text
    assert len(text) < 500


def test_several_mistakes_are_told_at_once(context: ToolContext) -> None:
    """So that one more try is enough."""
    text = refusal(context, {"limit": "ten", "raw": "perhaps"})
    assert all(f"`{name}`" in text for name in ("page", "limit", "raw"))


def test_a_type_of_the_users_own_may_refuse_in_its_own_words(context: ToolContext) -> None:
    """A pydantic validator's message is the sentence."""

    @checked_dataclass
    class Even:
        number: int

        @field_validator("number")
        @classmethod
        def _even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("it must be even")
            return value

    def halve(value: Even) -> int:
        """Halves."""
        return value.number // 2

    answer = result(make_menu([halve]), context, "halve", {"value": {"number": 3}})
    assert said(answer) == "`value.number`: it must be even, you gave 3."


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_names = st.sampled_from(["page", "limit", "ratio", "raw", "kind", "steps", "tags", "either"]) | st.text()


@given(arguments=st.text() | st.dictionaries(_names, _json).map(json.dumps), name=st.just("fetch") | st.text())
def test_whatever_a_model_sends_it_gets_a_result(anywhere: ToolContext, arguments: str, name: str) -> None:
    """Never an exception, never a traceback, never an empty answer."""
    answer = call(make_menu([fetch]), ToolCall("c1", name, arguments), anywhere)
    assert answer.call_id == "c1"
    assert said(answer).strip()
    assert "Traceback" not in said(answer)


def test_a_hand_written_schema_is_checked_by_names_and_simple_types(context: ToolContext) -> None:
    """Tools made with a schema of their own, as those of an MCP server, get the same sentences."""
    schema = {
        "type": "object",
        "properties": {
            "q": {"type": "string", "description": "The question."},
            "top": {"type": ["integer", "null"]},
            "how": {"enum": ["fast", "slow"]},
        },
        "required": ["q"],
        "additionalProperties": False,
    }
    menu = Menu((Tool("ask", "Asks.", "read", schema, lambda q, top=1, how="fast": f"{q} {top} {how}"),))
    assert said(result(menu, context, "ask", {"q": "why", "top": None})) == "why None fast"
    assert said(result(menu, context, "ask", {"top": True})) == (
        "`q` is missing. It is the question. `top` must be a whole number or nothing, you gave True."
    )
    wrong = said(result(menu, context, "ask", {"q": 1, "how": "so", "tp": 1}))
    assert "`tp` is not a parameter of ask. Did you mean `top`?" in wrong
    assert "`q` must be text, you gave 1." in wrong
    assert "`how` must be one of `fast`, `slow`, you gave 'so'." in wrong


# Names and rights.


def test_an_unknown_tool_names_the_nearest(context: ToolContext) -> None:
    """And lists what may be used."""
    answer = result(make_menu(["read", "find", fetch]), context, "fetsch", {})
    assert answer.is_error
    assert said(answer) == "There is no tool called 'fetsch'. Did you mean fetch? You may use read, find, fetch."


def test_a_tool_that_is_not_allowed_refuses_in_a_sentence(context: ToolContext) -> None:
    """The function is not called; the sentence says what may be used instead."""
    called = []

    def forbidden() -> str:
        """Does something."""
        called.append(1)
        return "done"

    menu = make_menu([forbidden, fetch])
    answer = result(menu, context, "forbidden", {}, allowed={"fetch"})
    assert answer.is_error
    assert said(answer) == "forbidden is not allowed now. You may use fetch."
    assert called == []
    assert said(result(menu, context, "forbidden", {}, allowed=())) == (
        "forbidden is not allowed now. No tool may be used now: answer in words."
    )


# Failures.


def test_a_recoverable_error_is_told_in_its_own_words(context: ToolContext) -> None:
    """A tool may say itself what the model should do."""

    def strict() -> str:
        """Refuses."""
        raise ToolError("The moon is not full. Try again later.")

    answer = result(make_menu([strict]), context, "strict", {})
    assert answer == ToolResult("c1", (Text("The moon is not full. Try again later."),), is_error=True)


@pytest.mark.parametrize("sentence", ["", "word " * 5000])
def test_a_refusal_says_something_and_not_too_much(context: ToolContext, sentence: str) -> None:
    """An error without words gets some, one with too many keeps both ends."""

    def strict() -> str:
        """Refuses."""
        raise ToolError(sentence)

    answer = result(make_menu([strict]), context, "strict", {})
    assert 0 < count(said(answer)) <= 2030


def test_any_other_error_is_one_sentence_for_the_model_and_a_traceback_in_the_log(
    context: ToolContext, caplog: pytest.LogCaptureFixture
) -> None:
    """The model is not told where in whose code; whoever runs the agent finds it in the log."""

    def broken() -> str:
        """Breaks."""
        raise KeyError("colour")

    with caplog.at_level(logging.ERROR, logger="agentmem"):
        answer = result(make_menu([broken]), context, "broken", {})
    assert answer.is_error
    assert said(answer) == "broken failed: KeyError: 'colour'"
    assert caplog.records[0].exc_info is not None


def test_secrets_in_an_error_are_not_told(context: ToolContext) -> None:
    """Keys and tokens in a message are taken out before the model reads it."""

    def leaky() -> str:
        """Leaks."""
        raise RuntimeError("401 for Authorization: Bearer abcdef0123456789")

    assert "abcdef0123456789" not in said(result(make_menu([leaky]), context, "leaky", {}))


def test_a_very_long_error_is_cut(context: ToolContext) -> None:
    """A message of a megabyte does not reach the model."""

    def wordy() -> str:
        """Talks."""
        raise ValueError("x" * 1_000_000)

    assert len(said(result(make_menu([wordy]), context, "wordy", {}))) < 600


@pytest.mark.parametrize("error", [SystemExit(1), asyncio.CancelledError()])
def test_a_tool_cannot_end_the_agent(context: ToolContext, error: BaseException) -> None:
    """sys.exit() in a tool ends the tool."""

    def leaving() -> str:
        """Leaves."""
        raise error

    answer = result(make_menu([leaving]), context, "leaving", {})
    assert answer.is_error
    assert "stopped before it had a result" in said(answer)


def test_an_interrupt_is_passed_on(context: ToolContext) -> None:
    """KeyboardInterrupt is the person's, and ends the call."""

    def interrupted() -> str:
        """Is interrupted."""
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        result(make_menu([interrupted]), context, "interrupted", {})


# Time.


def test_a_tool_that_takes_too_long_is_given_up_on(context: ToolContext) -> None:
    """The sentence says how long it had; the tool hears that it should stop."""
    heard = threading.Event()

    def slow(context: ToolContext) -> str:
        """Is slow."""
        with context.stop.calling(heard.set):
            heard.wait()
        return "late"

    answer = result(make_menu([tool(slow, timeout=0.05)]), context, "slow", {})
    assert answer.is_error
    assert said(answer).startswith("slow did not finish within 0.05 seconds and was given up on.")
    assert heard.is_set()


def test_a_timeout_of_the_tools_own_is_no_time_up(context: ToolContext) -> None:
    """A TimeoutError inside a tool is an error like any other."""

    def connect() -> str:
        """Connects."""
        raise TimeoutError("the server did not answer")

    assert said(result(make_menu([connect]), context, "connect", {})) == (
        "connect failed: TimeoutError: the server did not answer"
    )


def test_a_tool_that_hangs_does_not_stand_in_the_way_of_others(context: ToolContext) -> None:
    """The next call has a thread of its own."""
    release = threading.Event()

    def hang() -> str:
        """Hangs."""
        release.wait()
        return "at last"

    menu = make_menu([tool(hang, timeout=0.05), fetch])
    assert result(menu, context, "hang", {}).is_error
    assert not result(menu, context, "fetch", {"page": "a"}).is_error
    release.set()


def test_threads_are_used_again(context: ToolContext) -> None:
    """A hundred calls one after the other need one thread."""
    names = set()

    def where() -> str:
        """Says where it runs."""
        names.add(threading.get_ident())
        return "here"

    menu = make_menu([where])
    for _ in range(100):
        result(menu, context, "where", {})
    assert len(names) == 1


current: ContextVar[str] = ContextVar("current", default="nobody")


def test_context_variables_are_passed_on(context: ToolContext) -> None:
    """Tracing and the like go on inside a tool."""

    def who() -> str:
        """Says who."""
        return current.get()

    token = current.set("Ann")
    assert said(result(make_menu([who]), context, "who", {})) == "Ann"
    current.reset(token)


# Async functions.


async def double(number: int) -> int:
    """Doubles."""
    await asyncio.sleep(0)
    return number * 2


def test_an_async_tool_runs_without_a_loop(context: ToolContext) -> None:
    """It gets one of its own."""
    assert said(result(make_menu([double]), context, "double", {"number": 4})) == "8"


def test_an_async_tool_runs_on_the_loop_given(context: ToolContext) -> None:
    """So that it can use what lives on that loop."""
    loops = []

    async def here() -> str:
        """Says where."""
        loops.append(asyncio.get_running_loop())
        return "here"

    async def main() -> ToolResult:
        menu, loop = make_menu([here]), asyncio.get_running_loop()
        return await asyncio.to_thread(lambda: result(menu, context, "here", {}, loop=loop))

    async def both() -> None:
        assert said(await main()) == "here"
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(both())


def test_a_call_from_the_loop_itself_does_not_wait_for_itself(context: ToolContext) -> None:
    """Waiting on the loop from its own thread would never end; the tool gets another loop."""

    async def main() -> ToolResult:
        return result(make_menu([double]), context, "double", {"number": 4}, loop=asyncio.get_running_loop())

    assert said(asyncio.run(main())) == "8"


@pytest.mark.parametrize("shared", [True, False])
def test_an_async_tool_that_takes_too_long_is_cancelled(context: ToolContext, shared: bool) -> None:
    """Its task is cancelled, on its own loop and on the one given."""
    cancelled = threading.Event()

    async def slow() -> str:
        """Is slow."""
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return "never"

    async def main() -> ToolResult:
        menu = make_menu([tool(slow, timeout=0.05)])
        loop = asyncio.get_running_loop() if shared else None
        return await asyncio.to_thread(lambda: result(menu, context, "slow", {}, loop=loop))

    answer = asyncio.run(main())
    assert "did not finish within" in said(answer)
    assert cancelled.wait(10)


# Output.


def test_a_long_output_keeps_its_beginning_and_its_end(context: ToolContext) -> None:
    """Between them stands how much is left out and how to get it; the whole fits the cap."""

    def count_up() -> str:
        """Counts."""
        return "\n".join(f"line {number}" for number in range(5000))

    menu = make_menu([tool(count_up, card=CARD)])
    text = said(result(menu, context, "count_up", {}))
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 4998\nline 4999")
    assert "tokens are left out here. Count less far.]" in text
    assert count(text) <= 300 + 30


CARD = "---\nname: count_up\ncap: 300\nwhen cut: Count less far.\n---\n\nCounts.\n"


@given(text=st.text(min_size=1), cap=st.integers(1, 40))
def test_no_output_is_longer_than_its_cap(anywhere: ToolContext, text: str, cap: int) -> None:
    """Whatever a tool prints, in whatever script, on one line or many, and short output is untouched."""

    def say() -> str:
        """Says."""
        return text * 10

    answer = call(Menu((tool(say, cap=cap),)), ToolCall("c1", "say", "{}"), anywhere)
    shown = said(answer)
    if count(text * 10) <= cap:
        assert shown == text * 10
    else:
        assert "tokens are left out here." in shown
        assert count(shown) <= cap + 30


@dataclass
class Order:
    """An order."""

    id: int
    paid: bool


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "Done."),
        ("", "(empty)"),
        ("# Page\n", "# Page\n"),
        (7, "7"),
        (True, "true"),
        (Order(1, True), "- id: 1\n- paid: true"),
        ([Order(1, True), Order(2, False)], "| id | paid |\n| --- | --- |\n| 1 | true |\n| 2 | false |"),
        (["a", "b"], "- a\n- b"),
        ({}, "{}"),
        ([], "[]"),
        ({"a": {"b": [1]}}, '{\n "a": {\n  "b": [\n   1\n  ]\n }\n}'),
        ([{"a": "x|y"}], "| a |\n| --- |\n| x\\|y |"),
        (Path("a/b"), "a/b"),
    ],
)
def test_values_come_back_as_text_that_reads_like_a_page(context: ToolContext, value: object, text: str) -> None:
    """Records are lists, lists of records tables, deeper things JSON."""

    def give() -> object:
        """Gives."""
        return value

    assert said(result(make_menu([give]), context, "give", {})) == text


def test_pictures_and_texts_come_back_as_blocks(context: ToolContext) -> None:
    """One block or several, in order; strings among them are text."""
    picture = Image("image/png", "aGk=")

    def one() -> Image:
        """Shows."""
        return picture

    def several() -> list[object]:
        """Shows."""
        return ["Look:", picture, Text("There.")]

    menu = make_menu([one, several])
    assert result(menu, context, "one", {}).content == (picture,)
    assert result(menu, context, "several", {}).content == (Text("Look:"), picture, Text("There."))


# The context.


def test_a_tool_is_handed_the_context(context: ToolContext) -> None:
    """Workspace and thread of the run."""

    def where(context: ToolContext) -> str:
        """Says where."""
        return f"{context.thread} {context.workspace.root.name}"

    assert said(result(make_menu([where]), context, "where", {})) == f"main {context.workspace.root.name}"


def test_the_model_cannot_hand_in_a_context_of_its_own(context: ToolContext) -> None:
    """The parameter is not the model's to give."""

    def where(context: ToolContext) -> str:
        """Says where."""
        return context.thread

    answer = result(make_menu([where]), context, "where", {"context": {"thread": "other"}})
    assert "`context` is not a parameter of where. It takes nothing." in said(answer)


# LangChain.


@langchain_tool
def multiply(first: int, second: int = 2) -> int:
    """Multiplies."""
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
