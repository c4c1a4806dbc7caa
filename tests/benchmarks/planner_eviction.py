"""What leaves first, on recorded traces: each row of the eviction table by capacity, beside the best that is possible.

Mooncake's conversations and synthetic agents, and kv-cache-tester's 348 agent sessions (Apache-2.0 all), these at their
own pace and with twenty times as many a second. One cache for all requests, played piece by piece. Rows with "pinned"
keep a conversation's blocks for that many seconds while its tool runs.

Targets: LRU as played is the exact stack's, to the block; no row finds more than is possible; the default row finds, on
average over all of it, at least as much as every other row that does not know the future.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from agentmem.kvcache.eviction import DEFAULT, EVICTION
from agentmem.kvcache.tiers.curve import hit_curve
from agentmem.kvcache.tiers.optimum import optimal_curve
from agentmem.kvcache.tiers.policy_cache import policy_curve
from agentmem.replay.workloads import Workload, workload
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import heading, record_figures
from tests.benchmarks.planner import AGENTS, MOONCAKE, SIZES

FEW = (300_000, 1_000_000, 3_000_000)
"""Tokens of caches that are small for agents."""
FASTER = 20
ROWS: tuple[tuple[str, float], ...] = (*((name, 0.0) for name in EVICTION), (DEFAULT, 60.0), (DEFAULT, 300.0))
"""Row of the table, and seconds for which blocks are pinned."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args()
    mooncake = {name: recording(given.data, Path("mooncake") / f"{name}_trace.jsonl.xz") for name in MOONCAKE}
    agents = workload([recording(given.data, AGENTS)])
    heading("planner_eviction", str(given.data), split="all", seed="none", default=DEFAULT)
    found = {name: _played(name, workload([path]), SIZES) for name, path in mooncake.items()}
    found["agents"] = _played("agents", agents, FEW)
    found[f"agents x {FASTER}"] = _played(f"agents x {FASTER}", agents.faster(FASTER), FEW)
    averages = {name: mean(share for one in found.values() for share in one[name]) for name, pin in ROWS if not pin}
    best = max((name for name in averages if name != "belady"), key=averages.__getitem__)
    print("  on average over all of it: " + ", ".join(f"{name} {share:.1%}" for name, share in averages.items()))
    missed = [] if averages[best] <= averages[DEFAULT] else [f"{best} finds more than the default, {DEFAULT}"]
    missed += [
        f"{name}: {row} at {size} finds more than is possible"
        for name, one in found.items()
        for row, shares in one.items()
        for size, (share, limit) in enumerate(zip(shares, one["best possible"], strict=True))
        if share > limit + 1e-9
    ]
    missed += [f"{name}: LRU as played is not the stack's" for name, one in found.items() if one["lru"] != one["stack"]]
    record_figures(found=found, average=averages, missed=missed)
    print(f"  {'MISSED: ' + '; '.join(missed) if missed else 'reached'}")
    return int(bool(missed))


def _played(name: str, work: Workload, sizes: Sequence[int]) -> Mapping[str, list[float]]:
    stack, limit = (of(work.requests, work.block, sizes) for of in (hit_curve, optimal_curve))
    tools = any(one.tool for one in work.requests)
    made = {}
    for row, pin in ROWS if tools else ((row, pin) for row, pin in ROWS if not pin):
        curve = policy_curve(work.requests, work.block, sizes, row, pin)
        made[f"{row}, pinned {pin:g} s" if pin else row] = [curve.share(one) for one in curve.points]
    made["best possible"] = [limit.share(one) for one in limit.points]
    print(f"  {name}, {len(work.requests):,} requests" + "".join(f"{size / 1e6:>9g}M" for size in sizes))
    for row, shares in made.items():
        print(f"    {row:<22}" + "".join(f"{share:>10.1%}" for share in shares))
    known = [row for row in made if row not in ("belady", "best possible")]
    wins = [max(known, key=lambda row: made[row][at]) for at in range(len(sizes))]
    print(f"    finds most of those that do not know the future: {', '.join(wins)}")
    made["stack"] = [stack.share(one) for one in stack.points[:-1]]
    return made


if __name__ == "__main__":
    sys.exit(main())
