"""A worker of a fleet: works on runs, several at once, in one process; where it runs is a pool's matter.

A run is submitted to its agent under a key, so it is begun once, and whoever has it next goes on where it stopped.
"""

import contextvars
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from agentmem.checking import shown
from agentmem.errors import (
    AgentmemError,
    ArchiveError,
    ConfigError,
    FleetHalted,
    JournalError,
    ModelOverloaded,
    ModelUnreachable,
)
from agentmem.fleet.board import Board, FleetLimits, FleetState, Permit, open_board
from agentmem.fleet.counts import TogetherCounts, counted
from agentmem.fleet.limited import LimitedModel
from agentmem.fleet.settings import FleetSeat, FleetSettings
from agentmem.fleet.tasks import FleetTask
from agentmem.meter import prices
from agentmem.runtime.components import AROUND
from agentmem.scrub import scrub
from agentmem.transcript.lease import host
from agentmem.types import Clock, Model, Usage

if TYPE_CHECKING:
    from agentmem.runtime.agent import Agent
    from agentmem.runtime.events import Result

PASSING: tuple[type[Exception], ...] = (
    ModelOverloaded,
    ModelUnreachable,
    JournalError,
    ArchiveError,
    ConnectionError,
    TimeoutError,
)
"""Errors after which a run is tried again: its transcript is intact, and the cause may be over."""
WARM_FOR = 300.0
"""Seconds for which a group counts as warm after a reply: the shortest that a provider keeps its prefix."""
TOLD_EVERY = WARM_FOR / 5
"""Seconds after which a reply of a warm group is noted on the board again, so that it counts as warm there too."""
_STATES: dict[str, FleetState] = {"done": "done", "stopped": "stopped", "waiting": "asks"}


class Warmth:
    """Lets the first run of a group go alone until its first reply begins, so that the others read its cache."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock, self._changed = clock, threading.Condition()
        self._leaders: dict[str, str] = {}
        self._begun: dict[str, float] = {}
        self._told: dict[str, float] = {}

    @contextmanager
    def waited(self, group: str, key: str) -> Iterator[None]:
        """Inside a run may send requests: at once if the group is warm, or nobody else is warming it."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_warm(group) or group not in self._leaders)
            if not self._is_warm(group):
                self._leaders[group] = key
        try:
            yield
        finally:
            self._left(group, key)

    def begun(self, group: str) -> bool:
        """A reply of the group has begun; true if the board is to be told: by the first one, and every TOLD_EVERY."""
        with self._changed:
            now, first = self._clock(), not self._is_warm(group)
            self._begun[group] = now
            self._leaders.pop(group, None)
            if first:
                self._changed.notify_all()
            due = first or now - self._told[group] >= TOLD_EVERY
            if due:
                self._told[group] = now
            return due

    def _is_warm(self, group: str) -> bool:
        return self._clock() - self._begun.get(group, -WARM_FOR) < WARM_FOR

    def _left(self, group: str, key: str) -> None:
        with self._changed:
            if self._leaders.get(group) == key:
                del self._leaders[group]
                self._changed.notify_all()


@dataclass
class StopLook:
    """Whether the fleet stops, looked up at most once a second by a worker: for fleets without limits."""

    board: Board
    _until: float = 0.0
    _found: Permit = field(default_factory=Permit)

    def permit(self) -> Permit:
        now = time.monotonic()
        if now >= self._until:
            self._found, self._until = self.board.reserve("", 0.0, 0), now + 1.0
        return self._found


@dataclass(frozen=True, slots=True)
class RunGate:
    """The gate of one run: its row on the board, and its group's warmth."""

    board: Board
    key: str
    group: str
    warmth: Warmth
    look: StopLook
    counts: TogetherCounts

    def reserve(self, usd: float, tokens: int) -> Permit:
        if not self.board.limited:
            return self.look.permit()
        return self.board.reserve(self.key, usd, tokens)

    def settle(self, reserved: float, usd: float, usage: Usage | None) -> None:
        if self.board.limited:
            self.board.settle(self.key, reserved, counted(usd, usage))
        else:
            self.counts.add(self.key, counted(usd, usage))

    def begun(self) -> None:
        if self.warmth.begun(self.group):
            self.board.warmed(self.group)


@dataclass
class FleetWorker:
    """Works on runs of a fleet: any number of threads may call `work` at once. Close it when done."""

    settings: FleetSettings
    name: str
    warmth: Warmth = field(default_factory=Warmth)

    def __post_init__(self) -> None:
        self.make = self.settings.maker()
        self.board = open_board(
            self.settings.database, self.settings.name, limited=self.settings.limits != FleetLimits()
        )
        self.look, self.counts = StopLook(self.board), TogetherCounts(self.board.count)

    def work(self, key: str) -> FleetState:
        """Work on a run until it ends, or must wait. Returns its state, which stands on the board."""
        task = self.board.claim(key, self.name, host(), thread_of(self.settings.name, key))
        if task is None:
            return self.board.state(key)[0]
        try:
            with self.warmth.waited(task.group, key):
                result = self._ran(task, self._gate(key, task.group))
        except FleetHalted as error:
            return self._ended(key, "waiting", str(error))
        except PASSING as error:
            again = self.board.state(key)[1] < self.settings.tries
            return self._ended(key, "waiting" if again else "failed", _said(error))
        except Exception as error:  # of any kind: the fleet goes on, and its record tells it
            return self._ended(key, "failed", _said(error))
        return self._ended(key, _STATES[result.status], result.reason, result.text)

    def close(self) -> None:
        """Close the board. May be called twice."""
        self.board.storage.close()

    def _gate(self, key: str, group: str) -> RunGate:
        return RunGate(self.board, key, group, self.warmth, self.look, self.counts)

    def _ended(self, key: str, state: FleetState, reason: str = "", text: str = "") -> FleetState:
        self.counts.end(key)
        self.board.end(key, state, reason, text)
        return state

    def _ran(self, task: FleetTask, gate: RunGate) -> "Result":
        thread = thread_of(self.settings.name, task.key)
        folder = self.settings.folder / self.settings.name / thread
        seat = FleetSeat(self.settings.database, folder, task.key, task.model, task.prefix, task.more)
        with self._agent(seat, gate) as agent:
            return agent.run(task.task, thread=thread, key=f"{self.settings.name}/{task.key}")

    def _agent(self, seat: FleetSeat, gate: RunGate) -> "Agent":
        """An agent whose models are behind the gate. Raises ConfigError for one that is not, and for what is none."""
        from agentmem.runtime.agent import Agent

        def made() -> "Agent":
            AROUND.set(lambda model: LimitedModel(model, gate))
            return self.make(seat)

        agent = contextvars.copy_context().run(made)
        if not isinstance(agent, Agent):
            raise ConfigError(f"the maker of agents must return an Agent, and {shown(agent)} is not")
        for model in agent.lineup.models:
            if not isinstance(model, LimitedModel):
                raise ConfigError("the maker of agents must make a new agent whenever it is called")
            model.price_as = agent.steps.meter.price_as
            self._check_price(model.model, model.price_as)
        return agent

    def _check_price(self, model: Model, price_as: str | None) -> None:
        if self.settings.limits.max_usd is not None and prices.rates_of(model.profile, price_as) is None:
            raise ConfigError(
                f"{model.profile.name} has no price, so dollars cannot be limited: give the agent "
                'price_as="provider:name", or the fleet no limit of dollars'
            )


def thread_of(fleet: str, key: str) -> str:
    """The thread of a run: also a name of its folder, the same on every host."""
    plain = all(char.isascii() and (char.isalnum() or char in "._-") for char in key) and len(key) <= 60
    return f"{fleet}.{key}" if plain else f"{fleet}.{sha256(key.encode()).hexdigest()[:16]}"


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, AgentmemError) else f"{type(error).__name__}: {scrub(str(error))}"


def folder_of(database: str | Path, folder: Path | None) -> Path:
    """The folder for the workspaces of runs: the given one, or one beside a database that is a file."""
    if folder is not None:
        return folder
    beside = isinstance(database, Path) or "://" not in database
    return (Path(database).expanduser().parent if beside else Path.cwd() / ".agentmem") / "fleets"
