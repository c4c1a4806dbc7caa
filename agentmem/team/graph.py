"""The team as a LangGraph graph:

    code -> test -> judge -> code -> ... -> finish

Give it a thread by ``config={"configurable": {"thread_id": ...}}`` and a task by ``{"task": ...}``. Each node asks the
threads and the forks where the work stands, so a node that is run again after a kill does nothing twice.
"""

from collections.abc import Callable
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from agentmem.runtime.graph import thread_of
from agentmem.team.play import Moved, Play
from agentmem.team.state import TeamState

Next = Command[Literal["code", "test", "judge", "finish"]]


class TeamNodes:
    """The nodes. ``play`` gives the work that goes by a thread's name, ``done`` ends it."""

    def __init__(self, play: Callable[[str], Play], done: Callable[[str], object]) -> None:
        self._play, self._done = play, done

    def code(self, state: TeamState, config: RunnableConfig) -> Next:
        return _go(self._at(config).code(state))

    def test(self, state: TeamState, config: RunnableConfig) -> Next:
        return _go(self._at(config).test(state))

    def judge(self, state: TeamState, config: RunnableConfig) -> Next:
        return _go(self._at(config).judge(state))

    def finish(self, state: TeamState, config: RunnableConfig) -> TeamState:
        self._done(thread_of(config))
        return {"message": None}

    def _at(self, config: RunnableConfig) -> Play:
        play = self._play(thread_of(config))
        channel = config["configurable"].get("channel")
        play.write = channel.write if channel else get_stream_writer()
        return play


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
