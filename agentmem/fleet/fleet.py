"""The fleet: gives runs to workers until all have ended, and says how far it is. It may be started again at any time.

with Fleet("agents:make_agent", "postgresql://...", ray="local") as fleet:
    results = fleet.map(["Check order 12", "Check order 13"])
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agentmem.checking import Wanted, check_settings
from agentmem.closing import Closing
from agentmem.fleet.board import ENDED, FleetLimits, FleetRun, FleetSummary, driven, open_board
from agentmem.fleet.on_ray import WORKERS, RayPool
from agentmem.fleet.pools import RunEnd, ThreadPool, WorkerPool
from agentmem.fleet.schedule import Schedule
from agentmem.fleet.settings import TOGETHER, TRIES, FleetSettings, MakeAgent
from agentmem.fleet.tasks import keyed, task_of
from agentmem.fleet.worker import WARM_FOR, folder_of
from agentmem.transcript.journal import Journal

RAY = Wanted(
    '"none", "local" or the address of a cluster, such as "10.0.0.5:6379"',
    lambda given: isinstance(given, str) and (given in ("none", "local", "auto") or ":" in given),
)
GLANCE = 0.5
"""Seconds between two looks at the fleet, at most."""
HELD = 120.0
"""Seconds for which a cold group's first run goes alone, at most."""


@dataclass(frozen=True, slots=True)
class FleetProgress:
    """How far a fleet is. ``eta`` are the seconds that are left at the pace since it was started; None: not known."""

    summary: FleetSummary
    running: int
    workers: int
    eta: float | None


Watch = Callable[[FleetProgress], None]


class Fleet(Closing):
    """Runs of agents on ``workers`` processes of Ray, each with ``together`` at once, or with ``ray="none"`` here.

    ``agent`` is a function of a FleetSeat that makes an Agent, or its place "module:function". ``database`` is a
    Postgres URL, or a file if ``ray`` is "none"; ``ray`` is "none", "local" or the address of a cluster. Dollars and
    rates are limits for all runs together: a request goes only if the most that it may cost is still there. A run that
    fails by an error that may pass is tried ``tries`` times. ``folder`` holds the workspaces of runs. Workers stay from
    one `map` to the next, until the fleet is closed. Raises ConfigError.
    """

    def __init__(
        self,
        agent: MakeAgent | str,
        database: str | Path,
        *,
        name: str = "fleet",
        ray: str = "none",
        workers: int = WORKERS,
        together: int = TOGETHER,
        max_usd: float | None = None,
        requests_minute: float | None = None,
        tokens_minute: float | None = None,
        tries: int = TRIES,
        folder: Path | None = None,
    ) -> None:
        check_settings("Fleet", {"ray": ray}, {"ray": RAY})
        limits = FleetLimits(max_usd, requests_minute, tokens_minute)
        place = folder_of(database, folder)
        self.settings = FleetSettings(name, agent, str(database), place, limits, together, tries)
        self.ray, self.count = ray, workers
        self.board = open_board(self.settings.database, name)
        self._stopping = ""
        self._pool: WorkerPool | None = None

    def map(self, tasks: Iterable[object], watch: Watch = lambda progress: None) -> list[FleetRun]:
        """Work on tasks until all have ended; returns their runs in order, those of earlier calls too.

        A task is a text, a mapping as in a file of tasks, or a FleetTask. Tasks that have ended before are not begun
        again. A stopped fleet, or one whose dollars are spent, returns with runs that still wait. Raises ConfigError;
        ThreadBusy if somebody else works on the fleet now.
        """
        given = keyed(tasks)
        with Journal(self.board.storage).lease(driven(self.settings.name)):
            self.board.abandoned()
            self.board.submit(given, self.settings.limits)
            self._stopping = ""
            self._work(watch)
        found = {one.key: one for one in self.board.runs([one.key for one in given])}
        return [found[one.key] for one in given]

    def stop(self, reason: str = "the fleet was stopped") -> None:
        """End politely: runs end before their next request, and go on when the fleet is started again."""
        self._stopping = reason
        self.board.stop(reason)

    def close(self) -> None:
        """End the workers and close the record. May be called twice."""
        self._end_pool(at_once=False)
        self.board.storage.close()

    def _work(self, watch: Watch) -> None:
        if self._pool is None:
            self._pool = (
                ThreadPool(self.settings) if self.ray == "none" else RayPool(self.settings, self.ray, self.count)
            )
        try:
            _Driver(self, self._pool, watch).drive()
        except BaseException:
            self._end_pool(at_once=True)
            raise

    def _end_pool(self, *, at_once: bool) -> None:
        pool, self._pool = self._pool, None
        if pool:
            pool.close(at_once=at_once)


@dataclass
class _Driver:
    """One call of `Fleet.map`: the loop between the schedule and the pool."""

    fleet: Fleet
    pool: WorkerPool
    watch: Watch
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.board, self.schedule = self.fleet.board, Schedule(self.fleet.settings.together)
        self.groups = {key: task_of(json.loads(line)).group for key, line in self.board.open()}
        self.schedule.add(self.groups.items())
        self.warm = set(self.board.warm(WARM_FOR))
        self.cold_since = self.began
        self.ended_before = self.board.summary().ended
        self.halted, self._told = "", 0.0

    def drive(self) -> None:
        """Until all runs have ended, or the fleet stops and its last run has."""
        try:
            while self.schedule.left:
                if not self._begin():
                    break
                self._take(self.pool.ended(GLANCE))
                self._tell()
        except KeyboardInterrupt:
            self.fleet.stop("Ctrl-C")
            while any(self.schedule.running.values()):  # a second Ctrl-C ends this
                self._take(self.pool.ended(GLANCE))
                self._tell()
            raise
        self._tell(now=True)

    def _begin(self) -> bool:
        """Begin with what fits; False if nothing runs and nothing may begin."""
        self.halted = self.halted or self.fleet._stopping
        if self.halted:
            return any(self.schedule.running.values())
        alone = time.monotonic() - self.cold_since > HELD
        for worker, key in self.schedule.next(self.pool.workers(), set(self.groups.values()) if alone else self.warm):
            self.pool.start(worker, key)
        return True

    def _take(self, ended: Iterable[RunEnd]) -> None:
        lost = set[str]()
        for one in ended:
            if one.lost:
                lost.add(one.worker)
                self.board.lost(one.key)
                group = self.schedule.running.get(one.worker, {}).pop(one.key, self.groups[one.key])
                self.schedule.resume(one.key, group)
                continue
            self.schedule.ended(one.worker, one.key)
            if one.state not in ENDED:
                self._again(one.key)
        for worker in lost:
            self.schedule.at.pop(worker, None)

    def _again(self, key: str) -> None:
        """A run that waits: the fleet is halted, or its error may pass."""
        self.schedule.add([(key, self.groups[key])])
        state, _, reason = self.board.state(key)
        if state == "waiting" and reason.startswith("the request was not sent"):
            self.halted = reason

    def _tell(self, *, now: bool = False) -> None:
        """Look at the board, at most every GLANCE seconds, and say how far the fleet is."""
        at = time.monotonic()
        if at - self._told < GLANCE and not now:
            return
        self._told, summary = at, self.board.summary()
        self.halted = self.halted or summary.stopping
        if (fresh := self.board.warm(WARM_FOR) - self.warm) or not self.warm:
            self.warm |= fresh
            self.cold_since = at if fresh else self.cold_since
        done = summary.ended - self.ended_before
        left = summary.total - summary.ended
        eta = (at - self.began) / done * left if done else None
        running = sum(map(len, self.schedule.running.values()))
        self.watch(FleetProgress(summary, running, len(self.pool.workers()), eta))
