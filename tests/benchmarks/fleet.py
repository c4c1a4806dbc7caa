"""A fleet of scripted runs on Ray beside one process with as many threads.

Runs are of a realistic length: twenty replies, each 0.3 s. Both arms use one Postgres, and the same agents. The arm
without a fleet calls ``Agent.run`` in a pool of threads: what Ray and the fleet cost above it is the overhead, with the
start of its workers, and without that of a cluster, which is there before. The arms take turns, a part of the runs
each, so that both meet the same load of the machine. By default the numbers of workers and of runs in each are those of
the product: what they keep busy must be less than what two cores can do, or the cores alone are measured.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agentmem.fleet.fleet import Fleet
from agentmem.fleet.on_ray import WORKERS, connected
from agentmem.fleet.settings import TOGETHER, FleetSeat
from agentmem.fleet.tasks import FleetTask, keyed
from tests.benchmarks.fleet_agents import make_agent
from tests.benchmarks.heading import heading, record_figures
from tests.postgres import new_database, postgres_server

MOST_OVERHEAD = 0.15


def tasks(given: argparse.Namespace, folder: Path, part: range, **more: Any) -> list[FleetTask]:
    common = {"replies": given.replies, "seconds": given.seconds, "folder": str(folder), **more}
    return keyed(FleetTask(f"Check order {number}.", f"order-{number}", more=common) for number in part)


def bare(given: argparse.Namespace, database: str, folder: Path, part: range) -> tuple[float, float]:
    """Seconds, and seconds of this process's CPU, for these runs in threads of this process, without a fleet."""
    folder.mkdir(exist_ok=True)

    def one(task: FleetTask) -> str:
        seat = FleetSeat(database, folder / task.key, task.key, more=task.more)
        with make_agent(seat) as agent:
            return agent.run(task.task, thread=task.key, key=task.key).status

    began, cpu = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(given.workers * given.together) as pool:
        states = Counter(pool.map(one, tasks(given, folder, part)))
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    print(f"  threads of one process: {dict(states)}, {took:.1f} s, {len(part) / took:.2f} runs/s", end="")
    print(f", {1000 * cpu / len(part):.0f} ms of CPU a run", flush=True)
    assert states["done"] == len(part), states
    return took, cpu


def on_ray(given: argparse.Namespace, fleet: Fleet, folder: Path, part: range) -> float:
    """Seconds for the same runs as a fleet on Ray, with all that it does from the first task to the last result."""
    began = time.monotonic()
    runs = fleet.map(tasks(given, folder, part))
    took = time.monotonic() - began
    states = dict(Counter(one.state for one in runs))
    print(f"  fleet on Ray: {states}, {took:.1f} s, {len(part) / took:.2f} runs/s", flush=True)
    return took


def in_turns(given: argparse.Namespace, server: str, folder: Path) -> dict[str, Any]:
    """Both arms, a part of the runs each in turn. The fleet's workers begin within its first part."""
    import ray

    alone, cpu, took, step = 0.0, 0.0, 0.0, -(-given.runs // given.parts)
    bare_url, place = new_database(server), "tests.benchmarks.fleet_agents:make_agent"
    settings: dict[str, Any] = {"ray": given.ray, "workers": given.workers, "together": given.together}
    began = time.monotonic()
    _, own = connected(given.ray, given.workers)
    cluster = time.monotonic() - began
    (folder / "ray").mkdir()
    try:
        with Fleet(place, new_database(server), name="bench", folder=folder / "ray" / "runs", **settings) as fleet:
            for start in range(0, given.runs, step):
                part = range(start, min(start + step, given.runs))
                seconds, used = bare(given, bare_url, folder / "threads", part)
                alone, cpu = alone + seconds, cpu + used
                took += on_ray(given, fleet, folder / "ray", part)
            summary = fleet.board.summary()
    finally:
        if own:
            ray.shutdown()
    cold = Counter((folder / "ray" / "cold").read_text().split("\n")[:-1])
    made = {
        "done": summary.states.get("done", 0),
        "hit_rate": summary.hit_rate or 0.0,
        "seconds_fleet": took,
        "seconds_threads": alone,
        "seconds_waiting_for_models": given.runs * given.replies * given.seconds / (given.workers * given.together),
        "seconds_cpu_threads": cpu,
        "seconds_to_begin_a_cluster": cluster,
        "overhead": took / alone - 1,
        "cold": sorted(cold.values()),
    }
    _print_turns(given, made)
    return made


def _print_turns(given: argparse.Namespace, made: dict[str, Any]) -> None:
    waits = made["seconds_waiting_for_models"]
    print(
        f"  waiting for models alone: {waits:.0f} s; CPU of the threads' process: {made['seconds_cpu_threads']:.0f} s"
    )
    print(f"  {made['done']} of {given.runs} done; cold requests of each worker and model: {made['cold']}")
    print(f"  overhead of Ray and the fleet: {made['overhead']:+.1%} (at most {MOST_OVERHEAD:.0%})")
    print(f"  a cluster of its own took {made['seconds_to_begin_a_cluster']:.1f} s more to begin")


def sizes(description: str | None) -> argparse.ArgumentParser:
    """How many runs of which length, and how many of them a worker has together."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", help="not needed: the runs are made here")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--replies", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--together", type=int, default=TOGETHER)
    return parser


def main() -> int:
    parser = sizes(__doc__)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--ray", default="local")
    given = parser.parse_args()
    shown = {name: getattr(given, name) for name in ("runs", "parts", "replies", "seconds", "workers", "together")}
    heading("fleet", "made here", **shown, load=os.getloadavg())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentmem-fleet-")))
        server = stack.enter_context(postgres_server())
        made = in_turns(given, server, folder)
    missed = made["done"] < given.runs or made["overhead"] > MOST_OVERHEAD or max(made["cold"]) > 1
    record_figures(**made, cpus=os.cpu_count())
    print("  missed" if missed else "  met")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
