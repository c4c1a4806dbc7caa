"""Compactions on the local engine: examples/11_small_budget_on_the_engine.py, and whether its numbers show the point.

An agent works under a budget of 6,000 tokens. By the engine's own counters a request for a summary must find nearly
all of its tokens in the cache, and all requests together stay small. Not every compaction asks for a summary.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from agentmem.models.engine import available
from tests.benchmarks.data import skip
from tests.benchmarks.heading import heading, record_figures

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "11_small_budget_on_the_engine.py"
BUDGET, SENT, CACHED, COMPACTIONS = 6_000, 40_000, 0.85, 2
_ROW = re.compile(r"^ +\d+ +(\w+) +([\d,]+) +([\d,]+)$", re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the thread is made here")
    parser.parse_args()
    if not available():
        skip("the local engine is not installed (`agentmem local install`)")
    heading("small budget", "made here", seed="none", budget=f"{BUDGET:,} tokens")
    shown = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=True).stdout
    print(shown)
    found = [(purpose, *(int(n.replace(",", "")) for n in numbers)) for purpose, *numbers in _ROW.findall(shown)]
    sent = sum(cached + processed for _, cached, processed in found)
    summaries = [cached / (cached + processed) for purpose, cached, processed in found if purpose == "summary"]
    print(
        f"  tokens sent: {sent:,} (at most {SENT:,}); largest request: {max(a + b for _, a, b in found):,} ({BUDGET:,})"
    )
    cuts = shown.count("\ncompacted (")
    print(f"  compactions: {cuts} (at least {COMPACTIONS}); those that asked for a summary found cached: {summaries}")
    record_figures(sent=sent, compactions=cuts, cached_of_summaries=summaries)
    reached = (
        sent <= SENT
        and cuts >= COMPACTIONS
        and min(summaries, default=0.0) >= CACHED
        and all(cached + processed <= BUDGET for _, cached, processed in found)
    )
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
