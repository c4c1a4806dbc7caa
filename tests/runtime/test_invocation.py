"""A stream hears an interrupt at once, whatever its model or tool is doing, and the thread goes on later."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Done, Stopped
from agentmem.runtime.invocation import Abandoned, Channel, events
from agentmem.types import TextDelta
from tests.runtime.agents import agent, clock

CHILD = """
import sys, threading
from agentmem import Agent, ScriptedModel, tool

def hang():
    print("hanging", flush=True)
    threading.Event().wait(120)

@tool(effect="write")
def stamp() -> str:
    '''Stamps.'''
    if sys.argv[2] == "tool":
        hang()
    return "stamped"

def script(request):
    if len(request.turns) == 1:
        return {"calls": [{"stamp": {}}]}
    if sys.argv[2] == "model":
        hang()
    return "Done."

with Agent(ScriptedModel(script), sys.argv[1], tools=[stamp]) as agent:
    try:
        for event in agent.stream("Stamp.", thread="t"):
            pass
        print(event.result.text, flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def start(folder: Path, hangs: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(folder), hangs], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("hangs", ["tool", "model"])
def test_an_interrupt_is_heard_at_once(tmp_path: Path, hangs: str) -> None:
    """Ctrl-C ends the stream though the work would take minutes more; the next run finishes the task."""
    with start(tmp_path, hangs) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        os.kill(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert said == "interrupted\n"
    with start(tmp_path, "nothing") as heir:
        said, _ = heir.communicate()
    assert said == "Done.\n"


def test_what_a_run_raises_is_raised_where_it_is_read() -> None:
    """An error ends the events, after those that came before it."""

    def run(channel: Channel) -> None:
        channel.write(TextDelta("a"))
        raise ValueError("no")

    told = events(run)
    assert next(told) == TextDelta("a")
    with pytest.raises(ValueError, match="no"):
        next(told)


def test_a_run_without_a_reader_ends() -> None:
    """Once the reader has left, the run's next event ends it."""
    ended = threading.Event()

    def run(channel: Channel) -> None:
        try:
            while True:
                channel.write(Stopped("again"))
        except Abandoned:
            ended.set()

    told = events(run)
    next(told)
    told.close()
    assert ended.is_set()


def test_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    """A run that is far ahead waits for its reader; no event is lost."""
    words = " ".join(str(n) for n in range(2_000))
    with Agent(ScriptedModel([words]), tmp_path, clock=clock) as one:
        seen = list(one.stream("Count."))
    assert "".join(event.text for event in seen if isinstance(event, TextDelta)) == words
    assert isinstance(seen[-1], Done)


def test_context_variables_reach_the_tools(tmp_path: Path) -> None:
    """What the caller set with contextvars is seen by tools in a stream, as in a run."""
    from contextvars import ContextVar

    from agentmem.menu.menu import tool

    who: ContextVar[str] = ContextVar("who", default="nobody")

    def ask() -> str:
        """Asks who is there."""
        return who.get()

    who.set("somebody")
    turns = [{"calls": [{"ask": {}}]}, "ok"]
    with agent(tmp_path, turns, tools=[tool(ask, effect="read")]) as one:
        list(one.stream("go", thread="t"))
        [result] = [entry.value for entry in one.journal.entries("t") if entry.kind == "tool_result"]
    assert result["content"][0]["text"] == "somebody"
