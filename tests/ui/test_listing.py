"""agentmem.ui.listing."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.meter.report import summarise
from agentmem.replay.session import SkippedLine
from agentmem.report.loading import Observed, load_paths
from agentmem.report.logs.index import LogIndex
from agentmem.report.logs.listed import LoggedSession
from agentmem.ui.listing import listing
from tests.ui.desk import featured


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A session with two sub-agents."""
    return featured().write(tmp_path / "logs")


def logged(*paths: Path) -> list[LoggedSession]:
    """What an index gives."""
    with LogIndex(None) as index:
        return [one for one in index.load(paths) if isinstance(one, LoggedSession)]


def test_a_session_adds_up_its_agents(log: Path) -> None:
    """One row, whose sums are those of the ledger over all of its conversations; what is estimated is said."""
    found = listing(logged(log), (), Path("/home/ada"))
    whole = summarise(row for one in load_paths([log]) if isinstance(one, Observed) for row in one.rows)
    row = {name: column[0] for name, column in found["sessions"].items()}
    assert (row["requests"], row["agents"]) == (whole["requests"], 3)
    assert (row["read"], row["output"]) == (whole["cache_read_tokens"], whole["output_tokens"])
    assert row["read"] + row["new"] + row["again"] == whole["input_tokens"]
    assert row["estimated"] and row["again"] == pytest.approx(whole["redo_tokens"], rel=0.2)
    assert row["usd"] == pytest.approx(whole["cost_usd"], abs=1e-5)
    assert sum(found["days"]["usd"]) == pytest.approx(whole["cost_usd"], abs=1e-4)
    assert sum(found["days"]["read"]) == whole["cache_read_tokens"]


def test_a_reply_counts_where_it_is_met_first(log: Path) -> None:
    """A copy of a session adds nothing, and is no session."""
    copy = log.with_name("1111.jsonl")
    copy.write_bytes(log.read_bytes())
    both = listing(logged(log, copy), (), Path("/"))
    assert both["sessions"] == listing(logged(log), (), Path("/"))["sessions"]


def test_simulated_tokens_are_in_no_total(log: Path) -> None:
    """Two meters are never added up: such a session is in the list, and not in the days."""
    found = listing([replace(logged(log)[0], basis="simulated")], (), Path("/"))
    assert found["sessions"]["basis"] == ["simulated"]
    assert found["days"]["names"] == []


def test_a_project_is_the_folder_that_its_agent_worked_in(log: Path) -> None:
    """Without the home folder in front; where a log does not say, by the place of the log."""
    one = logged(log)[0]
    for folder, shown in (("/home/ada/work/harbour", "work/harbour"), ("/srv/x", "/srv/x"), ("/home/ada", "~")):
        found = listing([replace(one, project=folder)], (), Path("/home/ada"))
        assert found["sessions"]["project"] == [shown]
    assert listing([one], (), Path("/home/ada"))["sessions"]["project"] == ["logs"]


def test_what_was_passed_over_is_counted_and_named() -> None:
    """An empty list says how much there was that could not be read."""
    found = listing([], [SkippedLine("/a", 3, "no JSON")], Path("/"), unread=7)
    assert (found["skipped"], found["unread"], found["sessions"]["id"]) == (1, 7, [])
    assert found["named"] == [{"path": "/a", "line": 3, "reason": "no JSON"}]
