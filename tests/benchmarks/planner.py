"""The planner beside published figures, an oracle that others wrote, and a store that is played block by block.

Mooncake's traces (Qin et al., FAST 2025, Apache-2.0): its paper finds 40 % of the conversation trace's tokens with room
for everything, and 66 % of the synthetic one's. kv-cache-tester's 348 agent sessions (Apache-2.0) as one workload. The
oracle is NVIDIA's ai-dynamo: its replay of the same trace on one simulated engine, by its own scheduler and prefix
cache; it needs no GPU. Where it is not installed, that part is left out, and said so:

    python -m tests.benchmarks.planner --data DATA --oracle PYTHON

where PYTHON is that of an environment of its own, with ai-dynamo 1.6.1 and ai-dynamo-runtime 1.6.1 installed without
what they require (`--no-deps`), and with typing_extensions, pydantic, numpy, uvloop and pyyaml beside them.

Targets: within 1 point of the oracle's hit rate at 3M, 10M and 50M tokens; the same order of routings; 10,000 requests
a second of one core for the curve; its memory flat, with four times as many requests as they come; agent traces at
least 96 % at a capacity that is named.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentmem.kvcache.tiers.curve import HitCurve, capacities, hit_curve
from agentmem.kvcache.tiers.fleet import FleetPlan, dram, simulate_fleet
from agentmem.kvcache.tiers.hardware import GB, EngineSpec
from agentmem.kvcache.tiers.optimum import optimal_curve
from agentmem.kvcache.tiers.runs import BlockRequest
from agentmem.replay.source import opened
from agentmem.replay.workloads import Workload, workload
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import commit, heading, record_figures

SIZES = (3_000_000, 10_000_000, 50_000_000)
MOONCAKE = ("conversation", "synthetic")
PAPER = {"conversation": 0.40, "synthetic": 0.66}
"""Shares of tokens with room for everything, as the paper's table has them."""
AGENTS = Path("kv-cache-tester") / "traces.rle.jsonl.xz"
NEAR = 0.01
FASTEST = 10_000
AGENTS_FIND = 0.96
FLAT = 1.5
"""The most that memory may grow with four times the requests: the stack renumbers itself now and then."""
ROUTED = 3_000_000
"""Tokens that each engine holds where routings are compared."""
ORDER = ("round-robin", "prefix")
"""From the routing that finds least to the one that finds most, as the oracle has them."""

ORACLE = """
import json, sys
from dynamo.replay import run_trace_replay
trace, blocks, workers, mode = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
made = run_trace_replay(trace, trace_block_size=512, num_workers=workers, router_mode=mode,
    extra_engine_args={"engine": {"num_gpu_blocks": blocks, "block_size": 512}})
print("FOUND", json.dumps(made.summary["prefix_cache_reused_ratio"]))
"""


@dataclass(frozen=True, slots=True)
class Oracle:
    """ai-dynamo's replay, in an environment of its own."""

    python: str
    trace: Path

    def hit_rate(self, tokens: int, workers: int = 1, mode: str = "round_robin") -> float:
        """The share of prompts' tokens that its engines of ``tokens`` found."""
        command = [self.python, "-c", ORACLE, str(self.trace), str(tokens // 512), str(workers), mode]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        line = next(one for one in done.stdout.splitlines() if one.startswith("FOUND "))
        return float(json.loads(line.removeprefix("FOUND ")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--oracle", help="a python that has ai-dynamo 1.6.1")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    paths = {name: recording(given.data, Path("mooncake") / f"{name}_trace.jsonl.xz") for name in MOONCAKE}
    paths["agents"] = recording(given.data, AGENTS)
    heading("planner", str(given.data), split="all", seed="none", oracle=given.oracle or "not given")
    made: dict[str, Any] = {"benchmark": "planner", "schema": 1, "commit": commit(), "workloads": {}, "missed": []}
    for name, path in paths.items():
        made["workloads"][name] = _measured(name, workload([path]), made["missed"])
    if given.oracle:
        made["oracle"] = _compared(given.oracle, paths["conversation"], made["missed"])
        apart = [abs(one["ours"] - one["oracle"]) for one in made["oracle"]["capacities"].values()]
        made["beside"] = f"at most {100 * max(apart):.2f} points from ai-dynamo's replay"
    else:
        made["beside"] = "not compared with ai-dynamo here"
        print("  oracle: left out, since no python that has ai-dynamo was given (--oracle)")
    made["peaks_mb"] = _peaks(workload([paths["conversation"]]), made["missed"])
    made["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory {made['peak_rss_mb']:,.0f} MB")
    print(f"  {'MISSED: ' + '; '.join(made['missed']) if made['missed'] else 'reached'}")
    record_figures(**made)
    if given.json:
        given.json.write_text(json.dumps(made, indent=2), encoding="utf-8")
    return int(bool(made["missed"]))


def _measured(name: str, work: Workload, missed: list[str]) -> dict[str, Any]:
    sizes = sorted({*SIZES, *capacities(max(SIZES))})
    began = time.process_time()
    curve = hit_curve(work.requests, work.block, sizes)
    speed = len(work.requests) / (time.process_time() - began)
    best = optimal_curve(work.requests, work.block, sizes)
    endless = curve.share(curve.points[-1])
    print(f"  {name}: {len(work.requests):,} requests, {speed:,.0f} a second; no limit {endless:.1%}", end="")
    print(f" of tokens (the paper's table: {PAPER[name]:.0%})" if name in PAPER else " of tokens")
    for one, limit in zip(curve.points, best.points, strict=False):
        if one.capacity in SIZES:
            print(f"    {one.capacity:>12,} tokens {curve.share(one):>7.1%}   best possible {best.share(limit):.1%}")
    if speed < FASTEST:
        missed.append(f"{name}: {speed:,.0f} requests a second")
    if name == "agents":
        _said_of_agents(curve, missed)
    points = [{"capacity_tokens": one.capacity, "hit_rate": curve.share(one)} for one in curve.points]
    return {"requests": len(work.requests), "requests_per_second": speed, "no_limit": endless, "points": points}


def _peaks(work: Workload, missed: list[str]) -> list[float]:
    """Megabytes at the most for the curve of the trace once, and of four of it with blocks of their own."""
    found = []
    for times in (1, 4):
        tracemalloc.start()
        hit_curve(_again(work, times), work.block, [min(SIZES)], forget=True)
        found.append(tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
    print(f"  memory for the curve of conversations: {found[0]:.1f} MB, with four times as many {found[1]:.1f} MB")
    if found[1] > FLAT * found[0]:
        missed.append(f"memory grows from {found[0]:.1f} to {found[1]:.1f} MB with four times the requests")
    return found


def _again(work: Workload, times: int) -> Iterator[BlockRequest]:
    apart = 1 + max(end for one in work.requests for _, end in one.runs)
    for at in range(times):
        for one in work.requests:
            yield replace(one, runs=tuple((at * apart + start, at * apart + end) for start, end in one.runs))


def _said_of_agents(curve: HitCurve, missed: list[str]) -> None:
    enough = curve.least(AGENTS_FIND)
    if enough is None or enough.capacity is None:
        missed.append(f"agents: no capacity finds {AGENTS_FIND:.0%}")
    else:
        print(f"    {AGENTS_FIND:.0%} from {enough.capacity:,} tokens on")


def _compared(python: str, trace: Path, missed: list[str]) -> dict[str, Any]:
    work = workload([trace])
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "trace.jsonl"
        with opened(trace) as packed:
            plain.write_bytes(packed.read())
        oracle = Oracle(python, plain)
        made = {str(size): _beside(work, oracle, size, missed) for size in SIZES}
        ours = [_routed(work, name) for name in ORDER]
        theirs = [oracle.hit_rate(ROUTED, 4, mode) for mode in ("round_robin", "kv_router")]
    print(f"    4 engines of {ROUTED:,} tokens, {' and '.join(ORDER)}: {ours[0]:.1%}, {ours[1]:.1%}", end="")
    print(f"; oracle {theirs[0]:.1%}, {theirs[1]:.1%}")
    if (ours[0] < ours[1]) != (theirs[0] < theirs[1]):
        missed.append("routings are in another order than the oracle's")
    return {"capacities": made, "routing": {"ours": ours, "oracle": theirs}}


def _beside(work: Workload, oracle: Oracle, size: int, missed: list[str]) -> dict[str, float]:
    curve = hit_curve(work.requests, work.block, [size])
    ours, theirs = curve.share(curve.points[0]), oracle.hit_rate(size)
    print(f"    {size:>12,} tokens {ours:>7.2%}   oracle {theirs:.2%}")
    if abs(ours - theirs) > NEAR:
        missed.append(f"{size:,} tokens: {ours:.2%} beside the oracle's {theirs:.2%}")
    return {"ours": ours, "oracle": theirs}


def _routed(work: Workload, routing: str) -> float:
    engine = EngineSpec.named("H100", "llama-3.3-70b")
    behind = dram((ROUTED - engine.kv_tokens) * engine.model.kv_bytes / GB)
    plan = FleetPlan(engine, 4, (behind,), routing=routing)
    return simulate_fleet(work.requests, work.block, plan, work.context).hit_rate


if __name__ == "__main__":
    sys.exit(main())
