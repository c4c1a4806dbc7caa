"""`agentmem checkpoints`, `agentmem fork` and `agentmem rollback`."""

from pathlib import Path

from tests.cli.invoke import invoke, invoke_json
from tests.runtime.agents import agent


def run_twice(folder: Path) -> None:
    """Thread t has written a.md, and then b.md."""
    turns = [{"calls": [{"write": {"page": "a.md", "text": "one"}}]}, "Written."]
    more = [{"calls": [{"write": {"page": "b.md", "text": "two"}}]}, "Written too."]
    with agent(folder, [*turns, *more]) as one:
        one.run("Write a.", thread="t")
        one.run("Write b.", thread="t")


def test_checkpoints_are_listed(tmp_path: Path) -> None:
    """Each with its entry, its label and what had changed in the pages; one more can be taken."""
    run_twice(tmp_path)
    found = invoke_json("checkpoints", "t", "-w", tmp_path)
    assert found["goes_on_as"] == "t"
    assert [(line["checkpoint"], line["pages"]) for line in found["checkpoints"]] == [
        ("t@1", 0),
        ("t@2", 1),
        ("t@3", 2),
    ]
    assert found["checkpoints"][2]["since"] == {"added": ["b.md"], "changed": [], "removed": []}
    (tmp_path / "c.md").write_text("by hand")
    assert invoke_json("checkpoints", "t", "--mark", "mine", "-w", tmp_path)["checkpoints"][-1]["label"] == "mine"
    shown = invoke("checkpoints", "t", "-w", tmp_path)
    assert ("t@4" in shown.stdout, "1 added" in shown.stdout) == (True, True)


def test_a_rollback_and_how_it_is_undone(tmp_path: Path) -> None:
    """The pages are as they were, the thread goes on as a branch, and the undo that is told undoes it."""
    run_twice(tmp_path)
    done = invoke_json("rollback", "t@2", "-w", tmp_path)
    assert (done["goes_on_as"], done["pages"]["removed"], (tmp_path / "b.md").exists()) == ("t~1", ["b.md"], False)
    told = invoke("rollback", done["undo"], "--yes", "-w", tmp_path)
    assert (told.exit_code, (tmp_path / "b.md").read_text()) == (0, "two")
    assert "b.md comes back" in told.stderr
    assert "t goes on as t~2" in invoke("checkpoints", "t", "-w", tmp_path).stderr


def test_a_fork_with_its_pages(tmp_path: Path) -> None:
    """A fork into a folder has the pages as they were; what is told goes on with it."""
    home, side = tmp_path / "home", tmp_path / "side"
    home.mkdir()
    run_twice(home)
    told = invoke("fork", "t@2", "--to", "other", "--into", side, "-w", home)
    assert (told.exit_code, (side / "a.md").read_text(), (side / "b.md").exists()) == (0, "one", False)
    assert "--thread other" in told.stderr.replace("\n", " ")
    assert invoke_json("fork", "t@2", "--to", "third", "-w", home) == {
        "schema": 1,
        "thread": "third",
        "workspace": None,
    }


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    """No runs, no such thread, no such checkpoint: an error that says what to do; nothing is made."""
    assert "No runs are kept here" in invoke("checkpoints", "t", "-w", tmp_path).stderr
    assert list(tmp_path.iterdir()) == []
    run_twice(tmp_path)
    for arguments in (("checkpoints", "nobody"), ("rollback", "t@77"), ("fork", "no-checkpoint")):
        assert invoke(*arguments, "-w", tmp_path).exit_code == 1
