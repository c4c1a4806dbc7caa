"""The steps of a turn, on a session: receive, prepare, commit, answer. LangGraph only orders them (graph.py)."""

import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import groupby
from threading import Event as Flag
from time import monotonic

from agentmem.context import transcript
from agentmem.context.compaction import check_budget
from agentmem.context.offload import PAGING, Offload
from agentmem.context.transcript import Opening
from agentmem.context.wire import request
from agentmem.meter import ledger
from agentmem.meter.ledger import Row
from agentmem.pages.workspace import Workspace
from agentmem.runtime import originals, toolbox
from agentmem.runtime.compacting import Compactor
from agentmem.runtime.events import Approval, Event, ToolReturned
from agentmem.runtime.limits import Limits, reached
from agentmem.runtime.menu import Menu
from agentmem.runtime.metering import Meter
from agentmem.runtime.notes import Situation, notes
from agentmem.runtime.pauses import Pauses, lifetime
from agentmem.runtime.session import Session, digest_of
from agentmem.runtime.tools.context import Stop, ToolContext
from agentmem.runtime.tools.recalling import JournalRecall
from agentmem.types import Block, Clock, Draft, Image, ModelProfile, Recall, Reply, Request, Text, ToolCall, ToolResult

_log = logging.getLogger(__name__)

INTERRUPTED = (
    "This call was cut off: the process ended while `{name}` was running, so it may or may not have taken effect. "
    "Look at what it should have changed before you call it again."
)
DECLINED = "The person did not allow this call of `{name}`."
OTHERWISE = "They said something else instead."


@dataclass(frozen=True, slots=True)
class Given:
    """What calls are answered with: a person's decision, the tools that may be used now (None: all of the menu), the
    event loop on which async tools are awaited, and what tells them that nobody waits for them any more."""

    approval: Approval | None = None
    allowed: Collection[str] | None = None
    loop: AbstractEventLoop | None = None
    stop: Stop = field(default_factory=Stop)


@dataclass(frozen=True, slots=True)
class Steps:
    """What one agent does in each step, whatever the thread.

    ``opening`` makes entry 0 of a new thread. ``approve`` names the tools whose calls wait for a person. Without a
    ``compactor`` threads are never compacted.
    """

    profile: ModelProfile
    opening: Callable[[], Opening]
    workspace: Workspace
    menu: Menu
    meter: Meter
    limits: Limits
    budget: int
    approve: frozenset[str]
    clock: Clock
    compactor: Compactor | None = None
    pauses: Pauses = field(default_factory=Pauses)

    def receive(self, session: Session, run: str, task: Sequence[Block]) -> None:
        """Appends what a person said, once, before it the opening of a new thread and what changed since."""
        session.began = monotonic()
        drafts = list(self._opening(session))
        if drafts:
            session.append(*drafts)
        if self.compactor:
            check_budget(session.view, self.compactor.settings, self.budget)
        if task and not _resumes(session, run, task):
            declined = (transcript.tool_result(_declined(call, OTHERWISE)) for call in self.waiting(session))
            with session.lock:
                before = (*declined, *self._notes(session))
                seq = session.view.seq + len(before) + 1
                session.append(*before, transcript.user(task, run=run, shown=self._message(session, tuple(task), seq)))

    def stopped(self, session: Session) -> str | None:
        """The limit that the run has reached, or None."""
        return reached(self.limits, session.tally.spent, monotonic() - session.began)

    def compacted(self, session: Session) -> Iterator[Event]:
        """Compacts the thread before the next request, where that is due. Tells what happened in a pause, too."""
        self.pauses.end(session.thread)
        while session.news:
            yield session.news.popleft()
        reason = self.compactor and self.compactor.due(session)
        if self.compactor and reason and (event := self.compactor.compact(session, reason)):
            yield event

    def prepare(self, session: Session) -> Request:
        """The next request. Raises BudgetExceeded when it would not fit."""
        if drafts := self._notes(session):
            session.append(*drafts)
        known = session.tally
        return request(
            session.view,
            estimate=known.calibration.estimate(session.view.tokens),
            limit=self.budget,
            thread=session.thread,
            previous_id=known.reply_id or None,
        )

    def commit(self, session: Session, sent: Request, reply: Reply, at: float) -> Row:
        """Appends the reply and its row of the ledger, in one transaction."""
        last = session.tally.last
        row = self.meter.row(session.thread, sent, reply, session.view, session.sent, last, at)
        session.append(transcript.assistant(reply), ledger.draft(row))
        self.pause(session)
        return row

    def pause(self, session: Session) -> None:
        """Nothing may be asked for a while: the thread is compacted before its cache expires, once, if that pays."""
        last = session.tally.last
        if self.compactor and session.warm and last and session.used_pause != last.at:
            left = last.at + lifetime(self.profile) - self.compactor.settings.lead - self.clock()
            self.pauses.begin(session.thread, left, partial(self._use_pause, session))

    def _use_pause(self, session: Session, off: Flag) -> None:
        with ExitStack() as held:
            if not session.working:
                held.enter_context(session.journal.lease(session.thread))
                session.refresh()
            session.used_pause = session.tally.last.at if session.tally.last else None
            reason = self.compactor and self.compactor.due(session, pause=True)
            if self.compactor and reason and (event := self.compactor.compact(session, reason, off)):
                session.news.append(event)

    def failed(self, session: Session, sent: Request, error: Exception, at: float) -> None:
        """Appends a row for a request that was not answered."""
        session.append(ledger.draft(self.meter.failure(session.thread, sent, error, session.view, at)))

    def waiting(self, session: Session) -> tuple[ToolCall, ...]:
        """The open calls that may only begin when a person allows them."""
        fresh = (call for call in session.open_calls if call.id not in session.tally.started)
        return tuple(call for call in fresh if call.name in self.approve)

    def answer(self, session: Session, given: Given) -> Iterator[ToolReturned]:
        """Runs the open calls in order, reads side by side, and appends each result as soon as it is in."""
        for reads, calls in groupby(session.open_calls, key=self._is_read):
            run = partial(self._call, session, given)
            for returned in _side_by_side(run, list(calls)) if reads else map(run, calls):
                with session.lock:
                    shown = self._shown(session, returned)
                    session.append(transcript.tool_result(returned.result, shown))
                yield returned

    def _shown(self, session: Session, returned: ToolReturned) -> tuple[Text | Image, ...] | None:
        """What the model sees of a long result; what tools give in parts by themselves is whole."""
        sizes = _sizes(self.budget, Offload().limit if returned.name in PAGING else None)
        content, root = returned.result.content, self.workspace.root
        return originals.shown(content, session.thread, session.view.seq + 1, sizes, root)

    def _message(self, session: Session, task: tuple[Block, ...], seq: int) -> tuple[Text | Image, ...] | None:
        """What the model sees of a message that alone would fill half the budget."""
        sizes = _sizes(self.budget, self.budget // 2)
        return originals.shown(task, session.thread, seq, sizes, self.workspace.root, "message")

    def _call(self, session: Session, given: Given, call: ToolCall) -> ToolReturned:
        began = monotonic()
        if refusal := self._refusal(session, given.approval, call):
            return ToolReturned(call.name, refusal, 0.0)
        if not self._is_read(call):
            session.append(transcript.tool_started(call))
        context = ToolContext(self.workspace, session.thread, self._recall(session), stop=given.stop)
        result = toolbox.call(self.menu, call, context, allowed=given.allowed, loop=given.loop)
        return ToolReturned(call.name, result, monotonic() - began)

    def _refusal(self, session: Session, approval: Approval | None, call: ToolCall) -> ToolResult | None:
        if call.id in session.tally.started:
            return ToolResult(call.id, (Text(INTERRUPTED.format(name=call.name)),), is_error=True)
        if call.name in self.approve and not (approval and approval.allows(call)):
            return _declined(call, approval.reason if approval else "")
        return None

    def _recall(self, session: Session) -> Recall:
        """The archive's, where there is one that works; references resolve from the journal in any case."""
        if self.compactor and self.compactor.archive:
            try:
                return self.compactor.archive.recall(session.thread)
            except Exception:  # a cache of the journal, and anybody's code: its faults are no reason to stop a run
                _log.exception("the archive cannot be searched for thread %s", session.thread)
        return JournalRecall(session.journal, session.thread)

    def _is_read(self, call: ToolCall) -> bool:
        known = self.menu.get(call.name)
        return known is None or known.effect == "read"

    def _opening(self, session: Session) -> Iterator[Draft]:
        if session.view.opening is None:
            yield transcript.opening(self.opening())
        elif session.view.opening.model != self.profile.name:
            yield transcript.reconfigure(
                replace(
                    session.view.opening,
                    model=self.profile.name,
                    notes_in_results=self.profile.plain_turn_strips_thinking,
                )
            )

    def _notes(self, session: Session) -> tuple[Draft, ...]:
        return notes(Situation(session.view.settings, session.tally.noted, self.workspace, self.clock()))


@lru_cache(maxsize=16)
def _sizes(budget: int, limit: int | None) -> Offload:
    """How long texts are shown on a budget, perhaps with a limit of their own."""
    sizes = Offload().sized(budget)
    return sizes if limit is None else replace(sizes, limit=limit)


def _declined(call: ToolCall, reason: str) -> ToolResult:
    said = f"{DECLINED.format(name=call.name)} {reason}".strip()
    return ToolResult(call.id, (Text(said),), is_error=True)


def _resumes(session: Session, run: str, task: Sequence[Block]) -> bool:
    """True when the task stands in the transcript already: this run said it before a kill, or one that was cut off."""
    said = session.tally
    unfinished = bool(said.run) and (session.view.ready or bool(session.view.open))
    same = said.task == digest_of("\n\n".join(block.text for block in task if isinstance(block, Text)))
    return said.run == run or (unfinished and same)


def _side_by_side(run: Callable[[ToolCall], ToolReturned], calls: list[ToolCall]) -> Iterator[ToolReturned]:
    if len(calls) == 1:
        yield run(calls[0])
        return
    with ThreadPoolExecutor(len(calls)) as pool:
        yield from [future.result() for future in [pool.submit(copy_context().run, run, call) for call in calls]]
