"""One of two hosts of a fleet is killed in mid-run, as by a power cut: its runs go on elsewhere, and nothing is twice.

Two raylets; the second with a host name of its own where the system allows it (root), so that nobody can see that its
processes are dead, and their leases must run out. Runs write pages, in a folder that only their host has, and order
parts, which is an effect outside. Judged are: every run done, the time from the kill to the next request of each run
that had to move, every effect once, and every page byte for byte where its run ended.
"""

import argparse
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from agentmem.fleet.board import FleetRun
from agentmem.fleet.fleet import Fleet, FleetProgress
from agentmem.fleet.on_ray import EVEN
from agentmem.transcript.journal import open_journal
from tests.benchmarks.fleet import sizes, tasks
from tests.benchmarks.heading import heading, record_figures
from tests.postgres import new_database, postgres_server

MOST_SECONDS = 35.0
_SMALL = 100_000_000
_NEW_HOSTNAME = 0x04000000  # CLONE_NEWUTS of unshare(2)


@contextmanager
def named(host: str) -> Iterator[bool]:
    """What is started inside has a host name of its own; false if this user may not give one."""
    if os.geteuid() != 0:
        yield False
        return
    system = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/uts").open() as before:
        if system.unshare(_NEW_HOSTNAME) != 0:
            yield False
            return
        try:
            socket.sethostname(host)
            yield True
        finally:
            system.setns(before.fileno(), _NEW_HOSTNAME)


def kill_host(given: argparse.Namespace, database: str, folder: Path) -> dict[str, Any]:
    """Two hosts of Ray; one is killed with all its processes when a third of the work is done."""
    from ray.cluster_utils import Cluster

    folder.mkdir()
    small = {"num_cpus": 1, "object_store_memory": _SMALL, "include_dashboard": False, "_system_config": EVEN}
    cluster = Cluster(initialize_head=True, head_node_args=small)
    with named("second") as apart:
        second = cluster.add_node(num_cpus=1, object_store_memory=_SMALL)
    print(f"  the second host has {'a name of its own' if apart else 'the name of the first: this user is not root'}")
    killed = threading.Event()
    at = list[float]()

    def watch(progress: FleetProgress) -> None:
        wanted = given.runs * given.replies / 3
        if not killed.is_set() and progress.summary.requests >= wanted and progress.workers == 2:
            killed.set()
            at.append(time.time())
            _kill(second.node_id, cluster, second)

    try:
        settings: dict[str, Any] = {"ray": cluster.address, "workers": 2, "together": given.together}
        place = "tests.benchmarks.fleet_agents:make_agent"
        with Fleet(place, database, name="bench", folder=folder / "runs", **settings) as fleet:
            runs = fleet.map(tasks(given, folder, range(given.runs), effects=True, apart=True), watch)
            return judged(given, database, folder, runs, at[0] if at else 0.0)
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


def _kill(node: str, cluster: Any, second: Any) -> None:
    """Kill the raylet and all workers of a host at once, as a power cut does."""
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
    cut_off = _cut_off(database, moved)
    wanted = {f"{one.key} {step}" for one in runs for step in range(1, given.replies - 1, 2)}
    made = {
        "done": sum(one.state == "done" for one in runs),
        "moved": len(moved),
        "seconds_until_moved": max(_late(database, moved, at), default=0.0),
        "effects": len(effects),
        "effects_twice": sum(count > 1 for count in effects.values()),
        "effects_missing": len(wanted - effects.keys() - cut_off),
        "calls_cut_off": len(cut_off),
        "pages": len(runs) * len(range(0, given.replies - 1, 2)),
        "pages_wrong": sum(_pages_wrong(one, given.replies, folder, cut_off) for one in runs),
    }
    print("  " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in made.items()), flush=True)
    return made


def _late(database: str, runs: list[FleetRun], at: float) -> list[float]:
    """For each run that moved: seconds from the kill to its next request, or to its end if it had its last reply."""
    found = []
    with open_journal(database) as journal:
        for one in runs:
            times = [entry.value["at"] for entry in journal.own(one.thread, "usage")]
            found.append(min((time for time in times if time > at), default=one.finished or float("inf")) - at)
    return found


def _cut_off(database: str, runs: list[FleetRun]) -> set[str]:
    """The calls that the kill cut off, as key and step: they are not run again, and the model is told so."""
    with open_journal(database) as journal:
        return {
            f"{one.key} {step}"
            for one in runs
            for step, entry in enumerate(journal.own(one.thread, "tool_result"))
            if "cut off" in json.dumps(entry.value)
        }


def _pages_wrong(run: FleetRun, replies: int, folder: Path, cut_off: set[str]) -> int:
    """Pages of a run that are not as they were written, in the folder of the host where it ended."""
    places, wrong = list(folder.glob(f"runs/bench/*/{run.thread}")), 0
    for step in range(0, replies - 1, 2):
        text = "".join(f"# Step {one}\n\nDone for {run.key}.\n\n" for one in range(0, step + 1, 2))
        held = [one.read_text() for place in places if (one := place / f"step-{step}.md").exists()]
        wrong += text not in held and f"{run.key} {step}" not in cut_off
    return wrong


def main() -> int:
    given = sizes(__doc__).parse_args()
    shown = {name: getattr(given, name) for name in ("runs", "replies", "seconds", "together")}
    heading("fleet_host", "made here", **shown, load=os.getloadavg())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentmem-fleet-")))
        server = stack.enter_context(postgres_server())
        made = kill_host(given, new_database(server), folder / "killed")
    record_figures(**made, runs=given.runs)
    missed = made["done"] < given.runs or made["effects_twice"] or made["effects_missing"] or made["pages_wrong"]
    missed = missed or not made["moved"] or made["seconds_until_moved"] > MOST_SECONDS
    print("  missed" if missed else "  met")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
