"""agentmem.cli.reports."""

from pathlib import Path

import pytest

from agentmem.meter.report import report, summarise
from agentmem.transcript.journal import open_journal
from agentmem.types import Usage
from tests.cli.invoke import invoke, invoke_json, keep
from tests.meter.rows import ROW, row

OTHER = row(thread="run-2", agent="tester", usage=Usage("measured", 500, 0, 0, 0, 10))


def test_a_report_is_that_of_the_meter(tmp_path: Path) -> None:
    """The JSON is the ledger's sums, no more and no less."""
    keep(tmp_path, {"run-1": [ROW, ROW]})
    assert invoke_json("report", "run-1", "-w", tmp_path) == report([ROW, ROW], "run-1")


def test_a_report_for_people_has_the_same_numbers(tmp_path: Path) -> None:
    """Run, agent, hit rate and what to do next are on stdout."""
    keep(tmp_path, {"run-1": [ROW, ROW]})
    result = invoke("report", "-w", tmp_path)
    assert result.exit_code == 0
    for shown in ("run-1", "agent agent", "89.0%", "measured", "The cache served 89% of the input"):
        assert shown in " ".join(result.stdout.split())


def test_the_latest_run_is_reported_on(tmp_path: Path) -> None:
    """Without a run, the one that was written last."""
    keep(tmp_path, {"run-1": [ROW]})
    keep(tmp_path, {"run-2": [OTHER]})
    assert invoke_json("report", "-w", tmp_path)["run"] == "run-2"


def test_all_runs_are_reported_on_together(tmp_path: Path) -> None:
    """--all adds up every run, and names none."""
    keep(tmp_path, {"run-1": [ROW], "run-2": [OTHER]})
    whole = invoke_json("report", "--all", "-w", tmp_path)
    assert whole["run"] is None
    assert whole["input_tokens"] == 1_500
    assert [part["agent"] for part in whole["by_agent"]] == ["agent", "tester"]


def test_runs_are_listed_latest_first(tmp_path: Path) -> None:
    """Each with its numbers and where it began."""
    keep(tmp_path, {"run-1": [ROW, ROW]})
    with open_journal(tmp_path / ".agentmem" / "agentmem.db") as journal:
        journal.fork("run-1", 0, "run-2")
    runs = invoke_json("runs", "-w", tmp_path)["runs"]
    assert [(run["run"], run["parent"], run["entries"]) for run in runs] == [
        ("run-2", "run-1/0", 1),
        ("run-1", None, 2),
    ]
    assert runs[1].items() >= summarise([ROW, ROW]).items()
    assert "run-2" in invoke("runs", "-w", tmp_path).stdout


def test_another_database_can_be_named(tmp_path: Path) -> None:
    """--database wins over the workspace's own."""
    keep(tmp_path / "elsewhere", {"run-9": [ROW]})
    url = tmp_path / "elsewhere" / ".agentmem" / "agentmem.db"
    assert invoke_json("report", "-w", tmp_path, "--database", url)["run"] == "run-9"
    assert invoke_json("report", "-w", tmp_path, "--database", f"sqlite:///{url}")["run"] == "run-9"


def test_an_empty_folder_has_no_runs_and_stays_empty(tmp_path: Path) -> None:
    """Asking creates nothing; `runs` has an empty list, `report` and `forget` fail with what to do."""
    assert invoke_json("runs", "-w", tmp_path) == {"schema": 1, "runs": []}
    assert invoke("runs", "-w", tmp_path).exit_code == 0
    for command in (("report",), ("forget", "run-1")):
        result = invoke(*command, "-w", tmp_path)
        assert result.exit_code == 1
        assert "agentmem run" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_run_is_named(tmp_path: Path) -> None:
    """The error says how to find the right one."""
    keep(tmp_path, {"run-1": [ROW]})
    result = invoke("report", "run-7", "-w", tmp_path)
    assert result.exit_code == 1
    assert "'run-7'" in result.stderr
    assert "agentmem runs" in result.stderr


@pytest.mark.parametrize("database", ["mysql://x/y", "."])
def test_a_database_that_cannot_be_is_refused(tmp_path: Path, database: str) -> None:
    """Another kind of database, or a folder, is a setting that cannot work."""
    result = invoke("runs", "-w", tmp_path, "--database", database)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_a_forgotten_thread_is_gone(tmp_path: Path) -> None:
    """`forget` deletes it, and asking again says there is none."""
    keep(tmp_path, {"run-1": [ROW], "run-2": [OTHER]})
    assert invoke("forget", "run-1", "-w", tmp_path).exit_code == 0
    assert [run["run"] for run in invoke_json("runs", "-w", tmp_path)["runs"]] == ["run-2"]
    assert invoke("forget", "run-1", "-w", tmp_path).exit_code == 1


def test_a_thread_with_forks_is_kept_unless_they_go_too(tmp_path: Path) -> None:
    """Forks would lose their beginning."""
    keep(tmp_path, {"run-1": [ROW, ROW]})
    with open_journal(tmp_path / ".agentmem" / "agentmem.db") as journal:
        journal.fork("run-1", 0, "run-2")
    refused = invoke("forget", "run-1", "-w", tmp_path)
    assert refused.exit_code == 1
    assert "run-2" in refused.stderr
    assert invoke("forget", "run-1", "--with-forks", "-w", tmp_path).exit_code == 0
    assert invoke_json("runs", "-w", tmp_path)["runs"] == []
