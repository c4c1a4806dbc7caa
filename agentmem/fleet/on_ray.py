"""A fleet's workers as actors of Ray: on this machine, or on a cluster. Needs the extra ``fleet``.

An actor that dies, alone or with its host, is reported lost, and another takes its place where the cluster has room.
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from agentmem.config import ray_variables
from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.fleet.board import FleetState
from agentmem.fleet.pools import RunEnd
from agentmem.fleet.settings import FleetSettings
from agentmem.fleet.worker import FleetWorker

PATIENCE = 120.0
"""Seconds for which a worker that cannot begin is asked for again, where others could: its database is away."""
LOCAL = "local"
WORKERS = 2
STORE = 100_000_000
"""Bytes of Ray's object store on this machine: only keys and states pass through it."""
EVEN = {"worker_niceness": 0}
"""Ray's own is 15: beside other programs its workers would get a thirtieth of a core, and threads their fair share."""
_log = logging.getLogger(__name__)
_TOKEN = (
    "this cluster of Ray wants a token: set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the one that its head has "
    "(`ray get-auth-token` there), or RAY_AUTH_MODE=disabled on all its hosts and here"
)


class RayWorker:
    """The actor: a FleetWorker in a process of Ray's."""

    def __init__(self, settings: FleetSettings, name: str) -> None:
        self._worker = FleetWorker(settings, name)

    def ready(self) -> str:
        """Its name, once it is made."""
        return self._worker.name

    def work(self, key: str) -> FleetState:
        """Work on a run: see `FleetWorker.work`."""
        return self._worker.work(key)


def connected(address: str, workers: int) -> tuple[Any, bool]:
    """The module ``ray``, connected to a cluster, or to one made here, and whether that was done now.

    Raises ConfigError with what to do.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError(f"a fleet on Ray needs more packages ({error}): {install('fleet')}") from None
    if ray.is_initialized():
        return ray, False
    try:
        ray.init(**_where(address, workers), log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises many kinds, some of them of its core
        said = " ".join(str(error).split())
        if "token" in said.lower() or "unauthenticated" in said.lower():
            raise ConfigError(_TOKEN) from error
        raise ConfigError(f"Ray at {address!r} cannot be reached ({said:.200}): is its head up?") from error
    return ray, True


def _where(address: str, workers: int) -> dict[str, Any]:
    """What ``ray.init`` is told. A cluster made here has this process's variables by itself, and workers at the ready;
    for variables of their own it would begin a process more for each."""
    if address != LOCAL:
        return {"address": address, "runtime_env": {"env_vars": ray_variables(str(Path.cwd()))}}
    small = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": STORE}
    return {**small, "_node_ip_address": "127.0.0.1", "_system_config": EVEN}


@dataclass
class RayPool:
    """Actors, a ``worker`` each for one CPU of the cluster. Closing it also ends a cluster that was made for it."""

    settings: FleetSettings
    address: str = LOCAL
    count: int = WORKERS
    _actors: dict[str, Any] = field(default_factory=dict)
    _coming: dict[Any, tuple[str, Any]] = field(default_factory=dict)
    _runs: dict[Any, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import_error = _serves_others(self.settings)
        if import_error:
            raise ConfigError(import_error)
        self._ray, self._own = connected(self.address, self.count)
        self._numbers, self._until = count(1), 0.0
        for _ in range(self.count):
            self._add()

    def workers(self) -> Sequence[str]:
        self._came(0.0)
        return tuple(self._actors)

    def start(self, worker: str, key: str) -> None:
        self._runs[self._actors[worker].work.remote(key)] = worker, key

    def ended(self, seconds: float) -> list[RunEnd]:
        if not self._runs:
            self._came(seconds)
            return []
        over, _ = self._ray.wait(list(self._runs), num_returns=len(self._runs), timeout=0)
        if not over:
            over, _ = self._ray.wait(list(self._runs), num_returns=1, timeout=seconds)
        return [self._end(one) for one in over]

    def close(self, *, at_once: bool = False) -> None:
        for actor in (*self._actors.values(), *(actor for _, actor in self._coming.values())):
            self._ray.kill(actor)
        self._actors.clear()
        if self._own:
            self._ray.shutdown()

    def _end(self, ref: Any) -> RunEnd:
        worker, key = self._runs.pop(ref)
        try:
            return RunEnd(worker, key, self._ray.get(ref))
        except self._ray.exceptions.RayError as error:
            if actor := self._actors.pop(worker, None):
                self._ray.kill(actor)  # it may live: its database was away for too long
                self._add()
            return RunEnd(worker, key, lost=f"worker {worker} is gone ({type(error).__name__})")

    def _add(self) -> None:
        """Ask for one more actor. It counts as a worker when it is there: a cluster may have no room for it now."""
        name = f"w{next(self._numbers)}"
        kind = self._ray.remote(num_cpus=1, max_concurrency=self.settings.together + 1, max_restarts=0)(RayWorker)
        actor = kind.options(scheduling_strategy="SPREAD").remote(self.settings, name)
        self._coming[actor.ready.remote()] = name, actor

    def _came(self, seconds: float) -> None:
        if not self._coming:
            return
        there, _ = self._ray.wait(list(self._coming), num_returns=len(self._coming), timeout=0)
        if not there and seconds:
            there, _ = self._ray.wait(list(self._coming), num_returns=1, timeout=seconds)
        for ref in there:
            name, actor = self._coming.pop(ref)
            try:
                self._ray.get(ref)
            except self._ray.exceptions.RayTaskError as error:
                self._failed(name, error)
                self._add()
                continue
            except self._ray.exceptions.RayError:
                self._add()
                continue
            self._actors[name], self._until = actor, math.inf

    def _failed(self, name: str, error: Any) -> None:
        """A worker could not begin. Raises ConfigError if none ever could, or none for a while."""
        now = time.monotonic()
        if now > self._until:
            raise ConfigError(f"a worker could not begin: {error.cause}") from error
        self._until = min(self._until, now + PATIENCE)
        _log.warning("worker %s could not begin, and another is asked for: %s", name, error.cause)


def _serves_others(settings: FleetSettings) -> str:
    """Why these settings do not do for several processes, or ""."""
    if "://" not in settings.database or settings.database.startswith("sqlite"):
        return (
            "workers on Ray are processes of their own, on several hosts: give them a database that all reach, "
            "--database postgresql://..., or use --ray none"
        )
    return ""
