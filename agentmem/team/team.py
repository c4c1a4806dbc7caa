"""The Team that users hold: a coder and a tester with two contexts, and one verdict on evidence that was run again."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Any, Literal, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from agentmem.checking import check_settings
from agentmem.closing import Closing
from agentmem.config import shell_environment
from agentmem.errors import ConfigError, ThreadNotFound
from agentmem.menu.tool import Stop
from agentmem.runtime import components
from agentmem.runtime.graph import thread_of
from agentmem.runtime.invocation import Channel, events, new_thread
from agentmem.sandbox import Diff, Sandbox
from agentmem.sandbox.planning import Isolation
from agentmem.team import mutants as mutation
from agentmem.team.budget import UNLIMITED, Budget
from agentmem.team.ending import ending
from agentmem.team.outcomes import environment as of_shell
from agentmem.team.progress import TeamDone, TeamEvent
from agentmem.team.result import TeamResult
from agentmem.team.rights import TESTS
from agentmem.team.roles import Player, role_of
from agentmem.team.settings import CHECK, DATABASE, ROUNDS, TRIES, WANTED, TeamSettings, place_of
from agentmem.team.state import TeamState
from agentmem.team.steps import Moved, TeamSteps

Next = Command[Literal["code", "test", "judge", "finish"]]


class TeamNodes:
    """The nodes of the graph. ``steps`` gives the work of a thread, ``done`` ends it."""

    def __init__(self, steps: Callable[[str], TeamSteps], done: Callable[[str], object]) -> None:
        self._steps, self._done = steps, done

    def code(self, state: TeamState, config: RunnableConfig) -> Next:
        return _go(self._at(config).code(state))

    def test(self, state: TeamState, config: RunnableConfig) -> Next:
        return _go(self._at(config).test(state))

    def judge(self, state: TeamState, config: RunnableConfig) -> Next:
        return _go(self._at(config).judge(state))

    def finish(self, state: TeamState, config: RunnableConfig) -> TeamState:
        self._done(thread_of(config))
        return {"message": None}

    def _at(self, config: RunnableConfig) -> TeamSteps:
        steps = self._steps(thread_of(config))
        channel = config["configurable"].get("channel")
        steps.write = channel.write if channel else get_stream_writer()
        steps.stop = channel.stop if channel else Stop()
        return steps


def build(nodes: TeamNodes, saver: BaseCheckpointSaver[Any]) -> CompiledStateGraph[TeamState]:
    """The compiled graph."""
    graph = StateGraph(TeamState)
    graph.add_node("code", nodes.code, destinations=("code", "test", "finish"))
    graph.add_node("test", nodes.test, destinations=("judge", "finish"))
    graph.add_node("judge", nodes.judge, destinations=("code", "test", "finish"))
    graph.add_node("finish", nodes.finish)
    graph.add_edge(START, "code")
    graph.add_edge("finish", END)
    return graph.compile(checkpointer=saver, name="team")


def _go(moved: Moved) -> Next:
    update, step = moved
    return Command(update=update, goto=step)


class Team(Closing):
    """A coder that changes code, and a tester that never sees how it worked, on forks of a repository.

    The work ends with a pass (see `Proof`), after the last round, when the budget is spent, or without progress.
    Nothing reaches the repository until `merge`. Close the team, or use it as a context manager.

    Args:
        coder, tester: models, Roles or Agents.
        repo: the repository, or another folder.
        check: the command that the change must pass. If the repository has its own Python: ``.venv/bin/pytest -q``.
        rounds: the most rounds.
        budget: the most tokens and dollars.
        tests: globs of the test paths. There the tester adds files, and the coder changes none.
        tries: reports that the tester may file in a round until one is accepted.
        mutants: faults to try, if the tester's tests also pass on the code without the change.
        seconds: the limit of one command.
        place: a folder outside the repository for reports, runs and forks.
        database: a file or URL for the runs, in place of one in ``place``.
        isolation: the walls around commands, as in ``Sandbox.fork``.
        environment: variables of commands, besides those of a sandbox; default: the user's PATH and language.
        trust_code: count a pass that is not proven: its tests were re-run in one process with the code, which can make
            them pass. A check that is no pytest can only pass so.

    Raises:
        ConfigError: a setting is wrong.

    Example:
        >>> with Team("anthropic:claude-sonnet-5-5", "anthropic:claude-sonnet-5-5", "shop") as team:
        ...     result = team.run("Reject negative prices.")
        ...     if result.passed:
        ...         team.merge(result)
    """

    def __init__(
        self,
        coder: Player,
        tester: Player,
        repo: Path | str = ".",
        *,
        check: str = CHECK,
        rounds: int = ROUNDS,
        budget: Budget = UNLIMITED,
        tests: Sequence[str] = TESTS,
        tries: int = TRIES,
        mutants: int = mutation.MOST,
        seconds: float = 600.0,
        place: Path | str | None = None,
        database: Path | str | None = None,
        isolation: Isolation | Literal["auto"] = "auto",
        environment: Mapping[str, str] | None = None,
        trust_code: bool = False,
    ) -> None:
        check_settings("Team", locals(), WANTED)
        root = Path(repo).expanduser().resolve()
        self.settings = TeamSettings(
            coder=role_of(coder),
            tester=role_of(tester),
            repo=root,
            place=Path(place).expanduser().resolve() if place else place_of(root),
            database=database,
            check=check,
            rounds=rounds,
            budget=budget,
            tests=tuple(tests),
            tries=tries,
            mutants=mutants,
            seconds=seconds,
            isolation=isolation,
            environment=of_shell(shell_environment()) if environment is None else environment,
            trust_code=trust_code,
        )
        self._running: dict[str, TeamSteps] = {}
        self._open(database or self.settings.place / DATABASE)

    def run(self, task: str | None = None, *, thread: str | None = None) -> TeamResult:
        """Work on ``task`` until the end, and return the result.

        With an existing ``thread`` it continues that work. If the work has ended, the same result is returned again.
        Raises ConfigError, ThreadBusy, IsolationUnavailable or a ModelError. Work done until then is kept.
        """
        result = None
        for event in self.stream(task, thread=thread):
            result = event.result if isinstance(event, TeamDone) else result
        assert result is not None  # a stream that raises nothing ends with it
        return result

    def stream(self, task: str | None = None, *, thread: str | None = None) -> Generator[TeamEvent, None, None]:
        """`run`, with events as they happen. The last event is TeamDone.

        To leave early ends the work at once, with the command that is running; it can be continued.
        """
        yield from self._events(task, thread or new_thread(), Channel())

    def _events(self, task: str | None, thread: str, heard: Channel) -> Generator[TeamEvent, None, None]:
        given = self._input(task, thread)

        def work(channel: Channel) -> None:
            config: Any = {"configurable": {"thread_id": thread, "channel": channel}, "recursion_limit": 1_000_000}
            if given is not None or self.graph.get_state(_config(thread)).next:
                self.graph.invoke(given, config, durability="sync")

        with self.journal.lease(f"{thread}.team"):
            try:
                yield from cast(Generator[TeamEvent, None, None], events(work, heard))
            finally:
                self._leave(thread)
            yield TeamDone(self.result(thread))

    async def arun(self, task: str | None = None, *, thread: str | None = None) -> TeamResult:
        """As `run`, without blocking the event loop."""
        result = None
        async with aclosing(self.astream(task, thread=thread)) as events:
            async for event in events:
                result = event.result if isinstance(event, TeamDone) else result
        assert result is not None  # a stream that raises nothing ends with it
        return result

    async def astream(self, task: str | None = None, *, thread: str | None = None) -> AsyncGenerator[TeamEvent, None]:
        """As `stream`. The work runs in other threads."""
        heard = Channel()
        events = self._events(task, thread or new_thread(), heard)
        step: asyncio.Future[TeamEvent | None] | None = None
        try:
            while True:
                step = asyncio.ensure_future(asyncio.to_thread(next, events, None))
                if (event := await asyncio.shield(step)) is None:
                    return
                yield event
        finally:
            heard.stop.set()
            if step is not None and not step.done():
                await asyncio.wait([step])
            if step is not None and not step.cancelled():
                step.exception()  # it was told to the reader, or there is none
            await asyncio.to_thread(events.close)

    def result(self, thread: str) -> TeamResult:
        """The result of finished work. Raises ThreadNotFound if the work is unknown or has not ended."""
        state = self.graph.get_state(_config(thread))
        if not state.values.get("stop"):
            raise ThreadNotFound(
                f"the team's work {thread!r} has no result: run it again with its task, or continue it"
            )
        return ending(cast(Any, state.values), thread, self.settings, self.journal)

    def merge(self, result: TeamResult, *, with_tests: bool = False) -> tuple[str, ...]:
        """Merge the change into the repository, with the tester's tests if asked for. Returns the paths written.

        Raises MergeConflict, and changes nothing, if the repository has since changed the same files.
        """
        changes = (*result.diff.changes, *(result.tests.changes if with_tests else ()))
        with Sandbox.fork(self.settings.repo, isolation=self.settings.isolation) as fork:
            fork.apply(Diff(tuple(sorted(changes, key=lambda change: change.path))))
            return fork.merge_into()

    def close(self) -> None:
        """Close the database and stop running work. Forks of unfinished work stay, so that it can continue."""
        for thread in tuple(self._running):
            self._leave(thread)
        self._opened.close()

    def _open(self, database: Path | str) -> None:
        with ExitStack() as opened:
            self.journal, saver = components.database(database, opened)
            self.graph: CompiledStateGraph[Any] = build(TeamNodes(self._steps, self._done), saver)
            self._opened = opened.pop_all()

    def _input(self, task: str | None, thread: str) -> dict[str, str] | None:
        """The graph's input; None to continue existing work."""
        known = self.graph.get_state(_config(thread)).values.get("task")
        if known is not None:
            if task is not None and task.strip() != known.strip():
                raise ConfigError(f"the work {thread!r} has another task already: give it another thread, or no task")
            return None
        if task is None or not task.strip():
            raise ConfigError("say what to do: Team.run(task)")
        return {"task": task}

    def _steps(self, thread: str) -> TeamSteps:
        if thread not in self._running:
            self._running[thread] = TeamSteps(self.settings, thread, self.journal)
        return self._running[thread]

    def _done(self, thread: str) -> None:
        self._steps(thread).close()
        del self._running[thread]

    def _leave(self, thread: str) -> None:
        if steps := self._running.pop(thread, None):
            steps.leave()


def _config(thread: str) -> Any:
    return {"configurable": {"thread_id": thread}}
