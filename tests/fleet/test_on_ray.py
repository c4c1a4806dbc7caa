"""A fleet on real Ray, one worker on one raylet: each is heavy, so hosts are killed in tests/benchmarks/fleet.py."""

from pathlib import Path
from typing import Any

import pytest

from agentmem.fleet.fleet import Fleet
from agentmem.transcript.journal import open_journal

pytest.importorskip("ray", reason="the extra `fleet` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own warnings


def test_runs_go_on_when_their_worker_is_killed(postgres_url: str, tmp_path: Path) -> None:
    """A worker killed in mid-run is replaced; its runs go on where they stopped, and no request is answered twice.

    The workers stay for the next tasks.
    """
    dead = tmp_path / "dead"
    tasks: list[Any] = [{"task": f"task {at}", "key": f"k{at}"} for at in range(4)]
    tasks.append({"task": "the last one", "key": "k4", "kills_worker": str(dead)})
    settings: dict[str, Any] = {"ray": "local", "workers": 1, "together": 2, "folder": tmp_path}
    with Fleet("tests.fleet.agents:make_agent", postgres_url, **settings) as fleet:
        runs = fleet.map(tasks)
        (later,) = fleet.map(["one more"])
    assert dead.exists()
    assert [one.state for one in runs] == ["done"] * 5
    assert (runs[-1].tries, {one.worker for one in runs}) == (2, {"w1", "w2"})
    assert (later.state, later.worker) == ("done", "w2")
    with open_journal(postgres_url) as journal:
        for one in runs:
            cut_off = sum("was cut off" in str(entry) for entry in journal.own(one.thread, "tool_result"))
            assert len(list(journal.own(one.thread, "assistant"))) == 2 + cut_off
            assert (tmp_path / "fleet" / one.thread / "note.md").read_text() == f"# {one.key}\n"
