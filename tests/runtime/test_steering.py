"""Calls that change what steers other programs wait for a person; agentmem's own settings are no tool's to write."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.menu.permissions import Reach, Steering
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Approval
from agentmem.runtime.steering import STEERING, steers
from agentmem.types import ToolCall

NAMES = ("Makefile", "CLAUDE.md", "AGENTS.md", "sub/AGENTS.md", "conftest.py", "tests/conftest.py", "pyproject.toml")
OTHERS = ("notes.md", "docs/makefiles.md", "agents/notes.md", "claude/plan.md", "src/config.py", "Make a file.md")


def write(page: str, id: str = "c1") -> ToolCall:
    return ToolCall(id, "write", json.dumps({"page": page, "text": "steered\n", "overwrite": True}))


def edit(page: str, action: str, **more: str) -> ToolCall:
    return ToolCall("c1", "edit", json.dumps({"page": page, "action": action, **more}))


def agent(root: Path, *calls: ToolCall, steering: Steering = "ask") -> Agent:
    return Agent(ScriptedModel([list(calls), "done", "more"]), root, archive=None, reach=Reach(steering=steering))


def results(one: Agent) -> str:
    return str([entry.value for entry in one.journal.entries("t") if entry.kind == "tool_result"])


@pytest.mark.parametrize("page", NAMES)
def test_a_change_to_what_steers_waits_for_a_person(tmp_path: Path, page: str) -> None:
    """Nothing is written until they allow it."""
    with agent(tmp_path, write(page)) as one:
        result = one.run("go", thread="t")
        assert result.status == "waiting"
        assert [call.name for call in result.pending] == ["write"]
        assert not (tmp_path / page).exists()
        assert one.run(Approval(True), thread="t").status == "done"
        assert (tmp_path / page).read_text() == "steered\n"


def test_a_person_may_refuse(tmp_path: Path) -> None:
    """The model is told, and nothing is written."""
    with agent(tmp_path, write("Makefile")) as one:
        one.run("go", thread="t")
        one.run(Approval(False), thread="t")
        assert "did not allow" in results(one)
    assert not (tmp_path / "Makefile").exists()


@pytest.mark.parametrize("page", OTHERS)
def test_other_pages_are_written_at_once(tmp_path: Path, page: str) -> None:
    """Names that only resemble them."""
    with agent(tmp_path, write(page)) as one:
        assert one.run("go", thread="t").status == "done"
    assert (tmp_path / page).exists()


@pytest.mark.parametrize(
    "call",
    [
        edit("Makefile", "append", text="evil:\n"),
        edit("Makefile", "replace", old="all:", text="evil:"),
        edit("Makefile", "delete"),
        edit("Makefile", "move", to="old.txt"),
        edit("notes.md", "move", to="GNUmakefile"),
        edit("notes.md", "move", to="sub/./Conftest.py"),
        edit("CLAUDE.md#Rules", "section", text="# Rules\nevil\n"),
        edit("link.md", "append", text="evil\n"),
        write("./Makefile"),
        write("linked/AGENTS.md"),
    ],
    ids=lambda call: call.arguments,
)
def test_no_way_of_changing_them_goes_by(tmp_path: Path, call: ToolCall) -> None:
    """Whatever the action, its target's name, a section of it, or a link to it."""
    for name in ("Makefile", "notes.md", "CLAUDE.md"):
        (tmp_path / name).write_text("# Rules\nall:\n")
    (tmp_path / "link.md").symlink_to("CLAUDE.md")
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    with agent(tmp_path, call) as one:
        assert one.run("go", thread="t").status == "waiting"
    with agent(tmp_path, call, steering="refuse") as one:
        assert one.run("go again", thread="u").status == "done"
    assert {(tmp_path / name).read_text() for name in ("Makefile", "notes.md", "CLAUDE.md")} == {"# Rules\nall:\n"}


def test_without_a_person_it_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """And the run goes on; the rest of its calls are made."""
    with agent(tmp_path, write("Makefile"), write("notes.md", "c2"), steering="refuse") as one:
        assert one.run("go", thread="t").status == "done"
        assert "Makefile steers other programs" in results(one)
    assert not (tmp_path / "Makefile").exists() and (tmp_path / "notes.md").exists()


def test_a_tool_that_may_not_be_used_now_waits_for_nobody(tmp_path: Path) -> None:
    """It is refused as ever: nobody is asked for what would not be done."""
    with agent(tmp_path, write("Makefile")) as one:
        assert one.run("go", thread="t", allow=["read"]).status == "done"
        assert "not allowed now" in results(one)
    assert not (tmp_path / "Makefile").exists()


def test_a_person_may_allow_them_all(tmp_path: Path) -> None:
    """By the option."""
    with agent(tmp_path, write("Makefile"), steering="allow") as one:
        assert one.run("go", thread="t").status == "done"
    assert (tmp_path / "Makefile").exists()


@pytest.mark.parametrize("steering", ["ask", "refuse", "allow"])
@pytest.mark.parametrize(
    "page", ["agentmem.toml", "AgentMem.TOML", "sub/agentmem.toml", "agent\u00admem.toml", "a.toml"]
)
def test_agentmems_settings_are_never_written(tmp_path: Path, page: str, steering: Steering) -> None:
    """Not in any folder, not by any spelling, not through a link, whatever is allowed."""
    (tmp_path / "agentmem.toml").write_text("budget = 50_000\n")
    (tmp_path / "a.toml").symlink_to("agentmem.toml")
    moved = ToolCall("c2", "edit", json.dumps({"page": "agentmem.toml", "action": "delete"}))
    with agent(tmp_path, write(page), moved, steering=steering) as one:
        one.run("go", thread="t")
        assert "agentmem's own settings" in results(one)
    assert (tmp_path / "agentmem.toml").read_text() == "budget = 50_000\n"
    assert not (tmp_path / "sub").exists()


EXAMPLES = sorted(
    glob.replace("y*ml", "yaml").replace("*", "x") for globs in STEERING.values() for glob in globs if "\\" not in glob
)


@given(st.sampled_from(EXAMPLES), st.data())
def test_no_spelling_makes_them_other_files(name: str, data: st.DataObject) -> None:
    """Letter case, Unicode's forms, what is not seen, folders above: it is the same file to somebody."""
    forms: list[Callable[[str], str]] = [str.upper, str.title, str, lambda text: unicodedata.normalize("NFD", text)]
    spelt = data.draw(st.sampled_from(forms))(name)
    at = data.draw(st.integers(0, len(spelt)))
    unseen = data.draw(st.sampled_from(["", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f"]))
    spelt = spelt[:at] + unseen + spelt[at:]
    assert steers(data.draw(st.sampled_from(["", "deep/er/", "./"])) + spelt)
