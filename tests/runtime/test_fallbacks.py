"""Fallbacks: the next model answers, the switch is an entry with a price, and there is a way back."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from agentmem.context.view import wire
from agentmem.context.window import window
from agentmem.errors import ConfigError, ModelOverloaded, ModelRejected, ModelUnreachable
from agentmem.kvcache import frames
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import BrokenStream, HttpError
from agentmem.kvcache.simulated.faults import Reply as Served
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.menu.menu import tool
from agentmem.meter.ledger import rows
from agentmem.meter.report import report
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.anthropic_request import check_body
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Done, Retrying, Switched
from agentmem.types import Delta, Json, ModelProfile, Request, TextDelta
from tests.runtime.agents import NOON, kinds

MODELS = (("anthropic", "claude-sonnet-5-5"), ("deepseek", "deepseek-chat"), ("moonshotai", "kimi-k2"))
"""Three providers that speak the Messages API."""
OVERLOADED = HttpError(529, "overloaded_error", "Overloaded")
DOWN = HttpError(500, "api_error", "down")
GONE = HttpError(404, "not_found_error", "model: no-such-model")
REFUSED = ServerAnswer([], "refusal")


@tool(effect="read")
def look(place: str) -> str:
    """Looks at a place."""
    return f"{place}: " + "nothing new there today. " * 60


def looking(number: int) -> ServerAnswer:
    return ServerAnswer([{"type": "tool_use", "id": f"toolu_{number}", "name": "look", "input": {"place": "A"}}])


class Three:
    """Servers of three providers with a script each, an agent on all, and a clock that a test moves."""

    def __init__(self, folder: Path, scripts: tuple[list[Served], ...], opened: ExitStack, **settings: Any) -> None:
        self.now = NOON
        self.servers = [opened.enter_context(MessagesServer(script, validate=check_body)) for script in scripts]
        models = [
            opened.enter_context(
                AnthropicModel(
                    name,
                    api_key="none",
                    base_url=server.url,
                    max_retries=0,
                    stream_retries=0,
                    model_profile=ModelProfile(provider, name, "cloud"),
                )
            )
            for (provider, name), server in zip(MODELS, self.servers, strict=False)
        ]
        first, *others = models
        system = "Be exact and brief. " * 500
        self.agent = opened.enter_context(
            Agent(first, folder, fallbacks=others, tools=[look], system=system, clock=lambda: self.now, **settings)
        )

    @property
    def asked(self) -> list[int]:
        return [len(server.bodies) for server in self.servers]

    def switches(self) -> list[Json]:
        changes = [entry.value for entry in self.agent.journal.entries("t") if entry.kind == "reconfigure"]
        return [change["switch"] for change in changes]


@contextmanager
def three(folder: Path, *scripts: list[Served], **settings: Any) -> Iterator[Three]:
    with ExitStack() as opened:
        yield Three(folder, scripts, opened, **settings)


@pytest.mark.parametrize(
    ("fault", "why", "says"),
    [
        (OVERLOADED, "overload", "anthropic:claude-sonnet-5-5 is overloaded"),
        (DOWN, "outage", "could not be reached or did not finish"),
        (BrokenStream(ServerAnswer.text("Hel"), events=1), "outage", "did not finish"),
        (GONE, "unknown", "is not there under this name"),
        (REFUSED, "refusal", "declined to answer"),
    ],
    ids=["overload", "outage", "broken stream", "unknown", "refusal"],
)
def test_the_next_model_answers(tmp_path: Path, fault: Served, why: str, says: str) -> None:
    """For each reason: the run is done in one call, and the thread says why, what is lost and what that costs."""
    with three(tmp_path, [looking(1), fault], [ServerAnswer.text("Nothing new.")]) as on:
        result = on.agent.run("What is new?", thread="t")
        assert (result.status, result.text) == ("done", "Nothing new.")
        (switch,) = on.switches()
        assert switch["why"] == why
        assert says in switch["says"]
        assert (switch["from"], switch["to"]) == ("anthropic:claude-sonnet-5-5", "deepseek:deepseek-chat")
        assert switch["tokens"] > 2_000
        assert switch["usd"] > 0
        row = list(rows(on.agent.journal, "t"))[-1]
        assert (row.model, row.break_) == ("deepseek:deepseek-chat", "cut")
        assert row.switch_usd is not None
        assert row.cost_usd is not None
        assert 0 < row.switch_usd < row.cost_usd
        assert report(rows(on.agent.journal, "t"))["switch_usd"] == row.switch_usd


def test_over_three_providers_and_back(tmp_path: Path) -> None:
    """No request is refused, each switch is priced, and what a server got is the wire of its moment."""
    scripts: tuple[list[Served], ...] = (
        [looking(1), OVERLOADED, looking(4), ServerAnswer.text("Back again.")],
        [looking(2), DOWN],
        [looking(3), ServerAnswer.text("Nothing new.")],
    )
    with three(tmp_path, *scripts) as on:
        assert on.agent.run("What is new?", thread="t").text == "Nothing new."
        on.now += 600
        assert on.agent.run("And now?", thread="t").text == "Back again."
        assert [one["why"] for one in on.switches()] == ["overload", "outage", "back"]
        assert on.asked == [4, 2, 2]
        used = [row for row in rows(on.agent.journal, "t") if not row.error]
        switched = [at for at, row in enumerate(used) if at and row.model != used[at - 1].model]
        assert [row.switch_usd is not None for row in used] == [at in switched for at in range(len(used))]
        assert len(switched) == 3
        failed = [row for row in rows(on.agent.journal, "t") if row.error]
        assert [row.error.partition(":")[0] for row in failed if row.error] == ["ModelOverloaded", "ModelUnreachable"]
        entries = list(on.agent.journal.entries("t"))
        replied = [at for at, entry in enumerate(entries) if entry.kind == "assistant"]
        wires = [wire(window(entries[:at])) for at in replied]
        answered = [on.servers[at].bodies[number] for at, number in ((0, 0), (1, 0), (2, 0), (2, 1), (0, 2), (0, 3))]
        assert [frames.wire(frames.body_frames(body)) for body in answered] == wires


def test_a_fallback_stays_for_its_time(tmp_path: Path) -> None:
    """A run soon after goes on with the fallback, which has the cache; later the first model is tried again."""
    hello, again, back = (ServerAnswer.text(text) for text in ("Hello.", "Again.", "Back."))
    with three(tmp_path, [OVERLOADED, back], [hello, again]) as on:
        assert on.agent.run("Hello", thread="t").text == "Hello."
        on.now += 299
        assert on.agent.run("And?", thread="t").text == "Again."
        on.now += 2
        assert on.agent.run("And?", thread="t").text == "Back."
        assert [one["why"] for one in on.switches()] == ["overload", "back"]


def test_an_unknown_model_is_not_tried_again(tmp_path: Path) -> None:
    """Only another name or key helps, so the thread stays where it is, however long."""
    with three(tmp_path, [GONE], [ServerAnswer.text("Hello."), ServerAnswer.text("Again.")]) as on:
        on.agent.run("Hello", thread="t")
        on.now += 1e6
        assert on.agent.run("And?", thread="t").text == "Again."
        assert on.asked == [1, 2]


def test_another_process_knows_the_fallback(tmp_path: Path) -> None:
    """The transcript says which model a thread is on."""
    with three(tmp_path, [OVERLOADED], [ServerAnswer.text("Hello.")]) as on:
        on.agent.run("Hello", thread="t")
    with three(tmp_path, [], [ServerAnswer.text("Again.")]) as on:
        assert on.agent.run("And?", thread="t").text == "Again."
        assert on.asked == [0, 1]


def test_when_no_model_answers_the_last_error_is_raised(tmp_path: Path) -> None:
    """The transcript is intact, and the thread goes on when one is there again."""
    with three(tmp_path, [OVERLOADED], [DOWN], [OVERLOADED, ServerAnswer.text("Hello.")]) as on:
        with pytest.raises(ModelOverloaded):
            on.agent.run("Hello", thread="t")
        assert on.agent.run(thread="t").text == "Hello."
        assert kinds(on.agent, "t").count("user") == 1


def test_a_refusal_with_calls_goes_on_too(tmp_path: Path) -> None:
    """Its calls are not run, and the next model is asked."""
    calling = ServerAnswer(looking(1).content, "refusal")
    with three(tmp_path, [calling], [REFUSED], [ServerAnswer.text("Hello.")]) as on:
        assert on.agent.run("Hello", thread="t").text == "Hello."
        assert [one["why"] for one in on.switches()] == ["refusal", "refusal"]


def test_without_a_fallback_a_refusal_ends_the_run(tmp_path: Path) -> None:
    """Nothing changes for an agent with one model."""
    with three(tmp_path, [REFUSED]) as on:
        assert on.agent.run("Hello", thread="t").reason.startswith("refusal")


def test_a_mistake_of_ours_is_no_reason(tmp_path: Path) -> None:
    """A request that one provider refuses as invalid is not shown around."""
    invalid = HttpError(400, "invalid_request_error", "max_tokens: too large")
    with three(tmp_path, [invalid], [ServerAnswer.text("Hello.")]) as on, pytest.raises(ModelRejected):
        on.agent.run("Hello", thread="t")


def test_the_stream_tells_retries_and_switches(tmp_path: Path) -> None:
    """In order: the switch with its price, then why the request is sent again; on the way back only the switch."""
    with three(tmp_path, [OVERLOADED, ServerAnswer.text("Back.")], [ServerAnswer.text("Hello.")]) as on:
        told = [event for event in on.agent.stream("Hello", thread="t") if isinstance(event, Switched | Retrying)]
        on.now += 600
        back = [event for event in on.agent.stream("And?", thread="t") if isinstance(event, Switched | Retrying)]
    switched, retrying = told
    assert isinstance(switched, Switched)
    assert isinstance(retrying, Retrying)
    assert (switched.why, retrying.remedy, retrying.attempt) == ("overload", "switched", 1)
    assert retrying.reason.startswith("ModelOverloaded: ")
    assert [event.why for event in back if isinstance(event, Switched)] == ["back"]
    assert len(back) == 1


def test_in_asyncio(tmp_path: Path) -> None:
    """`arun` and `astream` fall back too."""

    async def main() -> tuple[str, list[str]]:
        hello, again = ServerAnswer.text("Hello."), ServerAnswer.text("Again.")
        with three(tmp_path, [OVERLOADED], [hello, DOWN], [again]) as on:
            text = (await on.agent.arun("Hello", thread="t")).text
            events = [event async for event in on.agent.astream("And?", thread="t")]
            return text, [event.result.text for event in events if isinstance(event, Done)]

    assert asyncio.run(main()) == ("Hello.", ["Again."])


class Breaking:
    """A model whose reply breaks off after its first text."""

    profile = ModelProfile("one", "breaking", "cloud")

    def stream(self, request: Request) -> Iterator[Delta]:
        yield TextDelta("Hel")
        raise ModelUnreachable("it broke off")

    async def astream(self, request: Request) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to close."""


def test_text_that_was_shown_is_not_said_twice(tmp_path: Path) -> None:
    """A reader who has seen a part gets the error; a run that shows whole replies falls back."""
    model = ScriptedModel(["Hello."])
    with Agent(Breaking(), tmp_path, fallbacks=[model], clock=lambda: NOON) as one:  # type: ignore[arg-type]
        stream = one.stream("Hello", thread="t")
        assert next(stream) == TextDelta("Hel")
        with pytest.raises(ModelUnreachable):
            next(stream)


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    """A thread could not tell which of them it is on."""
    with pytest.raises(ConfigError, match="scripted:scripted stands twice"):
        Agent(ScriptedModel([]), tmp_path, fallbacks=[ScriptedModel([])])


def test_what_is_no_list_of_models_is_refused(tmp_path: Path) -> None:
    """A name alone is no list."""
    with pytest.raises(ConfigError, match="fallbacks of Agent must be a list"):
        Agent(ScriptedModel([]), tmp_path, fallbacks="openai:gpt-5.5")


def test_the_budget_fits_into_every_model(tmp_path: Path) -> None:
    """A thread can go on with each of them."""
    small = Breaking()
    small.profile = ModelProfile("one", "small", "cloud", window=16_000)
    with Agent(ScriptedModel([]), tmp_path, fallbacks=[small]) as one:  # type: ignore[list-item]
        assert one.steps.budget == 12_000


def test_a_compaction_is_written_by_the_model_that_the_thread_is_on(tmp_path: Path) -> None:
    """After a switch the summary is asked from the fallback, which has the cache, and metered as its own."""
    said = [ServerAnswer.text("Hello. " * 40), ServerAnswer.text("And so on. " * 40), ServerAnswer.text("More. " * 40)]
    with three(tmp_path, [OVERLOADED], [*said, *[ServerAnswer.text("## Goal\n- Look.")] * 3]) as on:
        for _ in range(3):
            on.agent.run("Look around. " * 200, thread="t")
        on.agent.compact("t")
        asked = [row for row in rows(on.agent.journal, "t") if row.purpose == "summary"]
        assert [row.model for row in asked] == ["deepseek:deepseek-chat"]
        assert asked[0].usage.cache_read_tokens > 5_000
        assert on.asked[0] == 1
