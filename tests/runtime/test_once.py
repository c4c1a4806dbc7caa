"""A call with a key: the task is started once, and every call gets the one result."""

import asyncio
import os
import re
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.errors import ConfigError, KeyTaken, ModelError
from agentmem.menu.menu import tool
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Approval, Done
from agentmem.transcript.transcript import readable
from tests.runtime.agents import agent, call, kinds
from tests.transcript.databases import child, heard


def tasks(one: Agent) -> list[str]:
    """What people said in all threads."""
    every = (entry for info in one.journal.threads() for entry in one.journal.entries(info.name))
    return [readable(entry) for entry in every if entry.kind == "user"]


def test_the_second_call_gets_the_result_of_the_first(tmp_path: Path, database_url: str) -> None:
    """Nothing is asked or written again, also by another agent; without a key runs are as they were."""
    with agent(tmp_path, ["One."], database=database_url) as one:
        first = one.run("Go.", key="k")
        assert (first.text, first.submitted) == ("One.", "started")
        head = one.journal.head(first.thread)
        again = one.run("Go.", key="k")
        assert (again.text, again.submitted, again.thread, again.usage) == (
            "One.",
            "finished",
            first.thread,
            first.usage,
        )
        assert one.run("Go.", thread="free").submitted == ""
    with agent(tmp_path, [], database=database_url) as other:
        assert other.run("Go.", key="k", thread=first.thread).submitted == "finished"
        assert list(other.stream("Go.", key="k")) == [Done(again)]
        assert other.journal.head(first.thread) == head
        assert other.journal.submission("k").thread == first.thread  # type: ignore[union-attr]


def test_every_form_of_run_takes_a_key(tmp_path: Path) -> None:
    """run, arun, stream and astream start a task once, and find it."""

    async def main(one: Agent) -> None:
        assert (await one.arun("Go.", key="a")).submitted == "started"
        assert (await one.arun("Go.", key="a")).submitted == "finished"
        for how in ("started", "finished"):
            events = [event async for event in one.astream("Go.", key="b")]
            assert isinstance(events[-1], Done)
            assert events[-1].result.submitted == how

    with agent(tmp_path, ["One."]) as one:
        asyncio.run(main(one))
        for how in ("started", "finished"):
            done = list(one.stream("Go.", key="c"))[-1]
            assert isinstance(done, Done)
            assert done.result.submitted == how
        assert tasks(one) == ["Go."] * 3


def test_a_result_is_that_of_its_own_run(tmp_path: Path) -> None:
    """A thread that went on afterwards does not change what the key gives."""
    with agent(tmp_path, ["One.", "Two.", "Three."]) as one:
        assert one.run("First.", key="a", thread="t").text == "One."
        assert one.run("Second.", thread="t").text == "Two."
        assert one.run("Third.", key="c", thread="t").text == "Three."
        first = one.run("First.", key="a")
        assert (first.text, first.submitted, first.thread, first.turns) == ("One.", "finished", "t", 1)
        assert tasks(one) == ["First.", "Second.", "Third."]


def test_another_task_under_a_key_is_refused(tmp_path: Path) -> None:
    """So is another thread; nothing is started, and the first task's result stays."""
    with agent(tmp_path, ["One."]) as one:
        one.run("Go.", key="k")
        for task, thread in (("Stop.", None), ("Go.", "elsewhere")):
            with pytest.raises(KeyTaken, match="another task was submitted under the key 'k'"):
                one.run(task, key="k", thread=thread)
        assert tasks(one) == ["Go."]
        assert one.run("Go.", key="k").text == "One."


@pytest.mark.parametrize("task", [None, Approval(True), "", []])
def test_a_key_goes_with_a_task(tmp_path: Path, task: Any) -> None:
    """A key without a task, or one that is no name, is refused before anything is written."""
    with agent(tmp_path, []) as one:
        with pytest.raises(ConfigError, match=r"key goes with a task|task is empty"):
            one.run(task, key="k")
        with pytest.raises(ConfigError, match="a key is 1 to 200 printable characters"):
            one.run("Go.", key="a\nb")
        assert one.journal.threads() == ()


def test_a_run_that_failed_is_resumed(tmp_path: Path) -> None:
    """After an error the same call goes on where the run stood, without saying the task again."""
    with agent(tmp_path, [ModelError("gone")], tools=[]) as one, pytest.raises(ModelError, match="gone"):
        one.run("Go.", key="k")
    with agent(tmp_path, ["One."], tools=[]) as one:
        result = one.run("Go.", key="k")
        assert (result.text, result.submitted) == ("One.", "resumed")
        assert kinds(one, result.thread).count("user") == 1


def test_a_waiting_call_takes_its_approval_by_thread(tmp_path: Path) -> None:
    """A run that waits for a person is found waiting, and finished once it was answered."""
    with agent(tmp_path, [[call("write", '{"page":"a.md","text":"x"}')], "Done."], approve=["write"]) as one:
        first = one.run("Go.", key="k")
        assert (first.status, first.submitted) == ("waiting", "started")
        again = one.run("Go.", key="k")
        assert (again.status, again.submitted) == ("waiting", "resumed")
        assert one.run(Approval(True), thread=first.thread).text == "Done."
        assert one.run("Go.", key="k").submitted == "finished"


@dataclass
class Answer:
    """A typed answer."""

    n: int


def test_a_typed_result_is_found_again(tmp_path: Path) -> None:
    """The value is read from the answer that stands there; one that never fitted is asked for once more."""
    with agent(tmp_path, ['{"n": 3}']) as one:
        for how in ("started", "finished"):
            result = one.run("Count.", key="k", returns=Answer)
            assert (result.value, result.submitted) == (Answer(3), how)
    with agent(tmp_path, ["no", "no", "no"]) as one:
        first = one.run("Count again.", key="l", returns=Answer)
        assert (first.status, first.submitted) == ("stopped", "started")
    with agent(tmp_path, ["no", "no", '{"n": 4}']) as one:
        again = one.run("Count again.", key="l", returns=Answer)
        assert (again.value, again.submitted) == (Answer(4), "resumed")


def test_calls_at_once_share_one_run(tmp_path: Path, database_url: str) -> None:
    """Of many calls with a key, from threads and from asyncio, one starts the task; all get the result."""
    began, go = threading.Event(), threading.Event()
    results = []

    def hold() -> str:
        """Hold on."""
        began.set()
        go.wait(60)
        return "held"

    turns = [[call("hold")], "One."]
    with (
        agent(tmp_path / "a", turns, tools=[tool(hold)], database=database_url) as one,
        agent(tmp_path / "b", turns, tools=[tool(hold)], database=database_url) as two,
    ):
        calls = [threading.Thread(target=lambda: results.append(one.run("Go.", key="k"))) for _ in range(3)]
        calls[0].start()
        began.wait(60)
        for each in calls[1:]:
            each.start()

        async def others() -> None:
            async with asyncio.TaskGroup() as group:
                joined = [group.create_task(two.arun("Go.", key="k")) for _ in range(9)]
                await asyncio.sleep(0)
                go.set()
            results.extend(each.result() for each in joined)

        asyncio.run(others())
        for each in calls:
            each.join()
        assert {result.text for result in results} == {"One."}
        assert sorted({result.submitted for result in results} - {"finished"}) in (["started"], ["joined", "started"])
        assert [result.submitted for result in results].count("started") == 1
        assert tasks(one) == ["Go."]


def test_a_cancelled_call_leaves_the_thread_free(tmp_path: Path) -> None:
    """A call that is cancelled while it waits, or while it works, holds nothing."""
    began, go = threading.Event(), threading.Event()

    def hold() -> str:
        """Hold on."""
        began.set()
        go.wait(60)
        return "held"

    async def main(one: Agent) -> None:
        first = asyncio.create_task(one.arun("Go.", key="k"))
        await asyncio.to_thread(began.wait, 60)
        waiting = asyncio.create_task(one.arun("Go.", key="k"))
        await asyncio.sleep(0)
        for each in (waiting, first):
            each.cancel()
            go.set()
            with pytest.raises(asyncio.CancelledError):
                await each
        assert (await one.arun("Go.", key="k")).text == "One."

    with agent(tmp_path, [[call("hold")], "One."], tools=[tool(hold)]) as one:
        asyncio.run(main(one))
        assert tasks(one) == ["Go."]
        assert one.journal.storage.run("SELECT count(*) FROM leases") == [(0,)]


RUNNER = """
import sys
from agentmem import Agent, ScriptedModel, ToolCall
def script(request):
    turn = sum(one.role == "assistant" for one in request.turns)
    print("turn", turn, flush=True)
    if sys.argv[3] == str(turn):
        sys.stdin.read()
    return ToolCall(f"call_{turn}", "ls", "{}") if turn < 3 else "All done."
with Agent(ScriptedModel(script), sys.argv[1], database=sys.argv[2], archive=None) as agent:
    print(agent.run("Go.", key="k").submitted, flush=True)
"""


def test_a_dead_process_is_taken_over(tmp_path: Path, database_url: str) -> None:
    """The run of a process killed with -9 is gone on with by the next call: one task, one answer."""
    with child(RUNNER, str(tmp_path), database_url, "2") as first:
        assert [heard(first) for _ in range(3)][-1] == "turn 2"
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    with child(RUNNER, str(tmp_path), database_url, "") as heir:
        lines = [heard(heir) for _ in range(3)]
    assert lines[-1] == "resumed"
    with agent(tmp_path, [], database=database_url) as one:
        result = one.run("Go.", key="k")
        assert (result.text, result.submitted, tasks(one)) == ("All done.", "finished", ["Go."])
        assert kinds(one, result.thread).count("assistant") == 4


@settings(max_examples=8)
@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=8), st.booleans())
def test_any_order_of_calls_starts_each_task_once(tmp_path_factory: Any, keys: list[str], one_thread: bool) -> None:
    """Property: whatever keys come in whatever order, each is started by its first call only, and answers its own."""
    folder = tmp_path_factory.mktemp("once")
    with Agent(ScriptedModel(lambda request: f"Answer to {_asked(request)}"), folder, archive=None) as one:
        seen: set[str] = set()
        for key in keys:
            result = one.run(f"Task {key}", key=key, thread="t" if one_thread else None)
            assert result.text == f"Answer to Task {key}"
            assert result.submitted == ("finished" if key in seen else "started")
            seen.add(key)
        assert sorted(tasks(one)) == [f"Task {key}" for key in sorted(seen)]


def _asked(request: Any) -> str:
    return str(re.findall(r"Task [abc]", str(request.turns))[-1])
