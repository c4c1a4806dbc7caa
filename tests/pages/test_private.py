"""agentmem's files are readable by their user alone, whatever the umask, also if they were not before."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import os, sys
os.umask(int(sys.argv[2], 8))
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
turns = [{"calls": [{"plan": {"steps": ["one"]}}, {"run": {"command": "seq 1 30000"}}]}, "done", "a summary"]
with Agent(ScriptedModel(turns), sys.argv[1], tools=["read", "plan", "run"]) as agent:
    agent.run("go", thread="main")
    agent.answers.stats()
    agent.workspace.search("words")
    agent.archive.shelf.pieces
"""


def open_to_others(folder: Path) -> list[str]:
    """The paths below and including a folder that others may read, write or enter."""
    return [str(one) for one in (folder, *folder.rglob("*")) if stat.S_IMODE(one.lstat().st_mode) & 0o077]


@pytest.mark.parametrize("umask", ["0", "22"])
@pytest.mark.parametrize("before", [False, True], ids=["new", "there before"])
def test_nobody_else_may_look_into_what_is_kept(tmp_path: Path, umask: str, before: bool) -> None:
    """Database, write-ahead log, pages of results, plans, archive, answers, cache; folders made by an earlier version
    are closed when they are opened."""
    home = tmp_path / ".agentmem"
    if before:
        (home / "archive").mkdir(parents=True, mode=0o755)
        for name in ("agentmem.db", "pages.sqlite", "archive/old"):
            (home / name).touch(0o644)
        for one in (home, *home.rglob("*")):
            one.chmod(one.stat().st_mode | 0o055 if one.is_dir() else 0o644)
    subprocess.run([sys.executable, "-c", RUN, tmp_path, umask], check=True)
    kept = {one.name for one in home.rglob("*")}
    assert {"agentmem.db", "pages.sqlite", "main.md", "archive", "answers", "pages"} <= kept
    assert open_to_others(home) == []


def test_a_database_elsewhere_is_new_and_private_or_left_as_it_is(tmp_path: Path) -> None:
    """A folder that a person chose keeps its mode, and so does a file that they share."""
    from agentmem.transcript.journal import open_journal

    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    with open_journal(shared / "fresh.db"):
        assert stat.S_IMODE((shared / "fresh.db").stat().st_mode) == 0o600
    (shared / "fresh.db").chmod(0o660)
    with open_journal(shared / "fresh.db"):
        assert stat.S_IMODE((shared / "fresh.db").stat().st_mode) == 0o660
    assert stat.S_IMODE(shared.stat().st_mode) == 0o775
