"""Replaying whole folders: list, sort, join into chains, and share them out among processes.

Only one chain for each process is in memory at a time; what comes back from it are sums.
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

from agentmem.errors import ConfigError
from agentmem.kvcache.rules import rules
from agentmem.replay.index import Entry, chains, index, key, load, repeated
from agentmem.replay.ledgers import ledger_tally
from agentmem.replay.ours import OURS, room_for
from agentmem.replay.peers import missing
from agentmem.replay.policies import Terms, maker
from agentmem.replay.recordings import sources
from agentmem.replay.run import chain, replay
from agentmem.replay.session import Session, Skipped
from agentmem.replay.source import Source, Spool
from agentmem.replay.tally import Tally, total
from agentmem.replay.verify import Compared, compare, verification
from agentmem.types import Ttl

CHAIN = 1_000_000
"""Tokens up to which sessions are joined."""
BREAKPOINTS = "end of system, of the last message and of the request before; lifetimes {ttl}; agentmem's are its own"
"""Of every policy, where the recording does not say which it had; peers ship without any."""
_FEW = 4  # sources below which starting processes costs more than it saves

Item = TypeVar("Item")
Result = TypeVar("Result")


class Progress(Protocol):
    """Hears how far the work is: ``done`` of ``whole`` steps of ``what``."""

    def __call__(self, what: str, done: int, whole: int) -> None: ...


def silent(what: str, done: int, whole: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replay. ``model`` None: each request by the model it was recorded with; ``chain`` 0: no joining; ``ttl``
    None: lifetimes as recorded.

    ``jobs`` are processes: 0 takes all cores.
    """

    paths: tuple[Path, ...]
    policies: tuple[str, ...] = ("recorded", "append-only", "sliding")
    provider: str = "anthropic"
    model: str | None = None
    budget: int = 120_000
    chain: int = CHAIN
    ttl: Ttl | None = None
    jobs: int = 0


def replay_all(plan: Plan, progress: Progress = silent) -> dict[str, Any]:
    """The object that `agentmem replay --json` prints. Raises ConfigError where there is nothing to replay."""
    if plan.provider != "anthropic" and plan.model is None:
        raise ConfigError(f"--provider {plan.provider} needs --model: the recordings name models of their own provider")
    runnable = [name for name in plan.policies if not missing(name)]
    for name in runnable:
        maker(name)
    rules(plan.model or "", plan.provider)
    with _workers(plan) as work, _indexed(plan, work, progress) as (entries, skipped):
        told = [entry for entry in entries if entry.text]
        again = repeated(entries)
        tasks = [
            _Task(tuple(joined), tuple(again.get(key(one), frozenset()) for one in joined), plan)
            for joined in chains(told or entries, plan.chain if told else 0)
        ]
        replayed = list(work(partial(_replay, tuple(runnable)), tasks, "chains", progress))
    tallies = [one for one in replayed if not isinstance(one, Skipped)]
    skipped += [one for one in replayed if isinstance(one, Skipped)]
    if told:
        skipped += [_without_text(entry) for entry in entries if not entry.text]
    rows = [_row(name, plan, [one[name] for one in tallies if name in one], bool(told)) for name in plan.policies]
    return {
        "schema": 1,
        "basis": "simulated" if told else "measured",
        "provider": plan.provider,
        "model": plan.model,
        "budget": plan.budget,
        "chain": plan.chain,
        "breakpoints": BREAKPOINTS.format(ttl=plan.ttl or "as recorded"),
        "skipped": [_named(one) for one in skipped],
        "policies": rows,
    }


def verify_all(plan: Plan, progress: Progress = silent) -> dict[str, Any]:
    """The object that `agentmem replay --verify --json` prints."""
    with _workers(plan) as work, _indexed(plan, work, progress) as (entries, skipped):
        again = repeated(entries)
        tasks = [_Task((entry,), (again.get(key(entry), frozenset()),), plan) for entry in entries]
        compared = list(work(_compare, tasks, "sessions", progress))
    silent_ones = [entry for entry, one in zip(entries, compared, strict=True) if one is None]
    reason = "nothing to compare: it has no text, or no usage for every request, or repeats another"
    skipped += [Skipped(entry.source.path, entry.source.line, f"{entry.name}: {reason}") for entry in silent_ones]
    found = verification([one for one in compared if one is not None])
    return {**found, "skipped": [_named(one) for one in skipped]}


@dataclass(frozen=True, slots=True)
class _Task:
    entries: tuple[Entry, ...]
    again: tuple[frozenset[int], ...]
    plan: Plan

    def sessions(self) -> list[Session]:
        loaded = (load(entry, again) for entry, again in zip(self.entries, self.again, strict=True))
        return [session for session in loaded if session is not None]


def _replay(names: Sequence[str], task: _Task) -> dict[str, Tally] | Skipped:
    sessions = task.sessions()
    if not sessions:
        return {}
    if not sessions[0].text:
        return {"recorded": ledger_tally(sessions[0], task.plan.provider)} if "recorded" in names else {}
    joined = chain(sessions, task.plan.provider, task.plan.model, task.plan.ttl)
    needed = room_for(joined.opening, task.plan.budget)
    if task.plan.budget < needed and not OURS.keys().isdisjoint(names):
        source = task.entries[0].source
        told = f"{joined.name}: a budget of {task.plan.budget:,} leaves no room to work in, it takes {needed:,}"
        return Skipped(source.path, source.line, f"{told}; left out for all policies")
    find = partial(rules, provider=task.plan.provider)
    return {name: replay(joined, maker(name), task.plan.budget, find) for name in names}


def _compare(task: _Task) -> Compared | None:
    sessions = task.sessions()
    return compare(sessions[0]) if sessions else None


Work = Callable[[Callable[[Item], Result], Sequence[Item], str, Progress], Iterator[Result]]


@contextmanager
def _workers(plan: Plan) -> Iterator[Any]:
    """Something that maps a function over items, on as many processes as the plan takes."""
    jobs = plan.jobs or os.cpu_count() or 1
    if jobs == 1:
        yield partial(_mapped, None)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_leave_interrupts)
    try:
        yield partial(_mapped, pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts() -> None:
    """Ctrl-C is for the process that the person started; it ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _mapped(
    pool: ProcessPoolExecutor | None,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    what: str,
    progress: Progress,
) -> Iterator[Result]:
    mapped = map(function, items) if pool is None or len(items) < _FEW else pool.map(function, items)
    progress(what, 0, len(items))
    for done, result in enumerate(mapped, start=1):
        progress(what, done, len(items))
        yield result


@contextmanager
def _indexed(plan: Plan, work: Any, progress: Progress) -> Iterator[tuple[list[Entry], list[Skipped]]]:
    """All sessions, by when they began, and what could not be read; the spool lives as long."""
    with TemporaryDirectory(prefix="agentmem-replay-") as folder:
        listed = list(_listed(sources(plan.paths, Spool(Path(folder))), progress))
        found = list(work(index, [one for one in listed if isinstance(one, Source)], "sessions read", progress))
        skipped = [one for one in listed if isinstance(one, Skipped)]
        skipped += [one for each in found for one in each.skipped]
        entries = sorted((one for each in found for one in each.entries), key=lambda one: (one.started, one.name))
        if not entries:
            reasons = "".join(f"\n  {one.path}:{one.line}: {one.reason}" for one in skipped[:5])
            raise ConfigError(f"there is no session to replay in {', '.join(map(str, plan.paths))}{reasons}")
        yield entries, skipped


def _listed(found: Iterable[Source | Skipped], progress: Progress) -> Iterator[Source | Skipped]:
    for done, one in enumerate(found, start=1):
        progress("sessions found", done, done)
        yield one


def _row(name: str, plan: Plan, tallies: list[Tally], told: bool) -> dict[str, Any]:
    """One policy's figures; all null, with the reason in ``missing``, where there are none."""
    numbers = total(tallies).numbers()
    empty = "every chain was left out" if told else "a ledger has no text: only what was recorded can be told"
    reason = missing(name) or (None if tallies else empty)
    if reason:
        numbers = {**dict.fromkeys(numbers), "basis": "simulated"}
    return {"schema": 1, "policy": name, "settings": _settings(name, plan, reason), **numbers, "missing": reason}


def _settings(name: str, plan: Plan, reason: str | None) -> dict[str, Any]:
    from agentmem.replay.opening import Opening

    if reason:
        return {}
    policy = maker(name)(Terms(Opening(()), plan.budget))
    try:
        return dict(policy.settings)
    finally:
        policy.close()


def _named(one: Skipped) -> dict[str, Any]:
    return {"path": one.path, "line": one.line, "reason": one.reason}


def _without_text(entry: Entry) -> Skipped:
    reason = f"{entry.name} has no text: replay ledgers by themselves, apart from sessions with text"
    return Skipped(entry.source.path, entry.source.line, reason)
