"""agentmem.report.data."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.meter.ledger import decode
from agentmem.meter.report import report
from agentmem.report.data import Data, collect, shown
from agentmem.report.turns import ReportTurn
from agentmem.transcript.journal import open_journal
from agentmem.types import KvSources, Usage
from tests.meter.rows import row
from tests.report.runs import eventful


@pytest.fixture
def data(tmp_path: Path) -> Data:
    """The page's data on the eventful run."""
    with open_journal(tmp_path / "run.db") as journal:
        return collect(journal, [eventful(journal).thread])


def test_the_sums_are_the_ledgers(tmp_path: Path) -> None:
    """The same object as `agentmem report --json`, and the columns add up to it."""
    with open_journal(tmp_path / "run.db") as journal:
        thread = eventful(journal).thread
        data = collect(journal, [thread])
        sums = report(map(decode, journal.own(thread, "usage")), thread)
    assert data.items() >= sums.items()
    columns = data["turns"]
    for name, whole in (("read", "cache_read_tokens"), ("new", "new_tokens"), ("again", "redo_tokens")):
        assert sum(columns[name]) == sums[whole]
    assert sum(columns["output"]) == sums["output_tokens"]
    money = data["money"]
    assert money["cost"][-1] == pytest.approx(sums["cost_usd"], abs=1e-4)
    assert money["uncached"][-1] == pytest.approx(sums["cost_uncached_usd"], abs=1e-4)
    assert money["bound"][-1] < money["cost"][-1]


def test_every_column_has_a_value_for_every_turn(data: Data) -> None:
    """Names are written once, with a place for each turn."""
    for name, column in data["turns"].items():
        values = column["place"] if isinstance(column, dict) else column
        assert len(values) == data["requests"], name
    assert data["turns"]["purpose"]["names"] == ["answer", "summary"]


def test_an_event_carries_what_the_diagnosis_says(data: Data) -> None:
    """Cause, place, both texts, the loss and the fix; of a failure the error alone."""
    changed, failed = data["events"][2], data["events"][-1]
    assert (changed["cause"], changed["kind"]) == ("volatile_text", "cut")
    assert changed["place"].startswith("system, block 1, byte ")
    assert "12:01" in changed["before"] and "12:02" in changed["after"]
    assert changed["tokens"] > 1_000 and changed["usd"] > 0
    assert "Take out what changes by itself" in changed["said"]
    assert set(failed) == {"turn", "kind", "said"}


def test_several_runs_on_one_page(tmp_path: Path) -> None:
    """One after the other, each with its name; events point at the right turns."""
    with open_journal(tmp_path / "run.db") as journal:
        for name in ("one", "two"):
            eventful(journal, name)
        both, alone = collect(journal, ["one", "two"]), collect(journal, ["two"])
    assert both["run"] is None
    assert both["turns"]["run"]["names"] == ["one", "two"]
    half = alone["requests"]
    later = [{**one, "turn": one["turn"] - half} for one in both["events"] if one["turn"] >= half]
    assert later == alone["events"]


def test_dollars_that_cannot_be_known_are_not_shown() -> None:
    """Two meters or no price at all: no dollars; one unknown price or an unknown bound leaves the rest."""
    known = ReportTurn(1, row())
    unpriced = ReportTurn(2, row(cost_usd=None, cost_uncached_usd=None), bound_usd=None)
    simulated = ReportTurn(2, row(usage=replace(row().usage, basis="simulated")))
    assert shown([unpriced], (), "run")["money"] is None
    assert shown([known, unpriced], (), "run")["money"]["cost"] == [0.001718, 0.001718]
    assert shown([known, simulated], (), "run")["money"] is None
    assert shown([known, replace(known, bound_usd=None)], (), "run")["money"]["bound"] is None
    failed = ReportTurn(2, row(error="TimeoutError", usage=Usage("estimated"), cost_usd=None, cost_uncached_usd=None))
    assert shown([known, failed], (), "run")["money"]["cost"] == [0.001718, 0.001718]


def test_nothing_sent_yet() -> None:
    """An empty run has empty columns."""
    data = shown([], (), "run")
    assert data["turns"]["number"] == [] == data["events"]


def test_tiers_by_turn_stand_where_an_engine_says() -> None:
    """A value for each turn, zeros for a turn that says nothing; None if none does."""
    warm = ReportTurn(1, row(sources=KvSources(slot=5, ram=20, disk=30, computed=10)))
    other = ReportTurn(2, row())
    assert shown([warm, other], (), "run")["tiers"] == {
        "slot": [5, 0],
        "ram": [20, 0],
        "disk": [30, 0],
        "far": [0, 0],
        "computed": [10, 0],
    }
    assert shown([other], (), "run")["tiers"] is None
