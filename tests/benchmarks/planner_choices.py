"""Update, buy or wait for two recorded traces, and what 96 to 99 % of hits and 4.2 times the tokens would take.

kv-cache-tester's agent sessions, twenty times as many a second, and Mooncake's hour of conversations, ten times as many
(Apache-2.0 both), their first 4,000 requests on engines of H100 with llama-3.3-70b. Whatever a maker says and nobody
here has measured stands as "claimed"; prices are the assumptions of agentmem/kvcache/tiers/hardware.py.

Targets: each choice names what it assumes and what it takes on trust, and by its own assumptions is never dearer for
needing fewer engines at the same rent; agents find 96 % at a capacity that is named.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from types import MappingProxyType
from typing import Any

from agentmem.kvcache.tiers.curve import capacities, hit_curve
from agentmem.kvcache.tiers.fleet import FleetPlan, dram, simulate_fleet
from agentmem.kvcache.tiers.hardware import GB, MODELS, EngineSpec
from agentmem.kvcache.tiers.plans import LOAD, Outlook, PlannedWork, choices
from agentmem.replay.workloads import Workload, workload
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import heading, record_figures
from tests.benchmarks.planner import AGENTS

FIRST = 4_000
TRACES: Mapping[str, tuple[Path, float]] = MappingProxyType(
    {"agents": (AGENTS, 20), "conversations": (Path("mooncake") / "conversation_trace.jsonl.xz", 10)}
)
"""Each trace's file, and how many times as many requests a second."""
MODEL, BEHIND = "llama-3.3-70b", 1_000
"""What is served, and GB of host memory behind each engine."""
SHARES = (0.90, 0.95, 0.96, 0.97, 0.98, 0.99)
CLAIMED = 4.2
ENGINES = (("H100", 2), ("H100", 4), ("H100", 8), ("H200", 2), ("H200", 4), ("B200", 2), ("B200", 4))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args()
    paths = {name: recording(given.data, path) for name, (path, _) in TRACES.items()}
    heading("planner_choices", str(given.data), split=f"the first {FIRST:,} requests", seed="none", model=MODEL)
    missed = list[str]()
    works = {name: workload([path]).faster(TRACES[name][1]) for name, path in paths.items()}
    played = {name: work.first(FIRST) for name, work in works.items()}
    chosen = {name: _chosen(name, work, missed) for name, work in played.items()}
    found, gains = _found(works["agents"], missed), _gains(played)
    record_figures(choices=chosen, capacity_for=found, gains=gains, missed=missed)
    print(f"  {'MISSED: ' + '; '.join(missed) if missed else 'reached'}")
    return int(bool(missed))


def _chosen(name: str, played: Workload, missed: list[str]) -> dict[str, Any]:
    plan = FleetPlan(EngineSpec.named("H100", MODEL), tiers=(dram(BEHIND),))
    made = choices(PlannedWork(played.requests, played.block, played.context), plan, Outlook())
    minutes, each = played.seconds / 60, played.context
    print(f"  {name}: {len(played.requests):,} requests in {minutes:,.0f} minutes, {each:,.0f} tokens each")
    for one in made:
        print(f"    {one.name:<8}{one.engines:>5} engines  ${one.usd:>12,.0f} in 12 months")
        for text in (f"assumed: {'; '.join(one.assumptions)}", *(f"claimed: {claim}" for claim in one.claims)):
            print(fill(text, 110, initial_indent=" " * 6, subsequent_indent=" " * 15))
        if not (one.assumptions and one.claims):
            missed.append(f"{name}: {one.name} names no assumption, or no claim")
    if made[1].engines < made[0].engines and made[1].usd - Outlook().update_days * Outlook().day_usd >= made[0].usd:
        missed.append(f"{name}: fewer engines at the same rent are dearer")
    print(f"    least of them: {min(made, key=lambda one: one.usd).name}")
    return {one.name: {"engines": one.engines, "usd": one.usd} for one in made}


def _found(work: Workload, missed: list[str]) -> dict[str, int | None]:
    """The least capacity that finds each share of agents' tokens."""
    curve = hit_curve(work.requests, work.block, capacities(2 * work.tokens // len(work.requests) * 1_000))
    print(f"  agents, one store for all, no limit: {curve.share(curve.points[-1]):.2%} found. Capacity for a share:")
    made: dict[str, int | None] = {}
    for share in SHARES:
        least = curve.least(share)
        made[f"{share:.0%}"] = least.capacity if least else None
        print(f"    {share:.0%}: {_terabytes(least.capacity) if least and least.capacity else 'none: the rest is new'}")
    if made["96%"] is None:
        missed.append("agents: no capacity finds 96 %")
    return made


def _terabytes(tokens: int) -> str:
    sizes = ", ".join(
        f"{tokens * MODELS[name].kv_bytes / GB / 1000:.1f} TB of {name}" for name in (MODEL, "deepseek-r1")
    )
    return f"{tokens:,} tokens, {sizes}"


def _gains(works: Mapping[str, Workload]) -> dict[str, dict[str, float]]:
    """Tokens for each second of an engine, as a multiple of those where nothing is held, by engine."""
    print(f"  tokens an engine second, x those where nothing is held (claimed elsewhere: up to {CLAIMED} x), with")
    print(f"  {BEHIND:,} GB behind each engine, on as many engines as are busy for {LOAD:.0%} or less of the time")
    made: dict[str, dict[str, float]] = {}
    for chip, chips in ENGINES:
        engine = EngineSpec.named(chip, MODEL, chips)
        row = {name: _gain(work, FleetPlan(engine, tiers=(dram(BEHIND),))) for name, work in works.items()}
        made[f"{chips} x {chip}"] = row
        batch = {name: engine.batch(work.context) for name, work in works.items()}
        cells = ", ".join(f"{name} {gain:.1f} (steps {batch[name]} at once)" for name, gain in row.items())
        print(f"    {chips} x {chip:<6}{engine.kv_tokens:>10,} tokens beside the weights: {cells}")
    return made


def _gain(work: Workload, plan: FleetPlan) -> float:
    result = simulate_fleet(work.requests, work.block, plan, work.context)
    engines = max(1, round(result.busy / (LOAD * max(1.0, work.seconds))))
    return simulate_fleet(work.requests, work.block, replace(plan, engines=engines), work.context).gain


if __name__ == "__main__":
    sys.exit(main())
