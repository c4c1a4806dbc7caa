"""An agent with a connection: the switch, changes of a server in a thread, and where each result came from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

from agentmem.compaction.when import Compaction
from agentmem.context.view import wire
from agentmem.context.window import window
from agentmem.errors import ConfigError, MenuError, ThreadNotFound
from agentmem.mcp.client import MCP
from agentmem.memory.facts import Facts
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.transcript.transcript import read_source, readable
from agentmem.types import Entry
from tests.mcp.servers import connection, gone
from tests.runtime.agents import clock

SEARCH = {"calls": [{"search": {"q": "x"}}]}


def agent(folder: Path, script: list[Any], *tools: Any, **settings: Any) -> Agent:
    return Agent(
        ScriptedModel(script, sequential=True), folder / "notes", tools=["read", *tools], clock=clock, **settings
    )


def said(one: Agent, kind: str, thread: str = "t") -> list[str]:
    return [readable(entry) for entry in one.journal.entries(thread) if entry.kind == kind]


def facts_of(results: list[Entry]) -> list[tuple[str, str]]:
    """Facts from a server's result, from an own tool's, and from a person's words: names and sources."""
    return [("theirs", results[0].reference), ("own", results[1].reference), ("said", "Anna said so / 12")]


def is_prefix(entries: list[Entry], cut: Callable[[Entry], bool] = lambda entry: False) -> bool:
    """Whether each wire begins the next one, but for entries that are ``cut``."""
    wires = [wire(window(entries[:seq])) for seq in range(1, len(entries) + 1)]
    pairs = zip(wires, wires[1:], entries[1:], strict=False)
    return all(after.startswith(before) for before, after, entry in pairs if not cut(entry))


def test_every_result_says_which_server_it_came_from_and_when(tmp_path: Path) -> None:
    """Server and time stand in the entry of each result, and on what recall finds of it; own tools have none."""
    with agent(
        tmp_path, [SEARCH, {"calls": [{"read": {"page": "no.md"}}]}, "done"], connection(tmp_path, "search")
    ) as one:
        one.run("Look.", thread="t")
        results = [entry for entry in one.journal.entries("t") if entry.kind == "tool_result"]
        assert [read_source(entry) for entry in results] == ["tests, 2025-11-26 12:00", ""]
        assert one.archive
        found = one.archive.recall("t").search("search q x")
        assert "a tool's result from tests, 2025-11-26 12:00" in [one.kind for one in found]
        facts = Facts(one.workspace, InMemoryStore(), clock=clock, journal=one.journal)
        made = [facts.remember(("notes",), name, name, source=place) for name, place in facts_of(results)]
        assert [fact.sources[1:] for fact in made] == [("tests, 2025-11-26 12:00",), (), ()]
    assert gone(tmp_path)


def test_off_is_a_note_and_calls_are_refused(tmp_path: Path) -> None:
    """A switch is an entry at the tail: the prefix stays, calls are refused until it is on again."""
    script = [SEARCH, "one", SEARCH, "two", SEARCH, "three"]
    with agent(tmp_path, script, connection(tmp_path, "search")) as one:
        one.run("Look.", thread="t")
        one.switch("tests", False, thread="t")
        one.switch("tests", False, thread="t")
        one.run("Look.", thread="t")
        one.switch("tests", True, thread="t")
        one.run("Look.", thread="t")
        results = said(one, "tool_result")
        assert results[0].startswith("search ") and results[2].startswith("search ")
        assert results[1] == "search was not called: tests, which it belongs to, is switched off in this conversation."
        notes = [text for text in said(one, "note") if "switched" in text]
        assert [text.partition(":")[0] for text in notes] == [
            "[Note] tests is switched off",
            "[Note] tests is switched on",
        ]
        assert is_prefix(list(one.journal.entries("t")))


def test_off_stays_off_in_another_process_and_after_a_compaction(tmp_path: Path) -> None:
    """What is off follows from the transcript, also when the note has left the window; it is said again then."""
    filler = [{"calls": [{"read": {"page": f"{n}.md"}}]} for n in range(6)]
    with agent(
        tmp_path, [SEARCH, *filler, "done"], connection(tmp_path, "search"), compaction=Compaction(quality=1)
    ) as one:
        for n in range(6):
            one.workspace.write(f"{n}.md", f"# {n}\n\n" + f"Line about the number {n}. " * 300)
        one.run("Read.", thread="t")
        one.switch("tests", False, thread="t")
        assert one.compact("t") is not None
    with agent(tmp_path, [SEARCH, "done"], connection(tmp_path, "search")) as again:
        again.run("Look.", thread="t")
        assert said(again, "tool_result")[-1].endswith("is switched off in this conversation.")
        assert sum("is switched off" in text for text in said(again, "note")) == 2


def test_a_connection_joins_a_thread_by_a_declared_cut(tmp_path: Path) -> None:
    """A thread that began without the connection gets its tools when it is switched on, by a `reconfigure` entry."""
    with agent(tmp_path, ["hello"]) as one:
        one.run("Hello.", thread="t")
    with agent(tmp_path, ["no tools", SEARCH, "done"], connection(tmp_path, "search")) as one:
        one.run("Look.", thread="t")
        one.switch("tests", True, thread="t")
        one.run("Look.", thread="t")
        assert said(one, "tool_result")[-1].startswith("search ")
        entries = list(one.journal.entries("t"))
        assert [entry.kind for entry in entries].count("reconfigure") == 1
        assert is_prefix(entries, cut=lambda entry: entry.kind == "reconfigure")


def test_a_switch_of_something_unknown_is_refused(tmp_path: Path) -> None:
    """A connection or a thread that there is none of is named in the error, and so is a menu that would be too long."""
    with agent(tmp_path, ["hello"], connection(tmp_path, "search")) as one:
        with pytest.raises(ThreadNotFound, match="begin it with a run"):
            one.switch("tests", False, thread="t")
        one.run("Hello.", thread="t")
        with pytest.raises(ConfigError, match="no connection 'test' among the agent's tools; there is tests"):
            one.switch("test", False, thread="t")


def test_a_joining_connection_may_not_make_the_menu_too_long(tmp_path: Path) -> None:
    """A thread whose menu has room for no more tools does not get a connection's."""
    first = connection(tmp_path, *(f"more_{n}" for n in range(9)), tools=20, name="first")
    with agent(tmp_path, ["hello"], first) as one:
        one.run("Hello.", thread="t")
    with (
        agent(tmp_path, ["hello"], connection(tmp_path, "search", "create", "show", name="more")) as one,
        pytest.raises(MenuError, match="more than 12 tools"),
    ):
        one.switch("more", True, thread="t")


def test_a_changed_tool_is_told_in_the_thread_and_can_be_called_as_it_is_now(tmp_path: Path) -> None:
    """A thread keeps the definitions that it began with; a note says what changed, and new arguments are taken."""
    newer = {"calls": [{"search": {"query": "x", "sort": "up"}}]}
    with agent(tmp_path, [SEARCH, "one"], connection(tmp_path, "search")) as one:
        one.run("Look.", thread="t")
    (tmp_path / "changed").touch()
    with agent(tmp_path, [newer, "two"], connection(tmp_path, "search")) as again:
        again.run("Look again.", thread="t")
        note = next(text for text in said(again, "note") if "no longer as described" in text)
        assert "search" in note and "`q` is gone; `query` is new: text, needed" in note
        assert said(again, "tool_result")[-1].startswith('search {"query": "x", "sort": "up"}')
        assert is_prefix(list(again.journal.entries("t")))
    (tmp_path / "changed").unlink()
    with agent(tmp_path, ["three"], connection(tmp_path, "search")) as last:
        last.run("And now?", thread="t")
        assert "[Note] The tool search is again as described above." in said(last, "note")


def test_a_change_while_a_run_goes_on_is_told_in_it(tmp_path: Path) -> None:
    """A server that announces a change is asked again, and the next request has the note."""
    script = [{"calls": [{"fault": {"kind": "change"}}]}, SEARCH, "done"]
    with agent(tmp_path, script, connection(tmp_path, "search", "fault")) as one:
        one.run("Go.", thread="t")
        assert any("no longer as described" in text for text in said(one, "note"))


def test_a_run_goes_on_while_its_server_is_dead(tmp_path: Path) -> None:
    """A server that dies at every start is a sentence in each call; the run ends as the model says."""
    (tmp_path / "notes").mkdir()
    with connection(tmp_path, "search") as known:
        known.tools(tmp_path / "notes")
    dead = MCP("tests", command=["/bin/false"], only=["search"])
    with agent(tmp_path, [SEARCH, SEARCH, SEARCH, "It is down."], dead) as one:
        assert one.run("Look.", thread="t").text == "It is down."
        assert all("cannot be reached now" in text for text in said(one, "tool_result"))
