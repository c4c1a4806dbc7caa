"""A fleet inside Ray Data: batches of tasks in, batches of results out, over a pool of actors.

    results = fleet_batches(dataset, "agents:make_agent", "postgresql://...", workers=4)
    results.write_parquet("results")

Each row has ``task``, and ``key``, ``prefix`` and ``model`` where there are such columns; all columns stay, and those
of `results.row_of` are added.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.fleet.board import FleetLimits, FleetRun
from agentmem.fleet.results import row_of
from agentmem.fleet.settings import FleetSettings, MakeAgent
from agentmem.fleet.tasks import FleetTask, keyed
from agentmem.fleet.worker import FleetWorker, folder_of

_GIVEN = ("task", "key", "prefix", "model")
_MADE = ("key", "state", "text", "reason", "usd", "hit_rate", "requests", "input", "cached", "output", "worker", "host")


class FleetBatches:
    """The actor of ``Dataset.map_batches``: works on the tasks of a batch side by side. Columns are arrays."""

    def __init__(self, settings: FleetSettings) -> None:
        self._worker = FleetWorker(settings, "ray-data")
        self._together = settings.together

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        import numpy as np

        if "task" not in batch:
            raise ConfigError(f"the dataset needs a column 'task', and has {', '.join(batch)}")
        columns = [name for name in _GIVEN if name in batch]
        rows = zip(*(batch[name] for name in columns), strict=True)
        tasks = keyed(dict(zip(columns, map(str, row), strict=True)) for row in rows)
        self._worker.board.submit(tasks, self._worker.settings.limits)
        with ThreadPoolExecutor(self._together) as pool:
            list(pool.map(self._ended, (one.key for one in tasks)))
        found = {one.key: row_of(one) for one in self._runs(tasks)}
        made = {name: np.array([found[one.key][name] for one in tasks]) for name in _MADE}
        return {**batch, **made}

    def _ended(self, key: str) -> None:
        """Work on a run until it has ended, or the fleet is halted."""
        for _ in range(self._worker.settings.tries):
            if self._worker.work(key) != "waiting":
                return

    def _runs(self, tasks: list[FleetTask]) -> list[FleetRun]:
        return list(self._worker.board.runs([one.key for one in tasks]))


def fleet_batches(
    dataset: Any,
    agent: MakeAgent | str,
    database: str,
    *,
    name: str = "fleet",
    workers: int = 2,
    together: int = 16,
    max_usd: float | None = None,
    folder: Path | None = None,
) -> Any:
    """The dataset with the results of its tasks. Nothing runs before it is read.

    Each worker is an actor of one CPU, with ``together`` runs at once. Raises ConfigError.
    """
    try:
        from ray.data import ActorPoolStrategy
    except ImportError as error:
        raise ConfigError(f"a fleet in Ray Data needs more packages ({error}): {install('fleet')}") from None
    place = folder_of(database, folder)
    settings = FleetSettings(name, agent, database, place, FleetLimits(max_usd), together)
    return dataset.map_batches(
        FleetBatches,
        fn_constructor_args=(settings,),
        compute=ActorPoolStrategy(size=workers),
        batch_size=together,
        batch_format="numpy",
    )
