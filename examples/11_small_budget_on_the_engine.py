"""Compactions on a real KV cache: an agent works under a budget of 6,000 tokens, and the local engine counts.

The replies come from a script. The bytes of each request go through llama.cpp, and its counters tell how many tokens
were cached and how many were processed. The request for a summary reuses the cached prefix: only its instruction is
new. After a compaction only tools and system are still cached, and the context is small again.

It takes a few minutes on one core. `--quick` simulates the cache by Anthropic's rules instead, and says so.
"""

import sys
import tempfile
from typing import Any

from agentmem import Agent, Compacted, Engine, Metered, ScriptedModel, demo, tool
from agentmem.meter import Row, summarise
from agentmem.testing import ReplyMeter, Request, Turn, place

BUDGET, BEDS, ROWS = 6_000, 18, 44
SYSTEM = "You look after the beds of a nursery. Be brief, and look before you answer."
HERBS = ("sage", "thyme", "basil", "rue", "mint", "dill", "chervil", "lovage", "savory", "borage", "hyssop")


@tool(effect="read")
def inspect(bed: int) -> str:
    """Says what grows in a bed.

    Args:
        bed: its number
    """
    rows = (f"row {row}: {HERBS[(bed * row) % len(HERBS)]}, {bed * row % 17 + 2} plants" for row in range(1, ROWS))
    return f"bed_{bed:03d} in beds/bed_{bed:03d}.md\n" + "\n".join(rows)


def script(request: Request) -> Turn:
    """Looks at two beds in each turn."""
    bed = place(request) * 2
    return {"calls": [{"inspect": {"bed": bed}}, {"inspect": {"bed": bed + 1}}]} if bed < BEDS else "All are looked at."


def summary(request: Request) -> Turn:
    """A summary as a model might write it."""
    last = place(request) * 2 - 1
    return (
        f"## Goal\n- Look at every bed.\n\n## Facts\n- beds/bed_{last:03d}.md was the last.\n- Go on with {last + 1}."
    )


def meter() -> ReplyMeter:
    """The engine. Without it, the example ends here."""
    if "--quick" in sys.argv:
        return demo.simulated()
    if not demo.metered_by_engine():
        sys.exit("The local engine is not installed: run `agentmem local install`, or use --quick, which needs none.")
    return Engine()


def show(rows: list[Row]) -> None:
    print(f"{'request':>8}  {'for':10}{'cached':>8}{'processed':>11}")
    for number, row in enumerate(rows, 1):
        cached = row.usage.cache_read_tokens
        print(f"{number:>8}  {row.purpose:10}{cached:>8,}{row.usage.input_tokens - cached:>11,}")
    total = summarise(rows)
    sent, cached = total["input_tokens"], total["cache_read_tokens"]
    print(f"\n{sent:,} tokens sent, {sent - cached:,} processed, {cached / sent:.0%} cached ({total['basis']})")


with tempfile.TemporaryDirectory() as folder:
    settings: dict[str, Any] = {"tools": [inspect], "system": SYSTEM, "budget": BUDGET, "archive": None}
    rows = list[Row]()
    compactions = list[Compacted]()
    model = ScriptedModel(script, meter=meter(), by_purpose={"summary": summary})
    with model, Agent(model, folder, **settings) as agent:
        for event in agent.stream("Look at every bed, and say when you are done.", thread="beds"):
            if isinstance(event, Compacted):
                compactions.append(event)
            if isinstance(event, Metered | Compacted) and event.row:
                rows.append(event.row)

show(rows)
for done in compactions:
    print(f"compacted ({done.reason}): {done.before:,} tokens to {done.after:,}")
