"""agentmem.cli.sources, and the commands that take any source."""

from pathlib import Path

import pytest

from agentmem.cli.sources import location
from tests.cli.invoke import invoke, invoke_json
from tests.cli.test_report_page import data
from tests.report.test_loading import talk


def test_a_report_takes_a_log_and_a_folder(tmp_path: Path) -> None:
    """The same numbers for a file and the folder that it is alone in, but that a folder's redo is an estimate; the page
    carries them too.
    """
    log = talk(tmp_path)
    page = tmp_path / "page.html"
    by_file = invoke_json("report", log, "-o", page)
    by_folder = invoke_json("report", tmp_path, environ={"AGENTMEM_CACHE_DIR": f"{tmp_path}-cache"})
    assert by_file["requests"] == 4
    assert by_file["run"] == "3f2a"
    assert by_folder["sessions"] == 1
    assert (by_file["redo_basis"], by_folder["redo_basis"]) == ("measured", "estimated")
    same = by_file.keys() - {
        "run",
        "redo_basis",
        "by_basis",
        "by_agent",
        "by_purpose",
        "new_tokens",
        "redo_tokens",
        "redo_share",
    }
    assert {name: by_folder[name] for name in same} == {name: by_file[name] for name in same}
    assert by_folder["redo_tokens"] == pytest.approx(by_file["redo_tokens"], rel=0.05)
    carried = data(page)
    assert carried["requests"] == 4
    assert [event["cause"] for event in carried["events"]] == ["expiry"]  # type: ignore[attr-defined]  # JSON of known shape


def test_without_a_cache_folder_logs_are_read_anew(tmp_path: Path) -> None:
    """What cannot be kept costs time, never the report."""
    logs = tmp_path / "logs"
    logs.mkdir()
    talk(logs)
    (tmp_path / "cache").write_text("a file in the way")
    told = invoke("report", logs, "--json", environ={"AGENTMEM_CACHE_DIR": str(tmp_path / "cache")})
    assert told.exit_code == 0
    assert "read anew each time" in told.stderr


def test_why_explains_a_log(tmp_path: Path) -> None:
    """A Claude Code log is explained as a wire log is, and --json says which session a finding is of."""
    log = talk(tmp_path)
    assert "expiry · request 3" in " ".join(invoke("why", log).stdout.split())
    printed = invoke_json("why", log)
    assert (printed["requests"], printed["sessions"], printed["basis"]) == (4, ["3f2a"], "measured")


def test_context_shows_the_session_that_went_on_last(tmp_path: Path) -> None:
    """By default the latest; --session takes another; what is there is shown by kind."""
    talk(tmp_path, "aa1")
    late = talk(tmp_path, "bb2")
    late.write_text(late.read_text().replace('"timestamp": "20', '"timestamp": "21'))
    assert invoke_json("context", tmp_path)["run"] == "bb2"
    chosen = invoke_json("context", tmp_path, "--session", "aa")
    assert chosen["run"] == "aa1"
    assert sum(chosen["by_kind"].values()) == chosen["tokens"]
    shown = invoke("context", late).stdout
    assert "results" in shown
    assert "█" in shown


def test_a_run_is_named_before_a_folder_of_its_name(tmp_path: Path) -> None:
    """A file is a file; a folder called like a run gives way to it."""
    folder = tmp_path / "demo"
    folder.mkdir()
    assert location(str(folder), [str(folder)]) is None
    assert location(str(folder), []) == folder
    assert location(str(tmp_path / "nowhere")) is None


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    """The message says how to write one."""
    result = invoke("report", talk(tmp_path), "--since", "yesterday")
    assert result.exit_code == 2
    assert "7d, 12h, 30m" in result.stderr


def test_without_runs_the_message_points_to_logs(tmp_path: Path) -> None:
    """An empty workspace is no dead end for people with another agent."""
    result = invoke("report", "-w", tmp_path)
    assert result.exit_code == 1
    assert "name their file or folder" in result.stderr
