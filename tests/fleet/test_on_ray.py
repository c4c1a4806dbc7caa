"""A fleet on real Ray: two raylets, one killed with its workers in mid-run. Few tests, since each raylet is heavy."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agentmem.fleet.fleet import Fleet, FleetProgress
from agentmem.transcript.journal import open_journal

ray = pytest.importorskip("ray", reason="the extra `fleet` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own warnings


@contextmanager
def hosts(count: int) -> Iterator[tuple[Any, list[Any]]]:
    """A cluster of this many raylets with a CPU each; nothing of it is left behind."""
    from ray.cluster_utils import Cluster

    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    try:
        yield cluster, [cluster.add_node(**small) for _ in range(count - 1)]
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


def family(pids: set[int]) -> set[int]:
    """These processes and all below them."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()[1:]]
    while more := {pid for pid, parent in pairs if parent in pids} - pids:
        pids |= more
    return pids


def test_runs_move_when_their_host_is_killed(postgres_url: str, tmp_path: Path) -> None:
    """All runs end, those of the killed host elsewhere, and no request is answered twice."""
    killed = list[int]()
    with hosts(2) as (cluster, (second,)):

        def watch(progress: FleetProgress) -> None:
            if not killed and progress.workers == 2 and progress.summary.requests >= 8:
                doomed = {one.process.pid for kind in second.all_processes.values() for one in kind}
                killed.extend(family(doomed))
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)

        settings: dict[str, Any] = {"ray": cluster.address, "workers": 2, "together": 2, "folder": tmp_path}
        with Fleet("tests.fleet.agents:make_agent", postgres_url, **settings) as fleet:
            runs = fleet.map((f"task {at}" for at in range(30)), watch)
    assert killed
    assert [one.state for one in runs] == ["done"] * 30
    with open_journal(postgres_url) as journal:
        for one in runs:
            assert len(list(journal.own(one.thread, "assistant"))) == 2
            assert (tmp_path / "fleet" / one.thread / "note.md").read_text() == f"# {one.key}\n"
