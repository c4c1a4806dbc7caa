"""The loop, as a LangGraph graph:

    receive -> turn -> turn -> ... -> end          turn: ask the model, answer its calls

Each node asks the journal where the thread stands and does what comes next, so a node that is run again after a kill,
or when a person has approved a call, neither loses nor doubles anything. What LangGraph checkpoints is only where that
was; so a turn is one step of LangGraph's, not one for the model and one for the tools, each of which would cost as
much as all that we do in it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import sleep
from typing import Any, Literal, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from agentmem.menu import toolbox
from agentmem.runtime.events import Approval
from agentmem.runtime.invocation import UNSEEN, Abandoned, Channel
from agentmem.runtime.session import Session, Sessions
from agentmem.runtime.steps import ModelCall, OutOfTime, Steps, Write
from agentmem.runtime.tool_calls import Given
from agentmem.transcript.transcript import unpack
from agentmem.types import Model, Request, Text, ToolCall


class RunState(TypedDict, total=False):
    """What LangGraph checkpoints.

    ``task`` is what to do, as text or as blocks in wire form; it is gone once it stands in the transcript. ``run``
    names the run. ``head`` is the transcript's last entry, ``stop`` the limit that ended the run.
    """

    task: str | list[dict[str, Any]] | None
    run: str | None
    head: int
    stop: str | None


Step = Command[Literal["turn", "__end__"]]
"""What a node changed in the state, and which node comes next."""


class RunNodes:
    """The two nodes, for one agent."""

    def __init__(self, steps: Steps, model: Model, sessions: Sessions) -> None:
        self.steps, self.llm, self.sessions = steps, model, sessions

    def receive(self, state: RunState, config: RunnableConfig) -> Step:
        session, task = self.sessions.open(thread_of(config)).refresh(), state.get("task") or []
        blocks = [Text(task)] if isinstance(task, str) else [unpack(value) for value in task]
        self.steps.receive(session, state.get("run") or config["metadata"]["langgraph_checkpoint_ns"], blocks)
        return _go(session, {"task": None, "run": None, "stop": None})

    def turn(self, state: RunState, config: RunnableConfig) -> Step:
        """Asks the model, unless calls wait for their results already, and answers its calls."""
        session, write = self._session(state, config), _writer(config)
        if not session.view.open:
            stop = self._ask(ModelCall(self.steps, session, write, unseen=_unseen(config)))
            if stop:
                return _go(session, {"stop": stop})
        if session.view.open:
            self._answer(session, write, Given(**_wanted(config)))
        return _go(session, {})

    async def aturn(self, state: RunState, config: RunnableConfig) -> Step:
        session, write = await asyncio.to_thread(self._session, state, config), _writer(config)
        if not session.view.open:
            stop = await self._aask(ModelCall(self.steps, session, write, unseen=_unseen(config)))
            if stop:
                return _go(session, {"stop": stop})
        if session.view.open:
            await self._aanswer(session, write, config)
        return _go(session, {})

    def _ask(self, call: ModelCall) -> str | None:
        """Asks until there is a reply. Gives what stops the run, where something does."""
        while request := call.begin():
            try:
                self._listen(request, call)
            except Exception as error:
                sleep(call.mend(error))
                continue
            call.done()
            break
        return call.stop

    async def _aask(self, call: ModelCall) -> str | None:
        while request := await asyncio.to_thread(call.begin):
            try:
                await self._alisten(request, call)
            except Exception as error:
                await asyncio.sleep(await asyncio.to_thread(call.mend, error))
                continue
            await asyncio.to_thread(call.done)
            break
        return call.stop

    def _listen(self, request: Request, call: ModelCall) -> None:
        """Takes in the reply, for as long as the run may take. A model that stalls is left to itself."""

        def listen() -> None:
            for delta in self.llm.stream(request):
                call.take(delta)

        if call.seconds is None:
            listen()
        else:
            try:
                toolbox.run(listen, call.seconds, call.left)
            except toolbox.TimeUp as error:
                raise OutOfTime from error
        call.heard()

    async def _alisten(self, request: Request, call: ModelCall) -> None:
        try:
            async with asyncio.timeout(call.seconds) as limit:
                async for delta in self.llm.astream(request):
                    call.take(delta)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise OutOfTime from error
        call.heard()

    def _answer(self, session: Session, write: Write, given: Given) -> None:
        """The results of the open calls; those that need a person's leave wait for it together."""
        for event in self.steps.tools.answer(session, given, _person):
            write(event)

    async def _aanswer(self, session: Session, write: Write, config: RunnableConfig) -> None:
        given = Given(loop=asyncio.get_running_loop(), **_wanted(config))
        try:
            await asyncio.to_thread(self._answer, session, write, given)
        except asyncio.CancelledError:
            given.stop.set()
            raise

    def _session(self, state: RunState, config: RunnableConfig) -> Session:
        """The thread's session, where the node before left it. An append by anybody else makes ours ThreadBusy."""
        channel: Channel | None = config["configurable"].get("channel")
        if channel and channel.stop.stopped:
            raise Abandoned
        session = self.sessions.open(thread_of(config))
        return session if session.view.seq == state.get("head") else session.refresh()


def _go(session: Session, update: RunState) -> Step:
    """Where the thread stands: there is another turn, or it has come to its end."""
    view = session.view
    ended = update.get("stop") or not (view.open or view.ready)
    return Command(update={**update, "head": view.seq}, goto="__end__" if ended else "turn")


class _Node(Runnable[RunState, Any]):
    """A node with a sync and an async form, without the tracing that LangChain's own pair costs."""

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
    """The compiled graph. Give it a thread by ``config={"configurable": {"thread_id": ...}}``."""
    graph = StateGraph(RunState)
    graph.add_node("receive", nodes.receive, destinations=("turn", END))
    graph.add_node("turn", _Node("turn", nodes.turn, nodes.aturn), destinations=("turn", END))
    graph.add_edge(START, "receive")
    return graph.compile(checkpointer=saver, name="agentmem")


def _writer(config: RunnableConfig) -> Write:
    """Where events go: to the channel of a run of ours, else to LangGraph's custom stream."""
    channel: Channel | None = config["configurable"].get("channel")
    return channel.write if channel else get_stream_writer()


def _unseen(config: RunnableConfig) -> bool:
    """Whether whoever started the run is shown its result only."""
    return bool(config["configurable"].get(UNSEEN))


def _wanted(config: RunnableConfig) -> dict[str, Any]:
    """What whoever started the run asked of its tools."""
    channel: Channel | None = config["configurable"].get("channel")
    stop = {"stop": channel.stop} if channel else {}
    return {"allowed": config["configurable"].get("allow"), **stop}


def thread_of(config: RunnableConfig) -> str:
    """The thread that a config names."""
    return str(config["configurable"]["thread_id"])


def _person(calls: Sequence[ToolCall]) -> Approval:
    """A person's answer on calls that wait for one, as it came through LangGraph's ``Command(resume=...)``."""
    answer = interrupt({"approve": [call.wire() for call in calls]})
    return Approval(**answer) if isinstance(answer, dict) and "allow" in answer else Approval(answer)
