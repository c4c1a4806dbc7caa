"""The loop, as a LangGraph graph:

    receive -> turn -> turn -> ... -> end          turn: ask the model, answer its calls

Each node asks the journal where the thread stands and does what comes next. So a node that runs again, after a kill or
after a person has approved a call, loses and doubles nothing. LangGraph's checkpoint holds only that place. One turn is
one step of LangGraph: with two, for the model and for the tools, each would cost as much as all our work in a turn.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from time import sleep
from typing import Any, Literal, NamedTuple, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from agentmem.menu.tool import Stop
from agentmem.runtime.events import Approval
from agentmem.runtime.invocation import KEYED, UNSEEN, Abandoned, Channel
from agentmem.runtime.session import Session, Sessions
from agentmem.runtime.steps import ModelCall, Steps, Write
from agentmem.runtime.tool_calls import Given
from agentmem.transcript.transcript import unpack
from agentmem.types import Text, ToolCall


class RunState(TypedDict, total=False):
    """The state that LangGraph checkpoints.

    ``task`` is the task, as text or as blocks in wire form, until it stands in the transcript. ``run`` names the run.
    ``head`` is the transcript's last entry, ``stop`` the limit that ended the run.
    """

    task: str | list[dict[str, Any]] | None
    run: str | None
    head: int
    stop: str | None


Step = Command[Literal["turn", "__end__"]]
"""A node's changes of the state, and the next node."""


class RunContext(NamedTuple):
    """A run in one of its turns: the session of its thread, the writer of its events, and the stop of its tools.

    ``unseen``: the caller wants the result only. ``allowed`` are the tools that may be used.
    """

    session: Session
    write: Write
    stop: Stop
    unseen: bool
    allowed: Collection[str] | None


class RunNodes:
    """The two nodes, for one agent."""

    def __init__(self, steps: Steps, sessions: Sessions) -> None:
        self.steps, self.sessions = steps, sessions

    def receive(self, state: RunState, config: RunnableConfig) -> Step:
        session, task = self.sessions.open(thread_of(config)).refresh(), state.get("task") or []
        blocks = [Text(task)] if isinstance(task, str) else [unpack(value) for value in task]
        run = state.get("run") or config["metadata"]["langgraph_checkpoint_ns"]
        self.steps.receive(session, run, blocks, config["configurable"].get(KEYED))
        return _go(session, {"task": None, "run": None, "stop": None})

    def turn(self, state: RunState, config: RunnableConfig) -> Step:
        """Asks the model, unless calls already wait for their results, and answers its calls."""
        run = self._run(state, config)
        stop = None if run.session.view.open else self._ask(run)
        if run.session.view.open and not stop:
            self._answer(run)
        return _go(run.session, {"stop": stop} if stop else {})

    def _ask(self, run: RunContext) -> str | None:
        """Asks until there is a reply. Returns the reason that stops the run, or None."""
        call = ModelCall(self.steps, run.session, run.write, unseen=run.unseen)
        while request := call.begin():
            try:
                call.listen(self.steps.model(run.session), request)
            except Exception as error:
                sleep(call.mend(error))
                continue
            call.done()
            break
        return call.stop

    def _answer(self, run: RunContext, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Answers the open calls. Calls that a person must allow wait together."""
        given = Given(allowed=run.allowed, loop=loop, stop=run.stop)
        for event in self.steps.tools.answer(run.session, given, _person):
            run.write(event)

    async def aturn(self, state: RunState, config: RunnableConfig) -> Step:
        """`turn` for asyncio."""
        run = await asyncio.to_thread(self._run, state, config)
        stop = None if run.session.view.open else await self._aask(run)
        if run.session.view.open and not stop:
            await self._aanswer(run)
        return _go(run.session, {"stop": stop} if stop else {})

    async def _aask(self, run: RunContext) -> str | None:
        call = ModelCall(self.steps, run.session, run.write, unseen=run.unseen)
        while request := await asyncio.to_thread(call.begin):
            try:
                await call.alisten(self.steps.model(run.session), request)
            except Exception as error:
                await asyncio.sleep(await asyncio.to_thread(call.mend, error))
                continue
            await asyncio.to_thread(call.done)
            break
        return call.stop

    async def _aanswer(self, run: RunContext) -> None:
        try:
            await asyncio.to_thread(self._answer, run, asyncio.get_running_loop())
        except asyncio.CancelledError:
            run.stop.set()
            raise

    def _run(self, state: RunState, config: RunnableConfig) -> RunContext:
        """The run, with its session as the node before left it. If another writer appended, ours raises ThreadBusy."""
        settings = config["configurable"]
        channel: Channel | None = settings.get("channel")
        if channel and channel.stop.stopped:
            raise Abandoned
        session = self.sessions.open(settings["thread_id"])
        return RunContext(
            session if session.view.seq == state.get("head") else session.refresh(),
            channel.write if channel else get_stream_writer(),
            channel.stop if channel else Stop(),
            bool(settings.get(UNSEEN)),
            settings.get("allow"),
        )


def _go(session: Session, update: RunState) -> Step:
    """The next step: another turn, or the end."""
    view = session.view
    ended = update.get("stop") or not (view.open or view.ready)
    return Command(update={**update, "head": view.seq}, goto="__end__" if ended else "turn")


class _Node(Runnable[RunState, Any]):
    """A node with a sync and an async form, without the cost of the tracing in LangChain's own pair."""

    def __init__(
        self,
        name: str,
        run: Callable[[RunState, RunnableConfig], Any],
        arun: Callable[[RunState, RunnableConfig], Awaitable[Any]],
    ) -> None:
        self.name, self._run, self._arun = name, run, arun

    def invoke(self, input: RunState, config: RunnableConfig | None = None, **_: Any) -> Any:
        return self._run(input, config or {})

    async def ainvoke(self, input: RunState, config: RunnableConfig | None = None, **_: Any) -> Any:
        return await self._arun(input, config or {})


def build(nodes: RunNodes, saver: BaseCheckpointSaver[Any]) -> CompiledStateGraph[RunState]:
    """The compiled graph. ``config={"configurable": {"thread_id": ...}}`` gives it a thread."""
    graph = StateGraph(RunState)
    graph.add_node("receive", nodes.receive, destinations=("turn", END))
    graph.add_node("turn", _Node("turn", nodes.turn, nodes.aturn), destinations=("turn", END))
    graph.add_edge(START, "receive")
    return graph.compile(checkpointer=saver, name="agentmem")


def thread_of(config: RunnableConfig) -> str:
    """The thread that a config names."""
    return str(config["configurable"]["thread_id"])


def _person(calls: Sequence[ToolCall]) -> Approval:
    """A person's answer to waiting calls, from LangGraph's ``Command(resume=...)``."""
    answer = interrupt({"approve": [call.wire() for call in calls]})
    return Approval(**answer) if isinstance(answer, dict) and answer.keys() & _GIVEN else Approval(answer)


_GIVEN = frozenset({"allow", "edits", "answers"})
