"""Threads that never break for good: cancelled runs, late results, ids of calls, tasks, and what is broken already."""

import asyncio
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.context.window import stored, window
from agentmem.errors import ConfigError, ThreadBusy, ThreadNotFound, TranscriptError
from agentmem.kvcache.simulated.checks import problem
from agentmem.menu.menu import tool
from agentmem.models.anthropic_request import arguments
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import ToolCalled
from agentmem.runtime.session import Session, Sessions
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening, readable
from agentmem.types import Draft, Message, Reply, Request, Text, ToolCall, ToolResult, Usage
from tests.runtime.agents import agent, call, clock, kinds
from tests.transcript.transcripts import entries

OPENING = transcript.opening(Opening("scripted"))


CALL = ToolCall("a", "f", "{}")


def reply(*blocks: Any) -> Draft:
    return transcript.assistant(Reply(Message("assistant", blocks), Usage("estimated")))


def result(call_id: str, text: str = "found") -> Draft:
    return transcript.tool_result(ToolResult(call_id, (Text(text),)))


class Slow:
    """A tool that works until it is let go."""

    def __init__(self, effect: Any) -> None:
        self.began, self.go, self.ended = threading.Event(), threading.Event(), threading.Event()

        def deploy(what: str) -> str:
            """Deploys something.

            Args:
                what: what to deploy
            """
            self.began.set()
            self.go.wait(10)
            self.ended.set()
            return "deployed"

        self.tool = tool(deploy, effect=effect)


def said(one: Agent, thread: str, kind: str) -> list[str]:
    return [readable(entry) for entry in one.journal.entries(thread) if entry.kind == kind]


SCRIPT = [call("deploy", '{"what": "web"}'), "Fine.", "Second.", "Third."]


@pytest.mark.parametrize(
    ("effect", "late"), [("read", "before"), ("write", "before"), ("write", "after"), ("outside", "after")]
)
def test_a_cancelled_run_breaks_nothing(tmp_path: Path, effect: Any, late: str) -> None:
    """A plain tool cannot be cancelled: what it gives is used or told, before or after its call was answered."""
    slow = Slow(effect)

    async def main(one: Agent) -> None:
        run = asyncio.create_task(one.arun("Deploy web", thread="t"))
        await asyncio.to_thread(slow.began.wait, 10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        if late == "before":
            slow.go.set()
            await asyncio.to_thread(_until, lambda: one.sessions["t"].late)
        assert (await one.arun("Never mind", thread="t")).text == "Fine."
        slow.go.set()
        await asyncio.to_thread(slow.ended.wait, 10)
        await asyncio.to_thread(_until, lambda: late == "before" or one.sessions["t"].late)
        assert (await one.arun("Hello?", thread="t")).text == "Second."

    with agent(tmp_path, SCRIPT, tools=[slow.tool]) as one:
        asyncio.run(main(one))
        told = said(one, "t", "tool_result") + said(one, "t", "note")
        assert sum("deployed" in each for each in told) == 1
    with agent(tmp_path, SCRIPT, tools=[slow.tool]) as other:
        assert other.run("Hello again", thread="t").text == "Third."
        other.compact("t")
        other.fork("t")


def _until(holds: Any) -> None:
    """Waits for what another thread is about to do; the test's own time limit is what ends it."""
    done = threading.Event()
    while not holds() and not done.wait(0.005):
        pass


def test_a_reader_that_leaves_while_a_tool_works_breaks_nothing(tmp_path: Path) -> None:
    """Whoever leaves a stream frees the thread; the tool's late result is told in the next run."""
    slow = Slow("outside")
    with agent(tmp_path, SCRIPT, tools=[slow.tool]) as one:
        events = one.stream("Deploy web", thread="t")
        while not isinstance(next(events), ToolCalled):
            continue
        slow.began.wait(10)
        closing = threading.Thread(target=events.close)
        closing.start()
        closing.join()
        slow.go.set()
        _until(lambda: one.sessions["t"].late)
        assert one.run("Never mind", thread="t").text == "Fine."
        assert said(one, "t", "tool_result") == ["deployed"]


def test_a_client_that_goes_away_from_astream(tmp_path: Path) -> None:
    """Closing an asyncio stream ends its run, and frees the thread."""
    slow = Slow("outside")

    async def main(one: Agent) -> None:
        events = one.astream("Deploy web", thread="t")
        async for event in events:
            if isinstance(event, ToolCalled):
                break
        await asyncio.to_thread(slow.began.wait, 10)
        await events.aclose()
        slow.go.set()
        await asyncio.to_thread(_until, lambda: one.sessions["t"].late)
        assert (await one.arun("Never mind", thread="t")).text == "Fine."

    with agent(tmp_path, SCRIPT, tools=[slow.tool]) as one:
        asyncio.run(main(one))
        assert said(one, "t", "tool_result") == ["deployed"]


def test_a_run_that_has_ended_cannot_write(tmp_path: Path) -> None:
    """What still works for it is refused; the thread's next session writes on."""
    with agent(tmp_path, ["One."]) as one:
        one.run("Go.", thread="t")
        known = one.sessions["t"]
        assert known.ended
        with pytest.raises(ThreadBusy, match="has ended"):
            known.append(transcript.note("x", "late"))
        fresh = one.sessions.open("t").refresh()
        fresh.append(transcript.note("x", "now"))
        assert said(one, "t", "note")[-1] == "now"


@pytest.mark.parametrize(
    "drafts",
    [
        [result("nobody")],
        [OPENING],
        [reply(Text("x")), result("a")],
        [reply(ToolCall("a", "f", "{}")), reply(Text("x"))],
    ],
)
def test_nothing_that_cannot_be_folded_is_written(tmp_path: Path, drafts: list[Draft]) -> None:
    """An entry that cannot follow is refused before the journal has it, and all that came with it."""
    with agent(tmp_path, []) as one:
        session = Sessions(one.journal).open("t")
        session.append(OPENING, transcript.user("go"))
        before = session.view
        with pytest.raises(TranscriptError):
            session.append(*drafts)
        assert kinds(one, "t") == ["opening", "user"]
        assert session.view is before


ids = st.sampled_from(["a", "a_2", "toolu:1", "functions.read:0", "", "é", "call 1"])


@settings(max_examples=60)
@given(st.lists(st.lists(ids, min_size=1, max_size=4), min_size=1, max_size=4))
def test_every_call_has_an_id_that_goes_back(replies: list[list[str]]) -> None:
    """Whatever ids a model gives, twice in a reply or again later: each call is answered, and the API takes it all."""
    model = Doubles(replies)
    with tempfile.TemporaryDirectory() as folder, Agent(model, folder, clock=clock, archive=None) as one:
        assert one.run("Go.", thread="t").text == "Done."
        assert len(said(one, "t", "tool_result")) == sum(map(len, replies))
    assert problem({**arguments(model.last), "model": "m"}) is None


class Doubles:
    """A Model that calls a tool under the ids that it is given."""

    def __init__(self, replies: list[list[str]]) -> None:
        self.profile = ScriptedModel([]).profile
        self.replies, self.asked = replies, 0
        self.last: Request

    def stream(self, request: Request) -> Any:
        self.last = request
        names = self.replies[self.asked] if self.asked < len(self.replies) else []
        self.asked += 1
        made = [ToolCall(one, "read.page" if at else "ls", "{}") for at, one in enumerate(names)]
        blocks = tuple(made) or (Text("Done."),)
        yield Reply(Message("assistant", blocks), Usage("simulated", 10))

    async def astream(self, request: Request) -> Any:
        for delta in self.stream(request):
            yield delta

    def close(self) -> None:
        """Nothing is held."""


BROKEN = {
    "a late result": [reply(CALL), result("a", "cut off"), reply(Text("Fine.")), result("a", "late")],
    "two results": [reply(CALL), result("a", "first"), result("a", "late")],
    "one id twice": [reply(CALL, CALL), result("a", "first"), result("a", "late")],
    "a second opening": [OPENING],
    "a reply over open calls": [reply(CALL), reply(Text("late"))],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_thread_that_is_broken_already_opens_again(tmp_path: Path, name: str) -> None:
    """Nothing is deleted; what could not follow has no effect, but for a result: it is told, once."""
    with agent(tmp_path, []) as one:
        one.journal.append("t", [OPENING, transcript.user("go"), *BROKEN[name]], head=-1)
        written = one.journal.head("t")
    model = ScriptedModel(["On.", "And on."], sequential=True)
    with Agent(model, tmp_path, clock=clock) as again:
        assert again.run("Hello?", thread="t").text == "On."
        assert again.run("More.", thread="t").text == "And on."
        every = list(again.journal.entries("t"))
        told = [readable(entry) for entry in every[written + 1 :] if "late" in readable(entry)]
        shown = sum("late" in str(turn.message) for turn in model.requests[-1].turns)
    assert problem({**arguments(model.requests[-1]), "model": "m"}) is None
    assert [entry.data for entry in every[2 : written + 1]] == [draft.data for draft in BROKEN[name]][-(written - 1) :]
    if "result" in name:
        assert len(told) == 1
    assert shown == ("opening" not in name and "reply" not in name)


def test_folding_a_broken_thread_is_the_same_for_everybody() -> None:
    """`stored` is pure: a result under an id that was given twice goes to the second call of that id."""
    view = window(entries([OPENING, transcript.user("go"), BROKEN["one id twice"][0]]))
    for entry in entries([OPENING, transcript.user("go"), *BROKEN["one id twice"]])[3:]:
        view = stored(view, entry)
    results = [frame.value["tool_use_id"] for frame in view.turns[-1].frames]
    assert results == ["a", "a_2"]
    assert view.ready


def test_a_task_is_one_append(tmp_path: Path) -> None:
    """Opening, notes and task are written together: a kill leaves all of them or none."""
    written: list[int] = []
    with agent(tmp_path, ["One."]) as one:
        append = one.journal.append

        class Counting(type(one.journal)):  # type: ignore[misc]  # a journal that counts what is written at once
            def append(self, thread: str, drafts: Any, **more: Any) -> Any:
                written.append(len(drafts))
                return append(thread, drafts, **more)

        one.journal.__class__ = Counting
        one.run("Go.", thread="t")
    assert written[0] == 3


@pytest.mark.parametrize("task", ["", " \n", [], [Text(" ")]])
def test_an_empty_task_is_an_error(tmp_path: Path, task: Any) -> None:
    """A task that says nothing is refused before anything is written."""
    with agent(tmp_path, ["never"]) as one:
        with pytest.raises(ConfigError, match="task is empty"):
            one.run(task, thread="t")
        assert kinds(one, "t") == []


def test_a_run_without_a_task_says_that_there_is_none(tmp_path: Path) -> None:
    """On a thread that does not exist, and on one in which nobody has said anything."""
    with agent(tmp_path, ["never"]) as one:
        for thread in ("t", None):
            with pytest.raises(ThreadNotFound, match="give a task"):
                one.run(thread=thread)
        assert kinds(one, "t") == []
        one.journal.append("u", [OPENING], head=-1)
        with pytest.raises(ConfigError, match="no task"):
            one.run(thread="u")


def test_sessions_of_one_thread_share_what_was_folded(tmp_path: Path) -> None:
    """The next run's session goes on with the view of the one before, and reads nothing again."""
    with agent(tmp_path, ["One."]) as one:
        one.run("Go.", thread="t")
        before = one.sessions["t"]
        after = one.sessions.open("t")
        assert after is not before
        assert after.view is before.view
        assert Session(one.journal, "t").refresh().view == after.view
