"""Compacting a thread: asks the model for a summary through the cached prefix, checks it, and appends the cut.

The request is the context as it was last sent, with one instruction after it: same model, tools, tool choice, thinking
and effort, since each change would lose the cache. Nothing is appended but rows of the ledger until all checks hold;
then the compaction is one transaction on the thread's head.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Event as Flag

from agentmem import assets
from agentmem.compaction.acceptance import accept, carry, fallback
from agentmem.compaction.plan import Plan, plan
from agentmem.compaction.summary import instruction
from agentmem.compaction.when import Compaction, ContextState, Reason, due, state
from agentmem.context.window import aside
from agentmem.context.wire import request
from agentmem.errors import BudgetExceeded, ModelError, SummaryRejected
from agentmem.meter import ledger, prices
from agentmem.runtime.events import Author, Compacted
from agentmem.runtime.metering import RequestMeter
from agentmem.runtime.session import Session, remembered
from agentmem.types import Archive, Clock, Draft, Model, ModelProfile, Rates, Reply, Request

PURPOSE = "summary"
AGAIN = 2_000
"""Tokens that a thread grows before it is tried again after no summary of it was accepted."""
_log = logging.getLogger(__name__)


class _Abandoned(Exception):
    """New work came while a pause was used to compact."""


@dataclass(frozen=True, slots=True)
class Compactor:
    """Compacts threads of one agent. ``refresh`` gives the entries that go with a cut: settings that may change now."""

    settings: Compaction
    model: Model
    meter: RequestMeter
    budget: int
    clock: Clock
    archive: Archive | None = None
    refresh: Callable[[Session], Sequence[Draft]] = lambda session: ()

    def due(self, session: Session, *, pause: bool = False) -> Reason | None:
        """Why the thread should be compacted now, if it should. After a refusal not before it has grown some more."""
        now = self._state(session)
        return due(now, pause=pause) if session.view.tokens >= session.refused else None

    def compact(self, session: Session, reason: Reason, stop: Flag | None = None) -> Compacted | None:
        """Compacts a thread; None when nothing could leave, or when new work came first (``stop``).

        Every entry that leaves is read back from the journal before. Raises JournalCorrupt when one does not.
        """
        made = plan(session.view, session.thread, self.settings, self.budget, reason)
        if made is None:
            return None
        _read_back(session, made)
        attempts = 0
        try:
            if not made.asks:
                return self._cut(session, made, carry(made, remembered(session.tally)), None, attempts, stop)
            for attempts, (draft, row) in enumerate(self._asked(session, made, stop), 1):
                if draft:
                    return self._cut(session, made, draft, row, attempts, stop)
            draft = fallback(made, remembered(session.tally))
            return self._cut(session, made, draft, None, attempts, stop)
        except SummaryRejected as error:
            _log.warning("thread %s was not compacted: %s", session.thread, error)
            session.refused = session.view.tokens + AGAIN
        except _Abandoned:
            _log.info("new work on thread %s: its compaction was given up", session.thread)
        return None

    def _asked(
        self, session: Session, made: Plan, stop: Flag | None
    ) -> Iterator[tuple[Draft | None, ledger.Row | None]]:
        """Asks for a summary a few times. Gives the entry of one that was accepted with its row, else nothing."""
        for _ in range(self.settings.attempts):
            try:
                reply, row = self._ask(session, made, stop)
            except (ModelError, BudgetExceeded) as error:
                _log.warning("thread %s got no summary: %s", session.thread, error)
                yield None, None
                continue
            spent = remembered(session.tally, row)
            try:
                if reply.message.calls:
                    raise SummaryRejected("the model called a tool")
                yield accept(made, reply.message.text, spent), row
            except SummaryRejected as error:
                _log.warning("a summary of thread %s was refused: %s", session.thread, error)
                session.append(ledger.draft(row))
                yield None, None

    def _ask(self, session: Session, made: Plan, stop: Flag | None) -> tuple[Reply, ledger.Row]:
        view = aside(made.view, made.asked, instruction(made, assets.read("prompts/summary.md")))
        known, at = session.tally, self.clock()
        sent = request(
            view,
            estimate=known.calibration.estimate(view.tokens),
            limit=self.budget,
            thread=session.thread,
            previous_id=known.reply_id or None,
            purpose=PURPOSE,
        )
        try:
            reply = _whole(self.model, sent, stop)
        except ModelError as error:
            session.append(ledger.draft(self.meter.failure(session.thread, sent, error, view, at)))
            raise
        return reply, self.meter.row(session.thread, sent, reply, view, session.sent, known.last, at)

    def _cut(
        self, session: Session, made: Plan, draft: Draft, row: ledger.Row | None, attempts: int, stop: Flag | None
    ) -> Compacted:
        with session.lock:
            if (stop and stop.is_set()) or session.view.turns is not made.view.turns:
                if row:
                    session.append(ledger.draft(row))
                raise _Abandoned
            before = session.view.tokens
            rows = (ledger.draft(row),) if row else ()
            session.append(*rows, draft, *self.refresh(session))
        self._archived(session, made)
        by: Author = "model" if row else "mechanical"
        return Compacted(session.thread, made.reason, made.last, before, session.view.tokens, by, attempts, row)

    def _archived(self, session: Session, made: Plan) -> None:
        """The archive is a cache of the journal: what goes wrong there does not concern the run."""
        if self.archive is None:
            return
        try:
            self.archive.keep(session.thread, made.last)
        except Exception:
            _log.exception("the archive could not take in thread %s up to entry %s", session.thread, made.last)

    def _state(self, session: Session) -> ContextState:
        estimate = session.tally.calibration.estimate(session.view.tokens)
        rates = _rates(self.model.profile, self.meter.price_as)
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


@cache
def _rates(profile: ModelProfile, price_as: str | None) -> Rates | None:
    """The model's prices, or those that it is priced by."""
    pair = prices.whose(profile, price_as)
    return prices.rates(*pair) if pair else None
