"""A session: one thread of the journal, folded as far as the journal goes.

It holds no truth of its own. Whatever process appended an entry, ``refresh`` folds it in; losing a session loses
nothing.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from time import monotonic

from agentmem.context.journal import Journal
from agentmem.context.transcript import read_message, readable
from agentmem.context.window import View, extend
from agentmem.meter.ledger import Row, decode
from agentmem.tokens import Calibration
from agentmem.types import Basis, Draft, Entry, EntryKind, ToolCall, Usage


@dataclass(frozen=True, slots=True)
class Spent:
    """What the run that spoke last has used so far: answered requests, tokens by basis, dollars (None: unknown)."""

    turns: int = 0
    usage: Mapping[Basis, Usage] = field(default_factory=dict)
    usd: float | None = None

    def plus(self, row: Row) -> "Spent":
        used = self.usage.get(row.usage.basis)
        usage = {**self.usage, row.usage.basis: row.usage if used is None else used + row.usage}
        known = row.cost_usd is not None and (self.usd is not None or not self.turns)
        return Spent(self.turns + 1, usage, (self.usd or 0.0) + (row.cost_usd or 0.0) if known else None)


@dataclass(frozen=True, slots=True)
class Tally:
    """What the runtime must remember of a thread beside its view. A fold over entries, like the view.

    ``run`` names the run that spoke last, ``task`` is what it said, ``answer`` the model's last text and ``spent`` what
    the run has used. ``calls`` are those of the last reply, ``started`` the ids of those that had begun. ``noted`` is
    the last note about each thing, ``last`` the last row of the ledger.
    """

    run: str = ""
    task: str = ""
    answer: str = ""
    reply_id: str = ""
    calls: tuple[ToolCall, ...] = ()
    started: frozenset[str] = frozenset()
    noted: Mapping[str, str] = field(default_factory=dict)
    spent: Spent = Spent()
    last: Row | None = None
    calibration: Calibration = Calibration()


def tally(before: Tally, entry: Entry) -> Tally:
    """The tally after one more entry."""
    fold = _FOLDS.get(entry.kind)
    return fold(before, entry) if fold else before


def _said(before: Tally, entry: Entry) -> Tally:
    return replace(before, run=entry.value["run"], task=readable(entry), answer="", spent=Spent())


def _replied(before: Tally, entry: Entry) -> Tally:
    message = read_message(entry)
    return replace(before, answer=message.text, reply_id=entry.value["id"], calls=message.calls, started=frozenset())


def _started(before: Tally, entry: Entry) -> Tally:
    return replace(before, started=before.started | {entry.value["call_id"]})


def _noted(before: Tally, entry: Entry) -> Tally:
    value = entry.value
    return replace(before, noted={**before.noted, value["about"]: value["text"]})


def _used(before: Tally, entry: Entry) -> Tally:
    row = decode(entry)
    if row.error:
        return before
    known = before.calibration
    if row.usage.basis != "estimated":  # an estimate teaches nothing about the provider's count
        known = known.observe(row.context_tokens, row.usage.input_tokens)
    return replace(before, last=row, spent=before.spent.plus(row), calibration=known)


_FOLDS: Mapping[EntryKind, Callable[[Tally, Entry], Tally]] = {
    "user": _said,
    "assistant": _replied,
    "tool_started": _started,
    "note": _noted,
    "usage": _used,
}


class Session:
    """One thread: its view, its tally, and the only way to append to it."""

    def __init__(self, journal: Journal, thread: str) -> None:
        self.journal, self.thread = journal, thread
        self.view, self.tally = View(), Tally()
        self.began = monotonic()
        self.sent: View | None = None  # what the last reply was a reply to

    def refresh(self) -> "Session":
        """Folds in what the journal has beyond this session."""
        if self.journal.head(self.thread) > self.view.seq:
            for entry in self.journal.entries(self.thread, after=self.view.seq):
                self._fold(entry)
        return self

    def append(self, *drafts: Draft) -> None:
        """Appends to the journal in one transaction, then folds in. Raises ThreadBusy if another run was faster."""
        for entry in self.journal.append(self.thread, drafts, head=self.view.seq):
            self._fold(entry)

    @property
    def open_calls(self) -> tuple[ToolCall, ...]:
        """The calls that wait for a result, in order."""
        waiting = set(self.view.open) - set(self.view.results)
        return tuple(call for call in self.tally.calls if call.id in waiting)

    def _fold(self, entry: Entry) -> None:
        view = extend(self.view, entry)
        if entry.kind == "assistant":
            self.sent = self.view
        self.view, self.tally = view, tally(self.tally, entry)


class Sessions:
    """The sessions of a process: a cache, so that a thread's next run need not fold it from the start."""

    def __init__(self, journal: Journal, keep: int = 64) -> None:
        self.journal, self._keep = journal, keep
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = Lock()

    def __getitem__(self, thread: str) -> Session:
        """The thread's session, as far as this process has folded it: refresh it before a run."""
        with self._lock:
            session = self._sessions.setdefault(thread, Session(self.journal, thread))
            self._sessions.move_to_end(thread)
            while len(self._sessions) > self._keep:
                self._sessions.popitem(last=False)
        return session

    def drop(self, thread: str) -> None:
        """Forgets what is folded of the thread; the journal keeps it."""
        with self._lock:
            self._sessions.pop(thread, None)
