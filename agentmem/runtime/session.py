"""A session: one thread of the journal, folded up to its last entry, for one run.

It holds no truth of its own. ``refresh`` folds in entries of any process, and losing a session loses nothing. When its
run ends, it can no longer append. So a part of that run that still works, such as a tool that was given up on, cannot
write beside the next run.
"""

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from threading import Lock, RLock
from time import monotonic
from types import MappingProxyType
from typing import Any, NamedTuple

from agentmem.context.cut import read_cut
from agentmem.context.window import View, begin, extend, left, stored
from agentmem.errors import ThreadBusy, TranscriptError
from agentmem.meter.ledger import Row, decode
from agentmem.routing.conversations import RoutedConversation
from agentmem.routing.router import RouteDecision
from agentmem.runtime import stops, switches
from agentmem.runtime.events import Compacted, Switched, ToolReturned
from agentmem.runtime.shared_pages import SharedPages
from agentmem.runtime.stops import RunSpent
from agentmem.tokens import Calibration
from agentmem.transcript.journal import Journal
from agentmem.transcript.submissions import Submission
from agentmem.transcript.transcript import arrived, read_message, read_result, readable
from agentmem.types import Draft, Entry, EntryKind, Json, Reply, ToolCall

_log = logging.getLogger(__name__)


class ThreadTally(NamedTuple):
    """The values that the runtime keeps of a thread beside its view. A fold over entries, like the view.

    ``run`` names the last run with a message, ``task`` is the digest of that message, ``answer`` the model's last text
    and ``spent`` the run's usage. ``calls`` are those of the last reply, ``started`` the ids of those that had begun.
    ``stop`` is the stop reason of the last reply, ``kind`` its kind, and ``again`` the number of replies of this kind
    in a row. ``noted`` is the last note on each subject, ``last`` the last row of the ledger without summaries, and
    ``switched`` the last switch to or from a fallback. ``off`` are the connections that are switched off, ``routed`` is
    what a router has to know of the thread.
    """

    run: str = ""
    task: str = ""
    answer: str = ""
    reply_id: str = ""
    stop: str = ""
    kind: stops.Kind = "whole"
    again: Mapping[stops.Kind, int] = MappingProxyType({})
    calls: tuple[ToolCall, ...] = ()
    started: frozenset[str] = frozenset()
    noted: Mapping[str, str] = MappingProxyType({})
    spent: RunSpent = RunSpent()
    last: Row | None = None
    calibration: Calibration = Calibration()
    switched: Json | None = None
    off: frozenset[str] = frozenset()
    routed: RoutedConversation = RoutedConversation()


def digest_of(task: str) -> str:
    """The digest of a task in a tally: a task may be long, and is only compared."""
    return sha256(task.encode("utf-8", "surrogatepass")).hexdigest()


def tally(before: ThreadTally, entry: Entry) -> ThreadTally:
    """The tally after one more entry."""
    fold = _FOLDS.get(entry.kind)
    return fold(before, entry) if fold else before


def _said(before: ThreadTally, entry: Entry) -> ThreadTally:
    task = digest_of(readable(entry))
    return before._replace(
        run=entry.value["run"],
        task=task,
        answer="",
        spent=RunSpent(),
        stop="",
        kind="whole",
        again=MappingProxyType({}),
    )


def _replied(before: ThreadTally, entry: Entry) -> ThreadTally:
    message, stop = read_message(entry), entry.value["stop"]
    kind = stops.kind_of(stop, message)
    again = {**before.again, kind: before.again.get(kind, 0) + 1} if kind != "whole" else {}
    answer = before.answer + message.text if before.kind in stops.CONTINUED else message.text
    return before._replace(
        answer=answer,
        reply_id=entry.value["id"],
        stop=stop,
        kind=kind,
        again=again,
        calls=message.calls,
        started=frozenset(),
    )


def _started(before: ThreadTally, entry: Entry) -> ThreadTally:
    return before._replace(started=before.started | {entry.value["call_id"]})


def _answered(before: ThreadTally, entry: Entry) -> ThreadTally:
    spent = entry.value.get("spent")
    return before._replace(spent=before.spent.beside(RunSpent.read(spent))) if spent else before


def _noted(before: ThreadTally, entry: Entry) -> ThreadTally:
    about, text = entry.value["about"], entry.value["text"]
    return before._replace(noted={**before.noted, about: text}, off=switches.after(before.off, about, text))


def _reconfigured(before: ThreadTally, entry: Entry) -> ThreadTally:
    """A switch of the model: the former one's last reply no longer decides what comes next."""
    switched = entry.value.get("switch")
    if not switched:
        return before._replace(switched=None)
    return before._replace(switched=switched, reply_id="", stop="", kind="whole", again=MappingProxyType({}))


def _used(before: ThreadTally, entry: Entry) -> ThreadTally:
    row = decode(entry)
    if row.error:
        return before
    known = before.calibration
    if row.usage.basis != "estimated":  # an estimate says nothing about the provider's count
        known = known.observe(row.context_tokens, row.usage.input_tokens)
    last = before.last if row.purpose == "summary" else row  # no request continues a request for a summary
    return before._replace(
        last=last, spent=before.spent.plus(row), calibration=known, routed=before.routed.after_row(row)
    )


def _compacted(before: ThreadTally, entry: Entry) -> ThreadTally:
    """The tally after a compaction: notes have left the view; the cut holds the usage, so folding can begin there."""
    kept = read_cut(entry).kept
    if not kept:
        return before._replace(noted={}, routed=before.routed.compacted())
    off, routed = frozenset(kept.get("off", ())), before.routed.compacted(kept.get("routed", {}))
    spent = RunSpent.read(kept)
    return before._replace(noted={}, run=kept["run"], task=kept["task"], spent=spent, off=off, routed=routed)


def remembered(known: ThreadTally, row: Row | None = None) -> dict[str, Any]:
    """The values of a tally that a cut must keep, with ``row``: they lie before the tail and would be lost."""
    spent = known.spent.plus(row) if row else known.spent
    off = {"off": sorted(known.off)} if known.off else {}
    routed = {"routed": kept} if (kept := known.routed.kept) else {}
    return {"run": known.run, "task": known.task, **spent.value(), **off, **routed}


_FOLDS: Mapping[EntryKind, Callable[[ThreadTally, Entry], ThreadTally]] = {
    "user": _said,
    "assistant": _replied,
    "tool_started": _started,
    "tool_result": _answered,
    "note": _noted,
    "usage": _used,
    "compaction": _compacted,
    "reconfigure": _reconfigured,
}


_AFTER_WORK: frozenset[EntryKind] = frozenset({"user", "tool_result"})
"""Entries before which pages may have changed: a person's message and a tool's result."""


class Folded(NamedTuple):
    """A session's state after entries: its view, its tally, the view that the last reply answered, and new calls."""

    view: View
    tally: ThreadTally
    sent: View | None
    called: Mapping[str, str]


class Session:
    """One thread for one run: its view, its tally, and the only way to append to it.

    ``after`` is the thread's session before this one, whose values are taken over.
    """

    def __init__(
        self, journal: Journal, thread: str, after: "Session | None" = None, pages: SharedPages | None = None
    ) -> None:
        self.journal, self.thread, self.pages = journal, thread, pages
        self.view: View = after.view if after else View()
        self.tally: ThreadTally = after.tally if after else ThreadTally()
        self.sent: View | None = after.sent if after else None  # the view that the last reply answered
        self.calls: dict[str, str] = after.calls if after else {}  # the thread's calls: id to tool
        self.late: dict[str, ToolReturned] = after.late if after else {}  # results of calls that were given up on
        self.news: deque[Compacted | Switched] = (
            after.news if after else deque()
        )  # events beside the run, still to be told
        self.used_pause: float | None = (
            after.used_pause if after else None
        )  # the time of the request after which a pause was used
        self.refused: int = after.refused if after else 0  # tokens of the view when no summary was accepted
        self.private: str = after.private if after else ""  # why the thread is private, as far as it was looked through
        self.size: str = after.size if after else ""  # how large a model its first question needs, if that is foreseen
        self.pictured = False  # true if a picture is in the view, as far as it was looked through
        self.looked: tuple[int, int] = (-1, 0)  # the cuts and the turns that were looked through
        self.route: RouteDecision | None = None  # where the next request goes
        self.began = monotonic()
        self.lock = RLock()  # a pause may compact beside a run that waits for its tools
        self.warm = False  # true if pauses may be used to compact
        self.ended = False

    def refresh(self) -> "Session":
        """Folds in the journal's newer entries; for a new session, the entries from the last cut on.

        An entry that cannot follow has no effect, so that it does not break the thread; a result among them is told.
        """
        with self.lock:
            if self.journal.head(self.thread) > self.view.seq:
                skipped = self._begin() if self.view.seq < 0 else -1
                for entry in self.journal.entries(self.thread, after=self.view.seq):
                    self._take_in(entry, entry.kind == "compaction" and entry.seq < skipped)
        return self

    def fold(self, before: int) -> "Session":
        """Folds in the journal's entries before a number: a new session as the thread was then."""
        for entry in self.journal.entries(self.thread):
            if entry.seq >= before:
                break
            self._take_in(entry, skipped=False)
        return self

    def _begin(self) -> int:
        """Begins at the last compaction; returns its seq, or -1 if there is none."""
        found = self.journal.last(self.thread, "compaction")
        if found is None:
            return -1
        cut = read_cut(found)
        self.view = begin(self.journal.entry(f"{self.thread}/{cut.opening}"), cut.first)
        return found.seq

    def append(
        self,
        *drafts: Draft,
        then: Callable[[ThreadTally], Sequence[Draft]] = lambda _: (),
        submission: Submission | None = None,
    ) -> None:
        """Appends to the journal in one transaction, after a check that all entries can be folded in.

        ``then`` gives more drafts, from the tally after ``drafts``. ``submission`` is the key of the task among them.

        Raises ThreadBusy if another run was faster or this one has ended, TranscriptError for an entry that cannot
        follow; then nothing is written.
        """
        with self.lock:
            if self.ended:
                raise ThreadBusy(f"this run of thread {self.thread!r} has ended: nothing more of it is written")
            folded = self.folded(*drafts)
            if more := then(folded.tally):
                drafts = (*drafts, *more)
                folded = self.folded(*drafts)
            self._write(drafts, submission)
            self.view, self.tally, self.sent, called = folded
            self.calls |= called

    def _write(self, drafts: Sequence[Draft], submission: Submission | None) -> None:
        """Writes to the journal, with the pages that changed before these entries."""
        pages, at = self.pages, self.view.seq
        if pages is None or not any(draft.kind in _AFTER_WORK for draft in drafts):
            self.journal.append(self.thread, drafts, head=at, submission=submission)
            return
        changed, number = pages.changed(), [0]

        def also() -> None:
            number[0] = pages.write(self.thread, changed)

        self.journal.append(self.thread, drafts, head=at, submission=submission, also=also)
        pages.settle(self.thread, changed, number[0])

    def folded(self, *drafts: Draft) -> Folded:
        """The session's state with ``drafts``, without writing. Raises TranscriptError."""
        view, known, sent, called = self.view, self.tally, self.sent, dict[str, str]()
        for seq, draft in enumerate(drafts, view.seq + 1):
            entry = Entry(self.thread, seq, "", draft.kind, draft.data, "", draft.known)
            before, view, known = view, extend(view, entry), tally(known, entry)
            if entry.kind == "assistant":
                sent, called = before, called | _named(known)
        return Folded(view, known, sent, called)

    def end(self) -> None:
        """End the run: from here on it cannot write."""
        with self.lock:
            self.ended = True

    def arrived(self, reply: Reply) -> Reply:
        """The reply in a form that can be stored: each call has its own id, with allowed characters.

        A missing stop reason becomes an ordinary end.
        """
        return replace(reply, message=arrived(reply.message, self.calls), stop_reason=reply.stop_reason or "end_turn")

    @property
    def is_full(self) -> bool:
        """True if the model's window was full at its last reply, and nothing has left it since."""
        return self.tally.kind == "full" and self.sent is not None and self.view.cuts == self.sent.cuts

    @property
    def reply_limit(self) -> int:
        """The most tokens of a reply."""
        return self.view.opening.options.max_tokens if self.view.opening else 0

    @property
    def ending(self) -> str | None:
        """The reason why the run cannot continue after the model's last reply, or None."""
        known = self.tally
        return stops.ending(known.kind, known.again.get(known.kind, 0), self.reply_limit)

    @property
    def open_calls(self) -> tuple[ToolCall, ...]:
        """The calls that wait for a result, in order."""
        calls = zip(self.view.open, self.tally.calls, strict=False)
        waiting = ((id, call) for id, call in calls if id not in self.view.results)
        return tuple(call if call.id == id else replace(call, id=id) for id, call in waiting)

    def _take_in(self, entry: Entry, skipped: bool) -> None:
        if skipped:
            self.view = left(self.view, entry)
            return
        before = self.view
        try:
            self.view = extend(before, entry)
        except TranscriptError as error:
            self._stray(entry, error)
            return
        self.tally = tally(self.tally, entry)
        if entry.kind == "assistant":
            self.sent = before
            self.calls |= _named(self.tally)

    def _stray(self, entry: Entry, error: TranscriptError) -> None:
        """Handles an entry that cannot follow. A result that no call waits for is not lost: the next run tells it."""
        before, self.view = self.view, stored(self.view, entry)
        _log.warning("an entry was passed over: %s", error)
        if entry.kind == "tool_result" and before.turns is self.view.turns and before.results is self.view.results:
            result = read_result(entry)
            name = self.calls.get(result.call_id, "a tool")
            self.late.setdefault(result.call_id, ToolReturned(name, result, 0.0))


def _named(known: ThreadTally) -> dict[str, str]:
    """The last reply's calls: id to tool."""
    return {call.id: call.name for call in known.calls}


class Sessions:
    """The sessions of a process: a cache, so that a thread's next run does not fold it from the start."""

    def __init__(self, journal: Journal, keep: int = 64, pages: SharedPages | None = None) -> None:
        self.journal, self.pages, self._keep = journal, pages, keep
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = Lock()

    def __getitem__(self, thread: str) -> Session:
        """The thread's session as this process has folded it. Refresh it before you read it."""
        with self._lock:
            return self._kept(thread, self._sessions.get(thread) or Session(self.journal, thread, pages=self.pages))

    def open(self, thread: str) -> Session:
        """The session of the run that holds the thread; a new one if that run has ended."""
        with self._lock:
            known = self._sessions.get(thread)
            fresh = known is None or known.ended
            return self._kept(thread, Session(self.journal, thread, known, self.pages) if fresh or not known else known)

    @contextmanager
    def sharing(self, thread: str) -> Iterator[None]:
        """The folder's pages follow other hosts before the work, and other hosts see what it changed after it."""
        if self.pages:
            self.pages.pull(thread)
        yield
        if self.pages:
            self.pages.push(thread)

    def _kept(self, thread: str, session: Session) -> Session:
        self._sessions[thread] = session
        self._sessions.move_to_end(thread)
        while len(self._sessions) > self._keep:
            self._sessions.popitem(last=False)
        return session

    def drop(self, thread: str) -> None:
        """Drops the folded thread from the cache; the journal keeps its entries."""
        with self._lock:
            dropped = self._sessions.pop(thread, None)
        if dropped:
            dropped.end()
