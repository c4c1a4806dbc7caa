"""The Agent: what people hold. It puts model, workspace, menu and journal together and runs the graph on a thread."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, Self, cast
from uuid import uuid4

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from agentmem import assets, models
from agentmem.context.journal import Journal, open_journal
from agentmem.context.transcript import Opening, PinnedPage, pack
from agentmem.errors import ConfigError
from agentmem.pages.workspace import Workspace
from agentmem.runtime.checkpoints import saver_beside
from agentmem.runtime.events import Approval, Done, Event, Result, Status, Stopped
from agentmem.runtime.graph import Nodes, build
from agentmem.runtime.limits import Limits
from agentmem.runtime.menu import Menu, ToolLike, default_menu, make_menu
from agentmem.runtime.metering import Meter
from agentmem.runtime.session import Sessions
from agentmem.runtime.steps import Steps
from agentmem.runtime.streaming import Channel, events
from agentmem.types import Block, Clock, Model, Options, Text

Task = str | Sequence[Block]

BUDGET = 120_000
"""Tokens of context, in the provider's count, above which no request goes out."""


class Agent:
    """A stateful agent on a workspace of pages.

    ``model`` is a Model or a name such as "anthropic:claude-sonnet-5". ``workspace`` is a folder. ``tools`` are
    functions, LangChain tools or names of built-in ones; by default the built-in menu. ``budget`` is in the provider's
    tokens. ``system`` replaces the default instructions; ``pinned`` names pages that stand in the prefix.
    ``approve`` names tools whose calls wait for a person. ``database`` is a file or a Postgres URL, by default
    ``.agentmem/agentmem.db`` in the workspace.

    Close it, or use it as a context manager. A model that was passed in as an object stays open.
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
        clock: Clock = time,
    ) -> None:
        self.menu = _menu(tools)
        self._system = assets.read("prompts/agent.md").strip() if system is None else system
        self._pinned, self._options = tuple(pinned), options
        with ExitStack() as opened:
            self.workspace = _workspace(workspace, opened)
            self.model = _model(model, opened)
            self.journal, saver = _database(database or self.workspace.root / ".agentmem" / "agentmem.db", opened)
            self.sessions = Sessions(self.journal)
            meter = Meter(name, self.model.profile, price_as)
            self.steps = self._steps(meter, limits, budget, _approved(approve, self.menu), clock)
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
        with self.journal.lease(thread):
            state = self.graph.invoke(_input(task), _config(thread, allow), durability="sync")
            return self._result(thread, state.get("stop"))

    async def arun(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> Result:
        """As `run`."""
        thread = thread or new_thread()
        async with _leased(self.journal, thread):
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

        with self.journal.lease(thread):
            yield from events(work)
            yield Done(self._result(thread, stop[0]))

    async def astream(
        self, task: Task | Approval | None = None, *, thread: str | None = None, allow: Sequence[str] | None = None
    ) -> AsyncGenerator[Event, None]:
        """As `stream`."""
        thread = thread or new_thread()
        stop = ""
        async with _leased(self.journal, thread):
            told = self.graph.astream(_input(task), _config(thread, allow), stream_mode="custom", durability="sync")
            async for event in cast(AsyncIterator[Event], told):
                stop = event.reason if isinstance(event, Stopped) else stop
                yield event
            yield Done(await asyncio.to_thread(self._result, thread, stop))

    def fork(self, thread: str, at: int, to: str | None = None) -> str:
        """A new thread whose transcript is that of ``thread`` up to entry ``at``. Gives its name."""
        to = to or new_thread()
        self.journal.fork(thread, at, to)
        return to

    def forget(self, thread: str, *, with_forks: bool = False) -> int:
        """Removes a thread everywhere, for good. Gives the number of entries removed."""
        self.sessions.drop(thread)
        return self.journal.forget(thread, with_forks=with_forks)

    def close(self) -> None:
        """Frees the journal, and what the agent made itself: a workspace, a model. May be called twice."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _steps(self, meter: Meter, limits: Limits, budget: int, approve: frozenset[str], clock: Clock) -> Steps:
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
        )

    def _opening(self) -> Opening:
        pages = [(name, self.workspace.revision(name), self.workspace.render(name)) for name in self._pinned]
        return Opening(
            model=self.model.profile.name,
            tools=tuple(self.menu.definitions()),
            system=(self._system,) if self._system else (),
            pinned=tuple(PinnedPage(*page) for page in pages),
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


def _menu(tools: Sequence[ToolLike] | Menu | None) -> Menu:
    if tools is None:
        return default_menu()
    return tools if isinstance(tools, Menu) else make_menu(tools)


def _workspace(place: Workspace | Path | str, opened: ExitStack) -> Workspace:
    """The workspace; one that was made from a path is closed with the agent."""
    if isinstance(place, Workspace):
        return place
    return opened.enter_context(closing(Workspace(place, create=True)))


def _model(model: Model | str, opened: ExitStack) -> Model:
    """The model; one that was named is closed with the agent."""
    if not isinstance(model, str):
        return model
    loaded = models.load(model)
    opened.callback(loaded.close)
    return loaded


def _database(url: Path | str, opened: ExitStack) -> tuple[Journal, BaseCheckpointSaver[Any]]:
    """The journal and LangGraph's checkpoints, in one database."""
    journal = opened.enter_context(closing(open_journal(url)))
    return journal, opened.enter_context(closing(saver_beside(journal)))


def _approved(approve: Sequence[str], menu: Menu) -> frozenset[str]:
    if unknown := sorted(set(approve) - set(menu.names)):
        raise ConfigError(f"approve names {', '.join(unknown)}, and the menu has only {', '.join(menu.names)}")
    return frozenset(approve)


@asynccontextmanager
async def _leased(journal: Journal, thread: str) -> AsyncIterator[None]:
    """A thread's lease, taken and given back without holding up the event loop."""
    with ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, journal.lease(thread))
        try:
            yield
        finally:
            await asyncio.to_thread(stack.close)
