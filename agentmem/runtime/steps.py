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

from agentmem.compaction.when import check_budget
from agentmem.context import offload
from agentmem.context.offload import PAGING, Offload
from agentmem.context.view import request
from agentmem.context.window import View
from agentmem.errors import ConfigError, ThreadNotFound, TranscriptError
from agentmem.menu import output, toolbox
from agentmem.menu.menu import Menu
from agentmem.menu.reach import Reach
from agentmem.menu.recalling import JournalRecall
from agentmem.menu.tool import Stop, ToolContext
from agentmem.meter import ledger
from agentmem.meter.ledger import RequestMeter, Row
from agentmem.pages.workspace import Workspace
from agentmem.runtime import stops
from agentmem.runtime.compacting import Compactor, Pauses, lifetime
from agentmem.runtime.events import Approval, Compacted, Event, ToolReturned
from agentmem.runtime.limits import Limits, reached
from agentmem.runtime.opening import Situation, continued, is_another, notes
from agentmem.runtime.session import Session, Sessions, ThreadTally, digest_of
from agentmem.runtime.steering import Approvals
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening, is_unreadable
from agentmem.types import (
    Block,
    Clock,
    Draft,
    Image,
    ModelProfile,
    Opaque,
    Recall,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolResult,
)

_log = logging.getLogger(__name__)

INTERRUPTED = (
    "This call was cut off: the process ended while `{name}` was running, so it may or may not have taken effect. "
    "Look at what it should have changed before you call it again."
)
DECLINED = "The person did not allow this call of `{name}`."
OTHERWISE = "They said something else instead."
LATE = "[Note] A call of `{name}` that was cut off has ended since. It gave:\n{result}"
LATE_TOKENS = 2_000
"""Tokens of such a result that the model is told."""


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

    ``opening`` makes entry 0 of a new thread. ``approve`` tells which calls wait for a person. Without a
    ``compactor`` threads are never compacted.
    """

    profile: ModelProfile
    sessions: Sessions
    opening: Callable[[], Opening]
    workspace: Workspace
    menu: Menu
    meter: RequestMeter
    limits: Limits
    budget: int
    approve: Approvals
    clock: Clock
    compactor: Compactor | None = None
    pauses: Pauses = field(default_factory=Pauses)
    reach: Reach = field(default_factory=Reach)

    def receive(self, session: Session, run: str, task: Sequence[Block]) -> None:
        """Appends what a person said, once, before it the opening of a new thread and what changed since."""
        session.began = monotonic()
        with session.lock:
            before = tuple(self._opening(session))
            view, known, _ = session.folded(*before)
            if self.compactor:
                check_budget(view, self.compactor.settings, self.budget)
            if not task:
                _check_task(session, known)
            if task and not self._resumes(session, run, task):
                declined = (transcript.tool_result(_declined(call, OTHERWISE)) for call in self.waiting(session))
                before += (*declined, *self._notes(view, known))
                seq = session.view.seq + len(before) + 1
                before += (transcript.user(task, run=run, shown=self._message(session, tuple(task), seq)),)
            session.append(*before)

    def stopped(self, session: Session) -> str | None:
        """What stops the run before its next request: its last reply, or a limit; else None."""
        return self.ended(session) or reached(self.limits, session.tally.spent, monotonic() - session.began)

    def ended(self, session: Session) -> str | None:
        """Why the run cannot go on after the model's last reply, or None."""
        known = session.tally
        return stops.ending(known.kind, known.again.get(known.kind, 0), _reply_limit(session))

    def compacted(self, session: Session) -> Iterator[Event]:
        """Compacts the thread before the next request, where that is due. Tells what happened in a pause, too."""
        self.pauses.end(session.thread)
        while session.news:
            yield session.news.popleft()
        reason = self.compactor and self.compactor.due(session)
        if reason is None and self._is_full(session):
            reason = "limit"
        if self.compactor and reason and (event := self.compactor.compact(session, reason)):
            yield event

    def make_room(self, session: Session) -> Compacted | None:
        """Compacts the thread because the model's window is full; None where nothing could leave."""
        return self.compactor.compact(session, "limit") if self.compactor else None

    def without_room(self, session: Session) -> str | None:
        """Why nothing more can be asked where the model's window is full and nothing has left it since."""
        return stops.RULES["full"].reason if self._is_full(session) else None

    def _is_full(self, session: Session) -> bool:
        return session.tally.kind == "full" and session.sent is not None and session.view.cuts == session.sent.cuts

    def prepare(self, session: Session) -> Request:
        """The next request. Raises BudgetExceeded when it would not fit."""
        with session.lock:
            if drafts := (*self._notes(session.view, session.tally), *self._late(session)):
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
        """Appends in one transaction the reply, its row of the ledger, and what the model is told to make it go on."""
        reply, last = session.arrived(reply), session.tally.last
        row = self.meter.row(session.thread, sent, reply, session.view, session.sent, last, at)
        kind = stops.kind_of(reply.stop_reason, reply.message)
        says = stops.follow_up(kind, session.tally.again.get(kind, 0) + 1, sent.options.max_tokens)
        told = (transcript.note("reply", says, now=True),) if says else ()
        session.append(transcript.assistant(reply), ledger.draft(row), *told)
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
            if session.ended:
                held.enter_context(session.journal.lease(session.thread))
                session = self.sessions.open(session.thread).refresh()
                held.callback(session.end)
            session.used_pause = session.tally.last.at if session.tally.last else None
            reason = self.compactor and self.compactor.due(session, pause=True)
            if self.compactor and reason and (event := self.compactor.compact(session, reason, off)):
                session.news.append(event)

    def failed(self, session: Session, sent: Request, error: Exception, at: float) -> None:
        """Appends a row for a request that was not answered."""
        session.append(ledger.draft(self.meter.failure(session.thread, sent, error, session.view, at)))

    def waiting(self, session: Session, allowed: Collection[str] | None = None) -> tuple[ToolCall, ...]:
        """The open calls that may only begin when a person allows them; a tool that is not ``allowed`` never begins."""
        fresh = [call for call in session.open_calls if call.id not in session.tally.started]
        if self._not_run(session, fresh):
            return ()
        return tuple(call for call in fresh if self._asks(call, allowed))

    def answer(self, session: Session, given: Given) -> Iterator[ToolReturned]:
        """Runs the open calls in order, reads side by side, and appends each result as soon as it is in."""
        if not session.open_calls:
            raise TranscriptError(f"thread {session.thread!r} waits for results of calls that nobody made")
        for reads, calls in groupby(session.open_calls, key=self._is_read):
            run = partial(self._call, session, given)
            for returned in _side_by_side(run, list(calls)) if reads else map(run, calls):
                self._keep(session, returned)
                yield returned

    def _keep(self, session: Session, returned: ToolReturned) -> None:
        """Appends a result. One that comes after its run has ended is kept for the thread's next run."""
        with session.lock:
            if session.ended:
                session.late[returned.result.call_id] = returned
                _log.info("%s gave its result after the run of thread %s had ended", returned.name, session.thread)
            session.append(transcript.tool_result(returned.result, self._shown(session, returned)))

    def _shown(self, session: Session, returned: ToolReturned) -> tuple[Text | Image | Opaque, ...] | None:
        """What the model sees of a long result; what tools give in parts by themselves is whole."""
        sizes = _sizes(self.budget, Offload().limit if returned.name in PAGING else None)
        content, root = returned.result.content, self.workspace.root
        return offload.seen_content(content, session.thread, session.view.seq + 1, sizes, root)

    def _message(self, session: Session, task: tuple[Block, ...], seq: int) -> tuple[Text | Image | Opaque, ...] | None:
        """What the model sees of a message that alone would fill half the budget."""
        sizes = _sizes(self.budget, self.budget // 2)
        return offload.seen_content(task, session.thread, seq, sizes, self.workspace.root, "message")

    def _call(self, session: Session, given: Given, call: ToolCall) -> ToolReturned:
        began = monotonic()
        if late := session.late.pop(call.id, None):
            return late
        if refusal := self._refusal(session, given, call):
            return ToolReturned(call.name, refusal, 0.0)
        if not self._is_read(call):
            session.append(transcript.tool_started(call))
        context = ToolContext(self.workspace, session.thread, self._recall(session), stop=given.stop, reach=self.reach)
        result = toolbox.call(self.menu, call, context, allowed=given.allowed, loop=given.loop)
        return ToolReturned(call.name, result, monotonic() - began)

    def _asks(self, call: ToolCall, allowed: Collection[str] | None) -> bool:
        usable = (allowed is None or call.name in allowed) and not is_unreadable(call)
        return usable and self.approve.needs_person(call)

    def _refusal(self, session: Session, given: Given, call: ToolCall) -> ToolResult | None:
        approval = given.approval
        if why := self._not_run(session, (call,)):
            return ToolResult(call.id, (Text(why),), is_error=True)
        if call.id in session.tally.started:
            return ToolResult(call.id, (Text(INTERRUPTED.format(name=call.name)),), is_error=True)
        if self._asks(call, given.allowed) and not (approval and approval.allows(call)):
            return _declined(call, approval.reason if approval else "")
        if sentence := self.approve.refused(call):
            return ToolResult(call.id, (Text(sentence),), is_error=True)
        return None

    def _not_run(self, session: Session, calls: Sequence[ToolCall]) -> str:
        """Why calls of the last reply are not run at all: it was cut off, for example. "" where they are."""
        return stops.refusal(session.tally.kind, calls[0], _reply_limit(session)) if calls else ""

    def _recall(self, session: Session) -> Recall:
        """The archive's, where there is one that works; references resolve from the journal in any case."""
        if self.compactor and self.compactor.archive:
            try:
                return self.compactor.archive.recall(session.thread)
            except Exception:  # a cache of the journal, and anybody's code: its faults are no reason to stop a run
                _log.exception("the archive cannot be searched for thread %s", session.thread)
        return JournalRecall(session.journal, session.thread)

    def _is_read(self, call: ToolCall) -> bool:
        """Whether a call changes nothing: one that cannot be made is not even begun."""
        known = self.menu.get(call.name)
        return known is None or known.effect == "read" or is_unreadable(call)

    def _opening(self, session: Session) -> Iterator[Draft]:
        known = session.view.opening
        if known is None:
            yield transcript.opening(self.opening())
        elif is_another(known, self.profile):
            yield transcript.reconfigure(continued(known, self.opening()))

    def _late(self, session: Session) -> Iterator[Draft]:
        """Notes of what calls gave after they had been answered without it; what was only read was read again."""
        for call_id, returned in list(session.late.items()):
            del session.late[call_id]
            known, about = self.menu.get(returned.name), f"late result {call_id}"
            if about not in session.tally.noted and not (known and known.effect == "read"):
                said = "\n\n".join(block.text for block in returned.result.content if isinstance(block, Text))
                yield transcript.note(about, LATE.format(name=returned.name, result=output.cut(said, LATE_TOKENS)))

    def _notes(self, view: View, known: ThreadTally) -> tuple[Draft, ...]:
        return notes(Situation(view.settings, known.noted, self.workspace, self.clock()))

    def _resumes(self, session: Session, run: str, task: Sequence[Block]) -> bool:
        """True when the task stands in the transcript already: this run said it before a kill, or one that was cut
        off."""
        said = session.tally
        unfinished = bool(said.run) and (session.view.ready or bool(session.view.open)) and not self.ended(session)
        same = said.task == digest_of("\n\n".join(block.text for block in task if isinstance(block, Text)))
        return said.run == run or (unfinished and same)


@lru_cache(maxsize=16)
def _sizes(budget: int, limit: int | None) -> Offload:
    """How long texts are shown on a budget, perhaps with a limit of their own."""
    sizes = Offload().sized(budget)
    return sizes if limit is None else replace(sizes, limit=limit)


def _declined(call: ToolCall, reason: str) -> ToolResult:
    said = f"{DECLINED.format(name=call.name)} {reason}".strip()
    return ToolResult(call.id, (Text(said),), is_error=True)


def _reply_limit(session: Session) -> int:
    """Tokens that a reply may have."""
    return session.view.opening.options.max_tokens if session.view.opening else 0


def _check_task(session: Session, known: ThreadTally) -> None:
    """Raises an error that says so where nobody has said what to do."""
    if session.view.opening is None:
        raise ThreadNotFound(f"there is no thread {session.thread!r} to go on with: give a task to begin it")
    if not (known.task or session.view.turns):
        raise ConfigError(f"thread {session.thread!r} has no task yet: give one")


def _side_by_side(run: Callable[[ToolCall], ToolReturned], calls: list[ToolCall]) -> Iterator[ToolReturned]:
    if len(calls) == 1:
        yield run(calls[0])
        return
    with ThreadPoolExecutor(len(calls)) as pool:
        yield from [future.result() for future in [pool.submit(copy_context().run, run, call) for call in calls]]
