"""Requests that fail: asked again where nobody was shown anything, bounded by the run's limits, on the ledger."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ModelError, ModelOverloaded, ModelUnreachable, PromptTooLong
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import BrokenStream, HttpError, StalledStream, StreamError
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.meter.ledger import Row, decode
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.scripted import SCRIPTED
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Compacted, Done
from agentmem.runtime.stops import Limits
from agentmem.types import Delta, Json, Message, ModelProfile, Reply, Request, Text, TextDelta, Usage, Waiting
from tests.runtime.agents import clock

WHOLE = ServerAnswer.text("A reply that is long enough to come in several pieces, of which some are shown.")


@contextmanager
def converse(server: MessagesServer, folder: Path, limits: Limits | None = None, **options: Any) -> Iterator[Agent]:
    given: dict[str, Any] = {"max_retries": 2, "retry_delay": 0.0, **options}
    model = AnthropicModel("claude-sonnet-5", api_key="none", base_url=server.url, **given)
    with closing(model), Agent(model, folder, clock=clock, archive=None, limits=limits or Limits()) as agent:
        yield agent


def rows(agent: Agent) -> list[Row]:
    return [decode(entry) for entry in agent.journal.own("t", "usage")]


BREAKS = [BrokenStream(WHOLE, 5), BrokenStream(WHOLE, 5, clean=True), StreamError(WHOLE, 5)]


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("way", ["run", "arun"])
def test_a_reply_that_broke_off_is_asked_for_again_while_nobody_was_shown_it(
    tmp_path: Path, broken: Any, way: str
) -> None:
    """run and arun show nothing before the end: the reply comes whole, the broken request is on the ledger."""
    with MessagesServer([broken, WHOLE]) as server, converse(server, tmp_path) as agent:
        result = agent.run("Go.", thread="t") if way == "run" else asyncio.run(agent.arun("Go.", thread="t"))
        assert (result.status, result.text) == ("done", WHOLE.content[0]["text"])
        assert [bool(row.error) for row in rows(agent)] == [True, False]


@pytest.mark.parametrize("broken", BREAKS)
def test_text_that_somebody_was_shown_is_never_sent_twice(tmp_path: Path, broken: Any) -> None:
    """A stream that breaks after its first text is an error for whoever follows it."""
    with MessagesServer([broken, WHOLE]) as server, converse(server, tmp_path) as agent:
        with pytest.raises((ModelUnreachable, ModelOverloaded)):
            list(agent.stream("Go.", thread="t"))
        assert len(server.bodies) == 1


def test_asking_again_ends(tmp_path: Path) -> None:
    """A reply that breaks off each time is asked for three times."""
    with MessagesServer([BrokenStream(WHOLE, 5)] * 9) as server, converse(server, tmp_path) as agent:
        with pytest.raises(ModelUnreachable):
            agent.run("Go.", thread="t")
        assert [bool(row.error) for row in rows(agent)] == [True] * 3


@pytest.mark.parametrize("events", [0, 1, 5])
@pytest.mark.parametrize("way", ["run", "arun", "stream"])
def test_a_model_that_stalls_is_not_waited_for_longer_than_max_seconds(tmp_path: Path, events: int, way: str) -> None:
    """The run ends with a reason and a row; what the model says later is nobody's."""
    with (
        MessagesServer([StalledStream(WHOLE, events)]) as server,
        converse(server, tmp_path, Limits(max_seconds=0.3)) as agent,
    ):
        if way == "stream":
            last = list(agent.stream("Go.", thread="t"))[-1]
            assert isinstance(last, Done)
            result = last.result
        else:
            result = agent.run("Go.", thread="t") if way == "run" else asyncio.run(agent.arun("Go.", thread="t"))
        assert result.status == "stopped"
        assert result.reason.startswith("max_seconds")
        assert [bool(row.error) for row in rows(agent)] == [True]
        server.close()


def test_waits_for_a_provider_are_told(tmp_path: Path) -> None:
    """A retry-after is an event with its seconds and its reason, and is waited out."""
    overloaded = HttpError(529, "overloaded_error", "Overloaded", retry_after=0.01)
    with MessagesServer([overloaded, WHOLE]) as server, converse(server, tmp_path) as agent:
        events = list(agent.stream("Go.", thread="t"))
    waits = [event for event in events if isinstance(event, Waiting)]
    assert [(wait.seconds, "overloaded" in wait.reason) for wait in waits] == [(0.01, True)]
    assert isinstance(events[-1], Done)
    assert events[-1].result.status == "done"


def test_a_wait_that_is_longer_than_the_run_may_take_is_not_begun(tmp_path: Path) -> None:
    """The run stops at once and says why; no further request is sent."""
    limited = HttpError(429, "rate_limit_error", "Slow down", retry_after=500.0)
    with MessagesServer([limited, WHOLE]) as server, converse(server, tmp_path, Limits(max_seconds=20)) as agent:
        result = agent.run("Go.", thread="t")
        assert (result.status, len(server.bodies)) == ("stopped", 1)
        assert "500 s" in result.reason
        assert [bool(row.error) for row in rows(agent)] == [True]


def test_a_wait_beyond_the_longest_is_an_error_that_says_it(tmp_path: Path) -> None:
    """Without limits a provider's wish is followed up to ``longest_wait``."""
    limited = HttpError(429, "rate_limit_error", "Slow down", retry_after=5_000.0)
    with MessagesServer([limited, WHOLE]) as server, converse(server, tmp_path) as agent:
        with pytest.raises(ModelOverloaded):
            agent.run("Go.", thread="t")
        assert len(server.bodies) == 1


@pytest.mark.parametrize("error", [ModelError("broken"), ValueError("a fault of the model's own")])
def test_every_failure_has_a_row(tmp_path: Path, error: Exception) -> None:
    """Whatever a Model raises, the request is on the ledger, and the thread goes on."""
    with Agent(Failing(error), tmp_path, clock=clock) as agent:
        with pytest.raises(type(error)):
            agent.run("Go.", thread="t")
        assert [row.error for row in rows(agent)] == [f"{type(error).__name__}: {error}"]


class Failing:
    """A Model that raises one error and then answers."""

    profile: ModelProfile = SCRIPTED

    def __init__(self, error: Exception) -> None:
        self.error = error

    def stream(self, request: Request) -> Iterator[Delta]:
        yield TextDelta("Half")
        raise self.error

    async def astream(self, request: Request) -> Any:
        for delta in self.stream(request):
            yield delta

    def close(self) -> None:
        """Nothing is held."""


LONG = "".join(f"Fact {n} is in file_{n}.md.\n" for n in range(400))
TOO_LONG = HttpError(400, "invalid_request_error", "prompt is too long: 205000 tokens > 200000 maximum")


def test_a_prompt_that_is_too_long_is_compacted_once(tmp_path: Path) -> None:
    """The provider's count is the one that holds: what can leave leaves, and the request goes out again."""
    replies: list[Any] = [
        ServerAnswer.text("First."),
        ServerAnswer.text("Second."),
        TOO_LONG,
        ServerAnswer.text("Third."),
    ]

    def answer(body: Json) -> Any:
        asked = json.dumps(body["messages"][-1])
        return ServerAnswer.text("- Facts are in file_3.md [2].") if "not part of the task" in asked else replies.pop(0)

    with MessagesServer(answer) as server, converse(server, tmp_path) as agent:
        agent.run(f"Read this.\n{LONG}", thread="t")
        agent.run(f"And this.\n{LONG}", thread="t")
        events = list(agent.stream("And now?", thread="t"))
        assert [event.reason for event in events if isinstance(event, Compacted)] == ["limit"]
        assert isinstance(events[-1], Done)
        assert events[-1].result.text == "Third."


def test_a_prompt_that_stays_too_long_is_an_error(tmp_path: Path) -> None:
    """Where nothing can leave, or that did not help, the provider's word is passed on."""
    with MessagesServer([TOO_LONG] * 3) as server, converse(server, tmp_path) as agent:
        with pytest.raises(PromptTooLong, match="205000"):
            agent.run("Go.", thread="t")
        assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("window", "budget"), [(None, 120_000), (1_000_000, 120_000), (64_000, 55_808), (20_000, 15_000)]
)
def test_a_models_window_lowers_the_budget(tmp_path: Path, window: int | None, budget: int) -> None:
    """What does not fit beside a reply is never sent; a reply is promised a quarter of a small window at most."""
    model = Failing(ModelError("never asked"))
    model.profile = ModelProfile("scripted", "small", "scripted", window=window)
    with Agent(model, tmp_path, clock=clock) as agent:
        assert agent.steps.budget == budget


def test_a_worker_that_was_left_is_told_nothing(tmp_path: Path) -> None:
    """A model that wakes up after the run gave up on it writes nothing and shows nothing."""
    go, gone = threading.Event(), threading.Event()

    class Late(Failing):
        def stream(self, request: Request) -> Iterator[Delta]:
            go.wait(10)
            try:
                yield TextDelta("late")
                yield Reply(Message("assistant", (Text("late"),)), Usage("simulated"))
            finally:
                gone.set()

    with Agent(Late(ModelError("")), tmp_path, clock=clock, limits=Limits(max_seconds=0.1)) as agent:
        assert agent.run("Go.", thread="t").status == "stopped"
        before = agent.journal.head("t")
        go.set()
        assert gone.wait(10)
        assert agent.journal.head("t") == before
