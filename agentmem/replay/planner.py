"""A plan as one JSON document: the curve of capacities, fleets for a workload, settings; update, buy or wait."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentmem.errors import ConfigError
from agentmem.kvcache.eviction import DEFAULT, EVICTION, policy
from agentmem.kvcache.tiers.curve import CurvePoint, HitCurve, capacities, hit_curve
from agentmem.kvcache.tiers.fleet import ROUTERS, FleetPlan, FleetResult
from agentmem.kvcache.tiers.hardware import GB, EngineSpec
from agentmem.kvcache.tiers.optimum import optimal_curve
from agentmem.kvcache.tiers.plans import (
    CHOICES,
    FleetChoice,
    FleetTarget,
    Outlook,
    PlannedWork,
    choices,
    ladder,
    smallest,
)
from agentmem.kvcache.tiers.settings import settings
from agentmem.replay.workloads import Workload

MOST_OPTIMAL = 50_000
"""Requests up to which Belady's curve is made: it holds a number for each request and capacity."""
_NOTHING = 0.01
"""The share of what could be found below which a capacity is not shown."""
PINS = (60.0, 300.0)
"""Seconds for which a conversation's blocks are pinned while its tool runs, where pins are compared."""
_ALL_BUT = 0.001
MODEL_NOTES = (
    "first order: no preemption, no chunked prefill, no network beyond bandwidth; engines work in order of arrival",
    "one order of eviction runs through an engine's tiers; a request's tail leaves before its head",
    "a ledger has sizes only: a context that grows is taken as the one before and more",
    "chips reach 45 % of their peak in prefill and 60 % of their bandwidth in decoding; weights at 8 bits, KV at 16",
    "prices of chips and memory are assumptions: give your own with --usd-hour",
)

ANY = FleetTarget()
"""No target but engines that are not overloaded."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is asked of the planner. ``chips`` an engine has (None: the fewest that hold the model), ``most`` requests
    are played on fleets (the curve takes all); ``compare``: which of `CHOICES` to weigh. ``eviction``
    and ``pin`` as in `FleetPlan`.
    """

    chip: str = "H100"
    model: str = "llama-3.3-70b"
    chips: int | None = None
    usd_hour: float | None = None
    routing: str = "prefix"
    eviction: str = DEFAULT
    pin: float = 0.0
    target: FleetTarget = ANY
    most: int = 3_000
    compare: tuple[str, ...] = ()
    months: float = 12

    def engine(self) -> EngineSpec:
        """The engine that is meant. Raises ConfigError where a name is unknown or the model does not fit."""
        policy(self.eviction)
        if unknown := [one for one in self.compare if one not in CHOICES]:
            raise ConfigError(f"there is no choice {unknown[0]!r}; there are {', '.join(CHOICES)}")
        made = EngineSpec.named(self.chip, self.model, self.chips)
        return made if self.usd_hour is None else replace(made, chip=replace(made.chip, usd_hour=self.usd_hour))


def planned(work: Workload, asked: PlanRequest) -> dict[str, Any]:
    """The plan for a workload: the object that `agentmem fleet-sim --json` prints."""
    engine = asked.engine()
    sizes = capacities(work.tokens)
    played = work.first(asked.most)
    part = PlannedWork(played.requests, work.block, played.context)
    plan = FleetPlan(engine, routing=asked.routing, eviction=asked.eviction, pin=asked.pin)
    fleets = ladder(part, plan, asked.target)
    best = smallest(fleets, asked.target)
    shown = best or max(fleets, key=lambda one: one.hit_rate)
    routed = [shown if name == asked.routing else part.on(replace(shown.plan, routing=name)) for name in ROUTERS]
    outlook = Outlook(months=asked.months)
    return {
        "schema": 1,
        "basis": "simulated",
        "workload": _workload(work),
        "engine": _engine(engine),
        "curve": _curve(work, sizes, engine),
        "played_requests": len(played.requests),
        "fleets": [_fleet(one, asked.target) for one in fleets],
        "best": _fleet(best, asked.target) if best else None,
        "target": {"hit": asked.target.hit, "ttft_s": asked.target.ttft},
        "routing": [_fleet(one, asked.target) for one in routed],
        "evictions": [_fleet(one, asked.target) for one in _evictions(part, shown)],
        "settings": settings(shown.plan),
        "choices": [_choice(one) for one in choices(part, shown.plan, outlook, asked.compare)],
        "months": asked.months,
        "assumptions": list(MODEL_NOTES),
        "skipped": [{"path": one.path, "line": one.line, "reason": one.reason} for one in work.skipped],
    }


def _evictions(work: PlannedWork, shown: FleetResult) -> Iterator[FleetResult]:
    """The same fleet by each row of the eviction table, and with pins of each length where tools are known to run."""
    tools = any(one.tool for one in work.requests)
    varied = [replace(shown.plan, eviction=name) for name in EVICTION]
    varied += [replace(shown.plan, pin=pin) for pin in sorted({0.0, *PINS, shown.plan.pin})] if tools else []
    for plan in dict.fromkeys(varied):
        yield shown if plan == shown.plan else work.on(plan)


def _workload(work: Workload) -> dict[str, Any]:
    return {
        "requests": len(work.requests),
        "seconds": work.seconds,
        "block_tokens": work.block,
        "input_tokens": work.tokens,
        "output_tokens": sum(one.output for one in work.requests),
        "mean_context_tokens": work.context,
        "tool_calls": sum(one.tool for one in work.requests),
    }


def _engine(engine: EngineSpec) -> dict[str, Any]:
    return {
        "chip": engine.chip.name,
        "chips": engine.chips,
        "model": engine.model.name,
        "kv_bytes_per_token": engine.model.kv_bytes,
        "kv_tokens": engine.kv_tokens,
        "usd_hour": engine.usd_hour,
        "source": f"{engine.chip.source}, {engine.chip.dated}; {engine.model.source}",
    }


def _curve(work: Workload, sizes: Sequence[int], engine: EngineSpec) -> list[dict[str, Any]]:
    found = hit_curve(work.requests, work.block, sizes)
    best = optimal_curve(work.requests, work.block, sizes) if len(work.requests) <= MOST_OPTIMAL else None
    limits = {one.capacity: best.share(one) for one in best.points} if best else {}
    endless = found.share(found.points[-1])
    return [
        {
            "capacity_tokens": one.capacity,
            "capacity_gb": one.capacity * engine.model.kv_bytes / GB if one.capacity else None,
            "hit_rate": found.share(one),
            "optimal_hit_rate": limits.get(one.capacity) if one.capacity else endless,
        }
        for one in _until(found, endless)
    ]


def _until(curve: HitCurve, endless: float) -> list[CurvePoint]:
    """The points from the last that finds next to nothing to the first that finds all but a thousandth of what can be
    found, and the one without a limit.
    """
    shares = [curve.share(one) for one in curve.points[:-1]]
    first = sum(share < _NOTHING * endless for share in shares)
    whole = sum(share < endless * (1 - _ALL_BUT) for share in shares)
    return [*curve.points[max(0, first - 1) : min(whole + 1, len(shares))], curve.points[-1]]


def _fleet(one: FleetResult, target: FleetTarget) -> dict[str, Any]:
    plan = one.plan
    hit = sum(one.found.values()) + one.computed
    return {
        "engines": plan.engines,
        "routing": plan.routing,
        "eviction": plan.eviction,
        "pin_s": plan.pin,
        "tiers": [{"name": each.name, "gb": each.gb, "gb_s": each.gb_s} for each in plan.tiers],
        "store": {"name": plan.store.name, "gb": plan.store.gb, "gb_s": plan.store.gb_s} if plan.store else None,
        "hit_rate": one.hit_rate,
        "hit_by_tier": {name: tokens / hit if hit else 0.0 for name, tokens in one.found.items()},
        "ttft_p50_s": one.first_token(0.5),
        "ttft_p99_s": one.first_token(0.99),
        "load": one.load,
        "output_tokens_per_engine_second": one.tokens_per_engine_second,
        "gain": one.gain,
        "usd_hour": plan.usd_hour,
        "usd": one.usd,
        "meets_target": target.meets_hit(one) and target.meets_wait(one),
    }


def _choice(one: FleetChoice) -> dict[str, Any]:
    return {
        "name": one.name,
        "usd": one.usd,
        "engines": one.engines,
        "assumptions": list(one.assumptions),
        "claims": list(one.claims),
    }
