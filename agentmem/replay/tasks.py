"""What one process does with one chain of sessions: replay it under every policy, or compare it with its bill.

An error stays where it happened: what a session, a policy or a stranger's package does wrong is named, and all others
go on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from agentmem.kvcache.rules import rules
from agentmem.replay.billed import Bill, bill
from agentmem.replay.index import IndexedSession, load
from agentmem.replay.ours import OURS, room_for
from agentmem.replay.registry import maker
from agentmem.replay.run import Chain, Joined, Rules, chain, join, replay
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.tally import Tally, ledger_tally
from agentmem.replay.verify import Compared, compare
from agentmem.types import Ttl

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Task:
    """The sessions of one chain, with the ids of replies that are another session's, and the terms of the replay.

    ``model`` stands for all models; where it is None, models and providers are those of the recording.
    """

    entries: tuple[IndexedSession, ...]
    again: tuple[frozenset[int], ...]
    provider: str
    model: str | None
    budget: int
    ttl: Ttl | None


@dataclass(slots=True)
class Replayed:
    """What came of a chain: a tally for each policy that ran, the sessions' bills, and what went wrong."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    bills: list[Bill] = field(default_factory=list)
    skipped: list[SkippedLine] = field(default_factory=list)


def replay_task(names: Sequence[str], task: Task) -> Replayed:
    """Replay one chain under the policies ``names``."""
    (made,) = replay_tasks([(names, task)])
    return made


def replay_tasks(asked: Sequence[tuple[Sequence[str], Task]]) -> list[Replayed]:
    """Replay one chain under several terms, each with policies of its own: it is read and joined once for all."""
    unread: list[SkippedLine] = []
    loaded = list(_loaded(asked[0][1], unread))
    joined = _Joining(loaded)
    made = [Replayed(skipped=list(unread)) for _ in asked]
    for (names, task), one in zip(asked, made, strict=True):
        if loaded and not loaded[0][1].text:
            _ledger(names, task, *loaded[0], one)
        elif loaded:
            _policies(names, task, joined, one)
    return made


class _Joining:
    """The sessions of a chain, and those that were joined."""

    def __init__(self, loaded: list[tuple[IndexedSession, RecordedSession]]) -> None:
        self.loaded = loaded
        self._joined: dict[tuple[int, ...], Joined] = {}

    def chain(self, task: Task, sessions: Sequence[RecordedSession]) -> Chain:
        """The chain of these sessions, joined once. An error stays an error each time."""
        provider = sessions[0].provider if task.model is None else task.provider
        key = tuple(map(id, sessions))
        if key not in self._joined:
            self._joined[key] = join(sessions)
        return chain(self._joined[key], provider, task.model, task.ttl)


def compare_task(task: Task) -> Compared | SkippedLine | None:
    """Compare one session's simulation with its bill; None where there is nothing to compare."""
    skipped: list[SkippedLine] = []
    for entry, session in _loaded(task, skipped):
        return attempt(entry, f"{session.name}: it cannot be compared", partial(compare, session))
    return skipped[0] if skipped else None


def attempt(entry: IndexedSession, what: str, call: Callable[[], Result]) -> Result | SkippedLine:
    """The result of ``call``; an error of any kind is named as ``what`` happened to ``entry``."""
    try:
        return call()
    except Exception as error:
        reason = f"{what}: {type(error).__name__}: {error}"
        return SkippedLine(entry.source.path, entry.source.line, reason)


def _loaded(task: Task, skipped: list[SkippedLine]) -> Iterator[tuple[IndexedSession, RecordedSession]]:
    for entry, again in zip(task.entries, task.again, strict=True):
        found = attempt(entry, f"{entry.name}: it cannot be read", partial(load, entry, again))
        if isinstance(found, SkippedLine):
            skipped.append(found)
        elif found is None:
            reason = f"{entry.name}: every request of it stands in another session too"
            skipped.append(SkippedLine(entry.source.path, entry.source.line, reason))
        else:
            yield entry, found


def _ledger(names: Sequence[str], task: Task, entry: IndexedSession, session: RecordedSession, made: Replayed) -> None:
    """A ledger has no text: what was recorded is all that can be told."""
    found = bill(session, entry.source.path, entry.source.line)
    if "recorded" in names:
        tally = ledger_tally(session, task.provider)
        made.tallies["recorded"] = tally
        found = replace(found, simulated={"recorded": tally.cost_usd})
    made.bills.append(found)


def _policies(names: Sequence[str], task: Task, joining: _Joining, made: Replayed) -> None:
    sound, joined = _sound(task, joining, made.skipped)
    made.bills = [bill(session, entry.source.path, entry.source.line) for entry, session in sound]
    if joined is None:
        return
    first = sound[0][0]
    needed = room_for(joined.opening, task.budget)
    if task.budget < needed and not OURS.keys().isdisjoint(names):
        told = f"{joined.name}: a budget of {task.budget:,} leaves no room to work in, it takes {needed:,}"
        made.skipped.append(SkippedLine(first.source.path, first.source.line, f"{told}; left out for all policies"))
        return
    find = partial(rules, provider=joined.provider)
    for name in names:
        told = f"{joined.name}: the policy {name} failed, and its figures are without it"
        found = attempt(first, told, partial(_replayed, name, joined, task.budget, find))
        if isinstance(found, SkippedLine):
            made.skipped.append(found)
        else:
            made.tallies[name] = found
            for at, usd in enumerate(found.by_session):
                made.bills[at].simulated[name] = usd


def _replayed(name: str, joined: Chain, budget: int, find: Rules) -> Tally:
    return replay(joined, maker(name), budget, find)


def _sound(
    task: Task, joining: _Joining, skipped: list[SkippedLine]
) -> tuple[list[tuple[IndexedSession, RecordedSession]], Chain | None]:
    """The sessions that can be joined, and their chain. Where it cannot be made, those to blame are left out."""
    loaded = joining.loaded
    joined = attempt(loaded[0][0], "", partial(joining.chain, task, [session for _, session in loaded]))
    if not isinstance(joined, SkippedLine):
        return loaded, joined
    sound = []
    for entry, session in loaded:
        told = f"{session.name}: it cannot be replayed"
        alone = attempt(entry, told, partial(joining.chain, task, [session]))
        if isinstance(alone, SkippedLine):
            skipped.append(alone)
        else:
            sound.append((entry, session))
    return sound, joining.chain(task, [session for _, session in sound]) if sound else None
