"""The workspace's archive: there when something has left the window, and not a moment before."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentmem.menu.menu import ToolLike, tool
from agentmem.models.scripted import ScriptedModel, Turn, place
from agentmem.recall.archive import LanceArchive
from agentmem.runtime.agent import Agent
from agentmem.transcript.journal import open_journal
from agentmem.types import Request, ToolCall
from tests.runtime.agents import clock

ROOMS = 24


def inspect(room: str) -> str:
    """Inspects a room.

    Args:
        room: its name
    """
    odd = "\nThe boiler's valve leaks: part WX-4471-Q." if room == "room_003" else ""
    return f"{room} in wing_b/{room}.md is in order." + "\nNothing else to say of the walls." * 12 + odd


def script(request: Request) -> Turn:
    """Inspects every room, then asks for what was seen long ago."""
    turn = place(request)
    if turn == ROOMS:
        return ToolCall(f"call_{turn}_1", "recall", '{"what": "Which part does the leaking boiler need?"}')
    if turn > ROOMS:
        return "It needs a new valve."
    return ToolCall(f"call_{turn}_1", "inspect", json.dumps({"room": f"room_{turn:03d}"}))


def agent(folder: Path, **settings: Any) -> Agent:
    model = ScriptedModel(script, by_purpose={"summary": "## Goal\n- Inspect every room.\n- room_003 was seen.\n"})
    tools: list[ToolLike] = [tool(inspect, effect="read"), "recall"]
    return Agent(model, folder, tools=tools, system="Be brief.", budget=6_000, clock=clock, **settings)


def recalled(one: Agent) -> str:
    """What the recall tool said last."""
    return str([entry.value for entry in one.journal.entries("t") if entry.kind == "tool_result"][-1])


def test_what_left_is_found_in_the_workspaces_archive(tmp_path: Path) -> None:
    """A run that compacts fills the archive behind; recall finds by meaning what was seen long ago, word for word."""
    with agent(tmp_path) as one:
        one.run("Inspect every room.", thread="t")
        assert isinstance(one.archive, LanceArchive)
        assert "part WX-4471-Q" in recalled(one)
        one.archive.settle()
        assert (tmp_path / ".agentmem" / "archive").is_dir()
        assert any(piece.seq < 16 for piece in one.archive.search("t", "boiler valve leaks"))
    with agent(tmp_path) as heir:
        assert isinstance(heir.archive, LanceArchive)
        assert "WX-4471-Q" in heir.archive.recall("t").search("leaking boiler")[0].excerpt
        assert heir.forget("t")
        assert not heir.archive.shelf.count()


def test_without_an_archive_there_is_none(tmp_path: Path) -> None:
    """With None nothing is archived, and recall searches the journal by words."""
    with agent(tmp_path, archive=None) as one:
        one.run("Inspect every room.", thread="t")
        assert "part WX-4471-Q" in recalled(one)
    assert not (tmp_path / ".agentmem" / "archive").exists()


_SHORT = """
import sys
from agentmem import Agent, ScriptedModel

script = [{"calls": [{"recall": {"what": "what I said"}}]}, "You said that."]
with Agent(ScriptedModel(script), sys.argv[1]) as agent:
    print(agent.run("Say what I said.", thread="t").text)
    agent.forget("t")
print(sorted({"lancedb", "pyarrow", "numpy", "onnxruntime"} & set(sys.modules)))
"""


def test_a_short_run_pays_nothing(tmp_path: Path) -> None:
    """Where nothing has left the window, LanceDB is not even imported, and no folder is made."""
    done = subprocess.run([sys.executable, "-c", _SHORT, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "You said that.\n[]\n"
    assert not (tmp_path / ".agentmem" / "archive").exists()


@pytest.mark.parametrize("given", [False, True], ids=["the workspace's", "one that was passed in"])
def test_an_agent_closes_what_it_opened(tmp_path: Path, given: bool) -> None:
    """The workspace's archive ends with the agent; one that was passed in goes on."""
    with open_journal(tmp_path / "run.db") as journal:
        own = LanceArchive(journal, tmp_path / "own")
        with agent(tmp_path, database=tmp_path / "run.db", **({"archive": own} if given else {})) as one:
            one.run("Inspect every room.", thread="t")
        one.close()
        assert isinstance(one.archive, LanceArchive)
        one.archive.keep("t", 12)
        one.archive.settle()
        assert (own.shelf.count() > 0) is given
        own.close()
