"""The record of a fleet in its database: where each run stands, what was spent, and who may send a request now.

Every host reads and writes the same rows, so that a fleet goes on wherever it is started again. All times are the
database's. What is to be spent is reserved before it is sent: the sum never passes the limit, whoever dies.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

from agentmem.errors import ConfigError, ThreadNotFound
from agentmem.fleet.counts import RunCounts
from agentmem.fleet.schema import prepare
from agentmem.fleet.tasks import FleetTask, task_of
from agentmem.transcript.journal import open_journal
from agentmem.transcript.lease import is_held
from agentmem.transcript.storage import Row, Storage, in_parts

T = TypeVar("T")
Given = ParamSpec("Given")
FleetState = Literal["waiting", "running", "done", "stopped", "asks", "failed"]
"""done: answered. stopped: a limit of the agent's own ended it. asks: its calls wait for a person. failed: an error."""

ENDED: tuple[FleetState, ...] = ("done", "stopped", "asks", "failed")
BURST = 1 / 6
"""The part of a minute's requests and tokens that may go at once."""
_SOON = 0.5  # seconds after which to ask again when the others' reservations may come back
_DUST = 1e-9  # dollars below which a reservation is what adding and taking away numbers leaves behind


@dataclass(frozen=True, slots=True)
class FleetLimits:
    """What all runs of a fleet share: dollars in all, requests and tokens a minute. None: no limit."""

    max_usd: float | None = None
    requests_minute: float | None = None
    tokens_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """The answer to who wants to send a request: now if ``wait`` is 0, later, or not at all, and then ``refused``."""

    wait: float = 0.0
    refused: str = ""


@dataclass(frozen=True, slots=True)
class FleetRun:
    """One task of a fleet as it stands. Tokens are sums over its requests: ``input`` has all of them."""

    key: str
    task: FleetTask
    state: FleetState
    tries: int
    thread: str
    worker: str
    host: str
    usd: float
    requests: int
    input: int
    cached: int
    written: int
    output: int
    reason: str
    text: str
    started: float | None
    finished: float | None

    @property
    def hit_rate(self) -> float | None:
        """The share of its input that was read from a cache; None before its first request."""
        return self.cached / self.input if self.input else None


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """A fleet at one moment: how many runs are in each state, and what they took."""

    states: Mapping[FleetState, int]
    usd: float
    requests: int
    input: int
    cached: int
    output: int
    stopping: str = ""

    @property
    def total(self) -> int:
        return sum(self.states.values())

    @property
    def ended(self) -> int:
        return sum(self.states.get(one, 0) for one in ENDED)

    @property
    def hit_rate(self) -> float | None:
        return self.cached / self.input if self.input else None


_ASKED = 500  # keys in one question
_COUNT = (
    "UPDATE fleet_runs SET reserved = reserved - ?, usd = usd + ?, requests = requests + ?, input = input + ?,"
    " cached = cached + ?, written = written + ?, output = output + ? WHERE fleet = ? AND key = ?"
)
_RUN = (
    "key, task, state, tries, thread, worker, host, usd, requests, input, cached, written, output, reason, text, "
    "started, finished"
)


def _together(method: Callable[Concatenate["Board", Given], T]) -> Callable[Concatenate["Board", Given], T]:
    """Does a method in one transaction, which is repeated while the database is away."""

    @wraps(method)
    def done(board: "Board", /, *args: Given.args, **kwargs: Given.kwargs) -> T:
        return board.storage.together(lambda: method(board, *args, **kwargs))

    return done


@dataclass(frozen=True, slots=True)
class Board:
    """The rows of one fleet. Close its storage when done.

    With ``limited`` every request asks first; else nobody waits for a row that all share.
    """

    storage: Storage
    fleet: str
    limited: bool = True

    # Making and ending.

    @_together
    def submit(self, tasks: Sequence[FleetTask], limits: FleetLimits) -> int:
        """Add the tasks whose keys are new, and set the limits. Returns the number of new ones. Raises ConfigError."""
        known: dict[str, str] = dict(self._of("SELECT key, task FROM fleet_runs", [one.key for one in tasks]))
        for one in tasks:
            if known.get(one.key, one.line()) != one.line():
                raise ConfigError(
                    f"the key {one.key!r} of fleet {self.fleet!r} already names another task: a key names one task for "
                    "ever; give a changed task a new key, or the fleet another --name"
                )
        self._set(limits)
        fresh = [one for one in tasks if one.key not in known]
        first = self._all("SELECT coalesce(max(place) + 1, 0) FROM fleet_runs WHERE fleet = ?")[0][0]
        self.storage.run_many(
            "INSERT INTO fleet_runs (fleet, key, place, task, state, tries, thread, worker, host, usd, reserved,"
            " requests, input, cached, written, output, reason, text) VALUES"
            " (?, ?, ?, ?, 'waiting', 0, '', '', '', 0, 0, 0, 0, 0, 0, 0, '', '') ON CONFLICT DO NOTHING",
            [(self.fleet, one.key, first + at, one.line()) for at, one in enumerate(fresh)],
        )
        return len(fresh)

    def _set(self, limits: FleetLimits) -> None:
        given = (limits.max_usd, limits.requests_minute, limits.tokens_minute)
        full = [(one or 0.0) * BURST for one in given[1:]]
        self.storage.run(
            "INSERT INTO fleets (name, max_usd, requests_minute, tokens_minute, requests_left, tokens_left, filled,"
            " spent, reserved, stopping, created) VALUES (?, ?, ?, ?, ?, ?, {now}, 0, 0, '', {now})"
            " ON CONFLICT (name) DO UPDATE SET max_usd = excluded.max_usd, stopping = '',"
            " requests_minute = excluded.requests_minute, tokens_minute = excluded.tokens_minute,"
            " requests_left = excluded.requests_left, tokens_left = excluded.tokens_left, filled = excluded.filled",
            *(self.fleet, *given, *full),
        )
        self.storage.run(
            "UPDATE fleets SET spent = coalesce((SELECT sum(usd) FROM fleet_runs WHERE fleet = ?), 0) WHERE name = ?",
            self.fleet,
            self.fleet,
        )

    @_together
    def abandoned(self) -> None:
        """Nobody works on the fleet: runs that were at work wait, and what is reserved for them counts as spent."""
        self.storage.run("UPDATE fleet_runs SET state = 'waiting' WHERE fleet = ? AND state = 'running'", self.fleet)
        self.storage.run(
            "UPDATE fleet_runs SET usd = usd + reserved, reserved = 0 WHERE fleet = ? AND reserved <> 0", self.fleet
        )
        self.storage.run("UPDATE fleets SET reserved = 0 WHERE name = ?", self.fleet)

    def stop(self, reason: str) -> None:
        """Ask every run to end before its next request. They go on when the fleet is started again."""
        self.storage.run("UPDATE fleets SET stopping = ? WHERE name = ?", reason, self.fleet)

    def again(self, states: Sequence[FleetState]) -> int:
        """Set runs that ended in these states back to waiting; returns their number."""
        marks = ", ".join("?" * len(states))
        sql = f"UPDATE fleet_runs SET state = 'waiting', tries = 0, reason = '' WHERE fleet = ? AND state IN ({marks})"
        return len(self.storage.run(f"{sql} RETURNING key", self.fleet, *states))

    # One run.

    @_together
    def claim(self, key: str, worker: str, host: str, thread: str) -> FleetTask | None:
        """Note that a worker begins with a run, or goes on with one; None if it has ended already.

        What was still reserved for it belongs to a request whose end nobody saw: it counts as spent.
        """
        rows = self.storage.run(
            "SELECT task, state, reserved FROM fleet_runs WHERE fleet = ? AND key = ?{for_update}", self.fleet, key
        )
        if not rows or rows[0][1] in ENDED:
            return None
        self.storage.run(
            "UPDATE fleet_runs SET state = 'running', worker = ?, host = ?, thread = ?, tries = tries + 1,"
            " started = coalesce(started, {now}) WHERE fleet = ? AND key = ?",
            *(worker, host, thread, self.fleet, key),
        )
        self._lose(key, rows[0][2])
        return task_of(json.loads(rows[0][0]))

    @_together
    def lost(self, key: str) -> None:
        """Note that the worker of a run is gone: what was still reserved counts as spent, as `claim` says.

        Others may wait for it, and have the places in which the run would begin again.
        """
        self._lose(key, self._reserved(key))

    @_together
    def end(self, key: str, state: FleetState, reason: str = "", text: str = "") -> None:
        """Note how a run ended, or that it waits again. What was still reserved counts as spent."""
        if self.limited:
            self._lose(key, self._reserved(key))
        self.storage.run(
            "UPDATE fleet_runs SET state = ?, reason = ?, text = ?, finished = {now} WHERE fleet = ? AND key = ?",
            *(state, reason, text, self.fleet, key),
        )

    # Requests.

    def reserve(self, key: str, usd: float, tokens: int) -> Permit:
        """Ask for a request that costs ``usd`` dollars and takes ``tokens`` tokens at most."""
        if not self.limited:
            stopping = self.storage.run("SELECT stopping FROM fleets WHERE name = ?", self.fleet)
            return Permit(refused=stopping[0][0] if stopping else f"the fleet {self.fleet} was deleted")
        return self._reserve(key, usd, tokens)

    @_together
    def _reserve(self, key: str, usd: float, tokens: int) -> Permit:
        rows = self.storage.run(
            "SELECT max_usd, requests_minute, tokens_minute, requests_left, tokens_left, spent, reserved, stopping,"
            " {now} - filled FROM fleets WHERE name = ?{for_update}",
            self.fleet,
        )
        if not rows:
            return Permit(refused=f"the fleet {self.fleet} was deleted")
        asked = _Asked(*rows[0])
        if (permit := asked.answer(usd, tokens)) != Permit():
            return permit
        requests, left = asked.taken(tokens)
        self.storage.run(
            "UPDATE fleets SET reserved = reserved + ?, requests_left = ?, tokens_left = ?, filled = {now}"
            " WHERE name = ?",
            *(usd, requests, left, self.fleet),
        )
        self.storage.run(
            "UPDATE fleet_runs SET reserved = reserved + ? WHERE fleet = ? AND key = ?", usd, self.fleet, key
        )
        return Permit()

    @_together
    def settle(self, key: str, reserved: float, counts: RunCounts) -> None:
        """Give back what was reserved, and count what a request really took."""
        self.storage.run(_COUNT, reserved, *counts.values(), self.fleet, key)
        self._spend(-reserved, counts.usd)  # last: all requests of the fleet wait for this row

    @_together
    def count(self, taken: Mapping[str, RunCounts]) -> None:
        """Count what runs took since they were last counted, for a fleet without limits."""
        rows = [(0.0, *counts.values(), self.fleet, key) for key, counts in sorted(taken.items())]
        self.storage.run_many(_COUNT, rows)

    def warmed(self, name: str) -> None:
        """Note that a request of a group is being answered: its prefix is in the provider's cache."""
        self.storage.run(
            "INSERT INTO fleet_warm (fleet, name, at) VALUES (?, ?, {now}) ON CONFLICT (fleet, name) DO UPDATE SET"
            " at = excluded.at",
            self.fleet,
            name,
        )

    def _reserved(self, key: str) -> float:
        rows = self.storage.run("SELECT reserved FROM fleet_runs WHERE fleet = ? AND key = ?", self.fleet, key)
        return float(rows[0][0]) if rows else 0.0

    def _lose(self, key: str, lost: float) -> None:
        if abs(lost) > _DUST:
            self.storage.run(
                "UPDATE fleet_runs SET usd = usd + ?, reserved = reserved - ? WHERE fleet = ? AND key = ?",
                *(lost, lost, self.fleet, key),
            )
            self._spend(-lost, lost)

    def _spend(self, reserved: float, usd: float) -> None:
        self.storage.run(
            "UPDATE fleets SET reserved = reserved + ?, spent = spent + ? WHERE name = ?", reserved, usd, self.fleet
        )

    # Looking.

    def warm(self, lifetime: float) -> frozenset[str]:
        """The groups whose prefix was read or written within ``lifetime`` seconds."""
        sql = "SELECT name FROM fleet_warm WHERE fleet = ? AND at > {now} - ?"
        return frozenset(row[0] for row in self.storage.run(sql, self.fleet, lifetime))

    def open(self) -> list[tuple[str, str]]:
        """The keys of the runs that have not ended, in order, each with its task's line."""
        sql = "SELECT key, task FROM fleet_runs WHERE fleet = ? AND state IN ('waiting', 'running') ORDER BY place"
        return [(key, task) for key, task in self._all(sql)]

    def state(self, key: str) -> tuple[FleetState, int, str]:
        """How a run stands: its state, its tries and the reason."""
        sql = "SELECT state, tries, reason FROM fleet_runs WHERE fleet = ? AND key = ?"
        state, tries, reason = self.storage.run(sql, self.fleet, key)[0]
        return state, tries, reason

    def runs(self, keys: Sequence[str] | None = None) -> Iterator[FleetRun]:
        """All runs, in the order of their tasks, or those of some keys, in no order."""
        sql = f"SELECT {_RUN} FROM fleet_runs"
        rows = self._all(f"{sql} WHERE fleet = ? ORDER BY place") if keys is None else self._of(sql, keys)
        for row in rows:
            yield FleetRun(row[0], task_of(json.loads(row[1])), *row[2:])

    def summary(self) -> FleetSummary:
        """The fleet now. Raises ThreadNotFound if there is none of that name."""
        found = self.storage.run("SELECT stopping FROM fleets WHERE name = ?", self.fleet)
        if not found:
            raise ThreadNotFound(f"there is no fleet {self.fleet!r} here: begin one with `agentmem fleet TASKS`")
        rows = self._all(
            "SELECT state, count(*), sum(requests), sum(input), sum(cached), sum(output), sum(usd) FROM fleet_runs"
            " WHERE fleet = ? GROUP BY state"
        )
        requests, asked, cached, output = (int(sum(row[at] for row in rows)) for at in range(2, 6))
        usd = float(sum(row[6] for row in rows))
        states = {row[0]: row[1] for row in rows}
        return FleetSummary(states, usd, requests, asked, cached, output, found[0][0])

    def is_worked_on(self) -> bool:
        """True if somebody works on the fleet now; else runs that were at work wait for its next start."""
        return is_held(self.storage, driven(self.fleet))

    def _all(self, sql: str) -> list[Row]:
        return self.storage.run(sql, self.fleet)

    def _of(self, sql: str, keys: Sequence[str]) -> Iterator[Row]:
        """The rows of runs by their keys, so that a batch of a large fleet costs what it has."""
        for marks, some in in_parts(keys, _ASKED):
            yield from self.storage.run(f"{sql} WHERE fleet = ? AND key IN ({marks})", self.fleet, *some)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A fleet's row of limits, as one request finds it; ``passed`` are the seconds since it was last filled."""

    max_usd: float | None
    requests_minute: float | None
    tokens_minute: float | None
    requests_left: float
    tokens_left: float
    spent: float
    reserved: float
    stopping: str
    passed: float

    def answer(self, usd: float, tokens: int) -> Permit:
        if self.stopping:
            return Permit(refused=self.stopping)
        if self.max_usd is not None and self.spent + self.reserved + usd > self.max_usd:
            if self.reserved > _DUST:
                return Permit(wait=_SOON)  # others may take less than they reserved
            return Permit(
                refused=f"${self.spent:.4f} of ${self.max_usd:.4f} are spent, and the next request may cost ${usd:.4f}"
            )
        waits = (
            _wait(self._filled(self.requests_left, self.requests_minute), 1, self.requests_minute),
            _wait(self._filled(self.tokens_left, self.tokens_minute), tokens, self.tokens_minute),
        )
        return Permit(wait=max(waits))

    def taken(self, tokens: int) -> tuple[float, float]:
        """What is left of requests and tokens after this one. It may be less than nothing after a large one."""
        requests, left = (
            self._filled(self.requests_left, self.requests_minute),
            self._filled(self.tokens_left, self.tokens_minute),
        )
        return requests - 1, left - tokens

    def _filled(self, left: float, minute: float | None) -> float:
        return min(left + (minute or 0.0) / 60 * max(self.passed, 0.0), _full(minute))


def _full(minute: float | None) -> float:
    return max(1.0, (minute or 0.0) * BURST)


def _wait(left: float, asked: float, minute: float | None) -> float:
    """Seconds until ``asked`` are there. A request that is larger than the whole bucket goes when that is full."""
    if minute is None:
        return 0.0
    lacking = min(asked, _full(minute)) - left
    return max(0.0, lacking * 60 / minute)


@contextmanager
def opened(database: str | Path, fleet: str) -> Iterator[Board]:
    """The record of a fleet in the database at this path or URL. Raises ConfigError."""
    board = open_board(database, fleet)
    try:
        yield board
    finally:
        board.storage.close()


def open_board(database: str | Path, fleet: str, *, limited: bool = True) -> Board:
    """`opened` without the end: close its storage."""
    storage = open_journal(database).storage
    try:
        prepare(storage)
    except BaseException:
        storage.close()
        raise
    return Board(storage, fleet, limited)


def driven(fleet: str) -> str:
    """The name of the lease that whoever works on a fleet holds."""
    return f"fleet {fleet}"


def fleets(storage: Storage) -> list[str]:
    """The names of the fleets in a database, the newest first."""
    prepare(storage)
    return [row[0] for row in storage.run("SELECT name FROM fleets ORDER BY created DESC")]
