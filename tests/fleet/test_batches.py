"""Batches of tasks, as the actors of Ray Data get them: columns of arrays in, the same with results out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agentmem.errors import ConfigError
from agentmem.fleet.batches import FleetBatches
from agentmem.fleet.settings import FleetSettings
from tests.fleet.agents import make_agent


def batches(folder: Path, **settings: Any) -> FleetBatches:
    return FleetBatches(FleetSettings("data", make_agent, str(folder / "a.db"), folder, together=4, **settings))


def batch(**columns: list[Any]) -> dict[str, Any]:
    return {name: np.array(values) for name, values in columns.items()}


def test_a_batch_comes_back_with_results_and_its_own_columns(tmp_path: Path) -> None:
    """Row by row, in order. A batch that comes twice is not worked on again."""
    given = batch(task=["one", "two", "three"], key=["a", "b", "c"], customer=[7, 8, 9])
    for _ in range(2):
        made = batches(tmp_path)(given)
        assert list(made["text"]) == ["Done a.", "Done b.", "Done c."]
        assert list(made["customer"]) == [7, 8, 9]
        assert (set(made["state"]), list(made["requests"])) == ({"done"}, [2, 2, 2])


def test_later_batches_of_a_fleet_join_the_earlier(tmp_path: Path) -> None:
    """Without keys they are made from the tasks; the record has all of them in order."""
    worker = batches(tmp_path)
    for texts in (["one", "two"], ["three"]):
        made = worker(batch(task=texts))
        assert set(made["state"]) == {"done"}
    assert [one.task.task for one in worker._worker.board.runs()] == ["one", "two", "three"]


def test_a_dataset_without_tasks_is_refused(tmp_path: Path) -> None:
    """The error names the columns that there are."""
    with pytest.raises(ConfigError, match="needs a column 'task', and has text"):
        batches(tmp_path)(batch(text=["one"]))
