"""Many runs at once in one process on Postgres: runs a second and CPU a run, beside a bare LangGraph loop, and memory.

Both sides play the same runs: a task, some calls of a small tool, an answer, with a model that takes some time for each
reply. The bare loop keeps its messages in LangGraph's AsyncPostgresSaver on an AsyncConnectionPool, as both ship. Each
side runs in processes of its own, in turns; CPU is that of the process, without the server's. The last part holds a
thousand runs open at once and counts memory and connections. A run that did less would look cheaper: each side's
answers and stored turns are counted.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from operator import add
from pathlib import Path
from typing import Annotated, Any, TypedDict

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from agentmem.menu.menu import tool
from agentmem.models.scripted import SCRIPTED
from agentmem.runtime.agent import Agent
from agentmem.transcript.pool import PoolUser
from agentmem.types import Message, Reply, Request, Text, ToolCall, Usage
from tests.benchmarks.heading import heading, record_figures
from tests.postgres import new_database, postgres_server

RATE, CPU, MEGABYTES, CONNECTIONS = 1.0, 2.0, 1.0, 40
"""At least so many of the bare loop's runs a second; at most so many times its CPU; a live run; connections."""

Run = Callable[[int], Awaitable[None]]


def total(number: int) -> str:
    """Adds a number to the total.

    Args:
        number: what to add
    """
    return f"the total is {number * (number + 1) // 2}"


class Slow:
    """A Model that calls the tool so many times, and takes ``seconds`` for each reply."""

    def __init__(self, turns: int, seconds: float) -> None:
        self.profile, self.turns, self.seconds = SCRIPTED, turns, seconds

    def reply(self, request: Request) -> Reply:
        turn = sum(one.role == "assistant" for one in request.turns)
        block = ToolCall(f"call_{turn}", "total", f'{{"number": {turn}}}') if turn < self.turns else Text("All added.")
        usage = Usage("estimated", 500 + 60 * turn, 0, 0, 0, 20)
        return Reply(Message("assistant", (block,)), usage, stop_reason="tool_use" if turn < self.turns else "end_turn")

    def stream(self, request: Request) -> Any:
        time.sleep(self.seconds)
        yield self.reply(request)

    async def astream(self, request: Request) -> Any:
        await asyncio.sleep(self.seconds)
        yield self.reply(request)

    def close(self) -> None:
        """Nothing is held."""


class State(TypedDict):
    """The bare loop's state: its messages."""

    messages: Annotated[list[dict[str, Any]], add]


def bare(turns: int, seconds: float, saver: AsyncPostgresSaver) -> Any:
    """The bare loop: one node asks, the other calls."""

    async def model(state: State) -> State:
        await asyncio.sleep(seconds)
        turn = sum(one["role"] == "assistant" for one in state["messages"])
        call = {"role": "assistant", "calls": [{"id": f"call_{turn}", "number": turn}]}
        return {"messages": [call if turn < turns else {"role": "assistant", "text": "All added."}]}

    async def tools(state: State) -> State:
        calls = state["messages"][-1]["calls"]
        return {"messages": [{"role": "tool", "id": one["id"], "text": total(one["number"])} for one in calls]}

    graph = StateGraph(State)
    graph.add_node("model", model)
    graph.add_node("tools", tools)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", lambda state: "tools" if "calls" in state["messages"][-1] else END)
    graph.add_edge("tools", "model")
    return graph.compile(checkpointer=saver)


async def measured(run: Run, runs: int, together: int) -> dict[str, float]:
    """Seconds and CPU seconds of so many runs, after three that nobody counts."""
    for number in range(3):
        await run(-1 - number)
    gate = asyncio.Semaphore(together)

    async def one(number: int) -> None:
        async with gate:
            await run(number)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(runs)))
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


async def ours(given: argparse.Namespace) -> dict[str, float]:
    """Our side."""
    with tempfile.TemporaryDirectory() as folder:
        model = Slow(given.turns, given.seconds)
        with Agent(model, folder, tools=[tool(total)], database=given.url, archive=None) as agent:

            async def run(number: int) -> None:
                result = await agent.arun("Add up the numbers.", thread=f"run {number}")
                assert (result.text, result.turns) == ("All added.", given.turns + 1)

            found = await measured(run, given.runs, given.together)
            entries = agent.journal.storage.run("SELECT count(*) FROM entries WHERE kind = 'tool_result'")[0][0]
            assert entries == (given.runs + 3) * given.turns
            lender = agent.journal.storage.lender
            assert isinstance(lender, PoolUser)
            return {**found, "connections": lender.pool.counts.most}


async def theirs(given: argparse.Namespace) -> dict[str, float]:
    """The bare loop's side."""
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(given.url, kwargs=settings, min_size=1, max_size=10, open=False) as pool:
        saver = AsyncPostgresSaver(pool)  # type: ignore[arg-type]
        await saver.setup()
        graph = bare(given.turns, given.seconds, saver)

        async def run(number: int) -> None:
            task = {"messages": [{"role": "user", "text": "Add up the numbers."}]}
            config = {"configurable": {"thread_id": f"run {number}"}, "recursion_limit": 1000}
            state = await graph.ainvoke(task, config)
            assert len(state["messages"]) == 2 * given.turns + 2

        return await measured(run, given.runs, given.together)


async def live(given: argparse.Namespace) -> dict[str, float]:
    """Many runs that wait for their model at once: memory a run, and connections."""
    with tempfile.TemporaryDirectory() as folder:
        model, waiting, go = Slow(2, 0.0), 0, asyncio.Event()
        full = asyncio.Event()
        plain = model.astream

        async def held(request: Request) -> Any:
            nonlocal waiting
            if sum(one.role == "assistant" for one in request.turns) == 1:
                waiting += 1
                if waiting == given.runs:
                    full.set()
                await go.wait()
            async for delta in plain(request):
                yield delta

        with Agent(model, folder, tools=[tool(total)], database=given.url, archive=None) as agent:
            await agent.arun("Add up the numbers.", thread="first")
            model.astream = held  # type: ignore[method-assign]
            before = _resident()
            runs = [asyncio.create_task(agent.arun("Add up.", thread=f"live {one}")) for one in range(given.runs)]
            await full.wait()
            after, count = _resident(), 0
            with psycopg.connect(given.url) as other:
                row = other.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
                count = (row.fetchone() or (0,))[0] - 1
            go.set()
            done = await asyncio.gather(*runs)
            assert all(result.text == "All added." for result in done)
    return {"megabytes": (after - before) / given.runs, "connections": count, "done": len(done)}


def _resident() -> float:
    """The process's memory in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


SIDES = {"ours": ours, "theirs": theirs, "live": live}


def side(name: str, url: str, given: argparse.Namespace, runs: int) -> dict[str, float]:
    """One side in a process of its own."""
    numbers = ["--runs", str(runs), "--together", str(given.together), "--turns", str(given.turns)]
    command = [sys.executable, "-m", __spec__.name, "--side", name, "--url", url, *numbers]
    said = subprocess.run([*command, "--seconds", str(given.seconds)], stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return found


def compared(server: str, given: argparse.Namespace) -> dict[str, float]:
    """The medians of both sides' rounds, as ratios."""
    rounds: dict[str, list[dict[str, float]]] = {"ours": [], "theirs": []}
    for number in range(2 * given.rounds):
        name = ("ours", "theirs", "theirs", "ours")[number % 4]
        found = side(name, new_database(server), given, given.runs)
        rounds[name].append(found)
        rate, cost = given.runs / found["seconds"], 1000 * found["cpu"] / given.runs
        print(f"  {name:6} {rate:6.2f} runs/s {cost:7.1f} ms CPU a run", flush=True)
    seconds, cpu = (
        {name: statistics.median(one[what] for one in found) for name, found in rounds.items()}
        for what in ("seconds", "cpu")
    )
    return {
        "rate": seconds["theirs"] / seconds["ours"],
        "cpu": cpu["ours"] / cpu["theirs"],
        "connections": max(one["connections"] for one in rounds["ours"]),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the runs are made here")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--together", type=int, default=50)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="the model's time for a reply")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--live", type=int, default=1000)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        print(json.dumps(asyncio.run(SIDES[given.side](given))))
        return 0
    settings = {name: getattr(given, name) for name in ("runs", "together", "turns", "seconds", "rounds", "live")}
    heading("concurrent", "made here", seed=0, **settings)
    with postgres_server() as server:
        ratios = compared(server, given)
        lived = side("live", new_database(server), given, given.live)
    print(f"runs a second {ratios['rate']:.2f} x, CPU a run {ratios['cpu']:.2f} x the bare loop's")
    print(f"{lived['done']:.0f} live runs: {lived['megabytes']:.2f} MB each, {lived['connections']:.0f} connections")
    missed = [ratios["rate"] < RATE, ratios["cpu"] > CPU, lived["megabytes"] > MEGABYTES]
    missed.append(lived["connections"] > CONNECTIONS)
    record_figures(**ratios, live=lived)
    return int(any(missed))


if __name__ == "__main__":
    sys.exit(main())
