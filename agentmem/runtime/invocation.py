"""Calls the agent's graph: a thread's name, the input, the configuration, the events and the result of one run.

LangGraph's own stream waits for its threads before it lets an interrupt out, however long a model or a tool takes. So
the run works in another thread, and an interrupt reaches the reader of its events at once.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from contextvars import ContextVar, copy_context
from queue import Empty, Full, Queue
from threading import Event as Flag
from threading import Thread
from typing import Any, TypeVar
from uuid import uuid4

from langgraph.types import Command

from agentmem.checking import LIST, NAMES, NOTHING, TEXT, Wanted, check_settings, having, shown
from agentmem.errors import ConfigError
from agentmem.menu.tool import Stop
from agentmem.runtime.events import Approval, Event, Result, Status
from agentmem.runtime.session import Session
from agentmem.transcript.transcript import pack
from agentmem.types import Block, Text, ToolCall

T = TypeVar("T")
Task = str | Sequence[Block]


def _are_blocks(given: Any) -> bool:
    return LIST.fits(given) and all(map(having("", "wire").fits, given))


_TASK = TEXT | Wanted("a list of blocks, such as [Text(...), Image(...)]", _are_blocks) | NOTHING

UNSEEN = "__unseen"
"""The key in a configuration for a run whose replies are shown only when they are whole. LangGraph hides such names."""

KEYED = "__keyed"
"""The key in a configuration for the submission of a new task."""


def new_thread() -> str:
    """A new name for a thread."""
    return uuid4().hex[:12]


def input_of(task: Task | Approval | None, run: str = "") -> Any:
    """The graph's input: a task and a name for the run, or a person's answer. Raises ConfigError for an empty task."""
    if isinstance(task, Approval):
        allow = task.allow if isinstance(task.allow, bool) else dict(task.allow)
        edits = {call_id: dict(arguments) for call_id, arguments in task.edits.items()}
        return Command(resume={"allow": allow, "reason": task.reason, "edits": edits, "answers": dict(task.answers)})
    if not _TASK.fits(task):
        raise ConfigError(f"the task must be {_TASK.words}, and {shown(task)} is not")
    blocks = [Text(task)] if isinstance(task, str) else task or []
    if task is not None and not any(not isinstance(one, Text) or one.text.strip() for one in blocks):
        raise ConfigError("the task is empty: say what is to be done, or leave it out to finish what was cut off")
    return {"task": [pack(block) for block in blocks], "run": run or uuid4().hex}


def config_of(thread: str, allow: Sequence[str] | None, **more: Any) -> Any:
    """The graph's configuration: the thread, and the tools that may be used."""
    check_settings("a run", {"allow": allow}, {"allow": NAMES | NOTHING})
    allowed = {} if allow is None else {"allow": list(allow)}
    # LangGraph stops after this many steps, but the limits of a run are kept elsewhere.
    return {"configurable": {"thread_id": thread, **allowed, **more}, "recursion_limit": 1_000_000}


def result_of(session: Session, pending: tuple[ToolCall, ...], stop: str | None) -> Result:
    """The result of a run: ``pending`` are the calls that wait for a person, ``stop`` is the reason that stopped it."""
    spent = session.tally.spent
    status: Status = "stopped" if stop else "waiting" if pending else "done"
    names = ", ".join(call.name for call in pending)
    return Result(
        thread=session.thread,
        status=status,
        text=session.tally.answer,
        reason=stop or (f"waits for approval: {names}" if pending else ""),
        pending=pending,
        turns=spent.turns,
        usage=tuple(spent.usage.values()),
        cost_usd=spent.usd,
        stop_reason=session.tally.stop,
        priced=spent.priced,
        unpriced=spent.unpriced,
    )


async def settled(work: Callable[[], T]) -> T:
    """The result of ``work`` in another thread. If the caller is cancelled, it is told when the work has ended.

    So nothing is taken, or half given back, behind the caller's back.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


PATIENCE = 3.0
"""Seconds that a run has to end by itself once nobody listens."""

_AHEAD = 64  # events that a run may be ahead of its reader
_GLANCE = 0.1  # seconds between checks: a signal to another thread does not end a wait without a timeout


OUTER: ContextVar[Stop | None] = ContextVar("the stop of the run that this one belongs to", default=None)
"""Set where a run is a part of another: when nobody listens to the other any more, this one is abandoned too."""


class Abandoned(BaseException):
    """Nobody listens to the run any more. It ends at its next event; the journal is whole at every moment."""


class Channel:
    """From a run to its reader. ``stop`` is set when the reader leaves."""

    def __init__(self) -> None:
        self.stop = Stop()
        self._queue: Queue[Event | None] = Queue(_AHEAD)

    def write(self, event: Event | None) -> None:
        """Passes an event on; None is the end. Raises Abandoned if nobody listens any more."""
        while not self.stop.stopped:
            try:
                return self._queue.put(event, timeout=_GLANCE)
            except Full:
                continue
        raise Abandoned

    def read(self, outer: Stop | None = None) -> Event | None:
        """The next event; None at the end. Raises Abandoned when the ``outer`` run is."""
        while True:
            try:
                return self._queue.get(timeout=_GLANCE)
            except Empty:
                if outer is not None and outer.stopped:
                    raise Abandoned from None
                if self.stop.stopped:  # the reader left, in another thread
                    return None


def events(run: Callable[[Channel], None], channel: Channel | None = None) -> Generator[Event, None, None]:
    """The events that ``run`` writes; then it raises the run's exception, if there was one.

    Who gives the ``channel`` can end the run by its ``stop``, from any thread. To leave early, or an interrupt, stops
    the run's tools and ends the run at its next event.
    """
    channel, raised, outer = channel or Channel(), list[BaseException](), OUTER.get()
    ended = Flag()  # instead of Thread.join: after an interrupt in it, Python 3.11 takes the thread for dead

    def run_and_end() -> None:
        try:
            run(channel)
        except BaseException as error:  # of any kind: it is raised again for the reader
            raised.append(error)
        ended.set()
        with suppress(Abandoned):
            channel.write(None)

    Thread(target=copy_context().run, args=(run_and_end,), name="agentmem-run", daemon=True).start()
    try:
        while (event := channel.read(outer)) is not None:
            yield event
    finally:
        channel.stop.set()
        ended.wait(PATIENCE)
    if raised:
        raise raised[0]
