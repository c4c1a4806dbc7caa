"""A fleet in threads of one process, over SQLite and Postgres: runs, errors, limits, stops and going on."""

from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ConfigError, ThreadBusy
from agentmem.fleet.board import Permit
from agentmem.fleet.fleet import Fleet, FleetProgress
from agentmem.fleet.tasks import keyed
from agentmem.transcript.journal import Journal, open_journal
from tests.fleet.agents import made_before, make_agent


def fleet(database: str, folder: Path, **settings: Any) -> Fleet:
    return Fleet(settings.pop("agent", make_agent), database, folder=folder, together=4, **settings)


def test_tasks_are_worked_on_once_and_come_back_in_order(database_url: str, tmp_path: Path) -> None:
    """Each in a folder of its own; the same call gives the same results without any request."""
    texts, seen = [f"task {at}" for at in range(6)], list[FleetProgress]()
    with fleet(database_url, tmp_path) as made:
        runs = made.map(texts, seen.append)
        again = made.map(texts)
        summary = made.board.summary()
    assert [one.state for one in runs] == ["done"] * 6
    assert [one.task.task for one in runs] == texts
    assert [one.text for one in runs] == [f"Done {one.key}." for one in runs] == [one.text for one in again]
    assert (summary.requests, summary.ended) == (12, 6)
    assert (tmp_path / "fleet" / runs[0].thread / "note.md").read_text() == f"# {runs[0].key}\n"
    assert seen[-1].summary.states == {"done": 6}


def test_an_error_ends_a_run_and_not_the_fleet(tmp_path: Path) -> None:
    """One that may pass is tried again, a bug is not, and a call that waits for a person is said."""
    given = [{"task": "a"}, {"task": "b", "error": "always"}, {"task": "c", "error": "bug"}, {"task": "d", "asks": 1}]
    with fleet(str(tmp_path / "a.db"), tmp_path, tries=2) as made:
        fine, busy, bug, asks = made.map(given)
        assert made.board.again(("failed",)) == 2
    assert (fine.state, fine.tries) == ("done", 1)
    assert (busy.state, busy.tries, busy.reason) == ("failed", 2, "busy")
    assert (bug.state, bug.tries, bug.reason) == ("failed", 1, "ValueError: a bug of mine")
    assert (asks.state, asks.reason) == ("asks", "waits for approval: write")


def test_a_fleet_ends_when_its_dollars_are_spent_and_goes_on_with_more(database_url: str, tmp_path: Path) -> None:
    """Requests that might cost more are not sent. What was done is not paid for again."""
    given = [{"task": f"task {at}", "priced": True} for at in range(4)]
    with fleet(database_url, tmp_path, max_usd=0.01) as made:
        runs, summary = made.map(given), made.board.summary()
    assert {one.state for one in runs} >= {"waiting"}, summary
    assert 0 < summary.usd <= 0.01
    with fleet(database_url, tmp_path, max_usd=5.0) as made:
        runs, after = made.map(given), made.board.summary()
    assert [one.state for one in runs] == ["done"] * 4
    assert after.requests == 8


def test_a_fleet_that_died_with_reservations_ends_or_goes_on(database_url: str, tmp_path: Path) -> None:
    """Also where those runs do not fit among the first that begin: nobody waits for them."""
    given = [{"task": f"task {at}", "key": f"k{at}", "priced": True} for at in range(8)]
    with fleet(database_url, tmp_path, max_usd=0.02) as made:
        made.board.submit(keyed(given), made.settings.limits)
        for key in ("k6", "k7"):
            made.board.claim(key, "w", "a host that is gone", key)
            assert made.board.reserve(key, 0.009, 1) == Permit()
        runs = made.map(given)
        assert "running" not in {one.state for one in runs}
        assert made.board.summary().usd == pytest.approx(0.018, abs=0.002)
    with fleet(database_url, tmp_path, max_usd=5.0) as made:
        assert {one.state for one in made.map(given)} == {"done"}


def test_dollars_without_a_price_are_refused(tmp_path: Path) -> None:
    """The run's reason says how to lend one."""
    with fleet(str(tmp_path / "a.db"), tmp_path, max_usd=1.0) as made:
        (run,) = made.map(["task"])
    assert (run.state, run.requests) == ("failed", 0)
    assert "price_as" in run.reason


def test_a_stopped_fleet_ends_politely_and_goes_on(tmp_path: Path) -> None:
    """Runs wait before their next request, and nothing is done twice afterwards."""
    texts = [f"task {at}" for at in range(12)]
    with fleet(str(tmp_path / "a.db"), tmp_path) as made:

        def watch(progress: FleetProgress) -> None:
            if progress.summary.ended:
                made.stop("enough")

        stopped = made.map(texts, watch)
        runs = made.map(texts)
        assert made.board.summary().requests == 24
    assert {one.state for one in stopped} <= {"done", "waiting"}
    assert [one.state for one in runs] == ["done"] * 12
    with open_journal(tmp_path / "a.db") as journal:
        rows = [[entry.value.get("error") for entry in journal.own(one.thread, "usage")] for one in runs]
    assert [said.count(None) for said in rows] == [2] * 12


def test_one_driver_at_a_time_has_a_fleet(tmp_path: Path) -> None:
    """A second one is told who has it."""
    with (
        fleet(str(tmp_path / "a.db"), tmp_path) as made,
        Journal(made.board.storage).lease("fleet fleet"),
        pytest.raises(ThreadBusy, match="in use by process"),
    ):
        made.map(["task"])


def test_an_agent_that_is_not_new_is_refused(tmp_path: Path) -> None:
    """Its requests would pass no gate."""
    with fleet(str(tmp_path / "a.db"), tmp_path, agent=made_before) as made:
        (run,) = made.map(["task"])
    assert "must make a new agent" in run.reason
    with fleet(str(tmp_path / "b.db"), tmp_path, agent=lambda seat: seat.key) as made:
        (run,) = made.map(["one"])
    assert run.reason == "the maker of agents must return an Agent, and " + repr(run.key) + " is not"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"agent": "no place"}, "agent of Fleet must be"),
        ({"agent": "tests.fleet.agents:nothing"}, "cannot be loaded"),
        ({"name": "../x"}, "name of Fleet must be"),
        ({"max_usd": -1.0}, "max_usd of Fleet must be"),
        ({"ray": "local"}, "a database that all reach"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    """Before anything is begun, with what to write."""
    with pytest.raises(ConfigError, match=says), fleet(str(tmp_path / "a.db"), tmp_path, **settings) as made:
        made.map(["task"])
