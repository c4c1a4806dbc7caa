"""Stop reasons: what the loop does with each reply, over real HTTP and with a Model of one's own."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ConfigError, ModelError
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.menu.menu import tool
from agentmem.meter.ledger import decode
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.scripted import SCRIPTED
from agentmem.runtime import stops
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Compacted, Stopped
from agentmem.runtime.stops import Limits, RunSpent, reached
from agentmem.transcript.transcript import readable
from agentmem.types import Delta, Json, Message, ModelProfile, Opaque, Options, Reply, Request, Text, ToolCall, Usage
from tests.runtime.agents import clock, kinds

ran: list[str] = []


@tool(effect="outside")
def wipe(path: str = "everything") -> str:
    """Wipes a path."""
    ran.append(path)
    return "wiped"


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


def text(said: str, stop: str | None = None) -> ServerAnswer:
    return ServerAnswer(({"type": "text", "text": said},) if said else (), stop)


def calls(*arguments: Json, stop: str | None = None) -> ServerAnswer:
    made = [
        {"type": "tool_use", "id": f"t{at}", "name": "wipe", "input": dict(one)} for at, one in enumerate(arguments)
    ]
    return ServerAnswer(tuple(made), stop)


@dataclass
class Told:
    """A Model of a user's own that says what it is told, and keeps what it was asked."""

    replies: list[Any]
    profile: ModelProfile = SCRIPTED
    requests: list[Request] = field(default_factory=list)

    def stream(self, request: Request) -> Iterator[Delta]:
        self.requests.append(request)
        made = self.replies[min(len(self.requests), len(self.replies)) - 1]
        made = (
            Reply(Message("assistant", made[0]), Usage("simulated", 1000), made[1]) if isinstance(made, tuple) else made
        )
        yield from made if isinstance(made, list) else [made]

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        for delta in self.stream(request):
            yield delta

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def converse(server: MessagesServer, folder: Path, **settings: Any) -> Iterator[Agent]:
    model = AnthropicModel("claude-sonnet-5", api_key="none", base_url=server.url, max_retries=0)
    with closing(model), Agent(model, folder, tools=[wipe], clock=clock, archive=None, **settings) as agent:
        yield agent


@pytest.mark.parametrize(
    ("replies", "status", "said", "stop", "reason"),
    [
        ([text("Done.")], "done", "Done.", "end_turn", ""),
        ([text("Done.", "stop_sequence")], "done", "Done.", "stop_sequence", ""),
        ([text("Done.", "something_new")], "done", "Done.", "something_new", ""),
        ([text("half an ans", "max_tokens"), text("wer")], "done", "half an answer", "end_turn", ""),
        ([text("1", "max_tokens")] * 4, "stopped", "1111", "max_tokens", "cut off at 8,192 tokens (4 in a row)"),
        ([text("", "max_tokens"), text("brief")], "done", "brief", "end_turn", ""),
        ([text("Let me look. ", "pause_turn"), text("Found.")], "done", "Let me look. Found.", "end_turn", ""),
        ([text("I won't", "refusal")], "stopped", "I won't", "refusal", "refusal: the model declined"),
        ([text("", "refusal")], "stopped", "", "refusal", "refusal: the model declined"),
        ([text(""), text("here")], "done", "here", "end_turn", ""),
        ([text("")] * 3, "stopped", "", "end_turn", "empty (3 in a row)"),
        ([text("half", "model_context_window_exceeded")], "stopped", "half", "model_context_window_exceeded", "full"),
    ],
)
def test_a_stop_reason_decides(
    tmp_path: Path, replies: list[ServerAnswer], status: str, said: str, stop: str, reason: str
) -> None:
    """What a reply's stop reason means stands in the result, and nothing more is asked than the table says."""
    with MessagesServer(replies) as server, converse(server, tmp_path) as agent:
        result = agent.run("Go.", thread="t")
        assert (result.status, result.text, result.stop_reason) == (status, said, stop)
        assert reason in result.reason
        rows = [decode(entry) for entry in agent.journal.own("t", "usage")]
    asked = [row.stop_reason for row in rows if row.purpose == "answer"]
    assert asked == [answer.stop_reason or "end_turn" for answer in replies]


@pytest.mark.parametrize("blocks", [(), (Text(""),), (Text(" \n"),), (Opaque('{"type":"thinking","thinking":"hm"}'),)])
def test_an_empty_reply_is_nudged_twice_and_never_asked_again_unchanged(tmp_path: Path, blocks: Any) -> None:
    """No block, or only white space or thinking: two nudges as entries, no request twice, then the run says why."""
    model = Told([(blocks, "end_turn")])
    with Agent(model, tmp_path, clock=clock, limits=Limits(max_turns=None)) as agent:
        result = agent.run("Go.", thread="t")
        notes = [entry for entry in agent.journal.entries("t") if entry.kind == "note" and "empty" in readable(entry)]
    assert (result.status, result.turns, len(notes)) == ("stopped", 3, 2)
    sent = [json.dumps([turn.message for turn in one.turns]) for one in model.requests]
    assert len(set(sent)) == len(sent) == 3


def test_a_model_that_gives_no_reason_has_come_to_its_end(tmp_path: Path) -> None:
    """A Model of a user's own may leave it out."""
    with Agent(Told([((Text("Done."),), None)]), tmp_path, clock=clock) as agent:
        result = agent.run("Go.", thread="t")
    assert (result.status, result.text, result.stop_reason) == ("done", "Done.", "end_turn")


def test_what_ended_a_run_does_not_end_the_next(tmp_path: Path) -> None:
    """The same task, or another, is asked anew; without a task the reason is told again, and nothing is asked."""
    replies = [((), "end_turn")] * 3 + [((Text("Hello."),), "end_turn")]
    model = Told(replies)
    with Agent(model, tmp_path, clock=clock) as agent:
        first = agent.run("Go.", thread="t")
        again = agent.run(thread="t")
        assert (again.status, again.reason, len(model.requests)) == ("stopped", first.reason, 3)
        assert agent.run("Go.", thread="t").text == "Hello."


@pytest.mark.parametrize(
    ("stop", "status"),
    [("max_tokens", "done"), ("refusal", "stopped"), ("model_context_window_exceeded", "stopped")],
)
@pytest.mark.parametrize("arguments", [{}, {"path": "a"}])
def test_calls_of_a_cut_reply_do_not_run(tmp_path: Path, stop: str, status: str, arguments: Json) -> None:
    """Whatever the arguments look like: the tool is not run, no person is asked, and the model is told why."""
    replies = [calls({"path": "x"}, arguments, stop=stop), text("ok")]
    with MessagesServer(replies) as server, converse(server, tmp_path, approve=["wipe"]) as agent:
        result = agent.run("Go.", thread="t")
        results = [readable(entry) for entry in agent.journal.entries("t") if entry.kind == "tool_result"]
        assert "tool_started" not in kinds(agent, "t")
    assert ran == []
    assert len(results) == 2
    assert all("was not run" in one for one in results)
    assert result.status == status


def test_cut_calls_end_the_run_after_the_third(tmp_path: Path) -> None:
    """A model that is cut off again and again in its calls is not paid for until max_turns."""
    with MessagesServer([calls({"path": "x"}, stop="max_tokens")] * 9) as server, converse(server, tmp_path) as agent:
        result = agent.run("Go.", thread="t")
        assert (result.status, result.turns, ran) == ("stopped", 3, [])
        assert result.reason.startswith("max_tokens")
        assert "max_tokens" in str([event for event in agent.stream(thread="t") if isinstance(event, Stopped)])


@pytest.mark.parametrize("written", ['{"path": "/tm', "[1, 2]", "null", "{'path': 1}", '{"a": NaN}', "{" * 9_000])
def test_arguments_that_are_no_json_object_run_nothing(tmp_path: Path, written: str) -> None:
    """An open tool never gets them; the model reads what is wrong, and after three replies the run ends."""
    got: list[Any] = []
    anything = {"type": "object", "properties": {}, "additionalProperties": True}
    from langchain_core.tools import StructuredTool

    def take(**given: Any) -> str:
        got.append(given)
        return "taken"

    open_tool = StructuredTool(name="take", description="Takes anything.", args_schema=anything, func=take)
    model = Told([((ToolCall(f"c{at}", "take", _kept(written)),), "tool_use") for at in range(9)])
    with Agent(model, tmp_path, tools=[open_tool], clock=clock) as agent:
        result = agent.run("Go.", thread="t")
        results = [readable(entry) for entry in agent.journal.entries("t") if entry.kind == "tool_result"]
    assert (got, result.status, result.turns) == ([], "stopped", 3)
    assert all("JSON" in one for one in results)
    assert "INVALID_JSON" not in results[0]


def _kept(written: str) -> str:
    from agentmem.transcript.transcript import call_arguments

    return call_arguments(written)


def test_a_paused_turn_goes_back_as_it_is(tmp_path: Path) -> None:
    """Amid a provider's own tools the assistant's turn is sent back unchanged, and grows; both are one answer."""
    search = {"type": "server_tool_use", "id": "srv1", "name": "web_search", "input": {"query": "x"}}
    paused = ServerAnswer(({"type": "text", "text": "I look."}, search), "pause_turn")
    with MessagesServer([paused, text(" Found.")]) as server, converse(server, tmp_path) as agent:
        result = agent.run("Go.", thread="t")
        second = server.bodies[1]["messages"]
    assert (result.status, result.text) == ("done", "I look. Found.")
    assert [message["role"] for message in second] == ["user", "assistant"]
    assert [block["type"] for block in second[-1]["content"]] == ["text", "server_tool_use"]


def test_a_full_window_is_compacted_and_asked_again(tmp_path: Path) -> None:
    """What can leave leaves, the model goes on where it was cut off, and both are one answer."""
    long = "".join(f"Fact {n} is in file_{n}.md.\n" for n in range(400))
    replies = [text("First."), text("Second."), text("half", "model_context_window_exceeded"), text(" and half")]

    def answer(body: Json) -> ServerAnswer:
        asked = json.dumps(body["messages"][-1])
        return text("- Facts are in file_3.md [2].") if "This is not part of the task" in asked else replies.pop(0)

    with MessagesServer(answer) as server, converse(server, tmp_path) as agent:
        agent.run(f"Read this.\n{long}", thread="t")
        agent.run(f"And this.\n{long}", thread="t")
        events = list(agent.stream("And now?", thread="t"))
        assert any(isinstance(event, Compacted) for event in events)
        assert agent.run(thread="t").text == "half and half"
    assert replies == []


def test_a_stream_without_a_reply_is_an_error_with_a_row(tmp_path: Path) -> None:
    """A Model that ends without a Reply is a ModelError; the ledger has a row for it and the thread goes on."""
    model = Told([[], ((Text("Back."),), "end_turn")])
    with Agent(model, tmp_path, clock=clock) as agent:
        with pytest.raises(ModelError, match="without a reply"):
            agent.run("Go.", thread="t")
        [row] = [decode(entry) for entry in agent.journal.own("t", "usage")]
        assert row.error
        assert agent.run(thread="t").text == "Back."


def test_the_answer_cache_keeps_whole_answers_only(tmp_path: Path) -> None:
    """An answer that was cut off, declined or empty is never served again."""
    for stop, kept in (("end_turn", True), ("max_tokens", False), ("refusal", False)):
        with Agent(Told([((Text("In the box with the"),), stop)]), tmp_path / stop, clock=clock) as agent:
            agent.ask("How do I return shoes?")
            assert (agent.ask("How do I return shoes?").how == "exact") is kept


def test_every_kind_has_a_rule_and_every_limit_a_reason() -> None:
    """The table is whole: a kind that is followed up a number of times says why it ends."""
    from typing import get_args

    assert set(stops.RULES) == set(get_args(stops.Kind))
    for kind, rule in stops.RULES.items():
        assert bool(rule.reason) == (kind != "whole")
        assert bool(rule.note) == (rule.move in ("ask", "compact"))
        assert stops.ending(kind, rule.times, 1) is None or rule.move == "end"
        assert (stops.ending(kind, rule.times + 1, 1) is None) == (kind == "whole")


def test_a_note_makes_models_go_on_that_lose_thinking_by_a_plain_turn(tmp_path: Path) -> None:
    """Notes wait for results there, but a nudge does not: it is what makes the next request."""
    profile = ModelProfile("scripted", "old", "scripted", plain_turn_strips_thinking=True)
    model = Told([((Text("half"),), "max_tokens"), ((Text(" more"),), "end_turn")], profile)
    with Agent(model, tmp_path, clock=clock, options=Options(max_tokens=10)) as agent:
        assert agent.run("Go.", thread="t").text == "half more"


@pytest.mark.parametrize(
    ("limits", "spent", "seconds", "says"),
    [
        (Limits(max_turns=3), RunSpent(turns=2), 0, None),
        (Limits(max_turns=3), RunSpent(turns=3), 0, "max_turns: 3 turns"),
        (Limits(max_usd=0.5), RunSpent(turns=1, usd=0.49), 0, None),
        (Limits(max_usd=0.5), RunSpent(turns=1, usd=0.5), 0, "max_usd: $0.5000"),
        (Limits(max_usd=0.5), RunSpent(turns=0, usd=None), 0, None),
        (Limits(max_usd=0.5), RunSpent(turns=1, usd=None), 0, "price of this model is unknown"),
        (Limits(max_usd=0.5), RunSpent(turns=2, usd=0.1, priced=1, unpriced={"x:y": 1}), 0, "price of x:y is unknown"),
        (Limits(max_seconds=10), RunSpent(), 9.9, None),
        (Limits(max_seconds=10), RunSpent(), 10, "max_seconds: 10.0 s"),
        (Limits(None, None, None), RunSpent(turns=10**6), 10**9, None),
    ],
)
def test_each_limit_names_itself(limits: Limits, spent: RunSpent, seconds: float, says: str | None) -> None:
    """Below a limit nothing stops; at it, the reason names it and the numbers."""
    reason = reached(limits, spent, seconds)
    assert reason is None if says is None else says in (reason or "")


def test_turns_are_limited_by_default() -> None:
    """A run without any setting cannot go on for ever."""
    assert reached(Limits(), RunSpent(turns=10_000), 0)


@pytest.mark.parametrize("name", ["max_turns", "max_usd", "max_seconds"])
def test_a_limit_must_be_positive(name: str) -> None:
    """Zero or less is a mistake, told at once."""
    with pytest.raises(ConfigError, match=f"{name} must be above 0"):
        Limits(**{name: 0})
