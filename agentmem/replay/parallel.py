"""Replaying whole folders: list, sort, join into chains, and share them out among processes.

Only one chain for each process is in memory at a time; what comes back from it are sums.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

from agentmem.errors import ConfigError
from agentmem.kvcache.rules import rules
from agentmem.replay.billed import billed, billed_usd
from agentmem.replay.index import IndexedSession, chains, index, key, repeated
from agentmem.replay.peers import PEERS, missing
from agentmem.replay.policies import Terms
from agentmem.replay.pool import worker_pool
from agentmem.replay.recordings import sources
from agentmem.replay.registry import maker
from agentmem.replay.session import SkippedLine
from agentmem.replay.source import RecordingSource, Spool
from agentmem.replay.tally import excesses, total
from agentmem.replay.tasks import Replayed, Task, compare_task, replay_tasks
from agentmem.replay.traces import TRACES, replay_trace
from agentmem.replay.verify import Compared, verification
from agentmem.types import Ttl

CHAIN = 1_000_000
"""Tokens up to which sessions are joined."""
BREAKPOINTS = "end of system, of the last message and of the request before; lifetimes {ttl}; agentmem's are its own"
"""Of every policy, where the recording does not say which it had; peers ship without any."""
_FEW = 4  # sources below which starting processes costs more than it saves

Item = TypeVar("Item")
Result = TypeVar("Result")


class ReplayProgress(Protocol):
    """Hears how far the work is: ``done`` of ``whole`` steps of ``what``."""

    def __call__(self, what: str, done: int, whole: int) -> None: ...


def silent(what: str, done: int, whole: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, slots=True)
class ReplayPlan:
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


def replay_all(plan: ReplayPlan, progress: ReplayProgress = silent) -> dict[str, Any]:
    """The object that `agentmem replay --json` prints. Raises ConfigError where there is nothing to replay."""
    (made,) = replay_each([plan], progress)
    return made


def replay_each(plans: Sequence[ReplayPlan], progress: ReplayProgress = silent) -> list[dict[str, Any]]:
    """The same for several plans over the same recordings, in chains of one size: each chain is read once for all."""
    first = plans[0]
    if any((one.paths, one.chain) != (first.paths, first.chain) for one in plans):
        raise ValueError("plans that are replayed together have the same paths and chains")
    for plan in plans:
        for name in _runnable(plan):
            maker(name)
        rules(plan.model or "", plan.provider)
    with _workers(first) as work, _indexed(first, work, progress) as (entries, skipped, traces):
        for plan in plans:
            _check_models(plan, entries)
        with_text = [entry for entry in entries if entry.text]
        again = repeated(entries)
        joined = chains(with_text or entries, first.chain if with_text else 0)
        tasks = [[(_runnable(plan), _task(plan, one, again)) for plan in plans] for one in joined]
        replayed = list(work(replay_tasks, tasks, "chains", progress))
    each = ([made[at] for made in replayed] for at in range(len(plans)))
    return [_made(plan, entries, skipped, traces, made) for plan, made in zip(plans, each, strict=True)]


def _runnable(plan: ReplayPlan) -> tuple[str, ...]:
    return tuple(name for name in plan.policies if not missing(name))


def _check_models(plan: ReplayPlan, entries: Sequence[IndexedSession]) -> None:
    if plan.model is None and plan.provider not in ("anthropic", *(entry.provider for entry in entries)):
        own = "the recordings name models of their own provider"
        raise ConfigError(f"--provider {plan.provider} needs --model: {own}")


def _made(
    plan: ReplayPlan,
    entries: Sequence[IndexedSession],
    unread: Sequence[SkippedLine],
    traces: Sequence[dict[str, Any]],
    replayed: Sequence[Replayed],
) -> dict[str, Any]:
    """One plan's object."""
    with_text = any(entry.text for entry in entries)
    providers = sorted({entry.provider for entry in entries})
    skipped = [*unread, *(one for each in replayed for one in each.skipped)]
    if with_text:
        skipped += [_without_text(entry) for entry in entries if not entry.text]
    rows = [_row(name, plan, replayed, with_text) for name in plan.policies]
    beyond = excesses(rows, PEERS)
    rows = [{**row, "excess": beyond.get(row["policy"])} for row in rows]
    bills = sorted((one for each in replayed for one in each.bills), key=lambda one: (one.path, one.line, one.session))
    return {
        "schema": 1,
        "basis": "measured" if entries and not with_text else "simulated",
        "provider": plan.provider if plan.model else ", ".join(providers),
        "model": plan.model,
        "budget": plan.budget,
        "chain": plan.chain,
        "breakpoints": BREAKPOINTS.format(ttl=plan.ttl or "as recorded"),
        "skipped": [_named(one) for one in skipped],
        "policies": rows,
        "billed": billed(bills),
        "sessions": [one.numbers() for one in bills],
        "traces": list(traces),
    }


def verify_all(plan: ReplayPlan, progress: ReplayProgress = silent) -> dict[str, Any]:
    """The object that `agentmem replay --verify --json` prints."""
    with _workers(plan) as work, _indexed(plan, work, progress) as (entries, skipped, _):
        again = repeated(entries)
        tasks = [_task(plan, [entry], again) for entry in entries]
        compared = list(work(compare_task, tasks, "sessions", progress))
    silent_ones = [entry for entry, one in zip(entries, compared, strict=True) if one is None]
    reason = "nothing to compare: it has no text, or no usage for every request, or repeats another"
    skipped += [one for one in compared if isinstance(one, SkippedLine)]
    skipped += [SkippedLine(entry.source.path, entry.source.line, f"{entry.name}: {reason}") for entry in silent_ones]
    found = verification([one for one in compared if isinstance(one, Compared)])
    return {**found, "skipped": [_named(one) for one in skipped]}


def over_chains(
    plan: ReplayPlan, work_on: Callable[[Task], Result], progress: ReplayProgress = silent
) -> tuple[list[Result], list[SkippedLine]]:
    """What ``work_on`` makes of each chain of sessions with text, and what could not be read.

    Raises ConfigError where there is nothing to read.
    """
    with _workers(plan) as work, _indexed(plan, work, progress) as (entries, skipped, _):
        again = repeated(entries)
        joined = chains([entry for entry in entries if entry.text], plan.chain)
        made = list(work(work_on, [_task(plan, one, again) for one in joined], "chains", progress))
    return made, [*skipped, *(_without_text(entry) for entry in entries if not entry.text)]


def _task(plan: ReplayPlan, entries: Sequence[IndexedSession], again: Mapping[str, frozenset[int]]) -> Task:
    repeats = tuple(again.get(key(one), frozenset()) for one in entries)
    return Task(tuple(entries), repeats, plan.provider, plan.model, plan.budget, plan.ttl)


Work = Callable[[Callable[[Item], Result], Sequence[Item], str, ReplayProgress], Iterator[Result]]


@contextmanager
def _workers(plan: ReplayPlan) -> Iterator[Any]:
    """Something that maps a function over items, on as many processes as the plan takes."""
    jobs = plan.jobs or os.cpu_count() or 1
    if jobs == 1:
        yield partial(_mapped, None)
        return
    with worker_pool(jobs) as pool:
        yield partial(_mapped, pool)


def _mapped(
    pool: ProcessPoolExecutor | None,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    what: str,
    progress: ReplayProgress,
) -> Iterator[Result]:
    mapped = map(function, items) if pool is None or len(items) < _FEW else pool.map(function, items)
    progress(what, 0, len(items))
    for done, result in enumerate(mapped, start=1):
        progress(what, done, len(items))
        yield result


@contextmanager
def _indexed(
    plan: ReplayPlan, work: Any, progress: ReplayProgress
) -> Iterator[tuple[list[IndexedSession], list[SkippedLine], list[dict[str, Any]]]]:
    """All sessions, by when they began, what could not be read, and the figures of traces; the spool lives as long."""
    with TemporaryDirectory(prefix="agentmem-replay-") as folder:
        listed = list(_listed(sources(plan.paths, Spool(Path(folder))), progress))
        known = [one for one in listed if isinstance(one, RecordingSource)]
        found = list(work(index, [one for one in known if one.format not in TRACES], "sessions read", progress))
        traced = list(work(replay_trace, [one for one in known if one.format in TRACES], "traces", progress))
        skipped = [one for one in listed if isinstance(one, SkippedLine)]
        skipped += [one for each in (*found, *traced) for one in each.skipped]
        entries = sorted((one for each in found for one in each.entries), key=lambda one: (one.started, one.name))
        if not entries and not traced:
            reasons = "".join(f"\n  {one.place}: {one.reason}" for one in skipped[:5])
            raise ConfigError(f"there is no session to replay in {', '.join(map(str, plan.paths))}{reasons}")
        yield entries, skipped, [one.numbers for one in traced]


def _listed(
    found: Iterable[RecordingSource | SkippedLine], progress: ReplayProgress
) -> Iterator[RecordingSource | SkippedLine]:
    for done, one in enumerate(found, start=1):
        progress("sessions found", done, done)
        yield one


def _row(name: str, plan: ReplayPlan, replayed: Sequence[Replayed], with_text: bool) -> dict[str, Any]:
    """One policy's figures; all null, with the reason in ``missing``, where there are none."""
    ran = [one for one in replayed if name in one.tallies]
    numbers = total(one.tallies[name] for one in ran).numbers()
    left = "every chain was left out"
    empty = left if with_text else "ledgers and traces have no text: only what was recorded can be said"
    reason = missing(name) or (None if ran else empty)
    if reason:
        numbers = {**dict.fromkeys(numbers), "basis": "simulated"}
    numbers["chains"] = len(ran)
    numbers["billed_usd"] = billed_usd([bill for one in ran for bill in one.bills])
    return {"schema": 1, "policy": name, "settings": _settings(name, plan, reason), **numbers, "missing": reason}


def _settings(name: str, plan: ReplayPlan, reason: str | None) -> dict[str, Any]:
    from agentmem.replay.session import SessionOpening

    if reason:
        return {}
    policy = maker(name)(Terms(SessionOpening(()), plan.budget))
    try:
        return dict(policy.settings)
    finally:
        policy.close()


def _named(one: SkippedLine) -> dict[str, Any]:
    return {"path": one.path, "line": one.line, "reason": one.reason}


def _without_text(entry: IndexedSession) -> SkippedLine:
    reason = f"{entry.name} has no text: replay ledgers by themselves, apart from sessions with text"
    return SkippedLine(entry.source.path, entry.source.line, reason)
