"""Compacts a thread: sends what `summarizing` asks, and appends the cut that it decides.

Until a cut is decided, only rows of the ledger are appended; then the compaction is one transaction on the thread's
head.

In a pause, a thread is compacted just before its cache expires, while that is cheap; new work cancels it. Each thread
has one timer: it fires once in a pause, in a thread of its own, and holds the thread's lease unless a run does.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from threading import Event as Flag
from threading import Lock, Timer

from agentmem.compaction.plan import Plan, plan
from agentmem.compaction.summarizing import AGAIN, CutDecision, SummaryAnswer, SummaryQuestion, decide, drive
from agentmem.compaction.when import Compaction, ContextState, Reason, due, state
from agentmem.context.view import request
from agentmem.errors import AgentmemError, BudgetExceeded, ModelError, SummaryRejected
from agentmem.kvcache.breakpoints import TAIL
from agentmem.kvcache.rules import rules_for
from agentmem.meter import ledger
from agentmem.meter.ledger import RequestMeter
from agentmem.routing.router import RouteDecision
from agentmem.runtime.events import Compacted
from agentmem.runtime.fallbacks import Lineup
from agentmem.runtime.placing import Placing
from agentmem.runtime.session import Session, Sessions, remembered
from agentmem.types import Archive, Clock, Draft, Model, ModelProfile, Reply, Request

PURPOSE = "summary"
_log = logging.getLogger(__name__)


class _Abandoned(Exception):
    """New work came during a compaction in a pause."""


@dataclass(frozen=True, slots=True)
class Compactor:
    """Compacts the threads of one agent. ``refresh`` gives the entries of settings that change together with a cut."""

    settings: Compaction
    lineup: Lineup
    meter: RequestMeter
    budget: int
    clock: Clock
    sessions: Sessions
    archive: Archive | None = None
    refresh: Callable[[Session], Sequence[Draft]] = lambda session: ()
    pauses: "Pauses" = field(default_factory=lambda: Pauses())
    placing: Placing | None = None

    def before_request(self, session: Session) -> Iterator[Compacted]:
        """Compacts the thread before the next request, if that is due."""
        self.pauses.end(session.thread)
        reason = self.due(session) or ("limit" if session.is_full else None)
        if reason and (event := self.compact(session, reason)):
            yield event

    def pause(self, session: Session) -> None:
        """Starts a pause: the thread is compacted once, before its cache expires, if that pays."""
        last = session.tally.last
        if session.warm and last and session.used_pause != last.at:
            left = last.at + lifetime(self._meter(session).profile) - self.settings.lead - self.clock()
            self.pauses.begin(session.thread, left, partial(self._use_pause, session))

    def _use_pause(self, session: Session, off: Flag) -> None:
        with ExitStack() as held:
            if session.ended:
                held.enter_context(session.journal.lease(session.thread))
                session = self.sessions.open(session.thread).refresh()
                held.callback(session.end)
            session.used_pause = session.tally.last.at if session.tally.last else None
            reason = self.due(session, pause=True)
            if reason and (event := self.compact(session, reason, off)):
                session.news.append(event)

    def due(self, session: Session, *, pause: bool = False) -> Reason | None:
        """The reason to compact the thread now, or None. After a refusal the thread must grow first."""
        now = self._state(session)
        return due(now, pause=pause) if session.view.tokens >= session.refused else None

    def compact(self, session: Session, reason: Reason, stop: Flag | None = None) -> Compacted | None:
        """Compacts a thread; None if nothing could leave, or if new work came first (``stop``).

        Every entry that leaves is read back from the journal before. Raises JournalCorrupt if one cannot be read.
        """
        made = plan(session.view, session.thread, self.settings, self.budget, reason)
        if made is None:
            return None
        _read_back(session, made)
        try:
            return self._cut(session, made, *self._decided(session, made, stop), stop)
        except SummaryRejected as error:
            _log.warning("thread %s was not compacted: %s", session.thread, error)
            session.refused = session.view.tokens + AGAIN
        except _Abandoned:
            _log.info("new work on thread %s: its compaction was given up", session.thread)
        return None

    def _decided(self, session: Session, made: Plan, stop: Flag | None) -> tuple[CutDecision, ledger.Row | None]:
        """The decision, and the row of the last answer, which is not appended yet."""
        row: ledger.Row | None = None

        def answer(question: SummaryQuestion) -> SummaryAnswer | None:
            nonlocal row
            if row:  # the one before was refused
                session.append(ledger.draft(row))
            said, row = self._ask(session, question, stop)
            return said

        try:
            return drive(decide(made, lambda: remembered(session.tally, row)), answer), row
        except SummaryRejected:
            if row:
                session.append(ledger.draft(row))
            raise

    def _ask(
        self, session: Session, question: SummaryQuestion, stop: Flag | None
    ) -> tuple[SummaryAnswer | None, ledger.Row | None]:
        """The model's answer with its row; nothing for a request that failed, whose row is appended."""
        view, known, at = question.view, session.tally, self.clock()
        model, meter, route = self.lineup.model(view.settings), self._meter(session), None
        try:
            if self.placing:
                model, view, route = self.placing.summary(session, view, self.meter.agent)
                meter = self.placing.meter(self.meter, route.target)
            sent = request(
                view,
                estimate=known.calibration.estimate(view.tokens),
                limit=self.budget,
                thread=session.thread,
                previous_id=known.reply_id or None,
                purpose=PURPOSE,
            )
            try:
                reply = _whole(model, sent, stop)
            except ModelError as error:
                failed = self._routed(meter.failure(session.thread, sent, error, view, at), route)
                session.append(ledger.draft(failed))
                raise
        except (ModelError, BudgetExceeded) as error:
            _log.warning("thread %s got no summary: %s", session.thread, error)
            return None, None
        row = self._routed(meter.row(session.thread, sent, reply, view, session.sent, known.last, at), route)
        return SummaryAnswer(reply.message.text, bool(reply.message.calls)), row

    def _routed(self, row: ledger.Row, route: RouteDecision | None) -> ledger.Row:
        """The row with where it ran, if that was decided."""
        return self.placing.metered(row, route) if self.placing else row

    def _cut(
        self, session: Session, made: Plan, decided: CutDecision, row: ledger.Row | None, stop: Flag | None
    ) -> Compacted:
        for why in decided.refused:
            _log.warning("a summary of thread %s was refused: %s", session.thread, why)
        with session.lock:
            if (stop and stop.is_set()) or session.view.turns is not made.view.turns:
                if row:
                    session.append(ledger.draft(row))
                raise _Abandoned
            before = session.view.tokens
            rows = (ledger.draft(row),) if row else ()
            session.append(*rows, decided.draft, *self.refresh(session))
        self._archived(session, made)
        by, accepted = decided.by, row if decided.by == "model" else None
        after = session.view.tokens
        return Compacted(session.thread, made.reason, made.last, before, after, by, decided.attempts, accepted)

    def _archived(self, session: Session, made: Plan) -> None:
        """Gives the leaving entries to the archive. It is a cache of the journal, so its errors do not stop the run."""
        if self.archive is None:
            return
        try:
            self.archive.keep(session.thread, made.last)
        except Exception:
            _log.exception("the archive could not take in thread %s up to entry %s", session.thread, made.last)

    def _meter(self, session: Session) -> RequestMeter:
        if self.placing:
            return self.placing.meter(self.meter, self.placing.name(session.view.opening))
        return self.meter.on(self.lineup.model(session.view.opening).profile)

    def _state(self, session: Session) -> ContextState:
        estimate = session.tally.calibration.estimate(session.view.tokens)
        rates = self._meter(session).rates
        return state(session.view, self.settings, self.budget, rates, estimate)


def _whole(model: Model, sent: Request, stop: Flag | None) -> Reply:
    for delta in model.stream(sent):
        if stop and stop.is_set():
            raise _Abandoned
        if isinstance(delta, Reply):
            return delta
    raise ModelError("the model ended without a reply")


def _read_back(session: Session, made: Plan) -> None:
    """Reads every entry that leaves: the journal checks each against its hash."""
    last = made.last
    for entry in session.journal.entries(session.thread, after=made.first - 1):
        if entry.seq >= last:
            break


def lifetime(profile: ModelProfile) -> float:
    """The seconds that the cache entry of the last message lives after the request began; inf if it never expires."""
    return rules_for(profile.provider, profile.name).lifetimes[TAIL]


class _Pause:
    """One pause of one thread: its timer, and the flag that cancels it."""

    def __init__(self, seconds: float, action: Callable[[Flag], object]) -> None:
        self.off = Flag()
        self.timer = Timer(seconds, self._fire)
        self.timer.daemon = True
        self._action = action

    def end(self) -> None:
        """Cancels it, and waits until it has ended."""
        self.off.set()
        self.timer.cancel()
        self.timer.join()

    def _fire(self) -> None:
        try:
            if not self.off.is_set():
                self._action(self.off)
        except AgentmemError as error:  # nobody waits for it, and the thread stays as it was
            _log.info("a pause went by unused: %s", error)
        except Exception as error:  # the thread stays as it was, and the next pause tries again
            _log.warning("a pause failed: %s: %s", type(error).__name__, error)


class Pauses:
    """The pauses of an agent's threads."""

    def __init__(self) -> None:
        self._pauses: dict[str, _Pause] = {}
        self._lock = Lock()

    def begin(self, thread: str, seconds: float, action: Callable[[Flag], object]) -> None:
        """Calls ``action`` after this many seconds, unless the pause ends before; it gets the flag that the end sets.

        If ``seconds`` is infinite, because no entry expires, nothing is started.
        """
        self.end(thread)
        if math.isinf(seconds):
            return
        pause = _Pause(max(0.0, seconds), action)
        with self._lock:
            self._pauses[thread] = pause
        pause.timer.start()

    def end(self, thread: str) -> None:
        """Ends the pause because of new work. A compaction that has begun is given up."""
        with self._lock:
            pause = self._pauses.pop(thread, None)
        if pause:
            pause.end()

    def wait(self, thread: str) -> None:
        """Waits until the pause of a thread has been used."""
        with self._lock:
            pause = self._pauses.get(thread)
        if pause:
            pause.timer.join()

    def close(self) -> None:
        """Ends all pauses."""
        for thread in list(self._pauses):
            self.end(thread)
