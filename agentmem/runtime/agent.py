"""The Agent: puts model, workspace, menu and journal together, and runs the graph on a thread."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import time
from typing import Any, cast

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph

from agentmem.checking import check_settings
from agentmem.closing import Closing, StaysHere
from agentmem.compaction.when import Compaction, Reason
from agentmem.errors import ConfigError, ThreadNotFound
from agentmem.menu.menu import ToolLike
from agentmem.menu.permissions import Reach
from agentmem.menu.tool import Menu
from agentmem.meter.ledger import RequestMeter
from agentmem.models.objects import ModelLike
from agentmem.pages.workspace import Workspace
from agentmem.routing.routes import Routes
from agentmem.runtime import components, opening, switches
from agentmem.runtime import skills as skill_pages
from agentmem.runtime.compacting import Compactor
from agentmem.runtime.delegates import Delegated, Delegates, Delegation
from agentmem.runtime.events import Approval, Compacted, Done, Event, Result, Stopped
from agentmem.runtime.graph import RunNodes, build
from agentmem.runtime.history import Sandboxed, forget
from agentmem.runtime.invocation import UNSEEN, Channel, Task, config_of, events, input_of, new_thread, result_of
from agentmem.runtime.once import Once, once
from agentmem.runtime.opening import instructions, new_opening
from agentmem.runtime.placing import placing_of
from agentmem.runtime.questions import AnswersQuestions
from agentmem.runtime.returns import Returns
from agentmem.runtime.session import Session
from agentmem.runtime.steps import Steps
from agentmem.runtime.stops import Limits
from agentmem.runtime.tool_calls import ToolCalls
from agentmem.transcript.checkpoint import Checkpoint
from agentmem.transcript.delegates import below
from agentmem.transcript.transcript import Opening
from agentmem.types import Archive, Clock, Options

DATABASE = ".agentmem/agentmem.db"
"""The default place of the database, in the workspace."""
BUDGET = 120_000
"""The default budget: the most tokens of context that a request may have, in the provider's count."""


class Agent(AnswersQuestions, StaysHere, Closing):
    """A stateful agent on a workspace of pages.

        with Agent("anthropic:claude-sonnet-5-5", "notes", tools=["read", "write"]) as agent:
            print(agent.run("Summarise todo.md", thread="main").text)

    ``model`` is a Model, a LangChain chat model or a name. ``workspace`` is a folder. ``tools`` are functions,
    LangChain tools, connections or names of built-in ones; by default the built-in menu. ``budget`` is the most context
    of a request, in the provider's tokens; it is lowered to what fits into the model's window. ``system`` replaces the
    default instructions; ``pinned`` names pages for the prefix. ``approve`` names tools whose calls wait for a person.
    ``reach`` says how far the built-in tools go: by default changes to files that steer other programs wait too, hidden
    files are not read, and commands run behind walls. ``limits`` bound each run. ``database`` is a file or a Postgres
    URL, by default ``.agentmem/agentmem.db`` in the workspace. ``compaction`` keeps threads small; None turns it off.
    ``archive`` takes in the entries that leave the window, for ``recall``: by default the workspace's own; an
    address ``s3://bucket/prefix``, which agents on several hosts share; None for none. ``answers`` is one for those of
    `ask`; ``attachments`` one for large pages (1 MB and more), of which the database keeps only where they are.

    ``skills`` names a folder of pages ``NAME/SKILL.md`` with instructions for kinds of work: each is a line in the
    prefix, and the model reads it when it needs it. ``sandbox`` is saved with each checkpoint. ``delegation`` says how
    far delegates go: see `delegate`. ``fallbacks`` are models that answer, in this order, when the one before is
    overloaded, cannot be reached, is unknown or declines. A run that begins five minutes later (after a refusal at
    once) tries the first again. ``routes`` say which requests go to which models besides, and why: see
    `agentmem.Routes`. ``model_options`` go to the class of a model given by name, and win over those of agentmem.toml;
    ``price_as`` ("provider:name") names the model whose prices count; a fallback keeps its own, if it has any.

    Close the agent, or use it in a ``with``. A model or an archive that was passed in as an object stays open. Raises
    ConfigError for a setting that does not fit, MenuError for tools that do not, ModelNotAvailable.
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
        archive: Archive | str | None = "workspace",
        attachments: str | None = None,
        answers: str | None = None,
        clock: Clock = time,
        sandbox: Sandboxed | None = None,
        delegation: Delegation = Delegation(),
        fallbacks: Sequence[ModelLike] = (),
        skills: str | None = None,
        routes: Routes | None = None,
    ) -> None:
        check_settings("Agent", locals(), components.WANTED)
        self._system, self._skills = instructions(system), skill_pages.checked_folder(skills) if skills else None
        self._pinned, self._options, self.reach = tuple(pinned), options, reach
        with ExitStack() as opened:
            self.workspace, self.menu, root = components.ground(workspace, tools, opened)
            self.lineup = components.lineup((model, *fallbacks), model_options, opened, routes, root)
            self.journal, saver = components.database(database or root / DATABASE, opened, attachments)
            self.sessions, self.history = components.threads(self.journal, root, sandbox)
            budget, meter = components.measured(name, self.lineup, budget, options, price_as)
            self.placing = placing_of(routes, self.lineup, self.sessions, clock, price_as)
            self.archive, self._answers_in = components.beside(archive, answers, database, self.journal, root, opened)
            self._wire(self._core(meter, limits, budget, approve, clock, compaction, opened), delegation, saver, opened)

    def _wire(self, alone: Steps, delegation: Delegation, saver: BaseCheckpointSaver[Any], opened: ExitStack) -> None:
        """The graph, and the delegates' over the steps ``alone``, without delegates. Keeps what was ``opened``."""

        def graph_of(steps: Steps) -> CompiledStateGraph[Any]:
            return build(RunNodes(steps, self.sessions), saver)

        self.model = self.lineup.models[0]
        self._delegates = Delegates(alone, graph_of, self.sessions, delegation)
        self.steps = replace(alone, tools=replace(alone.tools, delegates=self._delegates))
        self.graph: CompiledStateGraph[Any] = graph_of(self.steps)
        self._opened = opened.pop_all()

    def run(
        self,
        task: Task | Approval | None = None,
        *,
        thread: str | None = None,
        allow: Sequence[str] | None = None,
        returns: Any = None,
        key: str | None = None,
    ) -> Result:
        """Works on ``task`` until the model has answered, a limit is reached or a call waits for approval.

            result = agent.run("Order 12 of B30", thread="stock")
            while result.status == "waiting":
                result = agent.run(Approval(True), thread="stock")

        With ``returns`` (a pydantic model, a dataclass, a TypedDict or another type) ``result.value`` has the answer in
        that type; an answer that does not fit is asked for once more. The thread's prefix stays as it is.

        A ``thread`` that exists is continued. Without a task, an unfinished run is finished; an Approval answers the
        calls that the thread waits with. ``allow`` names the tools that may be used in this run; the others stay on the
        menu and refuse.

        A task with a ``key`` is started once, however often and on whatever host it is run. Another call with the key
        waits for the run, goes on with it if its process is gone, or gets its result: ``result.submitted`` says which.

        Returns the result. Raises ThreadBusy, BudgetExceeded or a ModelError; ConfigError for an empty task, KeyTaken
        for another task under the key, ThreadNotFound if there is nothing to continue. The transcript is intact after
        each of them, and after a KeyboardInterrupt.
        """
        call, wanted = self._call(key, task, thread), Returns.of(returns)
        with call.holding(self._running, wanted) as found:
            if found:
                return found
            config, given = self._config(call, allow, **{UNSEEN: True}), self._input(call, task, wanted)
            while True:
                state = self.graph.invoke(given, config, durability="sync")
                if result := self._result(call, state.get("stop"), wanted):
                    return result
                given = input_of(None)

    async def arun(
        self,
        task: Task | Approval | None = None,
        *,
        thread: str | None = None,
        allow: Sequence[str] | None = None,
        returns: Any = None,
        key: str | None = None,
    ) -> Result:
        """As `run`."""
        call, wanted = await asyncio.to_thread(self._call, key, task, thread), Returns.of(returns)
        async with call.aholding(self._running, wanted) as found:
            if found:
                return found
            config, given = self._config(call, allow, **{UNSEEN: True}), self._input(call, task, wanted)
            while True:
                state = await self.graph.ainvoke(given, config, durability="sync")
                if result := await asyncio.to_thread(self._result, call, state.get("stop"), wanted):
                    return result
                given = input_of(None)

    def stream(
        self,
        task: Task | Approval | None = None,
        *,
        thread: str | None = None,
        allow: Sequence[str] | None = None,
        returns: Any = None,
        key: str | None = None,
    ) -> Generator[Event, None, None]:
        """As `run`, but yields each event as it happens. The last one is Done, with the result.

        To leave the loop early ends the run at its next event, and frees the thread.
        """
        call, wanted, stop = self._call(key, task, thread), Returns.of(returns), list[str]()
        with call.holding(partial(self._running, streams=True), wanted) as result:
            given = self._input(call, task, wanted)

            def invoke(channel: Channel) -> None:
                config = self._config(call, allow, channel=channel)
                stop.append(self.graph.invoke(given, config, durability="sync").get("stop") or "")

            while result is None:
                yield from events(invoke)
                result, given = self._result(call, stop[-1], wanted), input_of(None)
            yield Done(result)

    async def astream(
        self,
        task: Task | Approval | None = None,
        *,
        thread: str | None = None,
        allow: Sequence[str] | None = None,
        returns: Any = None,
        key: str | None = None,
    ) -> AsyncGenerator[Event, None]:
        """As `stream`."""
        call, wanted = await asyncio.to_thread(self._call, key, task, thread), Returns.of(returns)
        async with call.aholding(partial(self._running, streams=True), wanted) as result:
            given, stop, config = self._input(call, task, wanted), "", self._config(call, allow)
            while result is None:
                told = self.graph.astream(given, config, stream_mode="custom", durability="sync")
                async with aclosing(cast(AsyncGenerator[Event, None], told)) as heard:
                    async for event in heard:
                        stop = event.reason if isinstance(event, Stopped) else stop
                        yield event
                result, given = await asyncio.to_thread(self._result, call, stop, wanted), input_of(None)
            yield Done(result)

    def delegate(self, task: Task, *, thread: str | None = None, **how: Any) -> Delegated:
        """Has a piece of a thread's work done by a delegate, on a thread of its own; returns its report.

            report = agent.delegate("Check section 3 against the budget.", thread="main", tools=["read", "find"])
            print(report.text, report.result.cost, report.reference)

        The delegate begins with all that ``thread`` has sent, and reads the cache up to there; with ``fresh=True``, or
        without a thread, it begins with an empty view. ``how`` are settings of Delegation: fresh, tools, limits,
        budget. Calls that wait for a person are declined. Its thread is named after ``thread`` (``main.d1``), and
        `agentmem report main` counts it in. An error of its model ends the delegate, and its result says so. Raises
        ConfigError for settings that do not fit, ThreadNotFound.
        """
        return self.delegate_all([task], thread=thread, **how)[0]

    def delegate_all(self, tasks: Sequence[Task], *, thread: str | None = None, **how: Any) -> tuple[Delegated, ...]:
        """As `delegate`, a delegate for each task: one warms the cache, then the rest work side by side.

        ``together=`` says how many at once. Returns the outcomes in the order of the tasks.
        """
        try:
            settings = replace(self._delegates.settings, **({"fresh": True} if thread is None else {}) | how)
        except TypeError as error:
            raise ConfigError(f"delegates have no such setting: {error}") from None
        named = self.history.current(thread) if thread else new_thread()
        return self._delegates.run(named, tasks, settings) if tasks else ()

    async def adelegate(self, task: Task, *, thread: str | None = None, **how: Any) -> Delegated:
        """As `delegate`."""
        return await asyncio.to_thread(partial(self.delegate, task, thread=thread, **how))

    def delegates(self, thread: str) -> tuple[str, ...]:
        """The threads of a thread's delegates, and of theirs, the oldest first."""
        return below([one.name for one in self.journal.threads(f"{thread}.")], thread)

    def compact(self, thread: str) -> Compacted | None:
        """Compacts a thread now, at any cost. Returns None if nothing could leave, or with ``compaction=None``."""
        return self._compacted(thread, lambda session: "asked")

    def idle(self, thread: str) -> Compacted | None:
        """Announces a pause that is longer than the cache lives: the thread is compacted now if that pays."""
        compactor = self.steps.compactor
        return self._compacted(thread, lambda session: compactor.due(session, pause=True) if compactor else None)

    def checkpoints(self, thread: str) -> tuple[Checkpoint, ...]:
        """The checkpoints of a thread, the oldest first: one before and one after each run, if anything had changed.

        Each ties an entry of the conversation to the pages and the sandbox of that moment. Those of its branches and of
        the threads that it was forked from are among them. Raises ThreadNotFound.
        """
        return self.history.checkpoints(thread)

    def checkpoint(self, thread: str, label: str = "") -> Checkpoint:
        """Takes a checkpoint of a thread now, also of very large pages. Raises ThreadNotFound."""
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
        """Makes a thread that begins with a run as it was ``at`` a checkpoint, or an entry of ``thread``.

            name = agent.fork(at="main@2")
            agent.run("Try the other way.", thread=name)

        ``at`` None is the last entry. The first request reads from the cache what the run had sent up to there. The
        pages stay as they are, unless ``into`` names a new folder for them as they were: an Agent there, on the same
        database, continues from that state. Returns the thread's name, which is ``to`` if given.
        """
        to = to or new_thread()
        if at is None:
            at = self.journal.head(self.history.current(thread or ""))
        return self.history.fork(at, thread, to, Path(into) if into is not None else None)

    def rollback(self, to: Checkpoint | str) -> str:
        """Brings a run back to a checkpoint: conversation, pages, plan and sandbox. Nothing is deleted.

        The current state becomes a checkpoint first. The thread continues as a branch, also for runs that name the
        thread. Returns the branch's name. Raises ThreadBusy while a run holds the thread, UnknownReference.
        """
        thread = self.history.current(self.history.origin(to))
        self._end_pause(thread)
        with self.sessions.sharing(thread):
            return self.history.rollback(to)

    def forget(self, thread: str, *, with_forks: bool = False) -> int:
        """Removes a thread everywhere, for good. Returns the number of removed entries."""
        self._end_pause(thread)
        self.sessions.drop(thread)
        return forget(self.journal, self.workspace.root, thread, with_forks=with_forks, archive=self.archive)

    def switch(self, source: str, on: bool, *, thread: str) -> None:
        """Turns a connection's tools off or on again for a thread, as an entry of its transcript.

            agent.switch("github", False, thread="main")

        The definitions stay where they are, so the prefix does not break: the model is told, and calls are refused. A
        connection that the thread began without is added to its tools by a declared cut. Raises ConfigError for an
        unknown connection, MenuError if the tools would be too many, ThreadNotFound, ThreadBusy.
        """
        thread = self.history.current(thread)
        with self._working(thread) as session:
            if session.refresh().view.opening is None:
                raise ThreadNotFound(f"there is no thread {thread!r} to switch {source!r} in: begin it with a run")
            session.append(*switches.drafts(self.menu, source, on, session.view.settings, session.tally.off))

    def close(self) -> None:
        """Closes the journal, and a workspace or a model that the agent made itself. May be called twice."""
        self._opened.close()

    def _call(self, key: str | None, task: Task | Approval | None, thread: str | None) -> Once:
        """The call of a run, on its thread. Raises ConfigError, KeyTaken."""
        if thread == "":
            raise ConfigError('thread is "": give it a name, or leave it out for a new thread')
        named = self.history.current(thread) if thread is not None else None
        return once(self.sessions, key, task, named) if key is not None else Once(self.sessions, named or new_thread())

    def _config(self, call: Once, allow: Sequence[str] | None, **more: Any) -> Any:
        return config_of(call.thread, allow, **call.config, **more)

    def _input(self, call: Once, task: Task | Approval | None, wanted: Returns) -> Any:
        """The graph's input. Raises ConfigError for an empty task, or an approval that does not fit."""
        if isinstance(task, Approval) and (task.edits or task.answers):
            self.steps.tools.check(self.sessions[call.thread].refresh(), task)
        return input_of(wanted.task(task) if call.is_new else None, call.run)

    @contextmanager
    def _running(self, thread: str, *, streams: bool = False) -> Iterator[None]:
        """Holds a thread for a run, with a checkpoint before and after."""
        with self._working(thread, streams=streams), self.sessions.sharing(thread):
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
        self, compaction: Compaction | None, meter: RequestMeter, budget: int, clock: Clock, opened: ExitStack
    ) -> Compactor | None:
        if compaction is None:
            return None
        repin = partial(opening.repinned, self.workspace)
        made = Compactor(
            compaction, self.lineup, meter, budget, clock, self.sessions, self.archive, repin, placing=self.placing
        )
        opened.callback(made.pauses.close)
        return made

    def _core(
        self,
        meter: RequestMeter,
        limits: Limits,
        budget: int,
        approve: Sequence[str],
        clock: Clock,
        compaction: Compaction | None,
        opened: ExitStack,
    ) -> Steps:
        approved, root = components.approved(approve, self.menu), self.workspace.root
        compactor = self._compactor(compaction, meter, budget, clock, opened)
        archive, settings = (self.archive, compactor.settings) if compactor else (None, None)
        tools = ToolCalls(self.workspace, root, self.menu, approved, budget, self.reach, archive, settings, clock=clock)
        made = Steps(self._opening, self.lineup, tools, meter, limits, budget, clock, compactor, self._skills)
        return replace(made, placing=self.placing)

    def _opening(self) -> Opening:
        pinned = [opening.pinned(self.workspace, page) for page in self._pinned]
        listed = skill_pages.section(self.workspace, self._skills) if self._skills else ""
        return new_opening(self.model.profile, self.menu, self._system, pinned, self._options, listed)

    def _result(self, call: Once, stop: str | None, wanted: Returns) -> Result | None:
        """The result; None if the answer does not fit what the run returns, and is asked for again."""
        session = self.sessions[call.thread].refresh()
        result = result_of(session, self.steps.tools.waiting(session), stop or session.ending)
        judged = wanted.judged(session, result)
        return judged and call.told(judged)
