"""agentmem.ui.listing."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.meter.report import summarise
from agentmem.replay.session import SkippedLine
from agentmem.report.loading import Observed, load_paths
from agentmem.ui.listing import conversation, listing
from tests.ui.desk import featured


@pytest.fixture
def observed(tmp_path: Path) -> list[Observed]:
    """A session with two sub-agents."""
    return [one for one in load_paths([featured().write(tmp_path)]) if isinstance(one, Observed)]


def test_a_session_adds_up_its_agents(observed: list[Observed]) -> None:
    """One row, whose sums are those of the ledger over all of its conversations."""
    found = listing([[conversation(one) for one in observed]], (), Path("/home/ada"))
    whole = summarise(turn.row for one in observed for turn in one.turns)
    row = {name: column[0] for name, column in found["sessions"].items()}
    assert (row["requests"], row["agents"]) == (whole["requests"], 3)
    assert row["read"] == whole["cache_read_tokens"]
    assert (row["new"], row["again"], row["output"]) == (
        *(whole["new_tokens"], whole["redo_tokens"]),
        whole["output_tokens"],
    )
    assert row["usd"] == pytest.approx(whole["cost_usd"], abs=1e-5)
    assert sum(found["days"]["usd"]) == pytest.approx(whole["cost_usd"], abs=1e-4)
    assert sum(found["days"]["read"]) == whole["cache_read_tokens"]


def test_a_reply_counts_where_it_is_met_first(observed: list[Observed]) -> None:
    """A copy of a session adds nothing, and is no session."""
    first = [conversation(one) for one in observed]
    copies = [conversation(replace(one, path="/copies/1111.jsonl", name="1111")) for one in observed]
    assert listing([first, copies], (), Path("/"))["sessions"] == listing([first], (), Path("/"))["sessions"]


def test_simulated_tokens_are_in_no_total(observed: list[Observed]) -> None:
    """Two meters are never added up: such a session is in the list, and not in the days."""
    row = observed[0].turns[0].row
    turn = replace(observed[0].turns[0], row=replace(row, usage=replace(row.usage, basis="simulated")))
    found = listing([[conversation(replace(observed[0], turns=(turn,)))]], (), Path("/"))
    assert found["sessions"]["basis"] == ["simulated"]
    assert found["days"]["names"] == []


def test_what_was_passed_over_is_counted_and_named() -> None:
    """An empty list says how much there was that could not be read."""
    found = listing([], [SkippedLine("/a", 3, "no JSON")], Path("/"), unread=7)
    assert (found["skipped"], found["unread"], found["sessions"]["id"]) == (1, 7, [])
    assert found["named"] == [{"path": "/a", "line": 3, "reason": "no JSON"}]
