"""The loop, as a LangGraph graph:

    receive -> turn -> turn -> ... -> end          turn: ask the model, answer its calls

Each node asks the journal where the thread stands and does what comes next, so a node that is run again after a kill,
or when a person has approved a call, neither loses nor doubles anything. What LangGraph checkpoints is only where that
was; so a turn is one step of LangGraph's, not one for the model and one for the tools, each of which would cost as
much as all that we do in it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Literal, Self, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from agentmem.context.transcript import unpack
from agentmem.errors import ModelError
from agentmem.runtime.events import Approval, Metered, Stopped, ToolCalled
from agentmem.runtime.session import Session, Sessions
from agentmem.runtime.steps import Given, Steps
from agentmem.runtime.streaming import Channel
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


Write = Callable[[Any], None]
"""Hands an event to whoever watches."""

Step = Command[Literal["turn", "__end__"]]
"""What a node changed in the state, and which node comes next."""


class Nodes:
    """The two nodes, for one agent."""

    def __init__(self, steps: Steps, model: Model, sessions: Sessions) -> None:
        self.steps, self.llm, self.sessions = steps, model, sessions

    def receive(self, state: State, config: RunnableConfig) -> Step:
        session, task = self.sessions[thread_of(config)].refresh(), state.get("task") or []
        blocks = [Text(task)] if isinstance(task, str) else [unpack(value) for value in task]
        self.steps.receive(session, state.get("run") or config["metadata"]["langgraph_checkpoint_ns"], blocks)
        return _go(session, {"task": None, "run": None, "stop": None})

    def turn(self, state: State, config: RunnableConfig) -> Step:
        """Asks the model, unless calls wait for their results already, and answers its calls."""
        session, write = self._session(state, config), _writer(config)
        if not session.view.open:
            asked = _Asked(self.steps, session, write)
            if asked.request:
                with asked:
                    for delta in self.llm.stream(asked.request):
                        asked.take(delta)
            if stop := asked.done():
                return _go(session, {"stop": stop})
        if session.view.open:
            self._answer(session, write, Given(**_wanted(config)))
        return _go(session, {})

    async def aturn(self, state: State, config: RunnableConfig) -> Step:
        session, write = await asyncio.to_thread(self._session, state, config), _writer(config)
        if not session.view.open:
            asked = await asyncio.to_thread(_Asked, self.steps, session, write)
            if asked.request:
                with asked:
                    async for delta in self.llm.astream(asked.request):
                        asked.take(delta)
            if stop := await asyncio.to_thread(asked.done):
                return _go(session, {"stop": stop})
        if session.view.open:
            await self._aanswer(session, write, config)
        return _go(session, {})

    def _answer(self, session: Session, write: Write, given: Given) -> None:
        """The results of the open calls; those that need a person's leave wait for it together."""
        waiting = self.steps.waiting(session, given.allowed)
        approval = _approval(interrupt({"approve": [call.wire() for call in waiting]})) if waiting else None
        for call in session.open_calls:
            write(ToolCalled(call))
        for returned in self.steps.answer(session, replace(given, approval=approval)):
            write(returned)

    async def _aanswer(self, session: Session, write: Write, config: RunnableConfig) -> None:
        given = Given(loop=asyncio.get_running_loop(), **_wanted(config))
        try:
            await asyncio.to_thread(self._answer, session, write, given)
        except asyncio.CancelledError:
            given.stop.set()
            raise

    def _session(self, state: State, config: RunnableConfig) -> Session:
        """The thread's session, where the node before left it. An append by anybody else makes ours ThreadBusy."""
        session = self.sessions[thread_of(config)]
        return session if session.view.seq == state.get("head") else session.refresh()


def _go(session: Session, update: State) -> Step:
    """Where the thread stands: there is another turn, or it has come to its end."""
    view = session.view
    ended = update.get("stop") or not (view.open or view.ready)
    return Command(update={**update, "head": view.seq}, goto="__end__" if ended else "turn")


class _Asked:
    """One request, from its preparation to its commit."""

    def __init__(self, steps: Steps, session: Session, write: Write) -> None:
        self.steps, self.session, self.write = steps, session, write
        self.stop = steps.stopped(session)
        for event in () if self.stop else steps.compacted(session):
            write(event)
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

    def done(self) -> str | None:
        """Writes down the reply. Gives the limit that kept the model from being asked, where one did."""
        if self.request:
            self.write(Metered(self.steps.commit(self.session, self.request, self.reply, self.at)))
        elif self.stop:
            self.write(Stopped(self.stop))
        return self.stop


_NO_REPLY = Reply(Message("assistant", ()), Usage("estimated"), stop_reason="none")


class _Node(Runnable[State, Any]):
    """A node with a sync and an async form, without the tracing that LangChain's own pair costs."""

    def __init__(
        self,
        name: str,
        run: Callable[[State, RunnableConfig], Any],
        arun: Callable[[State, RunnableConfig], Awaitable[Any]],
    ) -> None:
        self.name, self._run, self._arun = name, run, arun

    def invoke(self, input: State, config: RunnableConfig | None = None, **_: Any) -> Any:
        return self._run(input, config or {})

    async def ainvoke(self, input: State, config: RunnableConfig | None = None, **_: Any) -> Any:
        return await self._arun(input, config or {})


def build(nodes: Nodes, saver: BaseCheckpointSaver[Any]) -> CompiledStateGraph[State]:
    """The compiled graph. Give it a thread by ``config={"configurable": {"thread_id": ...}}``."""
    graph = StateGraph(State)
    graph.add_node("receive", nodes.receive, destinations=("turn", END))
    graph.add_node("turn", _Node("turn", nodes.turn, nodes.aturn), destinations=("turn", END))
    graph.add_edge(START, "receive")
    return graph.compile(checkpointer=saver, name="agentmem")


def _writer(config: RunnableConfig) -> Write:
    """Where events go: to the channel of a run of ours, else to LangGraph's custom stream."""
    channel: Channel | None = config["configurable"].get("channel")
    return channel.write if channel else get_stream_writer()


def _wanted(config: RunnableConfig) -> dict[str, Any]:
    """What whoever started the run asked of its tools."""
    channel: Channel | None = config["configurable"].get("channel")
    stop = {"stop": channel.stop} if channel else {}
    return {"allowed": config["configurable"].get("allow"), **stop}


def thread_of(config: RunnableConfig) -> str:
    """The thread that a config names."""
    return str(config["configurable"]["thread_id"])


def _approval(answer: Any) -> Approval:
    """A person's answer, as it came through LangGraph's ``Command(resume=...)``."""
    return Approval(**answer) if isinstance(answer, dict) and "allow" in answer else Approval(answer)
