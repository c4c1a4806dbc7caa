"""An agent reads a handbook of more than a million tokens under a budget of 120,000, and forgets nothing.

The same work is done twice: as agentmem does it, and append-only, as if there were a model that took it all. The model
plays a script and the pages are made up here; the cache is simulated by Anthropic's published rules, at the prices of
one of its models. What was read long ago is brought back with the `recall` tool and compared with the page. `--quick`
reads a fifth of it.
"""

import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentmem import Agent, Compacted, Compaction, Limits, ScriptedModel, Text, ToolReturned, demo
from agentmem.meter import rows, summarise
from agentmem.testing import Request, Turn, place

PAGES, LINES, SEED, BUDGET = 46 if "--quick" in sys.argv else 230, 150, 11, 120_000
PRICED_AS = "anthropic:claude-sonnet-5-5"
PARTS = ("pump", "valve", "tank", "meter", "filter", "motor", "shaft", "crane", "hoist", "ladder", "boiler", "gauge")
CHECKS = (
    "Before every shift the {part} of bay {n} is checked for wear, and the reading goes into sheet {n}-{m}.",
    "When the {part} runs above {m} degrees, stop it, wait {n} minutes and call the engineer on duty.",
    "A {part} may be lent to another site for {n} days if the form with the number {m} is signed twice.",
    "Whoever finds the {part} open closes it first and asks afterwards; the last such case was number {m}.",
    "The spare {part} lies in rack {n}, behind the one for visitors, and is counted every {m} days.",
)
FACTS = {  # said once, on an early page, and never again
    3: ("What opens the locker of the Harrowgate store?", "The locker of the Harrowgate store opens with 4471-KQ-93."),
    8: ("Who repairs the Ostermann lathe?", "The Ostermann lathe is repaired by Ilse Varnhagen alone, extension 6203."),
    14: ("How often may the Pell relay retry?", 'RETRIES["Pell relay"] = Retry(7, backoff=0.85, jitter=True)'),
    21: ("When was the Quillon dock inspected?", "The Quillon dock was inspected on 9 March 1987, at 14:25."),
}


def page(number: int) -> str:
    """About 5,000 tokens of a handbook, the same in every run."""
    chance = random.Random(SEED * 10_007 + number)
    lines = [
        chance.choice(CHECKS).format(
            part=chance.choice(PARTS), n=chance.randrange(2, 90), m=chance.randrange(100, 9999)
        )
        for _ in range(LINES)
    ]
    if number in FACTS:
        lines.insert(LINES // 2, FACTS[number][1])
    return f"# Chapter {number}\n\n" + "\n".join(f"- {line}" for line in lines) + "\n"


def name(number: int) -> str:
    return f"handbook/chapter-{number:03d}.md"


def script(request: Request) -> Turn:
    """Reads chapter after chapter, then asks for each fact."""
    turn, asked = place(request), list(FACTS.values())
    if turn < PAGES:
        return {"text": f"I read chapter {turn}.", "calls": [{"read": {"page": name(turn)}}]}
    if turn < PAGES + len(asked):
        return {"calls": [{"recall": {"what": asked[turn - PAGES][0]}}]}
    return "I have read the whole handbook."


def summary(request: Request) -> Turn:
    """What a model might note: where it is. The facts are not in it."""
    turn = place(request)
    return (
        f"## Goal\n- Read the whole handbook.\n\n## Files\n- {name(turn - 1)} was read last.\n\n## Open\n- {name(turn)}"
    )


@dataclass
class Worked:
    """One run: the numbers of its ledger, its compactions, and what `recall` brought back."""

    numbers: dict[str, Any]
    compactions: list[Compacted]
    recalled: list[str]
    exact: int


def work(folder: Path, budget: int, compaction: Compaction | None) -> Worked:
    """The whole task in a folder of its own."""
    (folder / "handbook").mkdir(parents=True)
    for number in range(PAGES):
        (folder / name(number)).write_text(page(number), encoding="utf-8")
    model = ScriptedModel(script, meter=demo.simulated(), by_purpose={"summary": summary})
    settings: dict[str, Any] = {"tools": ["read", "recall"], "limits": Limits(max_turns=None), "price_as": PRICED_AS}
    with Agent(model, folder, budget=budget, compaction=compaction, **settings) as agent:
        events = list(agent.stream("Read the whole handbook, then answer from it.", thread="reading"))
        recalled = [one.result.content for one in events if isinstance(one, ToolReturned) and one.name == "recall"]
        entries = [entry for entry in agent.journal.entries("reading") if entry.kind == "tool_result"]
        return Worked(
            summarise(rows(agent.journal, "reading")),
            [one for one in events if isinstance(one, Compacted)],
            ["\n".join(block.text for block in content if isinstance(block, Text)) for content in recalled],
            sum(page(at).strip() in entry.value["content"][0]["text"] for at, entry in enumerate(entries[:PAGES])),
        )


def line(title: str, ours: str, other: str) -> None:
    print(f"{title:28}{ours:>16}{other:>16}")


with tempfile.TemporaryDirectory() as scratch:
    ours = work(Path(scratch) / "ours", BUDGET, Compaction())
    other = work(Path(scratch) / "append-only", 3_000_000, None)

line("", "agentmem", "append-only")
line("budget", f"{BUDGET:,}", "none")
for title, key in (("requests", "requests"), ("peak context", "peak_context_tokens"), ("tokens in", "input_tokens")):
    line(title, f"{ours.numbers[key]:,}", f"{other.numbers[key]:,}")
line("compactions", f"{len(ours.compactions)}", f"{len(other.compactions)}")
line("cache hit rate, simulated", f"{ours.numbers['hit_rate']:.1%}", f"{other.numbers['hit_rate']:.1%}")
line("dollars, simulated", f"{ours.numbers['cost_usd']:.2f}", f"{other.numbers['cost_usd']:.2f}")
print(f"\nhistory: {ours.numbers['new_tokens']:,} tokens; {ours.exact} of {PAGES} pages read back exactly")
for (question, fact), answer in zip(FACTS.values(), ours.recalled, strict=True):
    found = "exact" if fact in answer else "NOT FOUND"
    print(f"recall {question}\n  {found}: {fact}")
