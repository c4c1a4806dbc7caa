"""What ten thousand threads cost the next one: opening a thread and reading one, beside a database with a single run.

One real run is copied to as many threads, with all its rows in every table, ours and LangGraph's. The same work is then
timed on both databases by turns. The plans of the queries behind it are printed: none may read a whole table. A table's
growth is its size, with indexes, by run.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentmem.menu.menu import tool
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.session import Session
from agentmem.transcript import transcript
from agentmem.transcript.storage import Storage
from agentmem.types import ToolCall
from tests.benchmarks.concurrent import total
from tests.benchmarks.heading import heading, record_figures
from tests.postgres import new_database, postgres_server

MOST = 1.3
"""The most times that work may take of what it takes in the small database."""

COPIES = (
    "INSERT INTO threads (name, head, tip, parent, parent_seq, created, updated) SELECT 'copy ' || g, head, tip,"
    " parent, parent_seq, created, updated FROM threads, generate_series(1, {copies}) g WHERE name = 'first'",
    "INSERT INTO entries SELECT t.id, e.seq, e.parent, e.kind, e.bytes, e.sha256 FROM entries e"
    " JOIN threads o ON o.id = e.thread AND o.name = 'first' CROSS JOIN threads t WHERE t.name <> 'first'",
    "INSERT INTO checkpoints_of_runs SELECT 'copy ' || g, number, seq, label, pages, plan, sandbox, taken"
    " FROM checkpoints_of_runs, generate_series(1, {copies}) g WHERE thread = 'first'",
    "INSERT INTO submissions SELECT key || g, 'copy ' || g, run, task, submitted"
    " FROM submissions, generate_series(1, {copies}) g WHERE thread = 'first'",
    "INSERT INTO workspaces_of_threads SELECT 'copy ' || g, workspace"
    " FROM workspaces_of_threads, generate_series(1, {copies}) g WHERE thread = 'first'",
    *(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(x)"
        f" || jsonb_build_object('thread_id', 'copy ' || g))).* FROM {table} x, generate_series(1, {{copies}}) g"
        " WHERE thread_id = 'first'"
        for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
    ),
)
"""One run's rows, as often as there are to be threads."""

QUERIES = {
    "open a thread": "SELECT id, name, head, tip, parent, parent_seq FROM threads WHERE name = 'copy 77'",
    "take its lease": "SELECT owner, expires FROM leases WHERE thread = 'copy 77' FOR UPDATE",
    "its entries": "SELECT seq, bytes FROM entries WHERE thread = 77 AND seq > 1 AND seq <= 9 ORDER BY seq LIMIT 128",
    "its last cut": "SELECT seq FROM entries WHERE thread = 77 AND kind = 'compaction' ORDER BY seq DESC LIMIT 1",
    "its checkpoint": "SELECT * FROM checkpoints_of_runs WHERE thread = 'copy 77' ORDER BY number DESC LIMIT 1",
    "its forks": "SELECT id FROM threads WHERE parent = 77 ORDER BY id",
    "its delegates": "SELECT name FROM threads WHERE name ~>=~ 'copy 77.' AND name ~<~ 'copy 77.z'",
    "its branches": "SELECT name FROM branches WHERE origin = 'copy 77' ORDER BY number",
    "a key": "SELECT key, thread, run, task FROM submissions WHERE key = 'k77'",
    "where it works": "SELECT workspace FROM workspaces_of_threads WHERE thread = 'copy 77'",
    "LangGraph's state": (
        "SELECT checkpoint FROM checkpoints WHERE thread_id = 'copy 77' AND checkpoint_ns = ''"
        " ORDER BY checkpoint_id DESC LIMIT 1"
    ),
}

GROWING = {"threads", "entries", "checkpoints_of_runs", "submissions", "workspaces_of_threads", "checkpoints"}
"""The tables that have rows for every thread."""


def opened(url: str, folder: Path) -> Agent:
    """An agent with one run behind it."""
    turns = [[ToolCall(f"call_{number}", "total", f'{{"number": {number}}}')] for number in range(5)]
    agent = Agent(ScriptedModel([*turns, "All added."]), folder, tools=[tool(total)], database=url, archive=None)
    agent.run("Add up the numbers.", thread="first", key="k")
    return agent


def begin(agent: Agent, number: int) -> None:
    """Opens a thread: its lease, and its first entries."""
    opening, name = agent.steps.opening(), f"new {number}"
    with agent.journal.lease(name):
        agent.journal.append(name, [transcript.opening(opening), transcript.user("Go.", run="r")], head=-1)


def read(agent: Agent, number: int) -> None:
    """Reads a thread's state: its entries, its checkpoints, LangGraph's place."""
    assert Session(agent.journal, "first").refresh().tally.answer == "All added."
    assert agent.checkpoints("first")
    assert agent.graph.get_state({"configurable": {"thread_id": "first"}}).values


def compared(small: Agent, large: Agent, work: Callable[[Agent, int], None], times: int) -> float:
    """The median time on the large database in those of the small one, by turns."""
    took: dict[Agent, list[float]] = {small: [], large: []}
    for number in range(times + 5):
        for agent in (small, large) if number % 2 else (large, small):
            began = time.perf_counter()
            work(agent, number)
            if number >= 5:
                took[agent].append(time.perf_counter() - began)
    return statistics.median(took[large]) / statistics.median(took[small])


def plans(storage: Storage) -> int:
    """Prints the plan of each query; returns the number of those that read a whole growing table."""
    whole = 0
    for what, query in QUERIES.items():
        lines = [line for (line,) in storage.run(f"EXPLAIN {query}")]
        scanned = [line for line in lines for table in GROWING if f"Seq Scan on {table} " in line]
        whole += bool(scanned)
        print(f"  {what}: {' / '.join(line.split('(cost')[0].strip(' ->') for line in lines if '(cost' in line)}")
    return whole


def growth(storage: Storage, threads: int) -> dict[str, float]:
    """Bytes a run, by table."""
    rows = storage.run(
        "SELECT relname, pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE relkind = 'r' AND nspname = current_schema() ORDER BY 2 DESC"
    )
    return {name: size / threads for name, size in rows}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the threads are made here")
    parser.add_argument("--threads", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=100)
    given = parser.parse_args()
    heading("growth", "made here", seed=0, threads=given.threads, times=given.times)
    with (
        postgres_server() as server,
        tempfile.TemporaryDirectory() as folder,
        opened(new_database(server), Path(folder) / "a") as small,
        opened(new_database(server), Path(folder) / "b") as large,
    ):
        storage = large.journal.storage
        for statement in COPIES:
            storage.run(statement.format(copies=given.threads))
        storage.run("ANALYZE")
        assert storage.run("SELECT count(*) FROM threads")[0][0] == given.threads + 1
        ratios = {what.__name__: compared(small, large, what, given.times) for what in (begin, read)}
        whole, sizes = plans(storage), growth(storage, given.threads)
    for name, size in sizes.items():
        print(f"  {name}: {size:,.0f} bytes a run")
    opening, reading = ratios["begin"], ratios["read"]
    print(f"opening a thread {opening:.2f} x, reading one {reading:.2f} x; {whole} plans read a whole table")
    record_figures(opening=opening, reading=reading, whole_tables=whole, bytes_a_run=sizes, threads=given.threads)
    return int(max(ratios.values()) > MOST or whole > 0)


if __name__ == "__main__":
    sys.exit(main())
