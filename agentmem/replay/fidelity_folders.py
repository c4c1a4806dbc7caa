"""Fidelity over folders of recordings: what `agentmem replay --fidelity` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from agentmem.errors import ConfigError
from agentmem.replay.fidelity import CUTS, FidelityCase, Scores, measure, row, total
from agentmem.replay.fidelity_items import KINDS
from agentmem.replay.index import load
from agentmem.replay.ours import OURS, room_for
from agentmem.replay.parallel import ReplayPlan, ReplayProgress, over_chains, silent
from agentmem.replay.peers import missing
from agentmem.replay.registry import maker
from agentmem.replay.run import chain
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.tasks import Task, attempt

DEFAULT = ("recorded", "agentmem", "langchain-summarization", "deepagents")
"""The policies that are looked at where none is named."""


@dataclass(slots=True)
class _Judged:
    """What came of one chain."""

    scores: dict[str, Scores] = field(default_factory=dict)
    skipped: list[SkippedLine] = field(default_factory=list)


def fidelity_all(plan: ReplayPlan, progress: ReplayProgress = silent) -> dict[str, Any]:
    """The object that `agentmem replay --fidelity --json` prints. Raises ConfigError where there is nothing to read."""
    runnable = [name for name in plan.policies if not missing(name)]
    for name in runnable:
        maker(name)
    judged, skipped = over_chains(plan, partial(_judge, tuple(runnable)), progress)
    if not judged:
        raise ConfigError("there is no session with text: fidelity looks at words, and a ledger has none")
    skipped += [one for each in judged for one in each.skipped]
    rows = [
        row(name, total(each.scores[name] for each in judged if name in each.scores), missing(name))
        for name in plan.policies
    ]
    return {
        "schema": 1,
        "basis": "simulated",
        "budget": plan.budget,
        "chain": plan.chain,
        "cuts": list(CUTS),
        "kinds": dict(KINDS),
        "policies": rows,
        "skipped": [{"path": one.path, "line": one.line, "reason": one.reason} for one in skipped],
    }


def _judge(names: Sequence[str], task: Task) -> _Judged:
    made, first = _Judged(), task.entries[0]
    sessions = list(_loaded(task, made.skipped))
    if not sessions:
        return made
    case = attempt(first, f"{first.name}: it cannot be replayed", partial(_case, task, sessions))
    if isinstance(case, SkippedLine):
        made.skipped.append(case)
        return made
    needed = room_for(case.opening, task.budget)
    if task.budget < needed and not OURS.keys().isdisjoint(names):
        told = f"{case.name}: a budget of {task.budget:,} leaves no room to work in, it takes {needed:,}"
        made.skipped.append(SkippedLine(first.source.path, first.source.line, told))
        return made
    for name in names:
        work = partial(measure, case, maker(name), task.budget, as_recorded=name == "recorded")
        found = attempt(first, f"{case.name}: the policy {name} failed, and its figures are without it", work)
        if isinstance(found, SkippedLine):
            made.skipped.append(found)
        else:
            made.scores[name] = found
    return made


def _case(task: Task, sessions: Sequence[RecordedSession]) -> FidelityCase:
    provider = sessions[0].provider if task.model is None else task.provider
    joined = chain(sessions, provider, task.model, task.ttl)
    return FidelityCase.found(
        joined.name,
        joined.opening,
        joined.exchanges,
        provider=joined.provider,
        ttl=joined.ttl,
        begins=frozenset(joined.begins),
    )


def _loaded(task: Task, skipped: list[SkippedLine]) -> Iterator[RecordedSession]:
    for entry, again in zip(task.entries, task.again, strict=True):
        found = attempt(entry, f"{entry.name}: it cannot be read", partial(load, entry, again))
        if isinstance(found, SkippedLine):
            skipped.append(found)
        elif found is not None:
            yield found
