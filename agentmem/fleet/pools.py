"""Where the workers of a fleet are: here, as threads of this process. On Ray they are actors (`on_ray`)."""

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import Context
from dataclasses import dataclass
from typing import Protocol

from agentmem.fleet.board import FleetState
from agentmem.fleet.settings import FleetSettings
from agentmem.fleet.worker import FleetWorker


@dataclass(frozen=True, slots=True)
class RunEnd:
    """A run has left its worker: with its state, or because the worker is ``lost``, and then why."""

    worker: str
    key: str
    state: FleetState = "waiting"
    lost: str = ""


class WorkerPool(Protocol):
    """The workers of a fleet. A worker that is lost is replaced by one of another name, if there is room for it."""

    def workers(self) -> Sequence[str]:
        """The names of those that can take a run now."""

    def start(self, worker: str, key: str) -> None:
        """Let a worker begin with a run. Returns at once."""

    def ended(self, seconds: float) -> list[RunEnd]:
        """The runs that ended since it was last asked; waits up to ``seconds`` for the first."""

    def close(self, *, at_once: bool = False) -> None:
        """End the workers, ``at_once`` whatever they are doing. Their runs can be gone on with."""


class ThreadPool:
    """One worker with threads in this process."""

    def __init__(self, settings: FleetSettings) -> None:
        self._worker = FleetWorker(settings, "here")
        self._threads = ThreadPoolExecutor(settings.together, "agentmem-fleet")
        self._runs: dict[Future[FleetState], str] = {}

    def workers(self) -> Sequence[str]:
        return ("here",)

    def start(self, worker: str, key: str) -> None:
        self._runs[self._threads.submit(Context().run, self._worker.work, key)] = key

    def ended(self, seconds: float) -> list[RunEnd]:
        over, _ = wait(self._runs, seconds, FIRST_COMPLETED)
        return [RunEnd("here", self._runs.pop(one), one.result()) for one in over]

    def close(self, *, at_once: bool = False) -> None:
        self._threads.shutdown(wait=not at_once, cancel_futures=True)
        if not at_once:
            self._worker.close()
