"""What came of a fleet: parquet, a page, and batches for datasets."""

from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from agentmem.errors import ConfigError
from agentmem.fleet.batches import FleetBatches
from agentmem.fleet.board import opened
from agentmem.fleet.fleet import Fleet
from agentmem.fleet.results import fleet_page, sentence, write_page, write_parquet
from agentmem.fleet.settings import FleetSettings
from tests.fleet.agents import make_agent


def test_runs_are_written_as_parquet_and_as_a_page(tmp_path: Path) -> None:
    """A row each, with task, state, dollars, hit rate and where it ran; texts of others are shown as text."""
    tasks = [{"task": "one", "key": "<b>a</b>"}, {"task": "two", "error": "bug"}]
    with Fleet(make_agent, tmp_path / "a.db", folder=tmp_path) as fleet:
        runs = fleet.map(tasks)
        write_parquet(runs, tmp_path / "out" / "runs.parquet")
        write_page("fleet", fleet.board.summary(), runs, tmp_path / "fleet.html")
        assert sentence(fleet.board.summary()).startswith(
            "2 runs: 1 done, 1 failed. $0.0000, 2 requests, hit rate 0.0%"
        )
        with pytest.raises(ConfigError, match="cannot be written"):
            write_page("fleet", fleet.board.summary(), runs, tmp_path)
        with pytest.raises(ConfigError, match="cannot be written"):
            write_parquet(runs, tmp_path)
        page = fleet_page("fleet", fleet.board.summary(), runs)
    rows = parquet.read_table(tmp_path / "out" / "runs.parquet").to_pylist()
    assert [(row["task"], row["state"], row["worker"]) for row in rows] == [
        ("one", "done", "here"),
        ("two", "failed", "here"),
    ]
    assert page == (tmp_path / "fleet.html").read_text()
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "a bug of mine" in page


def test_a_batch_of_a_dataset_is_worked_on(tmp_path: Path) -> None:
    """All columns stay and those of results are added; a batch that comes again costs nothing."""
    database = str(tmp_path / "a.db")
    batches = FleetBatches(FleetSettings("data", make_agent, database, tmp_path, together=2))
    batch = {"task": np.array(["one", "two"]), "order": np.array([12, 13])}
    made, again = batches(batch), batches(batch)
    assert list(made["state"]) == ["done", "done"]
    assert list(made["order"]) == [12, 13]
    assert list(made["text"]) == [f"Done {key}." for key in made["key"]] == list(again["text"])
    with opened(database, "data") as board:
        assert board.summary().requests == 4
    with pytest.raises(ConfigError, match="needs a column 'task'"):
        batches({"order": np.array([1])})
