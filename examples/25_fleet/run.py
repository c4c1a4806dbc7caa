"""The same fleet from a program: in threads here, or on Ray with ``ray="local"`` and a Postgres URL."""

import tempfile
from pathlib import Path

from make_agent import make_agent

from agentmem.fleet import Fleet, FleetProgress, read_tasks, write_page

HERE = Path(__file__).parent


def told(progress: FleetProgress) -> None:
    """Called about twice a second."""
    print(f"{progress.summary.ended} of {progress.summary.total} ended, {progress.running} running")


with tempfile.TemporaryDirectory() as folder, Fleet(make_agent, Path(folder, "runs.db"), name="orders") as fleet:
    tasks = read_tasks(HERE / "tasks.jsonl")
    for run in fleet.map(tasks, told):
        print(f"{run.key}: {run.state}, {run.requests} requests on {run.worker}: {run.text}")
    asked = fleet.board.summary().requests
    runs = fleet.map(tasks)  # all have ended: nothing is asked again
    print(f"{fleet.board.summary().requests - asked} requests when it is run again")
    write_page("orders", fleet.board.summary(), runs, Path(folder, "orders.html"))
