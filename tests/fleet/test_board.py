"""The record of a fleet, in SQLite and Postgres: dollars never pass their limit, rates are kept, runs end once."""

import threading
from collections.abc import Callable, Iterator

import pytest

from agentmem.errors import ConfigError, ThreadNotFound
from agentmem.fleet.board import Board, FleetLimits, Permit, fleets, open_board, opened
from agentmem.fleet.counts import counted
from agentmem.fleet.tasks import keyed
from agentmem.types import Usage
from tests.forwarder import Forwarder

USAGE = Usage("simulated", 100, 900, 50, 0, 20)


@pytest.fixture
def board(database_url: str) -> Iterator[Board]:
    with opened(database_url, "f") as made:
        yield made


def begun(board: Board, count: int, limits: FleetLimits = FleetLimits()) -> list[str]:
    tasks = keyed(f"task {at}" for at in range(count))
    board.submit(tasks, limits)
    for one in tasks:
        board.claim(one.key, "w1", "here", f"f.{one.key}")
    return [one.key for one in tasks]


def test_tasks_are_there_once_in_their_order(board: Board) -> None:
    """Submitting again adds only new ones; a key that names another task is refused."""
    tasks = keyed([{"task": "b", "key": "1"}, {"task": "a", "key": "2"}])
    assert (board.submit(tasks, FleetLimits()), board.submit(tasks, FleetLimits())) == (2, 0)
    assert [key for key, _ in board.open()] == ["1", "2"]
    with pytest.raises(ConfigError, match="already names another task"):
        board.submit(keyed([{"task": "c", "key": "1"}]), FleetLimits())
    assert fleets(board.storage) == ["f"]


def test_a_run_that_has_ended_is_not_claimed_again(board: Board) -> None:
    """And what it took is summed over its requests."""
    (key,) = begun(board, 1)
    board.settle(key, 0.0, counted(0.25, USAGE))
    board.settle(key, 0.0, counted(0.25, USAGE))
    board.end(key, "done", text="ok")
    assert board.claim(key, "w2", "there", "t") is None
    (run,) = board.runs()
    assert (run.usd, run.requests, run.input, run.cached, run.output) == (0.5, 2, 2100, 1800, 40)
    assert run.hit_rate == pytest.approx(1800 / 2100)
    assert board.summary().hit_rate == run.hit_rate
    assert (board.again(("failed",)), board.again(("done",))) == (0, 1)


def test_dollars_never_pass_the_limit_however_many_ask(database_url: str) -> None:
    """Eight threads reserve and settle at once; the sum ends within one request of the limit, never above."""
    with opened(database_url, "f") as board:
        keys = begun(board, 8, FleetLimits(max_usd=1.0))
        refused = list[str]()

        def spend(key: str) -> None:
            own = open_board(database_url, "f")
            try:
                while True:
                    permit = own.reserve(key, 0.03, 10)
                    if permit.refused:
                        refused.append(permit.refused)
                        return
                    if not permit.wait:
                        own.settle(key, 0.03, counted(0.02, USAGE))
            finally:
                own.storage.close()

        threads = [threading.Thread(target=spend, args=(key,)) for key in keys]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        spent = board.summary().usd
    assert len(refused) == 8
    assert 0.97 <= round(spent, 6) <= 1.0
    assert "of $1.0000 are spent" in refused[0]


def test_who_asks_waits_while_others_may_give_back(board: Board) -> None:
    """A reservation of another run may turn out smaller; only when none is left is a request refused."""
    one, two = begun(board, 2, FleetLimits(max_usd=1.0))
    assert board.reserve(one, 0.9, 1) == Permit()
    assert board.reserve(two, 0.5, 1).wait > 0
    board.settle(one, 0.9, counted(0.1, USAGE))
    assert board.reserve(two, 0.5, 1) == Permit()


def test_a_request_whose_worker_died_counts_as_spent(board: Board) -> None:
    """Nobody saw its end, so what was reserved for it is not spent twice."""
    (key,) = begun(board, 1, FleetLimits(max_usd=1.0))
    board.reserve(key, 0.6, 1)
    board.claim(key, "w2", "there", "t")
    assert board.summary().usd == pytest.approx(0.6)
    assert "spent" in board.reserve(key, 0.6, 1).refused


def test_nobody_waits_for_what_adding_up_leaves(board: Board) -> None:
    """When all reservations have come back, a request that is too dear is refused, whatever their sums round to."""
    (key,) = begun(board, 1, FleetLimits(max_usd=1.0))
    for usd in (0.1, 0.2, 0.3, 0.07):
        assert board.reserve(key, usd, 1) == Permit()
    for usd in (0.3, 0.1, 0.07, 0.2):
        board.settle(key, usd, counted(0.0, USAGE))
    assert "may cost $1.5" in board.reserve(key, 1.5, 1).refused


@pytest.mark.parametrize("how", ["lost", "end", "abandoned"])
def test_what_nobody_gives_back_is_not_waited_for(board: Board, how: str) -> None:
    """A run's worker is gone, it ended without its last request's end, or all of its fleet are gone: it is spent."""
    first, second = begun(board, 2, FleetLimits(max_usd=1.0))
    board.reserve(first, 0.7, 1)
    assert board.reserve(second, 0.4, 1).wait > 0
    if how == "lost":
        board.lost(first)
    elif how == "end":
        board.end(first, "failed")
    else:
        board.abandoned()
    board.submit([], FleetLimits(max_usd=1.0))
    assert board.reserve(second, 0.4, 1).refused
    assert board.reserve(second, 0.2, 1) == Permit()
    assert board.summary().usd == pytest.approx(0.7)


def test_rates_are_kept_over_all_runs(board: Board) -> None:
    """A sixth of a minute's requests goes at once, then they wait; a large request waits for a full bucket only."""
    one, two = begun(board, 2, FleetLimits(requests_minute=12.0))
    assert [board.reserve(one, 0.0, 1).wait for _ in range(2)] == [0.0, 0.0]
    assert 4.0 < board.reserve(two, 0.0, 1).wait <= 5.0
    board.submit((), FleetLimits(tokens_minute=600.0))
    assert board.reserve(one, 0.0, 5_000).wait <= 10.0


def test_a_fleet_that_is_stopped_refuses_requests_until_it_begins_again(board: Board) -> None:
    """With and without limits."""
    (key,) = begun(board, 1)
    board.stop("enough")
    assert board.reserve(key, 0.0, 1).refused == "enough"
    assert Board(board.storage, "f", limited=False).reserve(key, 0.0, 1).refused == "enough"
    board.submit((), FleetLimits())
    assert board.reserve(key, 0.0, 1) == Permit()


def test_the_record_waits_for_a_database_that_is_away(postgres_url: str) -> None:
    """A worker that begins with a run, asks for a request and counts it does not lose its run to an outage."""
    link = Forwarder(postgres_url)
    with opened(link.url, "f") as board:
        board.submit(keyed(["one"]), FleetLimits(max_usd=1.0))
        ((key, _),) = board.open()
        steps: list[Callable[[], object]] = [
            lambda: board.claim(key, "w1", "here", "f.one"),
            lambda: board.reserve(key, 0.5, 10),
            lambda: board.settle(key, 0.5, counted(0.25, USAGE)),
            lambda: board.count({key: counted(0.25, USAGE)}),
        ]
        for step in steps:
            with link.away(0.2):
                step()
        (run,) = board.runs()
        assert (run.state, run.tries, run.usd, run.requests) == ("running", 1, 0.5, 2)
    link.close()


def test_groups_are_warm_for_a_while(board: Board) -> None:
    """Each is noted once, with its latest time."""
    begun(board, 1)
    board.warmed("a")
    board.warmed("a")
    assert board.warm(60.0) == {"a"}
    assert board.warm(-1.0) == frozenset()


def test_a_fleet_that_is_not_there_says_so(board: Board) -> None:
    """And how to begin one."""
    with pytest.raises(ThreadNotFound, match="there is no fleet 'f' here"):
        board.summary()
