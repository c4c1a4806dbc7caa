"""A session: one thread of the journal, folded as far as the journal goes.

It holds no truth of its own. Whatever process appended an entry, ``refresh`` folds it in; losing a session loses
nothing.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field
from hashlib import sha256
from threading import Lock, RLock
from time import monotonic
from types import MappingProxyType
from typing import Any, NamedTuple

from agentmem.context.cut import read_cut
from agentmem.context.journal import Journal
from agentmem.context.transcript import read_message, readable
from agentmem.context.window import View, begin, extend, left
from agentmem.meter.ledger import Row, decode
from agentmem.runtime.events import Event
from agentmem.tokens import Calibration
from agentmem.types import Basis, Draft, Entry, EntryKind, ToolCall, Usage


@dataclass(frozen=True, slots=True)
class Spent:
    """What the run that spoke last has used so far: answered requests, tokens by basis, dollars.

    ``usd`` is the sum of what is known, None where nothing is; ``priced`` counts the requests in it, ``unpriced`` the
    others, by model.
    """

    turns: int = 0
    usage: Mapping[Basis, Usage] = field(default_factory=dict)
    usd: float | None = None
    priced: int = 0
    unpriced: Mapping[str, int] = field(default_factory=dict)

    def plus(self, row: Row) -> "Spent":
        """With one more request. One for a summary is no turn of the run, but it has its price."""
        used = self.usage.get(row.usage.basis)
        usage = {**self.usage, row.usage.basis: row.usage if used is None else used + row.usage}
        turns = self.turns + (row.purpose != "summary")
        if row.cost_usd is None:
            unpriced = {**self.unpriced, row.model: self.unpriced.get(row.model, 0) + 1}
            return Spent(turns, usage, self.usd, self.priced, unpriced)
        return Spent(turns, usage, (self.usd or 0.0) + row.cost_usd, self.priced + 1, self.unpriced)


class Tally(NamedTuple):
    """What the runtime must remember of a thread beside its view. A fold over entries, like the view.

    ``run`` names the run that spoke last, ``task`` a digest of what it said, ``answer`` the model's last text and
    ``spent`` what the run has used. ``calls`` are those of the last reply, ``started`` the ids of those that had begun.
    ``noted`` is the last note about each thing, ``last`` the last row of the ledger that is not a summary's.
    """

    run: str = ""
    task: str = ""
    answer: str = ""
    reply_id: str = ""
    calls: tuple[ToolCall, ...] = ()
    started: frozenset[str] = frozenset()
    noted: Mapping[str, str] = MappingProxyType({})
    spent: Spent = Spent()
    last: Row | None = None
    calibration: Calibration = Calibration()


def digest_of(task: str) -> str:
    """How a tally remembers a task: it may be long, and is only compared."""
    return sha256(task.encode("utf-8", "surrogatepass")).hexdigest()


def tally(before: Tally, entry: Entry) -> Tally:
    """The tally after one more entry."""
    fold = _FOLDS.get(entry.kind)
    return fold(before, entry) if fold else before


def _said(before: Tally, entry: Entry) -> Tally:
    return before._replace(run=entry.value["run"], task=digest_of(readable(entry)), answer="", spent=Spent())


def _replied(before: Tally, entry: Entry) -> Tally:
    message = read_message(entry)
    reply_id = entry.value["id"]
    return before._replace(answer=message.text, reply_id=reply_id, calls=message.calls, started=frozenset())


def _started(before: Tally, entry: Entry) -> Tally:
    return before._replace(started=before.started | {entry.value["call_id"]})


def _noted(before: Tally, entry: Entry) -> Tally:
    value = entry.value
    return before._replace(noted={**before.noted, value["about"]: value["text"]})


def _used(before: Tally, entry: Entry) -> Tally:
    row = decode(entry)
    if row.error:
        return before
    known = before.calibration
    if row.usage.basis != "estimated":  # an estimate teaches nothing about the provider's count
        known = known.observe(row.context_tokens, row.usage.input_tokens)
    last = before.last if row.purpose == "summary" else row  # nothing goes on from a request for a summary
    return before._replace(last=last, spent=before.spent.plus(row), calibration=known)


def _compacted(before: Tally, entry: Entry) -> Tally:
    """Notes have left with what they stood in; what the run has used stands in the cut, so that folding can begin
    there."""
    kept = read_cut(entry).kept
    if not kept:
        return before._replace(noted={})
    bases: dict[Basis, Usage] = {used[0]: Usage(*used) for used in kept["usage"]}
    spent = Spent(kept["turns"], bases, kept["usd"], kept.get("priced", 0), kept.get("unpriced", {}))
    return before._replace(noted={}, run=kept["run"], task=kept["task"], spent=spent)


def remembered(known: Tally, row: Row | None = None) -> dict[str, Any]:
    """What a cut keeps of a tally, ``row`` included: what lies before the tail and would be lost."""
    spent = known.spent.plus(row) if row else known.spent
    usage = [list(astuple(used)) for used in spent.usage.values()]
    money = {"usd": spent.usd, "priced": spent.priced, "unpriced": dict(spent.unpriced)}
    return {"run": known.run, "task": known.task, "turns": spent.turns, "usage": usage, **money}


_FOLDS: Mapping[EntryKind, Callable[[Tally, Entry], Tally]] = {
    "user": _said,
    "assistant": _replied,
    "tool_started": _started,
    "note": _noted,
    "usage": _used,
    "compaction": _compacted,
}


class Session:
    """One thread: its view, its tally, and the only way to append to it."""

    def __init__(self, journal: Journal, thread: str) -> None:
        self.journal, self.thread = journal, thread
        self.view, self.tally = View(), Tally()
        self.began = monotonic()
        self.sent: View | None = None  # what the last reply was a reply to
        self.lock = RLock()  # a pause may compact beside a run that waits for its tools
        self.news: deque[Event] = deque()  # what happened beside the run, and is still to be told
        self.working = self.warm = False  # a run holds the thread; pauses may be used to compact
        self.used_pause: float | None = None  # after the request at that time
        self.refused = 0  # tokens of the view of which no summary was accepted

    def refresh(self) -> "Session":
        """Folds in what the journal has beyond this session; of a thread that is new to it, from the last cut on."""
        with self.lock:
            if self.journal.head(self.thread) > self.view.seq:
                skipped = self._begin() if self.view.seq < 0 else -1
                for entry in self.journal.entries(self.thread, after=self.view.seq):
                    self._fold(entry, entry.kind == "compaction" and entry.seq < skipped)
        return self

    def _begin(self) -> int:
        """Begins where the last compaction lets a view begin; gives its seq, -1 where there is none."""
        found = self.journal.last(self.thread, "compaction")
        if found is None:
            return -1
        cut = read_cut(found)
        self.view = begin(self.journal.entry(f"{self.thread}/{cut.opening}"), cut.first)
        return found.seq

    def append(self, *drafts: Draft) -> None:
        """Appends to the journal in one transaction, then folds in. Raises ThreadBusy if another run was faster."""
        with self.lock:
            for entry in self.journal.append(self.thread, drafts, head=self.view.seq):
                self._fold(entry)

    @property
    def open_calls(self) -> tuple[ToolCall, ...]:
        """The calls that wait for a result, in order."""
        waiting = set(self.view.open) - set(self.view.results)
        return tuple(call for call in self.tally.calls if call.id in waiting)

    def _fold(self, entry: Entry, skipped: bool = False) -> None:
        if skipped:
            self.view = left(self.view, entry)
            return
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
