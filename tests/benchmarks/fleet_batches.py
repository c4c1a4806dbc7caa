"""A dataset of Ray Data whose tasks are worked on by a pool of actors: every row with its result, and none done twice.

The dataset is read twice, as Ray Data does when a block is lost: the second time nothing is sent to a model.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agentmem.fleet.batches import fleet_batches
from agentmem.fleet.on_ray import WORKERS, connected
from agentmem.fleet.settings import TOGETHER
from agentmem.transcript.journal import open_journal
from tests.benchmarks.data import SKIPPED
from tests.benchmarks.heading import heading, record_figures
from tests.postgres import new_database, postgres_server


def table(runs: int) -> list[dict[str, Any]]:
    """The rows: a task, its key, and a column of the user's own."""
    return [{"task": f"task {at}", "key": f"k{at}", "customer": at % 7} for at in range(runs)]


def judged(rows: list[dict[str, Any]], runs: int, database: str) -> dict[str, int]:
    """What is wrong with the rows that came out, and with what stands in the journal."""
    found = {row["key"]: row for row in rows}
    wrong = [at for at in range(runs) if _wrong(found.get(f"k{at}"), at)]
    with open_journal(database) as journal:
        requests = [len(list(journal.own(f"data.k{at}", "assistant"))) for at in range(runs)]
    return {"rows": len(rows), "wrong": len(wrong), "twice": sum(count > 2 for count in requests)}


def _wrong(row: dict[str, Any] | None, at: int) -> bool:
    made = row and (row["state"], row["text"], int(row["requests"]), int(row["customer"]))
    return made != ("done", f"Done k{at}.", 2, at % 7)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the tasks are made here")
    parser.add_argument("--runs", type=int, default=200)
    given = parser.parse_args()
    heading("fleet_batches", "made here", runs=given.runs, workers=WORKERS, together=TOGETHER, load=os.getloadavg())
    try:
        import ray.data
    except ImportError as error:
        print(f"  skipped: {error}; it needs ray[data]")
        return SKIPPED
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentmem-fleet-")))
        database = new_database(stack.enter_context(postgres_server()))
        _, own = connected("local", WORKERS + 1)  # one core for what reads the dataset
        stack.callback(ray.shutdown if own else int)
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)  # what it says of its plans is no result
        dataset = ray.data.from_items(table(given.runs), override_num_blocks=4)
        made = fleet_batches(dataset, "tests.fleet.agents:make_agent", database, name="data", folder=folder)
        began = time.monotonic()
        first = judged(made.take_all(), given.runs, database)
        took = time.monotonic() - began
        again = judged(made.take_all(), given.runs, database)
    print(f"  {first['rows']} rows in {took:.1f} s: {first['wrong']} wrong, {first['twice']} done twice")
    print(f"  read again: {again['rows']} rows, {again['wrong']} wrong, {again['twice']} done twice")
    record_figures(seconds=took, first=first, again=again, runs=given.runs)
    missed = any(one["rows"] != given.runs or one["wrong"] or one["twice"] for one in (first, again))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
