"""Calling tools: whatever happens inside, a model gets a result that it can act on."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ToolError
from agentmem.menu.menu import make_menu, tool
from agentmem.menu.tool import Menu
from agentmem.menu.toolbox import ToolContext, blocks, call
from agentmem.tokens import count
from agentmem.types import Image, Text, ToolCall, ToolResult
from tests.menu.tooling import fetch, result, said

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
    told = caplog.records[0].exc_info
    assert told is not None and told[2] is not None
    assert told[2].tb_frame.f_code.co_name == "broken"


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
    """A hundred calls one after the other need one thread, or those that earlier calls left."""
    names = set()

    def where() -> str:
        """Says where it runs."""
        names.add(threading.get_ident())
        return "here"

    menu = make_menu([where])
    for _ in range(100):
        result(menu, context, "where", {})
    assert len(names) < 5


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


async def pieces(number: int) -> AsyncIterator[str]:
    """Yields pieces."""
    for at in range(number):
        await asyncio.sleep(0)
        yield f"piece {at}"


async def later(number: int) -> AsyncIterator[str]:
    """Gives what yields pieces."""
    return pieces(number)


def plainly(number: int) -> Iterator[str]:
    """Yields pieces without a loop."""
    return (f"piece {at}" for at in range(number))


def mapped(number: int) -> Iterator[str]:
    """Gives an iterator that is no generator."""
    return map("piece {}".format, range(number))


@pytest.mark.parametrize("function", [pieces, later, plainly, mapped])
@pytest.mark.parametrize("shared", [True, False])
def test_what_is_made_bit_by_bit_is_told_whole(context: ToolContext, function: Any, shared: bool) -> None:
    """Generators and other iterators, async or not, on a loop of their own or on the one given."""

    async def main() -> ToolResult:
        loop = asyncio.get_running_loop() if shared else None
        return await asyncio.to_thread(
            lambda: result(make_menu([function]), context, function.__name__, {"number": 3}, loop=loop)
        )

    assert said(asyncio.run(main())) == "- piece 0\n- piece 1\n- piece 2"


def test_a_generator_has_its_tools_time(context: ToolContext) -> None:
    """What takes too long while it yields is given up on, as any tool."""
    never = threading.Event()

    def slow() -> Iterator[int]:
        """Is slow."""
        yield 1
        never.wait(10)
        yield 2

    answer = result(make_menu([tool(slow, timeout=0.05)]), context, "slow", {})
    never.set()
    assert "did not finish within" in said(answer)


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


@given(text=st.text(min_size=1).filter(str.strip), cap=st.integers(1, 40))
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


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ["(empty)"]),
        (" \n\t", ["(empty)"]),
        (Text(""), ["(empty)"]),
        ([Text(" "), Text("")], ["(empty)"]),
        ([Text("a"), Text("")], ["a"]),
        ([Text(""), Image("image/png", "aGk=")], ["image"]),
        ([Text("a"), [Text(" "), "b"]], ["a", "b"]),
        ((), ["[]"]),
        (None, ["Done."]),
    ],
)
def test_a_result_says_something(value: object, shown: list[str]) -> None:
    """Providers refuse text of nothing but white space: it is left out, and a result without anything else says so."""
    made = blocks(value)
    assert [one.text if isinstance(one, Text) else "image" for one in made] == shown
    assert all(isinstance(one, Image) or one.text.strip() for one in made)


def test_no_address_in_memory_is_told() -> None:
    """An object without words of its own is the same text in every run."""
    values: tuple[object, ...] = (object(), test_no_address_in_memory_is_told, [lambda: 1], {"a": object()})
    told = [str(block) for value in values for block in blocks(value)]
    assert all("object" in one or "function" in one for one in told)
    assert not any("0x" in one for one in told)


@given(st.recursive(st.text() | st.builds(Text, st.text()), st.lists))
def test_no_result_is_blank(value: object) -> None:
    """Whatever a tool gives back."""
    assert all(isinstance(one, Text) and one.text.strip() for one in blocks(value))
    assert blocks(value)
