"""The Agent: what people hold. It puts model, workspace, menu and journal together and runs the graph on a thread."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, Literal, Self, cast
from uuid import uuid4

from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from agentmem import assets
from agentmem.context.compaction import Compaction, Reason
from agentmem.context.transcript import Opening, PinnedPage, pack, reconfigure
from agentmem.errors import ThreadNotFound, WorkspaceError
from agentmem.pages.workspace import Workspace
from agentmem.runtime import parts
from agentmem.runtime.asking import Asks
from agentmem.runtime.compacting import Compactor
from agentmem.runtime.events import Approval, Compacted, Done, Event, Result, Status, Stopped
from agentmem.runtime.forgetting import forget
from agentmem.runtime.graph import Nodes, build
from agentmem.runtime.limits import Limits
from agentmem.runtime.menu import Menu, ToolLike
from agentmem.runtime.metering import Meter
from agentmem.runtime.session import Session, Sessions
from agentmem.runtime.steps import Steps
from agentmem.runtime.streaming import Channel, events
from agentmem.types import Archive, Block, Clock, Draft, Model, Options, Text

Task = str | Sequence[Block]

BUDGET = 120_000
"""Tokens of context, in the provider's count, above which no request goes out."""


class Agent(Asks):
    """A stateful agent on a workspace of pages.

    ``model`` is a Model or a name such as "anthropic:claude-sonnet-5". ``workspace`` is a folder. ``tools`` are
    functions, LangChain tools or names of built-in ones; by default the built-in menu. ``budget`` is in the provider's
    tokens. ``system`` replaces the default instructions; ``pinned`` names pages that stand in the prefix.
    ``approve`` names tools whose calls wait for a person. ``database`` is a file or a Postgres URL, by default
    ``.agentmem/agentmem.db`` in the workspace. ``compaction`` says how threads are kept small, None never does;
    ``archive`` takes in what leaves the window, so that ``recall`` finds it by words and meaning: by default one in the
    workspace's ``.agentmem/archive``, which LanceDB is imported for when something leaves; None for none.

    Close it, or use it as a context manager. A model or an archive that was passed in as an object stays open.
    """

    def __init__(
        self,
        model: Model | str,
        workspace: Workspace | Path | str = ".",
        *,
        name: str = "agent",
        tools: Sequence[ToolLike] | Menu | None = None,
        budget: int = BUDGET,
        system: str | None = None,
        pinned: Sequence[str] = (),
        options: Options = Options(),
        approve: Sequence[str] = (),
        limits: Limits = Limits(),
        database: Path | str | None = None,
        price_as: str | None = None,
        compaction: Compaction | None = Compaction(),
        archive: Archive | Literal["workspace"] | None = "workspace",
        clock: Clock = time,
    ) -> None:
        self.menu = parts.menu(tools)
        self._system = assets.read("prompts/agent.md").strip() if system is None else system
        self._pinned, self._options = tuple(pinned), options
        with ExitStack() as opened:
            self.workspace = parts.workspace(workspace, opened)
            self.model = parts.model(model, opened)
            self.journal, saver = parts.database(database or self.workspace.root / ".agentmem" / "agentmem.db", opened)
            self.sessions = Sessions(self.journal)
            meter = Meter(name, self.model.profile, price_as)
            self.archive = parts.archive(archive, self.journal, self.workspace, opened)
            compactor = None
            if compaction:
                compactor = Compactor(compaction, self.model, meter, budget, clock, self.archive, self._repinned)
            self.steps = self._steps(meter, limits, budget, parts.approved(approve, self.menu), clock, compactor)
            opened.callback(self.steps.pauses.close)
            self.graph: CompiledStateGraph[Any] = build(Nodes(self.steps, self.model, self.sessions), saver)
            self._opened = opened.pop_all()

    def run(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> Result:
        """Works on ``task`` until the model has answered, a limit is reached or a call waits for approval.

        With a ``thread`` that exists it goes on there. Without a task it finishes what was cut off; with an Approval
        it answers what the thread waits for. Raises ThreadBusy, BudgetExceeded or a ModelError; the transcript is
        intact after any of them, and after a KeyboardInterrupt. ``allow`` names the tools that may be used in this
        run; the others stay on the menu, and say so when they are called.
        """
        thread = thread or new_thread()
        with self._working(thread):
            state = self.graph.invoke(_input(task), _config(thread, allow), durability="sync")
            return self._result(thread, state.get("stop"))

    async def arun(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> Result:
        """As `run`."""
        thread = thread or new_thread()
        async with _elsewhere(self._working(thread)):
            state = await self.graph.ainvoke(_input(task), _config(thread, allow), durability="sync")
            return await asyncio.to_thread(self._result, thread, state.get("stop"))

    def stream(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> Generator[Event, None, None]:
        """As `run`, but gives each event as it happens. The last is Done, with the result.

        Leaving early ends the run at its next event, and frees the thread.
        """
        thread = thread or new_thread()
        stop: list[str] = []

        def work(channel: Channel) -> None:
            config = _config(thread, allow, channel=channel)
            stop.append(self.graph.invoke(_input(task), config, durability="sync").get("stop") or "")

        with self._working(thread, streams=True):
            yield from events(work)
            yield Done(self._result(thread, stop[0]))

    async def astream(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> AsyncGenerator[Event, None]:
        """As `stream`."""
        thread = thread or new_thread()
        stop = ""
        async with _elsewhere(self._working(thread, streams=True)):
            told = self.graph.astream(_input(task), _config(thread, allow), stream_mode="custom", durability="sync")
            async for event in cast(AsyncIterator[Event], told):
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

    def fork(self, thread: str, at: int, to: str | None = None) -> str:
        """A new thread whose transcript is that of ``thread`` up to entry ``at``. Gives its name."""
        to = to or new_thread()
        self.journal.fork(thread, at, to)
        return to

    def forget(self, thread: str, *, with_forks: bool = False) -> int:
        """Removes a thread everywhere, for good. Gives the number of entries removed."""
        self.steps.pauses.end(thread)
        self.sessions.drop(thread)
        return forget(self.journal, self.workspace.root, thread, with_forks=with_forks, archive=self.archive)

    def close(self) -> None:
        """Frees the journal, and what the agent made itself: a workspace, a model. May be called twice."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _working(self, thread: str, *, streams: bool = False) -> Iterator[Session]:
        """Holds a thread for work: its pause is over, and the next begins when the work is done."""
        self.steps.pauses.end(thread)
        with self.journal.lease(thread):
            session = self.sessions[thread]
            asked = self.steps.compactor.settings.warm if self.steps.compactor else False
            session.working, session.warm = True, streams if asked is None else asked
            try:
                yield session
            finally:
                self.steps.pauses.end(thread)
                session.working = False
        self.steps.pause(session)

    def _compacted(self, thread: str, why: Callable[[Session], Reason | None]) -> Compacted | None:
        with self._working(thread) as session:
            if session.refresh().view.opening is None:
                raise ThreadNotFound(f"there is no thread {thread!r}")
            reason = why(session)
            return self.steps.compactor.compact(session, reason) if self.steps.compactor and reason else None

    def _repinned(self, session: Session) -> tuple[Draft, ...]:
        """With a compaction, pinned pages that were edited stand in the prefix as they are now."""
        known = session.view.settings
        pinned = tuple(self._as_it_is(page) for page in known.pinned)
        return () if pinned == known.pinned else (reconfigure(replace(known, pinned=pinned)),)

    def _as_it_is(self, page: PinnedPage) -> PinnedPage:
        """The page now; one that cannot be read stays as it was."""
        try:
            return self._page(page.page)
        except WorkspaceError:
            return page

    def _page(self, name: str) -> PinnedPage:
        return PinnedPage(name, self.workspace.revision(name), self.workspace.render(name))

    def _steps(
        self,
        meter: Meter,
        limits: Limits,
        budget: int,
        approve: frozenset[str],
        clock: Clock,
        compactor: Compactor | None,
    ) -> Steps:
        return Steps(
            profile=self.model.profile,
            opening=self._opening,
            workspace=self.workspace,
            menu=self.menu,
            meter=meter,
            limits=limits,
            budget=budget,
            approve=approve,
            clock=clock,
            compactor=compactor,
        )

    def _opening(self) -> Opening:
        return Opening(
            model=self.model.profile.name,
            tools=tuple(self.menu.definitions()),
            system=(self._system,) if self._system else (),
            pinned=tuple(map(self._page, self._pinned)),
            options=self._options,
            notes_in_results=self.model.profile.plain_turn_strips_thinking,
        )

    def _result(self, thread: str, stop: str | None) -> Result:
        session = self.sessions[thread].refresh()
        pending = self.steps.waiting(session)
        spent = session.tally.spent
        status: Status = "stopped" if stop else "waiting" if pending else "done"
        names = ", ".join(call.name for call in pending)
        return Result(
            thread=thread,
            status=status,
            text=session.tally.answer,
            reason=stop or (f"waits for approval: {names}" if pending else ""),
            pending=pending,
            turns=spent.turns,
            usage=tuple(spent.usage.values()),
            cost_usd=spent.usd,
        )


def new_thread() -> str:
    """A name for a thread that nobody has."""
    return uuid4().hex[:12]


def _input(task: Task | Approval | None) -> Any:
    if isinstance(task, Approval):
        allow = task.allow if isinstance(task.allow, bool) else dict(task.allow)
        return Command(resume={"allow": allow, "reason": task.reason})
    blocks = [Text(task)] if isinstance(task, str) else task or []
    return {"task": [pack(block) for block in blocks], "run": uuid4().hex}


def _config(thread: str, allow: Sequence[str] | None, **more: Any) -> Any:
    allowed = {} if allow is None else {"allow": list(allow)}
    # LangGraph stops after this many steps; the limits of a run are ours to keep.
    return {"configurable": {"thread_id": thread, **allowed, **more}, "recursion_limit": 1_000_000}


@asynccontextmanager
async def _elsewhere(held: AbstractContextManager[object]) -> AsyncIterator[None]:
    """What is held, taken and given back without holding up the event loop."""
    with ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, held)
        try:
            yield
        finally:
            await asyncio.to_thread(stack.close)
