"""`agentmem fleet`: a file of tasks worked on, its actions, and what is said."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from agentmem.cli.app import app
from agentmem.fleet.board import driven
from agentmem.transcript.journal import open_journal

AGENT = "tests.fleet.agents:make_agent"
TASKS = str(Path(__file__).parents[2] / "examples" / "25_fleet" / "tasks.jsonl")


def run(*arguments: object) -> tuple[int, str]:
    made = CliRunner().invoke(app, ["fleet", *map(str, arguments)])
    return made.exit_code, made.output


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "orders.jsonl"
    lines = [{"task": "Check 12", "key": "12"}, {"task": "Check 13", "key": "13", "error": "bug"}]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_a_file_of_tasks_is_worked_on_and_looked_at(tasks: Path, tmp_path: Path) -> None:
    """The exit code says that one failed; status, retry and stop work on the newest fleet."""
    kept = ("--database", tmp_path / "a.db")
    code, said = run(tasks, "--agent", AGENT, *kept, "-o", tmp_path / "r.parquet", "--page", tmp_path / "p.html")
    assert code == 1
    assert "Fleet orders: 2 runs: 1 done, 1 failed." in said
    assert "13: failed: ValueError: a bug of mine" in said and "`agentmem fleet retry orders` has" in said
    assert parquet.read_table(tmp_path / "r.parquet").num_rows == 2
    assert "a bug of mine" in (tmp_path / "p.html").read_text()
    code, said = run("status", *kept, "--json")
    assert (code, json.loads(said)["states"]) == (0, {"done": 1, "failed": 1})
    assert "1 run of fleet orders to begin again" in run("retry", "orders", *kept)[1]
    assert "Fleet orders ends when" in run("stop", *kept)[1]
    assert "It was asked to stop" in run("status", *kept)[1]


def test_a_fleet_whose_process_was_killed_is_worked_on_by_nobody(tmp_path: Path) -> None:
    """Its run still stands as running, so status says that nobody works on it, until somebody does."""
    tasks, kept = tmp_path / "orders.jsonl", ("--database", str(tmp_path / "a.db"))
    tasks.write_text(json.dumps({"task": "Check 12", "key": "12", "kills_worker": str(tmp_path / "dead")}))
    command = [sys.executable, "-m", "agentmem", "fleet", str(tasks), "--agent", AGENT, *kept]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    said = run("status", *kept)[1]
    assert "1 running" in said and "Nobody works on it now: start it again to go on." in said
    assert json.loads(run("status", *kept, "--json")[1])["worked_on"] is False
    with open_journal(kept[1]) as journal, journal.lease(driven("orders")):
        assert json.loads(run("status", *kept, "--json")[1])["worked_on"] is True
        assert "Nobody" not in run("status", *kept)[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tasks.jsonl"], "--agent module:make_agent"),
        (["none.jsonl", "--agent", AGENT], "cannot be read"),
        ([TASKS, "--agent", "tests.fleet.agents:nobody"], "cannot be loaded: module 'tests.fleet.agents' has no"),
        ([TASKS, "--agent", AGENT, "-o", "/proc/none/r.parquet"], "/proc/none/r.parquet cannot be written: No such"),
        ([TASKS, "--agent", AGENT, "--page", "/proc/none/p.html"], "/proc/none/p.html cannot be written: No such"),
        (["status"], "no fleet is kept here"),
        (["status", "other"], "no fleet is kept here"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, arguments: list[str], says: str) -> None:
    """With what to write instead; before anything is begun."""
    code, said = run(*arguments, "--database", tmp_path / "a.db")
    assert code != 0
    assert says in " ".join(said.split())
    assert "no fleet is kept here" in run("status", "--database", tmp_path / "a.db")[1]
    assert list(tmp_path.iterdir()) == []
