"""Delegates: they share the prefix of their thread, go side by side, and only their reports come back."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from threading import Barrier

import pytest
from typer.testing import CliRunner

from agentmem.cli.app import app
from agentmem.errors import ConfigError, ModelOverloaded, ThreadHasForks, ThreadNotFound
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.menu.menu import tool
from agentmem.meter.ledger import rows
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.delegates import Delegation
from agentmem.runtime.events import Result, ToolReturned
from agentmem.runtime.stops import Limits
from agentmem.transcript.transcript import readable
from agentmem.types import Frame, Json, Request, Text, ToolCall
from tests.runtime.agents import call, clock, kinds

Says = Callable[[Request, str], object]


@tool(effect="read")
def look(place: str) -> str:
    """Looks at a place."""
    return f"{place}: nothing new"


def frames(request: Request) -> list[Frame]:
    """What a request sends, in order."""
    return [*request.tools, *request.system, *(frame for turn in request.turns for frame in turn.frames)]


def last_text(request: Request) -> str:
    texts = [frame.value.get("text") for frame in frames(request) if frame.value.get("type") == "text"]
    return str(texts[-1])


def scripted(says: Says, main: list[object]) -> ScriptedModel:
    """A model whose threads say ``main`` in order, and whose delegates say what ``says`` gives for their task."""
    turns = iter(main)

    def reply(request: Request) -> object:
        texts = [str(one.value.get("text")) for one in frames(request)]
        told = next((at for at, text in enumerate(texts) if text.startswith("[Note] You are a delegate now.")), None)
        return next(turns) if told is None else says(request, texts[told + 1])

    return ScriptedModel(reply)  # type: ignore[arg-type]


def delegating(*tasks: str, fresh: bool = False) -> ToolCall:
    names = ", ".join(f'"{task}"' for task in tasks)
    return call("delegate", f'{{"tasks": [{names}], "fresh": {str(fresh).lower()}}}')


def test_a_delegate_begins_with_what_its_thread_has_sent(tmp_path: Path) -> None:
    """Its first request extends the thread's last one, frame by frame; the thread itself gets only the report."""
    model = scripted(
        lambda _, task: f"Done: {task}", [call("look", '{"place": "A"}'), delegating("B", "C"), "All done."]
    )
    with Agent(model, tmp_path, tools=["recall", "delegate", look], clock=clock) as one:
        result = one.run("Look everywhere.", thread="main")
        sent = [frames(request) for request in model.requests]
        parent, delegates = sent[1], [one for one in sent if any("[Note] You are a del" in str(f.value) for f in one)]
        assert len(delegates) == 2
        assert all(each[: len(parent)] == parent and len(each) == len(parent) + 2 for each in delegates)
        assert (result.text, result.turns) == ("All done.", 3)
        assert one.delegates("main") == ("main.d1", "main.d2")
        told = [readable(entry) for entry in one.journal.entries("main") if entry.kind == "tool_result"][-1]
        assert "## main.d1: done, 1 turns" in told
        assert "Done: B" in told
        assert not any("Done: B" in readable(entry) for entry in one.journal.entries("main.d2"))


def test_the_rest_of_a_delegates_work_is_one_reference_away(tmp_path: Path) -> None:
    """The thread recalls what its delegate saw by the reference in the report; a stranger's thread stays closed."""

    def says(request: Request, task: str) -> object:
        return call("look", '{"place": "cellar"}') if "cellar" not in last_result(request) else f"Done: {task}"

    model = scripted(says, [delegating("B"), call("recall", '{"what": "main.d1/3-8"}'), "ok", "mine"])
    with Agent(model, tmp_path, tools=["recall", "delegate", look], clock=clock) as one:
        one.run("Go.", thread="main")
        said = [readable(entry) for entry in one.journal.entries("main") if entry.kind == "tool_result"]
        assert "[All that it saw and did: main.d1/3-8]" in said[0]
        assert 'look {"place": "cellar"}' in said[1]
        one.run("Something else.", thread="other")
        assert one.steps.tools._recall(one.sessions["main"]).exact("main.d1/3-8")
        with pytest.raises(Exception, match="Nothing is stored"):
            one.steps.tools._recall(one.sessions["other"]).exact("main.d1/3")


def last_result(request: Request) -> str:
    found = [str(one.value) for one in frames(request) if one.value.get("type") == "tool_result"]
    return found[-1] if found else ""


def test_delegates_work_side_by_side(tmp_path: Path) -> None:
    """After the first has begun, the others wait for each other here, so all of them must run at once."""
    together = Barrier(3, timeout=30)

    @tool(effect="read")
    def meet() -> str:
        """Waits for the others."""
        together.wait()
        return "met"

    def says(request: Request, task: str) -> object:
        return f"{task} done" if task == "first" or "met" in last_result(request) else call("meet")

    model = scripted(says, ["Hello."])
    with Agent(model, tmp_path, tools=[meet], clock=clock) as one:
        one.run("Hello", thread="t")
        done = one.delegate_all(["first", "a", "b", "c"], thread="t")
        assert [each.text for each in done] == ["first done", "a done", "b done", "c done"]


def served(body: Json) -> ServerAnswer:
    return ServerAnswer.text("Done.")


def test_fresh_delegates_read_the_prefix_that_the_first_has_warmed(tmp_path: Path) -> None:
    """One pays for tools and instructions, and the rest read them, over HTTP under the cache's published rules."""
    with MessagesServer(served) as server:
        model = AnthropicModel("claude-sonnet-5-5", api_key="none", base_url=server.url, max_retries=0)
        with model, Agent(model, tmp_path, tools=[look], system="Be exact. " * 900) as one:
            done = one.delegate_all([f"Look at {place}" for place in "ABCDEF"])
            reads = [next(rows(one.journal, each.thread)).usage.cache_read_tokens for each in done]
            assert {each.result.status for each in done} == {"done"}
            assert reads[0] == 0
            assert all(read > 1_500 for read in reads[1:])


def test_the_cost_stands_under_the_parent(tmp_path: Path) -> None:
    """The run's result has its delegates' dollars, each row stands in its delegate's ledger, and the report adds."""
    with MessagesServer(main_and_delegates) as server:
        model = AnthropicModel("claude-sonnet-5-5", api_key="none", base_url=server.url, max_retries=0)
        with model, Agent(model, tmp_path, name="buyer", tools=["delegate"]) as one:
            result = one.run("Look everywhere.", thread="main")
            threads = ("main", *one.delegates("main"))
            paid = {name: sum(row.cost_usd or 0.0 for row in rows(one.journal, name)) for name in threads}
    assert len(paid) == 4
    assert all(usd > 0 for usd in paid.values())
    assert result.cost_usd == pytest.approx(sum(paid.values()))
    shown = CliRunner().invoke(app, ["report", "--json", "-w", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    report = json.loads(shown.stdout)
    assert report["run"] == "main"
    assert report["cost_usd"] == pytest.approx(result.cost_usd)
    assert [line["agent"] for line in report["by_agent"]] == ["buyer", "buyer.delegate"]


def main_and_delegates(body: Json) -> ServerAnswer:
    last = body["messages"][-1]["content"]
    if any(block.get("text", "").startswith("[Note] You are a delegate") for block in last):
        return ServerAnswer.text("Nothing new there.")
    if len(body["messages"]) > 1:
        return ServerAnswer.text("All done.")
    given = {"tasks": ["A", "B", "C"]}
    return ServerAnswer([{"type": "tool_use", "id": "c1", "name": "delegate", "input": given}])


def paid(folder: Path, limits: Limits) -> tuple[Result, list[float]]:
    """A run with three delegates on a server of its own: its result, and the dollars of each of its own requests."""
    with MessagesServer(main_and_delegates) as server:
        model = AnthropicModel("claude-sonnet-5-5", api_key="none", base_url=server.url, max_retries=0)
        with model, Agent(model, folder, tools=["delegate"], system="Be exact. " * 900, limits=limits) as one:
            result = one.run("Look everywhere.", thread="t")
            return result, [row.cost_usd or 0.0 for row in rows(one.journal, "t")]


def test_a_run_in_dollars_is_limited_with_its_delegates(tmp_path: Path) -> None:
    """What delegates spend counts against the limit of the run that called them."""
    free, own = paid(tmp_path / "a", Limits())
    limit = own[0] * 1.01
    assert sum(own) > limit or (free.cost_usd or 0.0) > limit
    result, own = paid(tmp_path / "b", Limits(max_usd=limit))
    assert (result.status, result.reason.partition(":")[0]) == ("stopped", "max_usd")
    assert len(own) == 1
    assert own[0] < limit <= (result.cost_usd or 0.0)


def test_rights_are_the_callers(tmp_path: Path) -> None:
    """A delegate may use only what was allowed; the rest refuses, and its menu is the thread's all the same."""

    def says(request: Request, task: str) -> object:
        return last_result(request) or call("look", '{"place": "A"}')

    model = scripted(says, ["Hello."])
    with Agent(model, tmp_path, tools=["read", look], clock=clock) as one:
        one.run("Hello", thread="t")
        assert "look is not allowed now" in one.delegate("go", thread="t", tools=["read"]).text
        assert "nothing new" in one.delegate("go", thread="t").text
        assert model.requests[-1].tools == model.requests[0].tools


def test_a_fresh_delegate_has_tools_of_its_own(tmp_path: Path) -> None:
    """Its prefix is its own anyway, so it may have functions that the thread has not."""
    seen: list[tuple[str, ...]] = []

    def says(request: Request, task: str) -> object:
        seen.append(tuple(one.value["name"] for one in request.tools))
        return last_result(request) or call("look", '{"place": "A"}')

    with Agent(scripted(says, []), tmp_path, tools=["read"], clock=clock) as one:
        done = one.delegate("go", fresh=True, tools=[look])
        assert "nothing new" in done.text
        assert seen[0] == ("look",)


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"tools": ["fly"]}, "'fly' is not on it"),
        ({"tools": [look]}, "name tools of it, or give fresh=True"),
        ({"together": 0}, "together of Delegation must be a whole number above 0"),
        ({"wings": 2}, "delegates have no such setting"),
        ({"limits": 3}, "limits of Delegation must be agentmem.Limits"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, how: dict[str, object], match: str) -> None:
    """The error says what to write, before anything is sent."""
    with Agent(scripted(lambda *_: "ok", ["Hello."]), tmp_path, tools=["read"], clock=clock) as one:
        one.run("Hello", thread="t")
        with pytest.raises(ConfigError, match=match):
            one.delegate("go", thread="t", **how)
        assert one.delegates("t") == ()


def test_what_cannot_begin_is_told(tmp_path: Path) -> None:
    """There is no thread to share, or nothing to do."""
    with Agent(scripted(lambda *_: "ok", ["Hello."]), tmp_path, tools=["read"], clock=clock) as one:
        with pytest.raises(ThreadNotFound, match="there is no thread 'none' to share"):
            one.delegate("go", thread="none")
        one.run("Hello", thread="t")
        with pytest.raises(ConfigError, match="the task is empty"):
            one.delegate("  ", thread="t")
        assert one.delegate_all([], thread="t") == ()


def test_a_call_that_waits_for_a_person_is_declined(tmp_path: Path) -> None:
    """Nobody can be asked in a delegate's run, and it goes on without."""

    @tool(effect="outside")
    def order() -> str:
        """Orders."""
        raise AssertionError("it must not run")

    def says(request: Request, task: str) -> object:
        return last_result(request) or call("order")

    with Agent(scripted(says, ["Hello."]), tmp_path, tools=[order], approve=["order"], clock=clock) as one:
        one.run("Hello", thread="t")
        done = one.delegate("Order it.", thread="t")
        assert done.result.status == "done"
        assert "Nobody can be asked" in done.text


def test_an_error_ends_its_own_delegate_alone(tmp_path: Path) -> None:
    """The others' reports come back, and the failed one says why."""

    def says(request: Request, task: str) -> object:
        return ModelOverloaded("too many requests") if task == "bad" else f"{task} done"

    with Agent(scripted(says, ["Hello."]), tmp_path, tools=["read"], clock=clock) as one:
        one.run("Hello", thread="t")
        done = one.delegate_all(["a", "bad", "b"], thread="t")
        assert [each.result.status for each in done] == ["done", "stopped", "done"]
        assert "too many requests" in done[1].result.reason


def test_a_delegate_does_not_delegate(tmp_path: Path) -> None:
    """The tool is on its menu, since the prefix is shared, and refuses."""

    def says(request: Request, task: str) -> object:
        answers = [str(one.value) for one in frames(request) if one.value.get("type") == "tool_result"]
        return answers[-1] if answers else delegating("deeper")

    with Agent(scripted(says, [delegating("B"), "ok"]), tmp_path, tools=["delegate"], clock=clock) as one:
        one.run("Go.", thread="main")
        assert one.delegates("main") == ("main.d1",)
        told = next(readable(entry) for entry in one.journal.entries("main") if entry.kind == "tool_result")
        assert "A delegate cannot delegate any further" in told


def test_limits_bound_each_delegate(tmp_path: Path) -> None:
    """A delegate that never ends is stopped, and its report says so."""
    model = scripted(lambda *_: call("look", '{"place": "A"}'), ["Hello."])
    with Agent(model, tmp_path, tools=[look], delegation=Delegation(limits=Limits(max_turns=3)), clock=clock) as one:
        one.run("Hello", thread="t")
        done = one.delegate("Look.", thread="t")
        assert (done.result.status, done.result.turns) == ("stopped", 3)


def test_forgetting_a_thread_forgets_its_delegates(tmp_path: Path) -> None:
    """Forks and fresh ones alike go, although forks of other kinds would be in the way."""
    with Agent(scripted(lambda *_: "ok", ["Hello."]), tmp_path, tools=["read"], clock=clock) as one:
        one.run("Hello", thread="t")
        one.delegate("a", thread="t")
        one.delegate("b", thread="t", fresh=True)
        assert [info.name for info in one.journal.threads()] == ["t", "t.d1", "t.d2"]
        one.forget("t")
        assert one.journal.threads() == ()


def test_forgetting_stops_at_a_fork_of_a_delegate(tmp_path: Path) -> None:
    """Somebody else's fork is not lost, and nothing is half forgotten."""
    with Agent(scripted(lambda *_: "ok", ["Hello."]), tmp_path, tools=["read"], clock=clock) as one:
        one.run("Hello", thread="t")
        one.delegate("a", thread="t", fresh=True)
        one.fork("t.d1", to="mine")
        with pytest.raises(ThreadHasForks, match="mine"):
            one.forget("t")
        assert [info.name for info in one.journal.threads()] == ["t", "t.d1", "mine"]
        one.forget("t", with_forks=True)
        assert one.journal.threads() == ()


def test_a_fresh_delegate_has_no_more_rights_than_the_run(tmp_path: Path) -> None:
    """What a run may not use, its delegates may not use either, whatever menu they have."""

    def says(request: Request, task: str) -> object:
        return last_result(request) or call("look", '{"place": "A"}')

    delegation = Delegation(fresh=True, tools=[look])
    model = scripted(says, [delegating("B", fresh=True), "ok"])
    with Agent(model, tmp_path, tools=["read", "delegate"], delegation=delegation, clock=clock) as one:
        one.run("Go.", thread="main", allow=["delegate", "read"])
        told = next(readable(entry) for entry in one.journal.entries("main") if entry.kind == "tool_result")
        assert "look is not allowed now" in told


def test_leaving_the_stream_ends_the_delegates(tmp_path: Path) -> None:
    """The reader goes, and the delegates' runs end with the run that called them; the thread can go on."""

    def says(request: Request, task: str) -> object:
        return call("look", '{"place": "A"}')

    model = scripted(says, [delegating("B", "C"), "ok"])
    with Agent(model, tmp_path, tools=["delegate", look], delegation=Delegation(limits=Limits()), clock=clock) as one:
        stream = one.stream("Go.", thread="main")
        next(event for event in stream if "delegate" in str(event))
        stream.close()
        assert not any(isinstance(event, ToolReturned) and not event.name for event in one.stream(thread="main"))
        assert kinds(one, "main")[-2:] == ["assistant", "usage"]


def test_in_asyncio(tmp_path: Path) -> None:
    """Delegates run beside an event loop, also when their thread runs on it."""
    model = scripted(lambda _, task: f"{task} done", [delegating("B", "C"), "ok"])

    async def main() -> tuple[str, str]:
        with Agent(model, tmp_path, tools=["delegate"], clock=clock) as one:
            result = await one.arun("Go.", thread="main")
            return result.text, (await one.adelegate("D", thread="main")).text

    assert asyncio.run(main()) == ("ok", "D done")


def test_a_task_may_hold_a_picture(tmp_path: Path) -> None:
    """A delegate gets blocks as a run does."""
    with Agent(scripted(lambda _, task: f"{task} done", ["Hello."]), tmp_path, tools=["read"], clock=clock) as one:
        one.run("Hello", thread="t")
        done = one.delegate([Text("one"), Text("two")], thread="t")
        assert (done.text, done.task) == ("one done", "one\n\ntwo")
