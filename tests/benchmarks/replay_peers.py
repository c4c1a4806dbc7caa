"""Our policy beside other packages' own, on recorded coding sessions joined to chains of a million tokens.

Everything at the default settings: at 120k tokens with lifetimes as recorded, all 5 min and all 1 h; then at budgets
from 80k to 200k. Policies are compared by what it costs to act beyond the floor, and by the calls that could be made
with what they show. The sizes of our compaction were chosen on these sessions: other sessions are the judge.
"""

import sys
from pathlib import Path
from typing import Any

from agentmem.replay.parallel import CHAIN, ReplayPlan, replay_all
from agentmem.replay.peers import missing
from agentmem.types import Ttl
from tests.benchmarks.data import data_file
from tests.benchmarks.heading import heading

FILE = Path("claude-code") / "transcripts.jsonl.xz"
MODEL = "claude-opus-4-6"
BUDGET = 120_000
BUDGETS = (80_000, 100_000, 150_000, 200_000)
OURS, BEST = "agentmem", "agentmem-q3"
PEERS = ("langchain-summarization", "deepagents")
MASKING = "observation-masking"
COLUMNS = ("cost_usd", "dollars_to_act_usd", "floor_usd", "excess", "callable_far", "old_lines_far", "callable_near")
TABLE = (*COLUMNS, "visible", "visible_line", "reachable", "hit_rate", "redo_share", "peak_context_tokens")
DEEPAGENTS, CHEAPEST, EXCESS, REDO, NEAR, FAR = 0.72, 0.78, 0.62, 0.02, 0.99, 0.06
BEST_CHEAPEST = 0.79

Rows = dict[str, dict[str, Any]]


def replayed(path: Path, policies: tuple[str, ...], budget: int = BUDGET, ttl: Ttl | None = None) -> Rows:
    """The rows of some policies by name, printed as a table."""
    found = replay_all(ReplayPlan((path,), policies, model=MODEL, budget=budget, ttl=ttl))
    rows = {row["policy"]: row for row in found["policies"]}
    print(f"\nbudget {budget:,}, lifetimes {ttl or 'as recorded'}")
    print(f"{'':24}" + "".join(f"{name.removesuffix('_tokens')[-15:]:>16}" for name in TABLE))
    for name, row in rows.items():
        print(f"{name:24}" + "".join(f"{_cell(row[key]):>16}" for key in TABLE))
    over = {name: row["peak_context_tokens"] for name, row in rows.items() if row["peak_context_tokens"] > budget}
    print("  over the budget: " + (", ".join(f"{name} ({peak:,})" for name, peak in over.items()) or "none"))
    for one in found["skipped"]:
        print(f"  left out: {one['reason']}")
    return rows


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def default_misses(rows: Rows, told: str) -> list[str]:
    """What the default setting misses at 120k."""
    ours, peers = rows[OURS], [rows[name] for name in PEERS]
    cheapest = min(peer["cost_usd"] for peer in peers)
    checks = (
        ("dollars beside deepagents", ours["cost_usd"] / rows["deepagents"]["cost_usd"] <= DEEPAGENTS),
        ("dollars beside the best peer", ours["cost_usd"] / cheapest <= CHEAPEST),
        ("excess over the floor beside the best peer's", ours["excess"] <= EXCESS),
        ("no row below the floor", all(row["cost_usd"] >= row["floor_usd"] for row in rows.values())),
        ("tokens processed again", ours["redo_share"] <= REDO),
        ("calls that can be made when near", ours["callable_near"] >= NEAR),
        ("far calls that can be made", all(ours["callable_far"] >= peer["callable_far"] + FAR for peer in peers)),
        ("reachable", ours["reachable"] == 1.0),
        ("dollars to act", all(ours["dollars_to_act_usd"] < peer["dollars_to_act_usd"] for peer in peers)),
        ("budget", ours["peak_context_tokens"] <= BUDGET),
    )
    return [f"{told}: {name}" for name, met in checks if not met]


def sweep_misses(rows: Rows, budget: int) -> list[str]:
    """The peers beside which it costs us more to act."""
    least = min(row["dollars_to_act_usd"] for name, row in rows.items() if name.startswith(OURS))
    beaten = {name for name in PEERS if least < rows[name]["dollars_to_act_usd"]}
    return [f"budget {budget:,}: not cheaper to act than {name}" for name in PEERS if name not in beaten]


def main() -> int:
    path = data_file(__doc__, FILE)
    if lacking := next(filter(None, map(missing, PEERS)), None):
        print(f"skipped: {lacking}")
        return 77
    settings = "the defaults of each; ours at quality 2 (the default) and 3"
    heading("Our policy beside peers'", str(path), model=MODEL, chain=f"{CHAIN:,} tokens", settings=settings)
    rows = replayed(path, ("recorded", "append-only", "sliding", OURS, BEST, MASKING, *PEERS))
    misses = default_misses(rows, "lifetimes as recorded")
    if rows[BEST]["cost_usd"] > BEST_CHEAPEST * min(rows[name]["cost_usd"] for name in PEERS):
        misses.append("quality 3: dollars beside the best peer")
    ttls: tuple[Ttl, ...] = ("5m", "1h")
    for ttl in ttls:
        misses += default_misses(replayed(path, (OURS, *PEERS), ttl=ttl), f"lifetimes {ttl}")
    for budget in BUDGETS:
        misses += sweep_misses(replayed(path, (OURS, BEST, *PEERS), budget), budget)
    print("\nall targets met" if not misses else "\nmissed: " + "; ".join(misses))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
