"""LangGraph's checkpoints live beside the journal, and serve sync and async runs from one object."""

import asyncio
from pathlib import Path
from typing import TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from agentmem.distribution import install
from agentmem.errors import ConfigError, JournalError, ThreadNotFound
from agentmem.runtime.components import open_saver
from agentmem.runtime.saver import SqliteCheckpoints
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.sqlite import open_sqlite
from agentmem.transcript.storage import locate
from agentmem.types import Text
from tests.transcript.databases import child, heard, note, sql, tell

OPENER = """
import sys
from agentmem.transcript.journal import open_journal
from agentmem.runtime.components import open_saver
print("ready", flush=True)
sys.stdin.readline()
saver = open_saver(sys.argv[1])
with open_journal(sys.argv[1]) as journal:
    print(saver.get_tuple({"configurable": {"thread_id": "main"}}), journal.head("main"), flush=True)
saver.close()
"""

WITHOUT_EXTRA = """
import sys
sys.modules["psycopg_pool"] = None  # as if the extra were not installed
from agentmem.errors import ConfigError
from agentmem.runtime.components import open_saver
try:
    open_saver("postgresql://user@localhost/db")
except ConfigError as error:
    print(error)
"""


class State(TypedDict):
    """What an agent's graph keeps: the thread and the seq of its last entry."""

    thread: str
    head: int


def step(state: State) -> dict[str, int]:
    """One entry more."""
    return {"head": state["head"] + 1}


def ask(state: State) -> dict[str, int]:
    """As many entries more as a person says."""
    return {"head": state["head"] + int(interrupt({"question": "how many?"}))}


def graph() -> StateGraph[State]:
    """A step, then a question to a person."""
    made: StateGraph[State] = StateGraph(State)
    made.add_node("step", step)
    made.add_node("ask", ask)
    made.add_edge(START, "step")
    made.add_edge("step", "ask")
    made.add_edge("ask", END)
    return made


def config(thread: str) -> RunnableConfig:
    """The run's address in LangGraph's words."""
    return {"configurable": {"thread_id": thread}}


def test_a_sync_run_resumes_in_another_saver(database_url: str) -> None:
    """A run that stopped at a question goes on where it was, from the database alone."""
    first = open_saver(database_url)
    stopped = (
        graph().compile(checkpointer=first).invoke({"thread": "main", "head": 0}, config("main"), durability="sync")
    )
    assert stopped["head"] == 1
    first.close()
    first.close()
    second = open_saver(database_url)
    app = graph().compile(checkpointer=second)
    assert app.get_state(config("main")).next == ("ask",)
    assert app.invoke(Command(resume=10), config("main"), durability="sync") == {"thread": "main", "head": 11}
    assert [state.values.get("head") for state in app.get_state_history(config("main"))] == [11, 1, 0, None]
    second.close()


def test_async_runs_on_the_same_saver(database_url: str) -> None:
    """The same object serves async runs, several at once, and sync calls between them."""
    saver = open_saver(database_url)
    app = graph().compile(checkpointer=saver)

    async def run(thread: str, more: int) -> int:
        await app.ainvoke({"thread": thread, "head": 0}, config(thread), durability="sync")
        final = await app.ainvoke(Command(resume=more), config(thread), durability="sync")
        return int(final["head"])

    async def runs() -> list[int]:
        heads = await asyncio.gather(*(run(f"thread {number}", number) for number in range(5)))
        found = [one async for one in saver.alist(config("thread 3"), limit=2)]
        assert [one.checkpoint["channel_values"].get("head") for one in found] == [4, 1]
        await saver.adelete_thread("thread 3")
        assert await saver.aget_tuple(config("thread 3")) is None
        return heads

    assert asyncio.run(runs()) == [1, 2, 3, 4, 5]
    assert app.get_state(config("thread 4")).values == {"thread": "thread 4", "head": 5}
    assert saver.get_tuple(config("thread 3")) is None
    saver.close()


def test_a_journal_and_a_saver_share_a_database(journal: Journal, database_url: str) -> None:
    """Both write to the same database from their own connections; neither gets in the other's way."""
    saver = open_saver(database_url)
    app = graph().compile(checkpointer=saver)
    for number in range(10):
        with journal.lease(f"thread {number}"):
            head = journal.append(f"thread {number}", [note("a")], head=-1)[-1].seq
            assert app.invoke({"thread": "x", "head": head}, config(f"thread {number}"), durability="sync")["head"] == 1
            journal.append(f"thread {number}", [note("b")], head=head)
    assert {journal.head(f"thread {number}") for number in range(10)} == {1}
    assert {app.get_state(config(f"thread {number}")).values["head"] for number in range(10)} == {1}
    saver.close()


def test_forgetting_takes_the_checkpoints_too(journal: Journal, database_url: str) -> None:
    """A forgotten thread has no checkpoint, write or blob left; other threads keep theirs."""
    saver = open_saver(database_url)
    app = graph().compile(checkpointer=saver)
    for thread in ("main", "other"):
        app.invoke({"thread": thread, "head": 0}, config(thread), durability="sync")
        journal.append(thread, [note("a")], head=-1)
    assert journal.forget("main") == 1
    assert saver.get_tuple(config("main")) is None
    assert app.get_state(config("other")).values["head"] == 1
    for (table,) in sql(database_url, "{tables_of_threads}"):
        assert sql(database_url, f"SELECT count(*) FROM {table} WHERE thread_id = 'main'") == [(0,)]
        assert sql(database_url, f"SELECT count(*) FROM {table}")[0][0] > 0
    saver.close()


def test_a_thread_that_has_only_checkpoints_can_be_forgotten(journal: Journal, database_url: str) -> None:
    """A run that died before its first entry is forgotten all the same."""
    saver = open_saver(database_url)
    graph().compile(checkpointer=saver).invoke({"thread": "main", "head": 0}, config("main"), durability="sync")
    assert journal.forget("main") == 0
    assert saver.get_tuple(config("main")) is None
    with pytest.raises(ThreadNotFound):
        journal.forget("main")
    saver.close()


def test_a_changed_checkpoint_runs_no_code(tmp_path: Path) -> None:
    """What is read back is data: an object of another class in the database is not made."""
    saver = open_saver(tmp_path / "run.db")
    packed = saver.serde.dumps_typed({"text": Text("x")})
    assert saver.serde.loads_typed(packed) != {"text": Text("x")}
    assert saver.serde.loads_typed(saver.serde.dumps_typed({"head": 3})) == {"head": 3}
    saver.close()


def test_processes_that_open_a_new_database_at_once(database_url: str) -> None:
    """Journal and saver make their tables whoever else does so at the same moment."""
    with child(OPENER, database_url) as one, child(OPENER, database_url) as two, child(OPENER, database_url) as three:
        openers = (one, two, three)
        assert [heard(opener) for opener in openers] == ["ready"] * 3
        for opener in openers:
            tell(opener, "go")
        assert [heard(opener) for opener in openers] == ["None -1"] * 3


def test_databases_that_cannot_be_used(tmp_path: Path) -> None:
    """A folder and another kind of file are refused in our words, as the journal does."""
    with pytest.raises(ConfigError, match="is a folder"):
        open_saver(tmp_path)
    (tmp_path / "notes.md").write_text("# Notes\n" * 200)
    with pytest.raises(ConfigError, match="is not a SQLite database"):
        open_saver(tmp_path / "notes.md")
    with pytest.raises(ConfigError, match="no connection to"):
        open_saver("postgresql://me:hush@127.0.0.1:1/db")


def test_a_full_disk(tmp_path: Path) -> None:
    """A checkpoint that does not fit is our error, and the ones before it stay."""
    saver = SqliteCheckpoints(open_sqlite(locate(tmp_path / "run.db")))
    app = graph().compile(checkpointer=saver)
    app.invoke({"thread": "main", "head": 0}, config("main"), durability="sync")
    saver.conn.execute(f"PRAGMA max_page_count = {saver.conn.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(JournalError, match="disk is full"):
        app.invoke({"thread": "x" * 100_000, "head": 0}, config("other"), durability="sync")
    assert app.get_state(config("main")).values["head"] == 1
    saver.close()
    with open_journal(tmp_path / "run.db") as journal:
        assert journal.forget("main") == 0


def test_the_extra_is_missing() -> None:
    """Without the extra's packages the error says how to install them."""
    with child(WITHOUT_EXTRA) as process:
        assert heard(process).endswith(install("postgres"))
