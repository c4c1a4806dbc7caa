"""The agent: runs, resumes, stops, asks and forgets, and its transcript is intact whatever happens."""

import asyncio
from pathlib import Path

import pytest

from agentmem.errors import (
    BudgetExceeded,
    ConfigError,
    ModelOverloaded,
    ThreadBusy,
    ThreadNotFound,
)
from agentmem.menu.menu import tool
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Approval, Done, Metered, Stopped, ToolCalled, ToolReturned
from agentmem.runtime.stops import Limits
from agentmem.transcript.transcript import readable
from agentmem.types import Image, Text, TextDelta, ToolCall
from tests.runtime.agents import agent, call, clock, kinds
from tests.transcript.transcripts import PNG


def add(a: int, b: int) -> str:
    """Adds two numbers.

    Args:
        a: the first
        b: the second
    """
    return str(a + b)


ADD = tool(add, effect="read")


def test_a_run_calls_tools_until_the_model_answers(tmp_path: Path) -> None:
    """The result has the answer, the turns and the usage of the run; the transcript has every step once."""
    with agent(tmp_path, [call("add", '{"a": 2, "b": 3}'), "It is 5."], tools=[ADD]) as one:
        result = one.run("What is 2 + 3?", thread="sum")
        assert (result.status, result.text, result.turns) == ("done", "It is 5.", 2)
        assert [usage.basis for usage in result.usage] == ["estimated"]
        expected = ["opening", "note", "user", "assistant", "usage", "tool_result", "assistant", "usage"]
        assert kinds(one, "sum") == expected
        texts = [readable(entry) for entry in one.journal.entries("sum") if entry.kind == "tool_result"]
        assert texts == ["5"]


def test_effects_are_announced_before_they_begin(tmp_path: Path) -> None:
    """A call of a tool that is no read is on record before the tool runs."""
    seen: list[list[str]] = []

    def touch() -> str:
        """Touches the world."""
        seen.append(kinds(one, "t"))
        return "done"

    with agent(tmp_path, [call("touch"), "ok"], tools=[tool(touch, effect="outside")]) as one:
        one.run("go", thread="t")
        assert seen[0][-1] == "tool_started"
        assert kinds(one, "t").count("tool_started") == 1


def test_a_thread_goes_on_where_it_stood(tmp_path: Path) -> None:
    """A second run on a thread, by another Agent, sends all of the first and then what is new."""
    with agent(tmp_path, ["One."]) as first:
        first.run("Say one.", thread="t")
    model = ScriptedModel(["One.", "Two."])
    with Agent(model, tmp_path, clock=clock) as second:
        assert second.run("Say two.", thread="t").text == "Two."
    said = [frame.value["text"] for turn in model.requests[-1].turns for frame in turn.frames]
    assert said[1:] == ["Say one.", "One.", "Say two."]


def test_streaming_gives_typed_events_in_order(tmp_path: Path) -> None:
    """Text arrives in pieces, then calls, results and metered requests; the last event is the result."""
    with agent(tmp_path, [["Let me add.", call("add", '{"a": 1, "b": 1}')], "Two."], tools=[ADD]) as one:
        events = list(one.stream("1 + 1?"))
    order = [type(event) for event in events if not isinstance(event, TextDelta)]
    assert order == [Metered, ToolCalled, ToolReturned, Metered, Done]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Let me add.Two."


def test_async_runs_are_the_same(tmp_path: Path) -> None:
    """arun and astream do what run and stream do; async tools run on the caller's loop."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def ask(question: str) -> str:
        """Asks somebody.

        Args:
            question: what to ask
        """
        loops.append(asyncio.get_running_loop())
        return "yes"

    async def main() -> None:
        turns = [call("ask", '{"question": "ok?"}'), "They said yes.", "Again."]
        with agent(tmp_path, turns, tools=[tool(ask, effect="read")]) as one:
            result = await one.arun("Ask.", thread="t")
            assert (result.status, result.text) == ("done", "They said yes.")
            events = [event async for event in one.astream("More.", thread="t")]
            assert isinstance(events[-1], Done)
            assert events[-1].result.text == "Again."
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


def test_parallel_reads_come_back_in_the_order_of_their_calls(tmp_path: Path) -> None:
    """Calls of one reply are answered in one turn, in order."""
    calls = [call("add", f'{{"a": {n}, "b": 0}}', id=f"c{n}") for n in (3, 1, 2)]
    model = ScriptedModel([calls, "done"])
    with Agent(model, tmp_path, tools=[ADD], clock=clock) as one:
        one.run("go")
    results = [frame.value for frame in model.requests[-1].turns[-1].frames]
    assert [(one["tool_use_id"], one["content"][0]["text"]) for one in results] == [
        ("c3", "3"),
        ("c1", "1"),
        ("c2", "2"),
    ]


@pytest.mark.parametrize(
    ("limits", "reason"), [(Limits(max_turns=2), "max_turns"), (Limits(max_seconds=1e-9), "max_seconds")]
)
def test_limits_end_a_run_with_a_result(tmp_path: Path, limits: Limits, reason: str) -> None:
    """A limit stops the run before the next request and says which it was; the thread can go on later."""
    turns = [call("add", '{"a": 1, "b": 1}', id=f"c{n}") for n in range(9)]
    with agent(tmp_path, turns, tools=[ADD], limits=limits) as one:
        events = list(one.stream("go", thread="t"))
        assert any(isinstance(event, Stopped) for event in events)
        last = events[-1]
        assert isinstance(last, Done)
        assert last.result.status == "stopped"
        assert last.result.reason.startswith(reason)


def test_a_dollar_limit_counts_what_was_spent(tmp_path: Path) -> None:
    """With a price, the run stops once the dollars are spent."""
    turns = [call("add", '{"a": 1, "b": 1}', id=f"c{n}") for n in range(50)]
    settings = {"limits": Limits(max_usd=0.01), "price_as": "anthropic:claude-sonnet-4-5", "tools": [ADD]}
    with agent(tmp_path, turns, **settings) as one:
        result = one.run("go " * 500)
        assert result.status == "stopped"
        assert result.cost_usd is not None
        assert 0.01 <= result.cost_usd < 0.02


def test_over_budget_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    """A request that would not fit raises and names the largest entry; nothing reaches the model."""
    model = ScriptedModel(["never"])
    with Agent(model, tmp_path, budget=2_000, compaction=None, clock=clock) as one:
        with pytest.raises(BudgetExceeded, match=r"big/\d"):
            one.run("word " * 3_000, thread="big")
        assert model.requests == []
        assert "user" in kinds(one, "big")


def test_an_error_of_the_model_leaves_the_transcript_intact(tmp_path: Path) -> None:
    """A failed request is in the ledger, and the same task goes on without being said twice."""
    with agent(tmp_path, [ModelOverloaded("529"), "Back again."]) as one:
        with pytest.raises(ModelOverloaded):
            one.run("Hello?", thread="t")
        assert one.run("Hello?", thread="t").text == "Back again."
        assert kinds(one, "t").count("user") == 1
        assert kinds(one, "t").count("usage") == 2


def test_approval_waits_for_a_person(tmp_path: Path) -> None:
    """A call of a tool named in `approve` runs only after a yes, and not at all after a no."""
    ran: list[str] = []

    def send(to: str) -> str:
        """Sends the letter.

        Args:
            to: who gets it
        """
        ran.append(to)
        return "sent"

    letters = [call("send", '{"to": "Ann"}', id="c1"), call("send", '{"to": "Bob"}', id="c2")]
    settings = {"tools": [tool(send, effect="outside")], "approve": ["send"]}
    with agent(tmp_path, [letters, "Done."], **settings) as one:
        result = one.run("Send both.", thread="t")
        assert (result.status, [one.id for one in result.pending], ran) == ("waiting", ["c1", "c2"], [])
    with agent(tmp_path, [letters, "Done."], **settings) as later:
        result = later.run(Approval({"c1": True, "c2": False}, reason="Bob has moved."), thread="t")
        assert (result.status, result.text, ran) == ("done", "Done.", ["Ann"])
        answers = [readable(entry) for entry in later.journal.entries("t") if entry.kind == "tool_result"]
        assert answers[0] == "sent"
        assert "did not allow" in answers[1]
        assert "Bob has moved." in answers[1]


def test_a_run_may_allow_fewer_tools(tmp_path: Path) -> None:
    """A tool that is not allowed stays on the menu and refuses in plain words; the prefix does not change."""
    model = ScriptedModel([call("add", '{"a": 1, "b": 1}'), "I may not.", call("add", '{"a": 1, "b": 1}'), "Two."])
    with Agent(model, tmp_path, tools=[ADD], clock=clock) as one:
        one.run("1 + 1?", thread="t", allow=[])
        one.run("And now?", thread="t")
        answers = [readable(entry) for entry in one.journal.entries("t") if entry.kind == "tool_result"]
    assert "not allowed now" in answers[0]
    assert answers[1] == "2"
    assert model.requests[0].tools == model.requests[-1].tools != ()


def test_saying_something_else_declines(tmp_path: Path) -> None:
    """A new task while calls wait for approval is a no to them."""

    def wipe() -> str:
        """Wipes everything."""
        raise AssertionError("must not run")

    with agent(tmp_path, [call("wipe"), "As you like."], tools=[tool(wipe)], approve=["wipe"]) as one:
        assert one.run("Wipe.", thread="t").status == "waiting"
        result = one.run("No, leave it.", thread="t")
        assert (result.status, result.text) == ("done", "As you like.")


def test_a_second_run_on_a_thread_is_refused(tmp_path: Path) -> None:
    """While a run holds the thread, another gets ThreadBusy, and the first goes on."""
    with agent(tmp_path, [call("add", '{"a": 1, "b": 1}'), "Two."], tools=[ADD]) as one:
        events = one.stream("go", thread="t")
        next(events)
        with agent(tmp_path, ["x"]) as other, pytest.raises(ThreadBusy):
            other.run("me too", thread="t")
        assert isinstance(list(events)[-1], Done)


def test_an_abandoned_stream_frees_the_thread(tmp_path: Path) -> None:
    """Leaving a stream early lets go of the thread; a later run finishes the work."""
    with agent(tmp_path, [call("add", '{"a": 1, "b": 1}'), "Two."], tools=[ADD]) as one:
        events = one.stream("1 + 1?", thread="t")
        assert isinstance(next(events), Metered)
        events.close()
        assert one.run(thread="t").text == "Two."


def test_keyboard_interrupt_ends_cleanly(tmp_path: Path) -> None:
    """Ctrl-C in a tool frees the thread; the model is told that the call was cut off, and it is not run again."""
    runs: list[int] = []

    def slow() -> str:
        """Takes long."""
        runs.append(1)
        raise KeyboardInterrupt

    with agent(tmp_path, [call("slow"), "I will look first."], tools=[tool(slow)]) as one:
        with pytest.raises(KeyboardInterrupt):
            one.run("go", thread="t")
        result = one.run(thread="t")
        assert (result.text, runs) == ("I will look first.", [1])
        answers = [readable(entry) for entry in one.journal.entries("t") if entry.kind == "tool_result"]
        assert "was cut off" in answers[0]


def test_a_new_model_is_a_declared_cut(tmp_path: Path) -> None:
    """Going on with another model is written down as a reconfiguration; the conversation stays."""

    class Other(ScriptedModel):
        @property
        def profile(self):  # type: ignore[no-untyped-def]  # only the name differs
            from dataclasses import replace

            return replace(super().profile, name="other")

    with agent(tmp_path, ["One."]) as first:
        first.run("Hi.", thread="t")
    model = Other(["One.", "Two."])
    with Agent(model, tmp_path, clock=clock) as second:
        second.run("More.", thread="t")
        assert "reconfigure" in kinds(second, "t")
    assert model.requests[-1].model == "other"


def test_a_fork_shares_the_past_and_nothing_else(tmp_path: Path) -> None:
    """A fork begins with the same bytes; what follows on one is not on the other."""
    model = ScriptedModel(["One.", "Left.", "Right."], sequential=True)
    with Agent(model, tmp_path, clock=clock) as one:
        one.run("Start.", thread="a")
        head = one.journal.head("a")
        one.fork("a", head, "b")
        one.run("Go left.", thread="a")
        one.run("Go right.", thread="b")
        left, right = model.requests[-2], model.requests[-1]
        assert left.turns[:2] == right.turns[:2]
        assert left.turns[2] != right.turns[2]


def test_forget_removes_a_thread(tmp_path: Path) -> None:
    """A forgotten thread is gone; its name can be used anew."""
    with agent(tmp_path, ["One.", "Two."]) as one:
        one.run("Hi.", thread="t")
        assert one.forget("t") > 0
        with pytest.raises(ThreadNotFound):
            one.forget("t")
        assert one.run("Hi.", thread="t").text == "One."


def test_pictures_can_be_part_of_a_task(tmp_path: Path) -> None:
    """A task may be blocks: text and images."""
    model = ScriptedModel(["A dot."])
    with Agent(model, tmp_path, clock=clock) as one:
        one.run([Text("What is this?"), Image("image/png", PNG)])
    assert [frame.value["type"] for frame in model.requests[0].turns[0].frames][-2:] == ["text", "image"]


def test_a_tool_to_approve_must_be_on_the_menu(tmp_path: Path) -> None:
    """A misspelt name in `approve` would approve nothing: it is refused at the start."""
    with pytest.raises(ConfigError, match="approve names rnu"):
        agent(tmp_path, [], approve=["rnu"])


def test_langgraph_users_can_take_the_graph(tmp_path: Path) -> None:
    """The compiled graph runs by itself, sync and async, with a thread id."""
    with agent(tmp_path, ["One.", "Two."]) as one:
        state = one.graph.invoke({"task": "Hi."}, {"configurable": {"thread_id": "g"}})
        assert state["head"] == one.journal.head("g")
        asyncio.run(one.graph.ainvoke({"task": "More."}, {"configurable": {"thread_id": "g"}}))
        assert [e.value["blocks"][0]["text"] for e in one.journal.entries("g") if e.kind == "assistant"] == [
            "One.",
            "Two.",
        ]


def test_calls_that_were_waiting_survive_their_process(tmp_path: Path) -> None:
    """A task repeated after a run that did not come to its end resumes it instead of being said twice."""
    with agent(tmp_path, [call("add", '{"a": 1, "b": 1}'), "Two."], tools=[ADD], approve=["add"]) as one:
        assert one.run("1 + 1?", thread="t").status == "waiting"
    with agent(tmp_path, [ToolCall("x", "add", "{}"), "Two."], tools=[ADD]) as again:
        assert again.run("1 + 1?", thread="t").text == "Two."
        assert kinds(again, "t").count("user") == 1


def test_forget_leaves_nothing_of_the_thread(tmp_path: Path) -> None:
    """The plan goes with the thread, those of its forks too; pages that it wrote stay."""
    calls = [{"plan": {"steps": ["One step"]}}, {"write": {"page": "a.md", "text": "# A"}}]
    turns = [{"calls": calls}, "Done.", "More."]
    with agent(tmp_path, turns) as one:
        one.run("Go.", thread="t")
        one.fork("t", one.journal.head("t"), "f")
        one.run("On.", thread="f")
        assert list(tmp_path.glob(".agentmem/plans/*"))
        one.forget("t", with_forks=True)
        assert one.journal.threads() == ()
    assert not list(tmp_path.glob(".agentmem/plans/*"))
    assert (tmp_path / "a.md").exists()
