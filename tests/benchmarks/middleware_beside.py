"""ContextMiddleware beside five of LangChain's own for 200 turns, and with structured output.

    python -m tests.benchmarks.middleware_beside [--turns 200] [--json FILE]

Real agents and the real client over HTTP to a strict loopback server. Every request must extend the one before, except
at a declared cut. With ToolStrategy the model may only call tools, so no summary is asked for: it is made from what the
compaction computes. The other way, a request without the tools, reads nothing from the cache; its price is computed
from the ledger's tokens at each cut.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    ModelCallLimitMiddleware,
    ModelRetryMiddleware,
    PIIMiddleware,
    TodoListMiddleware,
    ToolRetryMiddleware,
)
from langchain.agents.structured_output import ToolStrategy
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from agentmem.integrations.langchain import ContextMiddleware
from agentmem.meter.prices import rates
from agentmem.testing import ServerAnswer
from tests.benchmarks.heading import heading, record_figures
from tests.integrations.looking_up import PROMPT, TASK, Script, breaks, marks, record, serving

BUDGET = 60_000
THREAD: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": 100_000}


class Result(BaseModel):
    """What was found."""

    parts: int


def stock() -> list[Any]:
    """Five of LangChain's middlewares."""
    limits = ModelCallLimitMiddleware(run_limit=100_000)
    return [TodoListMiddleware(), limits, ToolRetryMiddleware(), ModelRetryMiddleware(), PIIMiddleware("email")]


def beside(turns: int) -> tuple[dict[str, Any], list[str]]:
    """Breaks and cuts of a long run beside the five."""
    with serving(Script(turns)) as served:
        made: Any = create_agent(
            served.model,
            [record],
            system_prompt=PROMPT,
            middleware=[*stock(), ContextMiddleware(BUDGET)],
            checkpointer=InMemorySaver(),
        )
        made.invoke(TASK, THREAD, durability="exit")
        state = made.get_state(THREAD).values
        rows, cuts = ContextMiddleware.ledger(state), len(state["agentmem_cuts"])
        broken, most = len(breaks(served.bodies)), max(map(marks, served.bodies))
    asked = [row.usage for row in rows if row.purpose == "summary"]
    read = sum(one.cache_read_tokens for one in asked) / max(1, sum(one.input_tokens for one in asked))
    found = {"requests": len(rows), "cuts": cuts, "breaks": broken - cuts, "most_marks": most, "summaries_read": read}
    print("  beside five: " + ", ".join(f"{name} {value:.4g}" for name, value in found.items()))
    missed = [
        *([f"{broken - cuts} breaks without a cut"] if broken > cuts else []),
        *([f"summaries read {read:.3f} from the cache"] if read < 0.97 else []),
        *([f"{most} marks"] if most > 4 else []),
    ]
    return found, missed


def structured(turns: int) -> tuple[dict[str, Any], list[str]]:
    """Dollars with ToolStrategy, and what asking for summaries without the tools would have cost more."""
    script = Script(turns)
    end = ServerAnswer([{"type": "tool_use", "id": "end", "name": "Result", "input": {"parts": turns}}])
    with serving(lambda body: script(body) if script.asked < turns else end) as served:
        made: Any = create_agent(
            served.model,
            [record],
            system_prompt=PROMPT,
            middleware=[ContextMiddleware(BUDGET)],
            response_format=ToolStrategy(Result),
            checkpointer=InMemorySaver(),
        )
        made.invoke(TASK, THREAD, durability="exit")
        state = made.get_state(THREAD).values
        rows, cuts, summaries = ContextMiddleware.ledger(state), len(state["agentmem_cuts"]), served.summaries
    price = rates("anthropic", "claude-sonnet-5-5")
    assert price is not None
    before = [rows[at - 1].usage.input_tokens for at, row in enumerate(rows) if row.break_ == "cut"]
    other = sum(price.uncached * tokens + price.output * 500 for tokens in before)
    paid = sum(row.cost_usd or 0.0 for row in rows)
    found = {"cuts": cuts, "summaries_asked": summaries, "usd": paid, "asked_without_tools_usd_more": other}
    print("  ToolStrategy: " + ", ".join(f"{name} {value:.4g}" for name, value in found.items()))
    return found, ["a summary was asked for"] if summaries else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the conversation is made here")
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--json", type=Path, help="a file for the figures")
    given = parser.parse_args()
    heading("ContextMiddleware beside others", "made up", turns=given.turns, budget=f"{BUDGET:,}")
    five, missed = beside(given.turns)
    forms, more = structured(given.turns)
    missed += more
    record_figures(beside=five, structured=forms, missed=missed)
    if given.json:
        given.json.write_text(json.dumps({"beside": five, "structured": forms, "missed": missed}, indent=1))
    print("all targets met" if not missed else "missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
