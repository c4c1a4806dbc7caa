"""What ContextMiddleware costs a turn: its own work at 120k tokens, flat to turn 2,000, and what it adds to a state.

    python -m tests.benchmarks.middleware_turn [--turns 2000] [--json FILE]

The hook is called as LangChain calls it, with a handler that answers at once; its time is what is left of a turn, of
the processor: it waits for nothing, and other work of the machine does not count. The state's bytes are those in the
tables of SQLite's checkpointer, without any messages.
"""

import argparse
import json
import random
import sys
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, thread_time
from typing import Any

from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from pydantic import SecretStr

from agentmem.integrations.langchain import ContextMiddleware
from agentmem.integrations.langchain_state import MiddlewareState, added_cuts
from agentmem.tokens import count
from tests.benchmarks.heading import heading, record_figures

BUDGET, CONTEXT = 130_000, 120_000
"""The budget, and the context at which it is cut, so that turns of that size are measured."""
MOST_MS, FLAT = 3.0, 1.3
"""The most milliseconds a turn at the median, and the most that late turns may take over early ones."""
GROWTH = 1.2
"""The most that the bytes of a late turn may be over those of an early one."""
WORDS = ("valve", "shelf", "order", "price", "spoke", "brake", "cable", "chain", "wheel", "grease", "bolt", "frame")


@tool
def record(number: int) -> str:
    """The record of a part."""
    return str(number)


def texts(turns: int, seed: int) -> list[str]:
    """A result for each turn, of about 700 tokens."""
    rng = random.Random(seed)
    return [
        f"part {at}: code Q{rng.randrange(10**6):06d}\n"
        + "\n".join(" ".join(rng.choice(WORDS) for _ in range(12)) for _ in range(52))
        for at in range(turns)
    ]


def reply(number: int, tokens: int) -> AIMessage:
    """A reply with one call, and the usage that a provider reports."""
    details: Any = {"cache_read": max(0, tokens - 900), "cache_creation": min(tokens, 900)}
    usage: Any = {
        "input_tokens": tokens,
        "output_tokens": 60,
        "total_tokens": tokens + 60,
        "input_token_details": details,
    }
    calls: Any = [{"id": f"call_{number}", "name": "record", "args": {"number": number}}]
    said = f"Part {number} is next, since each of the parts has to be looked up before the order can be written."
    return AIMessage(said, tool_calls=calls, usage_metadata=usage, id=f"reply-{number}")


def walk(turns: int, seed: int) -> tuple[list[float], list[float], list[int], int]:
    """Milliseconds of the processor, milliseconds by the clock and tokens of each turn, and the number of cuts."""
    model = ChatAnthropic(model_name="claude-sonnet-5-5", api_key=SecretStr("x"), timeout=None, stop=None)
    ours = ContextMiddleware(BUDGET, trigger=("tokens", CONTEXT))
    system, tools = SystemMessage("You look parts up. " * 200), [record, *ours.tools]
    messages: list[AnyMessage] = [HumanMessage("Look up every part.", id="task")]
    state: dict[str, Any] = {"messages": messages, "agentmem_ledger": [], "agentmem_cuts": []}
    spent, waited, sizes, inside = list[float](), list[float](), list[int](), [0.0, 0.0]

    def answer(request: ModelRequest[Any]) -> ModelResponse[Any]:
        begun = thread_time(), perf_counter()
        if "nostream" in (request.model.tags or ()):
            said = AIMessage("## Goal\n- Look up every part.\n\n## Facts\n- They are on shelves.")
        else:
            sent = [*request.messages[-3:]]
            said = reply(len(spent), sizes[-1] if sizes else sum(count(str(one.content)) for one in sent))
        inside[:] = inside[0] + thread_time() - begun[0], inside[1] + perf_counter() - begun[1]
        return ModelResponse(result=[said])

    for at, text in enumerate(texts(turns, seed)):
        given: Any = {"model": model, "messages": list(messages), "system_message": system, "tools": tools}
        request = ModelRequest(**given, state=dict(state), runtime=Runtime())  # type: ignore[arg-type]
        inside[:], begun = (0.0, 0.0), (thread_time(), perf_counter())
        done = ours.wrap_model_call(request, answer)
        spent.append((thread_time() - begun[0] - inside[0]) * 1000)
        waited.append((perf_counter() - begun[1] - inside[1]) * 1000)
        update = done.command.update if done.command else {}
        assert isinstance(update, dict)
        state["agentmem_cuts"] = added_cuts(state["agentmem_cuts"], update.get("agentmem_cuts", []))
        sizes.append(int(update["agentmem_ledger"][-1]["ctx"]))
        said = done.model_response.result[0]
        messages += [said, ToolMessage(text, tool_call_id=f"call_{at}", id=f"result-{at}")]  # type: ignore[list-item]
    return spent, waited, sizes, len(state["agentmem_cuts"])


def written(turns: int) -> list[int]:
    """The bytes that each turn adds to a checkpointer's tables, of a graph that writes one row a turn."""
    row = {"for": "answer", "model": "anthropic:claude-sonnet-5-5", "at": 1.7e9, "digest": "0" * 64, "ctx": 100_000}
    sizes: list[int] = []

    def step(state: Any) -> Any:
        sizes.append(sum(saver.conn.execute(query).fetchone()[0] or 0 for query in _SIZES))
        return {"agentmem_ledger": [row]}

    graph: Any = StateGraph(MiddlewareState)
    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda _: END if len(sizes) >= turns else "step")
    with SqliteSaver.from_conn_string(":memory:") as saver:
        saver.setup()
        config: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": 10 * turns}
        graph.compile(checkpointer=saver).invoke({"messages": []}, config, durability="sync")
    return [after - before for before, after in pairwise(sizes)]


_SIZES = (
    "SELECT sum(length(checkpoint) + length(metadata)) FROM checkpoints",
    "SELECT sum(length(value)) FROM writes",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the conversation is made here")
    parser.add_argument("--turns", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="a file for the figures")
    given = parser.parse_args()
    heading("A turn in ContextMiddleware", "made up", seed=given.seed, turns=given.turns, budget=f"{BUDGET:,}")
    spent, waited, sizes, cuts = walk(given.turns, given.seed)
    tenth = max(1, given.turns // 10)
    large = [ms for ms, size in zip(spent, sizes, strict=True) if size > 0.9 * max(sizes)]
    quarter = max(1, given.turns // 4)
    early, late = median(spent[tenth : tenth + quarter]), median(spent[-quarter:])
    p95 = quantiles(large, n=20)[-1]
    print(
        f"  at {round(0.9 * max(sizes)):,} to {max(sizes):,} tokens: median {median(large):.2f} ms, p95 {p95:.2f} ms; "
        f"all turns by the clock, with what else the machine does: {median(waited):.2f} ms"
    )
    print(f"  turns {tenth} to {tenth + quarter}: {early:.2f} ms; the last {quarter}: {late:.2f} ms; {cuts} cuts")
    added = written(given.turns)
    first, last = median(added[tenth : 2 * tenth]), median(added[-tenth:])
    shots = sum(one for one in added if one > 4 * last)
    print(
        f"  state: {first:,.0f} bytes a turn at first, {last:,.0f} at last; snapshots {shots / given.turns:,.0f} more"
    )
    missed = [
        *([f"{median(large):.2f} ms a turn"] if median(large) > MOST_MS else []),
        *([f"late turns take {late / early:.2f} x early ones"] if late > FLAT * early else []),
        *([f"late turns write {last / first:.2f} x early ones"] if last > GROWTH * first else []),
    ]
    record_figures(
        median_ms=median(large),
        p95_ms=p95,
        early_ms=early,
        late_ms=late,
        cuts=cuts,
        bytes_first=first,
        bytes_last=last,
        bytes_snapshots=shots / given.turns,
    )
    if given.json:
        figures = {"median_ms": median(large), "p95_ms": p95, "early_ms": early, "late_ms": late, "cuts": cuts}
        given.json.write_text(
            json.dumps(
                {
                    **figures,
                    "bytes_first": first,
                    "bytes_last": last,
                    "bytes_snapshots": shots / given.turns,
                    "missed": missed,
                }
            )
        )
    print("all targets met" if not missed else "missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
