"""The steps of a run with its model: take in a task, prepare a request, listen to it, recover, and write it down.

Runs with and without asyncio share them; the graph decides what comes next.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from agentmem.compaction.when import check_budget
from agentmem.context import view, withheld
from agentmem.errors import (
    ConfigError,
    ModelError,
    ModelOverloaded,
    ModelRejected,
    ModelUnreachable,
    PromptTooLong,
    ThreadNotFound,
)
from agentmem.menu import toolbox
from agentmem.menu.tool import Stop
from agentmem.meter import ledger
from agentmem.meter.ledger import RequestMeter, Row
from agentmem.routing.router import NO_REASONS
from agentmem.runtime import stops
from agentmem.runtime.compacting import Compactor
from agentmem.runtime.events import Compacted, Metered, Retrying, Stopped, Switched
from agentmem.runtime.fallbacks import Lineup, Why, rule_for
from agentmem.runtime.moves import Moves
from agentmem.runtime.opening import Situation, continued, is_another, notes
from agentmem.runtime.placing import Placing
from agentmem.runtime.session import Session, ThreadTally, digest_of
from agentmem.runtime.stops import Limits
from agentmem.runtime.tool_calls import ToolCalls, declined, refused
from agentmem.scrub import scrub
from agentmem.transcript import transcript
from agentmem.transcript.submissions import Submission
from agentmem.transcript.transcript import Opening
from agentmem.types import Block, Clock, Delta, Draft, Model, Reply, Request, Text, TextDelta, Waiting

OTHERWISE = "They said something else instead."
LATE = "[Note] A call of `{name}` that was cut off has ended since. It gave:\n{result}"
LATE_TOKENS = 2_000
"""The most tokens of a late result that the model is told."""
AGAIN = 2
"""The most tries after a reply that broke off after its first text, if nobody was shown it."""
DELAY = 0.5
"""Seconds before the first of these tries; they double with each."""

Write = Callable[[Any], None]
"""A function that passes an event to the caller."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one agent, for all its threads.

    ``opening`` makes entry 0 of a new thread, ``lineup`` are its models. Without a ``compactor`` threads are never
    compacted, without a ``placing`` nothing is routed.
    """

    opening: Callable[[], Opening]
    lineup: Lineup
    tools: ToolCalls
    meter: RequestMeter
    limits: Limits
    budget: int
    clock: Clock
    compactor: Compactor | None = None
    skills: str | None = None
    placing: Placing | None = None

    def receive(self, session: Session, run: str, task: Sequence[Block], submission: Submission | None = None) -> None:
        """Appends a person's message, once. A new thread's opening, or notes on changes, come before it.

        A ``submission`` is written with it: the task stands in the thread if its key is known, and only then.
        """
        session.began = monotonic()
        with session.lock:
            before = tuple(self._opening(session, task))
            folded = session.folded(*before)
            if self.compactor:
                check_budget(folded.view, self.compactor.settings, self.budget)
            if not task:
                _check_task(session, folded.tally)
            if task and not _resumes(session, run, task, keyed=submission is not None):
                said = (refused(call, declined(call, OTHERWISE)) for call in self.tools.waiting(session))
                before += (*map(transcript.tool_result, said), *self._notes(folded.view, folded.tally))
                shown = self.tools.shown_message(session, tuple(task), session.view.seq + len(before) + 1)
                before += (transcript.user(task, run=run, shown=shown),)
            session.append(*before, submission=submission)

    def stopped(self, session: Session) -> str | None:
        """The reason to stop the run before its next request: its last reply, or a limit; else None."""
        return session.ending or stops.reached(self.limits, session.tally.spent, monotonic() - session.began)

    def compacted(self, session: Session) -> Iterator[Compacted | Switched]:
        """Compacts the thread before the next request, if that is due. Also tells what happened since the last one."""
        if self.compactor:
            self.compactor.pauses.end(session.thread)
        while session.news:
            yield session.news.popleft()
        if self.compactor:
            yield from self.compactor.before_request(session)

    def placed(self, session: Session, tried: Mapping[str, str] = NO_REASONS) -> Iterator[Switched]:
        """Routes the next request: the thread moves if it is to. Raises RouteRefused."""
        if self.placing:
            session.route = self.placing.turn(session, self.meter.agent, tried)
            yield from self.moves.made(session, self.placing, session.route)

    def prepare(self, session: Session) -> Request:
        """The next request, after notes on changes. Raises BudgetExceeded if it would not fit."""
        with session.lock:
            waits = self.placing is not None and self.placing.waits(session)
            if not waits and (drafts := (*self._notes(session.view, session.tally), *self._late(session))):
                session.append(*drafts)
        known = session.tally
        made = view.request(
            session.view,
            estimate=known.calibration.estimate(session.view.tokens),
            limit=self.budget,
            thread=session.thread,
            previous_id=known.reply_id or None,
        )
        return self.placing.hinted(made, session.route) if self.placing else made

    def commit(self, session: Session, sent: Request, reply: Reply, at: float) -> Row:
        """Appends in one transaction: the reply, its row of the ledger, and a note if the model must continue."""
        reply, last = session.arrived(reply), session.tally.last
        shown = session.view
        row = self.metering(session).row(session.thread, sent, reply, shown, session.sent, last, at)
        row = self.placing.metered(row, session.route) if self.placing else row
        session.append(
            transcript.assistant(reply), ledger.draft(row), then=partial(_follow_up, sent.options.max_tokens)
        )
        if self.placing:
            self.placing.answered(row, shown)
        if self.compactor:
            self.compactor.pause(session)
        return row

    def model(self, session: Session) -> Model:
        """The model that answers the thread now."""
        return self.lineup.model(session.view.opening)

    def metering(self, session: Session) -> RequestMeter:
        """The meter of that model's requests."""
        if self.placing:
            return self.placing.meter(self.meter, self.placing.name(session.view.opening))
        return self.meter.on(self.model(session).profile)

    def switch(
        self, session: Session, why: Why, error: Exception | None = None, tried: Mapping[str, str] = NO_REASONS
    ) -> Switched | None:
        """Goes on with the next model that may answer; None if there is none."""
        made = self.moves.next(session, tried)
        if made is None:
            return None
        drafts, event = made.entries(why, str(error or ""))
        session.append(*drafts)
        return event

    @property
    def moves(self) -> Moves:
        """The moves of threads between the agent's models."""
        return Moves(self.opening, self.lineup, self.meter, self.clock, self.placing)

    def _opening(self, session: Session, task: Sequence[Block]) -> Iterator[Draft]:
        """Entry 0 of a new thread, or a return to the first model."""
        known = session.view.opening
        if known is None:
            yield transcript.opening(self.moves.first(session, task))
        elif back := self.moves.back(session):
            drafts, event = back.entries("back")
            session.news.append(event)
            yield from drafts
        elif is_another(known, self.model(session).profile):
            yield transcript.reconfigure(continued(known, self.opening()))

    def _notes(self, shown: view.View, known: ThreadTally) -> tuple[Draft, ...]:
        tools = self.tools
        situation = Situation(
            shown.settings, known.noted, tools.workspace, self.clock(), self.skills, tools.menu, known.off
        )
        return notes(situation)

    def _late(self, session: Session) -> Iterator[Draft]:
        """Notes with late results, of calls that were answered without them. Reads have run again and need none."""
        for call_id, returned in list(session.late.items()):
            del session.late[call_id]
            known, about = self.tools.menu.get(returned.name), f"late result {call_id}"
            if about not in session.tally.noted and not (known and known.effect == "read"):
                said = "\n\n".join(block.text for block in returned.result.content if isinstance(block, Text))
                yield transcript.note(about, LATE.format(name=returned.name, result=toolbox.cut(said, LATE_TOKENS)))


def _follow_up(limit: int, known: ThreadTally) -> tuple[Draft, ...]:
    """The note to the model after a reply that is not whole, if any."""
    says = stops.follow_up(known.kind, known.again.get(known.kind, 0), limit)
    return (transcript.note("reply", says, now=True),) if says else ()


def _resumes(session: Session, run: str, task: Sequence[Block], *, keyed: bool) -> bool:
    """True if the transcript already has the task: from this run before a kill, or from a run that was cut off.

    A task with a key is the same only as its own run's.
    """
    said = session.tally
    unfinished = bool(said.run) and (session.view.ready or bool(session.view.open)) and not session.ending
    same = said.task == digest_of("\n\n".join(block.text for block in task if isinstance(block, Text)))
    return said.run == run or (unfinished and same and not keyed)


def _check_task(session: Session, known: ThreadTally) -> None:
    """Raises ThreadNotFound or ConfigError if the thread has no task."""
    if session.view.opening is None:
        raise ThreadNotFound(f"there is no thread {session.thread!r} to go on with: give a task to begin it")
    if not (known.task or session.view.turns):
        raise ConfigError(f"thread {session.thread!r} has no task yet: give one")


class OutOfTime(Exception):
    """The run's time is over while the model works, or would be over after a wait."""


class ModelCall:
    """One request of a run. ``unseen``: the reply's text is shown only when it is whole."""

    def __init__(self, steps: Steps, session: Session, write: Write, *, unseen: bool) -> None:
        self.steps, self.session, self.write = steps, session, write
        self.request: Request | None = None
        self.stop: str | None = None
        self.unseen = unseen
        self.left: Stop  # set if we stop waiting for the model
        self._reply: Reply | None = None
        self._at = 0.0
        self._broken = self._failed = 0
        self._text = self._made_room = False
        self._tried: dict[str, str] = {}  # targets that did not answer this request, and why

    def begin(self) -> Request | None:
        """The request to send now; None if the run stops, and then ``stop`` is the reason."""
        self.stop = self.stop or self._ending() or self.steps.stopped(self.session)
        if not self.stop:
            for event in self.steps.compacted(self.session):
                self.write(event)
            self.stop = stops.RULES["full"].reason if self.session.is_full else None
        if self.stop:
            self.write(Stopped(self.stop))
            return None
        for moved in self.steps.placed(self.session, self._tried):
            self.write(moved)
        self.request, self._reply, self._text, self.left = self.steps.prepare(self.session), None, False, Stop()
        self._at = self.steps.clock()
        if self.steps.placing:
            self.steps.placing.sent(self._target)
        return self.request

    @property
    def _target(self) -> str:
        """The target that the thread is at, for a router."""
        return self.session.route.target if self.session.route else ""

    @property
    def seconds(self) -> float | None:
        """The seconds that the run may still take; None: no limit."""
        most = self.steps.limits.max_seconds
        return None if most is None else max(0.0, most - (monotonic() - self.session.began))

    def listen(self, model: Model, request: Request) -> None:
        """Takes in the reply, within the run's time. A model that stalls is abandoned."""

        def hear() -> None:
            for delta in model.stream(request):
                self._take(delta)

        try:
            if self.seconds is None:
                hear()
            else:
                toolbox.run(hear, self.seconds, self.left)
        except toolbox.TimeUp as error:
            raise OutOfTime from error
        self._check_heard()

    async def alisten(self, model: Model, request: Request) -> None:
        """`listen` for asyncio."""
        try:
            async with asyncio.timeout(self.seconds) as limit:
                async for delta in model.astream(request):
                    self._take(delta)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise OutOfTime from error
        self._check_heard()

    def _take(self, delta: Delta) -> None:
        """Takes one piece of the reply. Raises OutOfTime for a wait that is longer than the run may take."""
        if self.left.stopped:
            raise OutOfTime
        if isinstance(delta, Reply):
            self._reply = delta
            return
        self._text = self._text or isinstance(delta, TextDelta)
        if isinstance(delta, Waiting) and self.seconds is not None and delta.seconds > self.seconds:
            raise OutOfTime(f"{delta.reason}; the wait of {delta.seconds:.0f} s would be longer than the run may take")
        self.write(delta)

    def _check_heard(self) -> None:
        """Raises ModelError if the stream has ended without a reply."""
        if self._reply is None:
            raise ModelError("the model's stream ended without a reply")

    def done(self) -> None:
        """Writes the reply to the journal; sets ``stop`` if the run ends with it."""
        if self.request and self._reply:
            self.write(Metered(self.steps.commit(self.session, self.request, self._reply, self._at)))
        if not self.session.view.open and (stop := self._ending()):
            self.stop = stop
            self.write(Stopped(stop))

    def _ending(self) -> str | None:
        """The reason why the run ends with the last reply, or None. After a refusal the next model is asked."""
        stop = self.session.ending
        if not stop or self.session.tally.kind != "refused":
            return stop
        self._tried[self._target] = f"{self._target} declined to answer"
        event = self.steps.switch(self.session, "refusal", tried=self._tried)
        if event:
            self.write(event)
        return None if event else stop

    def mend(self, error: Exception) -> float:
        """Writes a failed request to the ledger. Returns the seconds before the next try; raises the error if that
        would not help."""
        self._failed += 1
        if self.request:
            meter, shown = self.steps.metering(self.session), self.session.view
            failure = meter.failure(self.session.thread, self.request, error, shown, self._at)
            if placing := self.steps.placing:
                failure = placing.metered(failure, self.session.route)
                placing.failed(self._target, helps=rule_for(error) is not None)
            self.session.append(ledger.draft(failure))
        for kinds, mend, remedy in _MENDING:
            if isinstance(error, kinds) and (wait := mend(self, error)) is not None:
                if remedy:
                    self.write(Retrying(f"{type(error).__name__}: {scrub(str(error))}", remedy, self._failed))
                return wait
        raise error

    def _out_of_time(self, error: Exception) -> float | None:
        late = f"the model had not answered when the limit of {self.steps.limits.max_seconds} s was reached"
        self.stop = f"max_seconds: {str(error) or late}"
        return 0.0

    def _less(self, error: Exception) -> float | None:
        """Compacts the thread once because the model's window is full. None if nothing can leave."""
        if self._made_room:
            return None
        self._made_room = True
        event = self.steps.compactor.compact(self.session, "limit") if self.steps.compactor else None
        if event:
            self.write(event)
        return 0.0 if event else None

    def _withhold(self, error: Exception) -> float | None:
        """Withholds the block that the provider refused: it is a reference from then on, and the run continues."""
        draft = (
            withheld.draft(self.session.view, self.session.thread, error) if isinstance(error, ModelRejected) else None
        )
        if draft:
            self.session.append(draft)
        return 0.0 if draft else None

    def _once_more(self, error: Exception) -> float | None:
        """Tries again after a break that followed the first text; the model's own retries do not cover that."""
        if not (self._text and self.unseen) or self._broken >= AGAIN:
            return None
        self._broken += 1
        wait = DELAY * 2.0 ** (self._broken - 1)
        self._take(Waiting(wait, f"the reply broke off: {error}"))
        return wait

    def _fall_back(self, error: Exception) -> float | None:
        """Asks the next model, unless somebody was shown a part of the reply that broke off."""
        rule = rule_for(error)
        if rule is None or (self._text and not self.unseen):
            return None
        self._tried[self._target] = rule.says.format(name=self._target)
        event = self.steps.switch(self.session, rule.why, error, self._tried)
        if event is None:
            return None
        self.write(event)
        self._broken, self._made_room = 0, False
        return 0.0


_MENDING: tuple[tuple[tuple[type[Exception], ...], Callable[[ModelCall, Exception], float | None], str], ...] = (
    ((OutOfTime,), ModelCall._out_of_time, ""),
    ((PromptTooLong,), ModelCall._less, "compacted"),
    ((ModelRejected,), ModelCall._withhold, "withheld"),
    ((ModelUnreachable, ModelOverloaded), ModelCall._once_more, "again"),
    ((ModelError,), ModelCall._fall_back, "switched"),
)
"""The remedies for errors, in order, each with its name in events. A remedy returns the seconds before the next try, or
None if it does not help."""
