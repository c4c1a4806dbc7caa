"""The loop, as a LangGraph graph:

    receive -> model -> tools -> model -> ... -> end

Each node asks the journal where the thread stands and does what comes next, so a node that is run again after a kill
neither loses nor doubles anything. What LangGraph checkpoints is only where that was.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Self, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt

from agentmem.context.transcript import unpack
from agentmem.errors import ModelError
from agentmem.runtime.events import Approval, Metered, Stopped, ToolCalled
from agentmem.runtime.session import Session, Sessions
from agentmem.runtime.steps import Steps
from agentmem.types import Delta, Message, Model, Reply, Request, Text, Usage


class State(TypedDict, total=False):
    """What LangGraph checkpoints.

    ``task`` is what to do, as text or as blocks in wire form; it is gone once it stands in the transcript. ``run``
    names the run. ``head`` is the transcript's last entry, ``stop`` the limit that ended the run.
    """

    task: str | list[dict[str, Any]] | None
    run: str | None
    head: int
    stop: str | None


class Nodes:
    """The three nodes, for one agent."""

    def __init__(self, steps: Steps, model: Model, sessions: Sessions) -> None:
        self.steps, self.llm, self.sessions = steps, model, sessions

    def receive(self, state: State, config: RunnableConfig) -> State:
        session, task = self._session(config), state.get("task") or []
        blocks = [Text(task)] if isinstance(task, str) else [unpack(value) for value in task]
        self.steps.receive(session, state.get("run") or config["metadata"]["langgraph_checkpoint_ns"], blocks)
        return {"task": None, "run": None, "stop": None, "head": session.view.seq}

    def model(self, state: State, config: RunnableConfig) -> State:
        turn = _Turn(self.steps, self._session(config))
        if turn.request:
            with turn:
                for delta in self.llm.stream(turn.request):
                    turn.take(delta)
        return turn.done()

    async def amodel(self, state: State, config: RunnableConfig) -> State:
        turn = await asyncio.to_thread(lambda: _Turn(self.steps, self._session(config)))
        if turn.request:
            with turn:
                async for delta in self.llm.astream(turn.request):
                    turn.take(delta)
        return await asyncio.to_thread(turn.done)

    def tools(self, state: State, config: RunnableConfig, loop: asyncio.AbstractEventLoop | None = None) -> State:
        session, write = self._session(config), get_stream_writer()
        waiting = self.steps.waiting(session)
        approval = _approval(interrupt({"approve": [call.wire() for call in waiting]})) if waiting else None
        for call in session.open_calls:
            write(ToolCalled(call))
        for returned in self.steps.answer(session, approval, loop):
            write(returned)
        return {"head": session.view.seq}

    async def atools(self, state: State, config: RunnableConfig) -> State:
        return await asyncio.to_thread(self.tools, state, config, asyncio.get_running_loop())

    def next(self, state: State, config: RunnableConfig) -> Literal["model", "tools", "__end__"]:
        """Where the thread stands: calls wait for results, the model's turn, or the end."""
        view = self.sessions[thread_of(config)].view
        if state.get("stop"):
            return "__end__"
        return "tools" if view.open else "model" if view.ready else "__end__"

    def _session(self, config: RunnableConfig) -> Session:
        return self.sessions[thread_of(config)]


class _Turn:
    """One request, from its preparation to its commit."""

    def __init__(self, steps: Steps, session: Session) -> None:
        self.steps, self.session, self.write = steps, session, get_stream_writer()
        self.stop = steps.stopped(session)
        self.request: Request | None = None if self.stop else steps.prepare(session)
        self.at, self.reply = steps.clock(), _NO_REPLY

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """A request that failed has its row in the ledger too. The error goes on its way."""
        if isinstance(error, ModelError) and self.request:
            self.steps.failed(self.session, self.request, error, self.at)

    def take(self, delta: Delta) -> None:
        if isinstance(delta, Reply):
            self.reply = delta
        else:
            self.write(delta)

    def done(self) -> State:
        if self.request:
            self.write(Metered(self.steps.commit(self.session, self.request, self.reply, self.at)))
        else:
            self.write(Stopped(self.stop or ""))
        return {"head": self.session.view.seq, "stop": self.stop}


_NO_REPLY = Reply(Message("assistant", ()), Usage("estimated"), stop_reason="none")


class _Node(Runnable[State, State]):
    """A node with a sync and an async form, without the tracing that LangChain's own pair costs."""

    def __init__(
        self,
        name: str,
        run: Callable[[State, RunnableConfig], State],
        arun: Callable[[State, RunnableConfig], Awaitable[State]],
    ) -> None:
        self.name, self._run, self._arun = name, run, arun

    def invoke(self, input: State, config: RunnableConfig | None = None, **_: Any) -> State:
        return self._run(input, config or {})

    async def ainvoke(self, input: State, config: RunnableConfig | None = None, **_: Any) -> State:
        return await self._arun(input, config or {})


def build(nodes: Nodes, saver: BaseCheckpointSaver[Any]) -> CompiledStateGraph[State]:
    """The compiled graph. Give it a thread by ``config={"configurable": {"thread_id": ...}}``."""
    graph = StateGraph(State)
    graph.add_node("receive", nodes.receive)
    graph.add_node("model", _Node("model", nodes.model, nodes.amodel))
    graph.add_node("tools", _Node("tools", nodes.tools, nodes.atools))
    graph.add_edge(START, "receive")
    for node in ("receive", "model", "tools"):
        graph.add_conditional_edges(node, nodes.next, ["model", "tools", END])
    return graph.compile(checkpointer=saver, name="agentmem")


def thread_of(config: RunnableConfig) -> str:
    """The thread that a config names."""
    return str(config["configurable"]["thread_id"])


def _approval(answer: Any) -> Approval:
    """A person's answer, as it came through LangGraph's ``Command(resume=...)``."""
    return Approval(**answer) if isinstance(answer, dict) and "allow" in answer else Approval(answer)
