"""A fleet of scripted runs on Ray beside one process with as many threads; with --kill-host a host killed in mid-run.

Runs are of a realistic length: twenty replies, each 0.3 s. Both arms use one Postgres, and the same agents. The arm
without a fleet calls ``Agent.run`` in a pool of threads: what Ray and the fleet cost above it is the overhead. The
arms take turns, a part of the runs each, so that both meet the same load of the machine; one cluster serves all parts.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agentmem.fleet.board import FleetRun
from agentmem.fleet.fleet import Fleet, FleetProgress
from agentmem.fleet.on_ray import connected
from agentmem.fleet.settings import FleetSeat
from agentmem.fleet.tasks import FleetTask, keyed
from agentmem.transcript.journal import open_journal
from tests.benchmarks.fleet_agents import make_agent
from tests.benchmarks.heading import commit, heading
from tests.postgres import new_database, postgres_server

MOST_OVERHEAD, MOST_SECONDS = 0.15, 35.0


def tasks(given: argparse.Namespace, folder: Path, part: range, **more: Any) -> list[FleetTask]:
    common = {"replies": given.replies, "seconds": given.seconds, "folder": str(folder), **more}
    return keyed(FleetTask(f"Check order {number}.", f"order-{number}", more=common) for number in part)


def bare(given: argparse.Namespace, database: str, folder: Path, part: range) -> float:
    """Seconds for these runs in threads of this process, without a fleet."""
    folder.mkdir(exist_ok=True)

    def one(task: FleetTask) -> str:
        seat = FleetSeat(database, folder / task.key, task.key, more=task.more)
        with make_agent(seat) as agent:
            return agent.run(task.task, thread=task.key, key=task.key).status

    began = time.monotonic()
    with ThreadPoolExecutor(given.workers * given.together) as pool:
        states = Counter(pool.map(one, tasks(given, folder, part)))
    took = time.monotonic() - began
    print(f"  threads of one process: {dict(states)}, {took:.1f} s, {len(part) / took:.2f} runs/s", flush=True)
    assert states["done"] == len(part), states
    return took


def on_ray(given: argparse.Namespace, database: str, folder: Path, part: range) -> dict[str, Any]:
    """The same runs as a fleet on Ray."""
    folder.mkdir(exist_ok=True)
    began = time.monotonic()
    place = "tests.benchmarks.fleet_agents:make_agent"
    settings: dict[str, Any] = {"ray": given.ray, "workers": given.workers, "together": given.together}
    with Fleet(place, database, name=f"bench-{part.start}", folder=folder / "runs", **settings) as fleet:
        runs = fleet.map(tasks(given, folder, part))
        summary = fleet.board.summary()
    took = time.monotonic() - began
    work = max(one.finished or 0 for one in runs) - min(one.started or 0 for one in runs)
    print(f"  fleet on Ray: {dict(summary.states)}, {work:.1f} s from the first run to the last", end="")
    print(f" ({took:.1f} s in all), {len(part) / work:.2f} runs/s; hit rate {summary.hit_rate or 0:.1%}", flush=True)
    return {"done": summary.states.get("done", 0), "seconds": work, "seconds_in_all": took}


def in_turns(given: argparse.Namespace, server: str, folder: Path) -> dict[str, Any]:
    """Both arms, a part of the runs each in turn."""
    import ray

    alone, fleet, step = 0.0, list[dict[str, Any]](), -(-given.runs // given.parts)
    bare_url, fleet_url = new_database(server), new_database(server)
    _, own = connected(given.ray, given.workers)
    try:
        for start in range(0, given.runs, step):
            part = range(start, min(start + step, given.runs))
            alone += bare(given, bare_url, folder / "threads", part)
            fleet.append(on_ray(given, fleet_url, folder / "ray", part))
    finally:
        if own:
            ray.shutdown()
    cold = Counter((folder / "ray" / "cold").read_text().split("\n")[:-1])
    sums = {name: sum(one[name] for one in fleet) for name in fleet[0]}
    made = {**sums, "seconds_threads": alone, "overhead": sums["seconds"] / alone - 1, "cold": sorted(cold.values())}
    print(f"  {sums['done']} of {given.runs} done; cold requests of each worker and model: {made['cold']}")
    print(f"  overhead of Ray and the fleet: {made['overhead']:+.1%} (at most {MOST_OVERHEAD:.0%})")
    return made


def kill_host(given: argparse.Namespace, database: str, folder: Path) -> dict[str, Any]:
    """Two hosts of Ray; one is killed with all its processes when a third of the work is done."""
    from ray.cluster_utils import Cluster

    folder.mkdir()
    half = max(1, given.workers // 2)
    small = {"num_cpus": half, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=small)
    second = cluster.add_node(num_cpus=half, object_store_memory=100_000_000)
    killed = threading.Event()
    at = list[float]()

    def watch(progress: FleetProgress) -> None:
        wanted = given.runs * given.replies / 3
        if not killed.is_set() and progress.summary.requests >= wanted and progress.workers >= given.workers:
            killed.set()
            at.append(time.time())
            _kill(second.node_id, cluster, second)

    try:
        settings: dict[str, Any] = {"ray": cluster.address, "workers": given.workers, "together": given.together}
        place = "tests.benchmarks.fleet_agents:make_agent"
        with Fleet(place, database, name="bench", folder=folder / "runs", **settings) as fleet:
            runs = fleet.map(tasks(given, folder, range(given.runs), effects=True, apart=True), watch)
            return judged(given, database, folder, runs, at[0] if at else 0.0)
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


def _kill(node: str, cluster: Any, second: Any) -> None:
    """Kill the raylet and all workers of a host at once, as a power cut does."""
    import subprocess

    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()[1:]]
    raylets = {one.process.pid for kind in second.all_processes.values() for one in kind}
    doomed = set(raylets)
    while more := {pid for pid, parent in pairs if parent in doomed} - doomed:
        doomed |= more
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    print(f"  killed host {node[:8]} with {len(doomed)} processes", flush=True)


def judged(given: argparse.Namespace, database: str, folder: Path, runs: list[FleetRun], at: float) -> dict[str, Any]:
    """What must hold after the kill: all done, moved soon, every effect once, every page byte for byte."""
    effects = Counter((folder / "effects").read_text().split("\n")[:-1])
    moved = [one for one in runs if one.tries > 1]
    late = _late(database, [one.thread for one in moved], at)
    wrong = 0
    for one in runs:
        wrong += _pages_wrong(database, one, given.replies, folder)
    made = {
        "done": sum(one.state == "done" for one in runs),
        "moved": len(moved),
        "seconds_until_moved": max(late, default=0.0),
        "effects_twice": sum(count > 1 for count in effects.values()),
        "effects_missing": given.runs * (given.replies // 2) - len(effects) - _said_cut_off(database, runs),
        "pages_wrong": wrong,
    }
    print("  " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in made.items()), flush=True)
    return made


def _late(database: str, threads: list[str], at: float) -> list[float]:
    """For each run that moved: seconds from the kill to its next request."""
    found = []
    with open_journal(database) as journal:
        for thread in threads:
            times = [entry.value["at"] for entry in journal.own(thread, "usage")]
            after = [one - at for one in times if one > at]
            found.append(min(after, default=float("inf")))
    return found


def _said_cut_off(database: str, runs: list[FleetRun]) -> int:
    """Calls that were announced and cut off: they are not run again, and the model is told so."""
    with open_journal(database) as journal:
        return sum(
            "cut off" in json.dumps(entry.value)
            for one in runs
            if one.tries > 1
            for entry in journal.own(one.thread, "tool_result")
        )


def _pages_wrong(database: str, run: FleetRun, replies: int, folder: Path) -> int:
    """Pages of a run that are not as they were written, in the folder of the host where it ended."""
    places = list(folder.glob(f"runs/bench/*/{run.thread}"))
    wrong = 0
    for at in range(0, replies - 1, 2):
        text = "".join(f"# Step {one}\n\nDone for {run.key}.\n\n" for one in range(0, at + 1, 2))
        held = [place / f"step-{at}.md" for place in places]
        wrong += not any(one.exists() and one.read_text() == text for one in held)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the runs are made here")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--replies", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--together", type=int, default=16)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--ray", default="local")
    parser.add_argument("--kill-host", action="store_true")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    shown = {name: getattr(given, name) for name in ("runs", "parts", "replies", "seconds", "workers", "together")}
    heading("fleet", "made here", **shown, load=os.getloadavg())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentmem-fleet-")))
        server = stack.enter_context(postgres_server())
        if given.kill_host:
            made = kill_host(given, new_database(server), folder / "killed")
            missed = made["done"] < given.runs or made["effects_twice"] or made["pages_wrong"] or not made["moved"]
            missed = missed or made["seconds_until_moved"] > MOST_SECONDS
        else:
            made = in_turns(given, server, folder)
            missed = made["done"] < given.runs or made["overhead"] > MOST_OVERHEAD or max(made["cold"]) > 1
    if given.output:
        given.output.write_text(json.dumps({"commit": commit(), "settings": shown, **made}, indent=1))
    print("  missed" if missed else "  met")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
