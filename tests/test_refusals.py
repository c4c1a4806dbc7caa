"""Wrong arguments of public functions and classes are refused where they are given, by an error of ours."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anthropic
import pytest
from langchain_core.messages import AIMessage

from agentmem import Agent, Reach, RouteTarget, ScriptedModel, Team, Workspace, record, tool
from agentmem.errors import AgentmemError
from agentmem.fleet import Fleet
from agentmem.integrations import ContextCapability, ContextMiddleware, WorkspaceBackend
from agentmem.integrations.otel import Telemetry
from agentmem.menu.tool import Tool
from agentmem.team import Role
from tests.cli.invoke import invoke

CLIENT = anthropic.Anthropic(api_key="none")


def agent(**settings: Any) -> Agent:
    return Agent(ScriptedModel(["Hello."]), **{"workspace": "pages", **settings})


def running(*given: Any, **settings: Any) -> object:
    with agent() as one:
        return one.run(*given, **settings)


def streaming(*given: Any, **settings: Any) -> object:
    with agent() as one:
        return list(one.stream(*given, **settings))


def delegating(task: Any) -> object:
    with agent() as one:
        return one.delegate(task)


def making(**settings: Any) -> object:
    def stock(part: str) -> str:
        """Says how many are left."""
        return part

    return tool(stock, **settings)


def never(seat: Any) -> Any:
    """Makes no agent."""
    raise AssertionError(seat)


def method() -> object:
    class Shelf:
        @tool
        def stock(self, part: str) -> str:
            """Says how many are left."""
            return part

    return Shelf


def each(name: str, make: Callable[[Any], object], *values: Any) -> dict[str, Callable[[], object]]:
    """A case for each of several values of one argument, numbered: a value's own text may hold an address."""
    return {f"{name} {number}": partial(make, value) for number, value in enumerate(values, start=1)}


def settings(name: str, make: Callable[..., object], *given: tuple[str, Any]) -> dict[str, Callable[[], object]]:
    """A case for each of several keyword arguments."""
    return {f"{name} {key} {at}": partial(make, **{key: value}) for at, (key, value) in enumerate(given, start=1)}


WRONG: dict[str, Callable[[], object]] = {
    **each("price_as", lambda one: agent(price_as=one), "nope", "nope:x", "", 3),
    **each("workspace", lambda one: agent(workspace=one), "", 3),
    **each("task", running, 3, ["a"], [3], {"text": "a"}, b"a", "", " ", [], object(), str),
    **each("streamed", streaming, 3, ["a"]),
    **each("thread", lambda one: running("hi", thread=one), 3, "", ["a"], b"a"),
    **each("allow", lambda one: running("hi", allow=one), 3, "read", [3]),
    **each("delegated", delegating, 3, ["a"], None, "", []),
    **each("script", ScriptedModel, None, "hi", 3, {"text": "a"}, b"a"),
    **each("hidden", lambda one: Reach(hidden=one), 3, "a", [3], None),
    **each("readable", lambda one: Reach(readable=one), 3, "a", [3], None),
    **each("effect", lambda one: making(effect=one), "bad", "Read", "", 3, True, ["read"]),
    **each("timeout", lambda one: making(timeout=one), 0, -1, "x", True),
    **each("cap", lambda one: making(cap=one), 0, -1, "x", 1.5),
    **each("reads", lambda one: making(reads=one), 3, "user", ["nobody"], [3]),
    **each("card", lambda one: making(card=one), 3, "no/such/card.md", "a\0b"),
    **each("name", lambda one: making(name=one), 3, "read me!", ["a"]),
    "a method": method,
    **each("effect of Tool", lambda one: Tool("a", "A.", one, {}, print), "bad", 3),
    **each("function of Tool", lambda one: Tool("a", "A.", "read", {}, one), 3, None),
    **each("name of Tool", lambda one: Tool(one, "A.", "read", {}, print), 3, None, ""),
    **each("recorded to", lambda one: record(CLIENT, one), None, 3, ".", "", b"a"),
    "record of nothing": lambda: record(None, "run.jsonl"),
    **settings(
        "middleware",
        ContextMiddleware,
        *(("budget", one) for one in (0, -1, "x", True)),
        *(("quality", one) for one in (4, "x")),
        *(("trigger", one) for one in (3, "x", [3], ("x", 3), ("tokens", "x"))),
        *(
            ("keep", one)
            for one in (3, ("tokens", "x"), ("tokens", True), ("tokens", 10**9), {"tokens": 5, "messages": 5})
        ),
        *((name, 3) for name in ("compaction", "offload", "paging", "price_as")),
    ),
    **settings("capability", ContextCapability, *(("budget", one) for one in (0, -1, "x", None)), ("quality", 4)),
    **settings(
        "deepagents",
        ContextMiddleware.for_deepagents,
        *(("subagents", one) for one in (3, "x")),
        *(("middleware", one) for one in (3, [3])),
    ),
    **each("ledger", ContextMiddleware.ledger, 3, None, [], {"messages": [AIMessage("Done.")]}),
    **each("backend", WorkspaceBackend, "x", None, Path("x"), 3),
    **each("ray", lambda one: Fleet(never, "f.db", ray=one), "zz", "", 3, None),
    "a target's price_as": lambda: RouteTarget("a", "local", price_as="nope"),
    "a role's price_as": lambda: Role("local", price_as="nope"),
    "telemetry's price_as": lambda: Telemetry(price_as="nope"),
    "a team without a folder": lambda: Team("local", "local", "missing"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_refused_in_a_sentence(
    wrong: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each gives an error of ours that says something, and none of Python's own."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AgentmemError) as caught:
        wrong()
    assert len(str(caught.value).split()) > 4


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    """The same places take what fits them."""
    ContextMiddleware(budget=20_000, keep=("messages", 5), trigger=[("tokens", 9_000), {"tokens": 5, "messages": 3}])
    ContextMiddleware(price_as="anthropic:claude-haiku-4-5", paging=["read_file"])
    ContextCapability(budget=20_000, quality=3)
    WorkspaceBackend(Workspace(tmp_path / "pages", create=True))
    Reach(hidden=["a"], readable={tmp_path})  # type: ignore[arg-type]
    record(CLIENT, tmp_path / "new" / "run.jsonl").close()
    assert making(effect="read", reads={"user"})
    assert ContextMiddleware.ledger({"messages": []}) == []


@pytest.mark.parametrize("command", ["report", "why", "context", "logs", "ui", "replay", "where"])
def test_a_file_that_does_not_exist_is_said_not_to(command: str, tmp_path: Path) -> None:
    """A mistyped file is named by every command that takes one, also where no run is kept."""
    workspace = () if command in ("logs", "replay") else ("-w", tmp_path)
    done = invoke(*command.split(), "no-such.jsonl", *workspace)
    assert done.exit_code in (1, 2)
    told = " ".join(done.stderr.split())
    assert "no-such.jsonl" in told
    assert "there is no file" in told or "does not exist" in told
