"""Skills: a line each in the prefix, read on demand; the prefix stays when the folder changes, and a note says so."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from agentmem.context.view import wire
from agentmem.context.window import window
from agentmem.errors import ConfigError
from agentmem.models.scripted import ScriptedModel
from agentmem.pages.workspace import Workspace
from agentmem.runtime import skills
from agentmem.runtime.agent import Agent
from tests.runtime.agents import call, clock


def put(root: Path, name: str, description: str, body: str = "Do it well.") -> None:
    page = root / "skills" / name / "SKILL.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"---\nname: {name}\ndescription: {description}\n---\n\n# {name}\n\n{body}\n")


def system(model: ScriptedModel, at: int = 0) -> str:
    return "\n".join(str(frame.value["text"]) for frame in model.requests[at].system)


def notes(one: Agent) -> list[str]:
    found = [entry.value for entry in one.journal.entries("t") if entry.kind == "note"]
    return [note["text"] for note in found if note["about"] == "skills"]


def test_each_skill_is_one_line_and_read_on_demand(tmp_path: Path) -> None:
    """The prefix has name and description; the page comes by `read`."""
    put(tmp_path, "invoices", "How we write invoices. Use it for bills.", "Write the number first.")
    model = ScriptedModel([call("read", '{"page": "skills/invoices/SKILL.md"}'), "Done."])
    with Agent(model, tmp_path, skills="skills", clock=clock) as one:
        one.run("Write an invoice.", thread="t")
        assert system(model).endswith("\n- invoices: How we write invoices. Use it for bills.")
        assert "Write the number first." not in system(model)
        results = [str(entry.value) for entry in one.journal.entries("t") if entry.kind == "tool_result"]
        assert "Write the number first." in results[0]


def test_without_the_setting_nothing_changes(tmp_path: Path) -> None:
    """A folder of that name alone is no reason for other bytes."""
    put(tmp_path, "invoices", "Bills.")
    model = ScriptedModel(["Done."])
    with Agent(model, tmp_path, clock=clock) as one:
        one.run("Hello", thread="t")
    assert "invoices" not in system(model)


def test_notes_say_what_changed(tmp_path: Path) -> None:
    """New, changed, gone, and as it was; nothing is said twice."""
    put(tmp_path, "a", "One.")
    put(tmp_path, "b", "Two.")
    with Agent(ScriptedModel(["ok"] * 9), tmp_path, skills="skills", clock=clock) as one:
        one.run("Hello", thread="t")
        assert notes(one) == []
        put(tmp_path, "c", "Three.")
        put(tmp_path, "a", "Another.")
        shutil.rmtree(tmp_path / "skills" / "b")
        one.run("Go on", thread="t")
        one.run("Go on", thread="t")
        assert len(notes(one)) == 1
        assert notes(one)[0].splitlines()[1:] == ["- a: Another.", "- c: Three.", "- b is gone"]
        put(tmp_path, "a", "One.")
        put(tmp_path, "b", "Two.")
        shutil.rmtree(tmp_path / "skills" / "c")
        one.run("Go on", thread="t")
        assert notes(one)[1:] == ["[Note] The skills in skills/ are again as listed at the beginning."]


def test_a_thread_from_before_gets_them_by_a_note(tmp_path: Path) -> None:
    """A resumed thread keeps its bytes, also when its agent has skills now."""
    with Agent(ScriptedModel(["ok"]), tmp_path, clock=clock) as one:
        one.run("Hello", thread="t")
    put(tmp_path, "a", "One.")
    with Agent(ScriptedModel(["ok", "ok"]), tmp_path, skills="skills", clock=clock) as one:
        one.run("Go on", thread="t")
        assert notes(one)[0].endswith("\n- a: One.")


def test_at_most_thirty_lines(tmp_path: Path) -> None:
    """More are counted, and found by listing the folder."""
    for number in range(40):
        put(tmp_path, f"s{number:02}", "A skill. " * 90)
    with Workspace(tmp_path) as workspace:
        lines = [line for line in skills.section(workspace, "skills").splitlines() if line.startswith("- ")]
    assert len(lines) == 30
    assert lines[-1] == "- and 11 more: list the folder"
    assert all(len(line) < 260 for line in lines)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"no front matter", "- x: (no description)"),
        (b"---\nname: [\n---\n", "- x: (no description)"),
        (b"---\ndescription: 'a\n  b'\n---\n", "- x: a b"),
        (b"\xff\xfe\x00", "- x: (it cannot be read)"),
    ],
    ids=["none", "not YAML", "two lines", "binary"],
)
def test_what_is_not_well_formed_is_listed_all_the_same(tmp_path: Path, content: bytes, line: str) -> None:
    """A person sees it in the list, and no run ends."""
    put(tmp_path, "x", "")
    (tmp_path / "skills" / "x" / "SKILL.md").write_bytes(content)
    (tmp_path / "skills" / "empty").mkdir()
    (tmp_path / "skills" / "README.md").write_text("no skill")
    with Workspace(tmp_path) as workspace:
        assert skills.section(workspace, "skills").endswith(f"\n\n{line}")


def test_a_link_out_of_the_workspace_is_not_followed(tmp_path: Path) -> None:
    """What lies outside is not shown to a model."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "SKILL.md").write_text("---\ndescription: secret\n---\n")
    root = tmp_path / "in"
    (root / "skills").mkdir(parents=True)
    (root / "skills" / "x").symlink_to(tmp_path / "out")
    with Workspace(root) as workspace:
        assert "secret" not in skills.section(workspace, "skills")


@pytest.mark.parametrize("folder", ["/etc", "../skills", "."])
def test_a_folder_elsewhere_is_refused(tmp_path: Path, folder: str) -> None:
    """Skills are pages of the workspace."""
    with pytest.raises(ConfigError, match="must name a folder in the workspace"):
        Agent(ScriptedModel([]), tmp_path, skills=folder)


CHANGES = some.lists(
    some.tuples(some.sampled_from("abc"), some.sampled_from(["One.", "Two.", None])), min_size=1, max_size=6
)


@given(changes=CHANGES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_prefix_never_changes(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, str | None]]
) -> None:
    """However skills come, change and go between runs: every entry only extends the wire."""
    root = tmp_path_factory.mktemp("skills")
    put(root, "a", "At first.")
    model = ScriptedModel(["ok"] * 10)
    with Agent(model, root, skills="skills", clock=clock) as one:
        one.run("Hello", thread="t")
        for name, description in changes:
            if description is None:
                shutil.rmtree(root / "skills" / name, ignore_errors=True)
            else:
                put(root, name, description)
            one.run("Go on", thread="t")
        entries = list(one.journal.entries("t"))
    wires = [wire(window(entries[: at + 1])) for at in range(len(entries))]
    assert all(after.startswith(before) for before, after in pairwise(wires))
    assert len({(request.tools, request.system) for request in model.requests}) == 1
