"""The Agent: what people hold. It puts model, workspace, menu and journal together and runs the graph on a thread."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from functools import partial
from pathlib import Path
from time import time
from typing import Any, Literal, cast

from langgraph.graph.state import CompiledStateGraph

from agentmem.checking import check_settings
from agentmem.closing import Closing
from agentmem.compaction.when import Compaction, Reason
from agentmem.errors import ThreadNotFound
from agentmem.menu.menu import ToolLike
from agentmem.menu.permissions import Reach
from agentmem.menu.tool import Menu
from agentmem.meter.ledger import RequestMeter
from agentmem.models.objects import ModelLike
from agentmem.pages.workspace import Workspace
from agentmem.runtime import components, opening
from agentmem.runtime.compacting import Compactor
from agentmem.runtime.events import Approval, Compacted, Done, Event, Result, Stopped
from agentmem.runtime.graph import RunNodes, build
from agentmem.runtime.history import History, Sandboxed, forget
from agentmem.runtime.invocation import UNSEEN, Channel, Task, config_of, elsewhere, events, input_of, result_of
from agentmem.runtime.invocation import new_thread as new_thread
from agentmem.runtime.opening import instructions, new_opening
from agentmem.runtime.questions import AnswersQuestions
from agentmem.runtime.session import Session, Sessions
from agentmem.runtime.steps import Steps
from agentmem.runtime.stops import Limits
from agentmem.runtime.tool_calls import ToolCalls
from agentmem.transcript.checkpoint import Checkpoint
from agentmem.transcript.transcript import Opening
from agentmem.types import Archive, Clock, Options

BUDGET = 120_000
"""Tokens of context, in the provider's count, above which no request goes out."""


class Agent(AnswersQuestions, Closing):
    """A stateful agent on a workspace of pages.

    ``model`` is a Model, a LangChain chat model or a name such as "anthropic:claude-sonnet-5". ``workspace`` is a
    folder. ``tools`` are functions, LangChain tools or names of built-in ones; by default the built-in menu.
    ``budget`` is in the provider's tokens, at most what fits into the model's window. ``system`` replaces the default
    instructions; ``pinned`` names pages that stand in the prefix. ``approve`` names tools whose calls wait for a
    person. ``reach`` says how far the built-in tools go: by default changes to files that steer other programs wait
    too, hidden files are not read, commands run behind walls. ``database`` is a file or a Postgres URL, by default
    ``.agentmem/agentmem.db`` in the workspace. ``compaction`` says how threads are kept small, None never does;
    ``archive`` takes in what leaves the window, for ``recall``: by default the workspace's own, None for none.

    ``sandbox`` is snapshotted with each checkpoint. ``model_options`` go to the class of a model that is named, over
    those of agentmem.toml; ``price_as`` lends prices to a model that has none.

    Close it, or use it as a context manager. A model or an archive that was passed in as an object stays open.
    """

    def __init__(
        self,
        model: ModelLike,
        workspace: Workspace | Path | str = ".",
        *,
        name: str = "agent",
        tools: Sequence[ToolLike] | Menu | None = None,
        budget: int = BUDGET,
        system: str | None = None,
        pinned: Sequence[str] = (),
        options: Options = Options(),
        approve: Sequence[str] = (),
        reach: Reach = Reach(),
        limits: Limits = Limits(),
        database: Path | str | None = None,
        price_as: str | None = None,
        model_options: Mapping[str, Any] | None = None,
        compaction: Compaction | None = Compaction(),
        archive: Archive | Literal["workspace"] | None = "workspace",
        clock: Clock = time,
        sandbox: Sandboxed | None = None,
    ) -> None:
        check_settings("Agent", locals(), components.WANTED)
        self.menu = components.menu(tools)
        self._system = instructions(system)
        self._pinned, self._options, self.reach = tuple(pinned), options, reach
        with ExitStack() as opened:
            self.workspace = components.workspace(workspace, opened)
            self.model = components.model(model, model_options, opened)
            root = self.workspace.root
            self.journal, saver = components.database(database or root / ".agentmem" / "agentmem.db", opened)
            self.sessions, self.history = Sessions(self.journal), History(self.journal, root, sandbox)
            budget = components.budget(budget, self.model.profile, options)
            meter = RequestMeter(name, self.model.profile, price_as)
            self.archive = components.archive(archive, self.journal, self.workspace, opened)
            compactor = self._compactor(compaction, meter, budget, clock, opened) if compaction else None
            self.steps = self._steps(meter, limits, budget, approve, clock, compactor)
            self.graph: CompiledStateGraph[Any] = build(RunNodes(self.steps, self.model, self.sessions), saver)
            self._opened = opened.pop_all()

    def run(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> Result:
        """Works on ``task`` until the model has answered, a limit is reached or a call waits for approval.

        With a ``thread`` that exists it goes on there. Without a task it finishes what was cut off; with an Approval
        it answers what the thread waits for. Raises ThreadBusy, BudgetExceeded or a ModelError; ConfigError for an
        empty task, ThreadNotFound where there is nothing to go on with. The transcript is intact after any of them,
        and after a KeyboardInterrupt. ``allow`` names the tools that may be used in this run; the others stay on the
        menu, and say so when they are called.
        """
        thread = self._named(thread)
        with self._running(thread):
            config = config_of(thread, allow, **{UNSEEN: True})
            state = self.graph.invoke(input_of(task), config, durability="sync")
            return self._result(thread, state.get("stop"))

    async def arun(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> Result:
        """As `run`."""
        thread = self._named(thread)
        async with elsewhere(self._running(thread)):
            config = config_of(thread, allow, **{UNSEEN: True})
            state = await self.graph.ainvoke(input_of(task), config, durability="sync")
            return await asyncio.to_thread(self._result, thread, state.get("stop"))

    def stream(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> Generator[Event, None, None]:
        """As `run`, but gives each event as it happens. The last is Done, with the result.

        Leaving early ends the run at its next event, and frees the thread.
        """
        thread = self._named(thread)
        stop: list[str] = []

        def invoke(channel: Channel) -> None:
            config = config_of(thread, allow, channel=channel)
            stop.append(self.graph.invoke(input_of(task), config, durability="sync").get("stop") or "")

        with self._running(thread, streams=True):
            yield from events(invoke)
            yield Done(self._result(thread, stop[0]))

    async def astream(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> AsyncGenerator[Event, None]:
        """As `stream`."""
        thread = self._named(thread)
        stop = ""
        async with elsewhere(self._running(thread, streams=True)):
            told = self.graph.astream(input_of(task), config_of(thread, allow), stream_mode="custom", durability="sync")
            async with aclosing(cast(AsyncGenerator[Event, None], told)) as heard:
                async for event in heard:
                    stop = event.reason if isinstance(event, Stopped) else stop
                    yield event
            yield Done(await asyncio.to_thread(self._result, thread, stop))

    def compact(self, thread: str) -> Compacted | None:
        """Compacts a thread now, whatever it costs. None when nothing could leave, or with ``compaction=None``."""
        return self._compacted(thread, lambda session: "asked")

    def idle(self, thread: str) -> Compacted | None:
        """Says that nothing will be asked of a thread for longer than its cache lives: compacts it now if that pays."""
        compactor = self.steps.compactor
        return self._compacted(thread, lambda session: compactor.due(session, pause=True) if compactor else None)

    def checkpoints(self, thread: str) -> tuple[Checkpoint, ...]:
        """The checkpoints of a thread, oldest first: one before and after each run, where anything had changed.

        Each ties an entry of the conversation to the pages and the sandbox as they were then. Those of branches and of
        what the thread was forked from are among them. Raises ThreadNotFound.
        """
        return self.history.checkpoints(thread)

    def checkpoint(self, thread: str, label: str = "") -> Checkpoint:
        """Takes a checkpoint of a thread now, however large its pages are. Raises ThreadNotFound."""
        self.checkpoints(thread)
        return self.history.mark(self.history.current(thread), label)

    def fork(
        self,
        thread: str | None = None,
        at: Checkpoint | str | int | None = None,
        to: str | None = None,
        *,
        into: Path | str | None = None,
    ) -> str:
        """A new thread that begins as a run was ``at`` a checkpoint, or at an entry of ``thread`` (None: its last).

        Its first request reads from the cache what the run had sent up to there. The pages stay as they are, unless
        ``into`` names a new folder for them as they were: an Agent there, on the same database, goes on with all of
        it. Gives the thread's name, ``to`` if that is given.
        """
        to = to or new_thread()
        if at is None:
            at = self.journal.head(self.history.current(thread or ""))
        return self.history.fork(at, thread, to, Path(into) if into is not None else None)

    def rollback(self, to: Checkpoint | str) -> str:
        """Brings a run back to a checkpoint: conversation, pages, plan and sandbox. Nothing that happened is deleted.

        What is now becomes a checkpoint as well. The thread goes on as a branch; runs that name the thread go on with
        it. Gives the branch's name. Raises ThreadBusy while a run holds the thread, UnknownReference.
        """
        self._end_pause(self.history.current(self.history.origin(to)))
        return self.history.rollback(to)

    def forget(self, thread: str, *, with_forks: bool = False) -> int:
        """Removes a thread everywhere, for good. Gives the number of entries removed."""
        self._end_pause(thread)
        self.sessions.drop(thread)
        return forget(self.journal, self.workspace.root, thread, with_forks=with_forks, archive=self.archive)

    def close(self) -> None:
        """Frees the journal, and what the agent made itself: a workspace, a model. May be called twice."""
        self._opened.close()

    def _named(self, thread: str | None) -> str:
        return self.history.current(thread) if thread else new_thread()

    @contextmanager
    def _running(self, thread: str, *, streams: bool = False) -> Iterator[None]:
        """Holds a thread for a run, with a checkpoint before and after."""
        with self._working(thread, streams=streams):
            self.history.mark_unasked(thread, "before a run")
            yield
            self.history.mark_unasked(thread, "after a run")

    @contextmanager
    def _working(self, thread: str, *, streams: bool = False) -> Iterator[Session]:
        """Holds a thread for work: its pause is over, and the next begins when the work is done."""
        self._end_pause(thread)
        with self.journal.lease(thread):
            session = self.sessions.open(thread)
            asked = self.steps.compactor.settings.warm if self.steps.compactor else False
            session.warm = streams if asked is None else asked
            try:
                yield session
            finally:
                self._end_pause(thread)
                session.end()
        if self.steps.compactor:
            self.steps.compactor.pause(session)

    def _end_pause(self, thread: str) -> None:
        if self.steps.compactor:
            self.steps.compactor.pauses.end(thread)

    def _compacted(self, thread: str, why: Callable[[Session], Reason | None]) -> Compacted | None:
        with self._working(self.history.current(thread)) as session:
            if session.refresh().view.opening is None:
                raise ThreadNotFound(f"there is no thread {thread!r}")
            reason = why(session)
            return self.steps.compactor.compact(session, reason) if self.steps.compactor and reason else None

    def _compactor(
        self, compaction: Compaction, meter: RequestMeter, budget: int, clock: Clock, opened: ExitStack
    ) -> Compactor:
        repin = partial(opening.repinned, self.workspace)
        made = Compactor(compaction, self.model, meter, budget, clock, self.sessions, self.archive, repin)
        opened.callback(made.pauses.close)
        return made

    def _steps(
        self,
        meter: RequestMeter,
        limits: Limits,
        budget: int,
        approve: Sequence[str],
        clock: Clock,
        compactor: Compactor | None,
    ) -> Steps:
        approved, root = components.approved(approve, self.menu), self.workspace.root
        archive = self.archive if compactor else None
        tools = ToolCalls(self.workspace, root, self.menu, approved, budget, self.reach, archive)
        return Steps(self._opening, tools, meter, limits, budget, clock, compactor)

    def _opening(self) -> Opening:
        pinned = [opening.pinned(self.workspace, page) for page in self._pinned]
        return new_opening(self.model.profile, self.menu, self._system, pinned, self._options)

    def _result(self, thread: str, stop: str | None) -> Result:
        session = self.sessions[thread].refresh()
        return result_of(session, self.steps.tools.waiting(session), stop or session.ending)
