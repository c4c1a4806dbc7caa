"""agentmem.replay.formats.checkpoints."""

import sqlite3
from contextlib import closing
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph

from agentmem.integrations.langchain import ContextMiddleware
from agentmem.integrations.langchain_state import CUTS as KEPT
from agentmem.replay.formats.checkpoints import CUTS
from agentmem.replay.session import RecordedSession, SkippedLine
from tests.integrations.looking_up import BUDGET, PROMPT, TASK, Script, is_summary, record, serving
from tests.replay.formats.test_other_formats import everything, only


def test_the_field_of_cuts_is_the_middlewares() -> None:
    """It stands twice, since one of both needs LangChain."""
    assert CUTS == KEPT


def used(fresh: int, read: int, written: int) -> UsageMetadata:
    """Usage as LangChain's messages carry it."""
    details = InputTokenDetails(cache_read=read, cache_creation=written)
    whole = fresh + read + written
    return UsageMetadata(input_tokens=whole, output_tokens=7, total_tokens=whole + 7, input_token_details=details)


REPLIES = [
    AIMessage(
        "I look.",
        id="a1",
        tool_calls=[{"name": "stock", "args": {"part": "A12"}, "id": "c1"}],
        usage_metadata=used(10, 0, 4_000),
        response_metadata={"model_name": "claude-opus-5-5", "model_provider": "anthropic"},
    ),
    AIMessage(
        "Seven.", id="a2", usage_metadata=used(10, 4_000, 60), response_metadata={"model_name": "claude-opus-5-5"}
    ),
]


def played(path: Path) -> Path:
    """A real graph with a real checkpointer: two replies and a tool's result."""
    replies = iter(REPLIES)

    def model(state: MessagesState) -> dict[str, list[AnyMessage]]:
        return {"messages": [next(replies)]}

    def tools(state: MessagesState) -> dict[str, list[AnyMessage]]:
        return {"messages": [ToolMessage("7 in stock", tool_call_id="c1", id="t1")]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", model)
    graph.add_node("tools", tools)
    graph.add_node("again", model)
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    graph.add_edge("tools", "again")
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        runnable = graph.compile(checkpointer=SqliteSaver(connection))
        runnable.invoke(
            {"messages": [HumanMessage("How many A12?", id="h1")]}, {"configurable": {"thread_id": "stock"}}
        )
    return path


def test_a_thread_is_requests_with_the_usage_of_its_messages(tmp_path: Path) -> None:
    """Each reply is a request of what stood before it, each at its checkpoint's time."""
    session = only(everything(played(tmp_path / "c.sqlite"), tmp_path))
    assert (session.name, session.provider) == ("stock", "anthropic")
    first, second = session.exchanges
    assert [one.value["type"] for one in first.reply] == ["text", "tool_use"]
    assert [one.value["type"] for one in second.arrived] == ["tool_result"]
    assert second.cut is None
    assert second.usage is not None
    assert (second.usage.uncached_tokens, second.usage.cache_read_tokens, second.usage.cache_write_5m_tokens) == (
        10,
        4_000,
        60,
    )
    assert second.at > first.at > 1.7e9
    assert first.model == "claude-opus-5-5"


def test_summaries_that_are_no_messages_are_said(tmp_path: Path) -> None:
    """Of an agent with ContextMiddleware the requests for summaries are named as not counted; its answers are there."""
    path = tmp_path / "states.db"
    with serving(Script(30)) as served, SqliteSaver.from_conn_string(str(path)) as saver:
        ours = ContextMiddleware(budget=BUDGET)
        made = create_agent(served.model, [record], system_prompt=PROMPT, middleware=[ours], checkpointer=saver)
        made.invoke(TASK, {"configurable": {"thread_id": "t"}, "recursion_limit": 1_000})
        asked = [body for body in served.bodies if not is_summary(body)]
    session, said = everything(path, tmp_path)
    assert isinstance(session, RecordedSession) and isinstance(said, SkippedLine)
    assert len(session.exchanges) == len(asked) < len(served.bodies)
    assert "thread t: ContextMiddleware cut its context" in said.reason


def test_the_database_is_only_read(tmp_path: Path) -> None:
    """Reading changes no byte of it."""
    path = played(tmp_path / "c.sqlite")
    before = path.read_bytes()
    everything(path, tmp_path)
    assert path.read_bytes() == before


def test_a_checkpoint_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A pickled or broken value is passed over, with the thread's name."""
    path = played(tmp_path / "c.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE checkpoints SET type = 'pickle'")
        connection.commit()
    found = everything(path, tmp_path)
    assert all(isinstance(one, SkippedLine) for one in found)
    assert "thread stock" in found[0].reason if isinstance(found[0], SkippedLine) else False
