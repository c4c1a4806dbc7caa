"""The smallest fleet that meets a target, and whether to update the software, buy or wait."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from agentmem.errors import ConfigError
from agentmem.kvcache.tiers.fleet import FleetPlan, FleetResult, MemoryTier, dram, shared, simulate_fleet, ssd
from agentmem.kvcache.tiers.hardware import VERSIONS, EngineSpec
from agentmem.kvcache.tiers.runs import BlockRequest

LADDER: tuple[tuple[tuple[MemoryTier, ...], MemoryTier | None], ...] = (
    ((), None),
    ((dram(250),), None),
    ((dram(500),), None),
    ((dram(1_000),), None),
    ((dram(2_000),), None),
    ((dram(500), ssd(8_000)), None),
    ((dram(1_000), ssd(16_000)), None),
    ((dram(500),), shared(20_000)),
    ((dram(1_000),), shared(100_000)),
)
"""The tiers that are tried behind the chips' own memory: each engine's, and a store for all."""
LOAD = 0.7
"""The share of the time that engines may be busy: beyond it, waiting grows fast."""
MOST = 4_096
"""The most engines that are tried."""
_STEP = 1.5


@dataclass(frozen=True, slots=True)
class FleetTarget:
    """At least ``hit`` of the prompts' tokens not computed again; ``ttft`` seconds to the first token for all but one
    of a hundred requests. None: no matter.
    """

    hit: float | None = None
    ttft: float | None = None

    @classmethod
    def parsed(cls, text: str) -> "FleetTarget":
        """From "hit=.95,ttft=2s".

        Raises:
            ConfigError: it is not of this form.
        """
        found: dict[str, float] = {}
        for part in filter(None, text.replace(" ", "").split(",")):
            name, _, value = part.partition("=")
            try:
                found[name] = float(value.removesuffix("s"))
            except ValueError:
                found[name] = -1.0
        if not found or set(found) - {"hit", "ttft"} or min(found.values()) < 0 or found.get("hit", 0) > 1:
            raise ConfigError(f"a target is hit=SHARE,ttft=SECONDS, such as hit=.95,ttft=2s; {text!r} is not")
        return cls(found.get("hit"), found.get("ttft"))

    def meets_hit(self, result: FleetResult) -> bool:
        """Whether enough was found."""
        return self.hit is None or result.hit_rate >= self.hit

    def meets_wait(self, result: FleetResult) -> bool:
        """Whether the first tokens came in time, on engines that are not overloaded."""
        return result.load <= LOAD and (self.ttft is None or result.first_token(0.99) <= self.ttft)


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """Requests in order of arrival, in blocks of ``block`` tokens; ``context`` is the mean of their prompts."""

    requests: Sequence[BlockRequest]
    block: int
    context: float

    def on(self, plan: FleetPlan) -> FleetResult:
        """What this fleet makes of it."""
        return simulate_fleet(self.requests, self.block, plan, self.context)


def ladder(work: PlannedWork, plan: FleetPlan, target: FleetTarget) -> list[FleetResult]:
    """For each rung of LADDER the fewest engines of this plan that meet the target, or the most that were of use."""
    return [_rung(work, replace(plan, engines=1, tiers=tiers, store=store), target) for tiers, store in LADDER]


def smallest(results: Sequence[FleetResult], target: FleetTarget) -> FleetResult | None:
    """The cheapest result that meets the target, or None."""
    good = [one for one in results if target.meets_hit(one) and target.meets_wait(one)]
    return min(good, key=lambda one: one.plan.usd_hour, default=None)


def _rung(work: PlannedWork, plan: FleetPlan, target: FleetTarget) -> FleetResult:
    result = work.on(plan)
    while not target.meets_wait(result) and plan.engines < MOST:
        needed = result.load * plan.engines / LOAD
        engines = max(math.ceil(plan.engines * _STEP), plan.engines + 1)
        plan = replace(plan, engines=max(engines, min(MOST, math.ceil(needed))))
        better = work.on(plan)
        if better.load < LOAD / 2 and better.first_token(0.99) > 0.95 * result.first_token(0.99):
            return result  # what is slow is a request by itself: more engines do not help
        result = better
    return result


@dataclass(frozen=True, slots=True)
class FleetChoice:
    """One way to go: dollars over the months that were asked for, and what was assumed. ``claims`` are what makers say
    and nobody here has measured.
    """

    name: str
    usd: float
    engines: int
    assumptions: tuple[str, ...]
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a comparison assumes. ``months`` to look ahead; ``update_days`` of an engineer at ``day_usd`` for an update;
    ``wait_months`` until the next chip can be had; bought chips come with servers and network for ``server`` of their
    price, are written off over ``life_months``, and power costs ``kwh_usd`` with ``overhead`` for cooling.
    """

    months: float = 12
    update_days: float = 15
    day_usd: float = 1_000
    wait_months: float = 9
    next_chip: str = "Rubin"
    buy_chip: str = "B200"
    server: float = 0.5
    life_months: float = 48
    kwh_usd: float = 0.10
    overhead: float = 1.3


HOURS = 730.0
"""Hours of a month."""


def choices(
    work: PlannedWork, now: FleetPlan, outlook: Outlook, names: Sequence[str] = ("now", "update", "buy", "wait")
) -> list[FleetChoice]:
    """What these of `CHOICES` cost for this workload: as it is, new software, chips bought today, the next chip."""
    return [CHOICES[name](work, now, outlook) for name in names]


def engines_for(work: PlannedWork, plan: FleetPlan) -> int:
    """The engines that do this work in the time it came in, busy for LOAD of it."""
    seconds = work.requests[-1].at - work.requests[0].at if len(work.requests) > 1 else 0.0
    return max(1, math.ceil(work.on(plan).busy / (LOAD * seconds))) if seconds else 1


def _rented(plan: FleetPlan, engines: int, months: float) -> float:
    return replace(plan, engines=engines).usd_hour * HOURS * months


def _stay(work: PlannedWork, now: FleetPlan, outlook: Outlook) -> FleetChoice:
    engines = engines_for(work, now)
    chip = now.engine.chip
    return FleetChoice(
        "now",
        _rented(now, engines, outlook.months),
        engines,
        (f"{chip.name} rented at ${chip.usd_hour:g} an hour", f"engines busy for {LOAD:.0%} of the time"),
        (f"{chip.name}: peak and bandwidth as in {chip.source} ({chip.dated})",),
    )


def _update(work: PlannedWork, now: FleetPlan, outlook: Outlook) -> FleetChoice:
    version = max(VERSIONS.values(), key=lambda one: one.factor)
    faster = replace(now, engine=replace(now.engine, factor=now.engine.factor * version.factor))
    engines, effort = engines_for(work, faster), outlook.update_days * outlook.day_usd
    return FleetChoice(
        "update",
        effort + _rented(faster, engines, outlook.months),
        engines,
        (f"{outlook.update_days:g} days of an engineer at ${outlook.day_usd:,.0f}", "fewer engines from the first day"),
        (
            f"{version.name}: {version.factor:g} x ({version.source}, {version.dated}), on another model and chip",
            f"training is said to have gained {version.training:g} x: nothing of it is counted, these engines serve",
        ),
    )


def _buy(work: PlannedWork, now: FleetPlan, outlook: Outlook) -> FleetChoice:
    engine = EngineSpec.named(outlook.buy_chip, now.engine.model.name)
    plan = replace(now, engine=engine)
    engines, chip = engines_for(work, plan), engine.chip
    hours = HOURS * outlook.months
    power = chip.watts / 1_000 * outlook.kwh_usd * outlook.overhead * hours
    each = chip.usd_each * (1 + outlook.server) * min(1.0, outlook.months / outlook.life_months) + power
    return FleetChoice(
        "buy",
        engines * engine.chips * each,
        engines,
        (
            f"{chip.name} at ${chip.usd_each:,.0f}, and {outlook.server:.0%} more for its server and network",
            f"written off over {outlook.life_months:g} months",
            f"power at ${outlook.kwh_usd:g} a kWh, {outlook.overhead:g} x for cooling; no staff, no room",
        ),
        (f"{chip.name}: peak and bandwidth as in {chip.source} ({chip.dated})",),
    )


def _wait(work: PlannedWork, now: FleetPlan, outlook: Outlook) -> FleetChoice:
    engine = EngineSpec.named(outlook.next_chip, now.engine.model.name)
    plan, chip = replace(now, engine=engine), engine.chip
    engines = engines_for(work, plan)
    waiting = min(outlook.months, outlook.wait_months)
    cost = _rented(now, engines_for(work, now), waiting) + _rented(plan, engines, outlook.months - waiting)
    return FleetChoice(
        "wait",
        cost,
        engines,
        (
            f"as now for {waiting:g} months, then {chip.name} rented at ${chip.usd_hour:g} an hour",
            "the date and the price are guesses: nobody sells it at a list price",
        ),
        (
            f"{chip.name}: {chip.bandwidth_gb_s / 1_000:g} TB/s and {chip.tflops / 1_000:g} PFLOPS at 8 bits, as in "
            f"{chip.source} ({chip.dated})",
            "its maker says a tenth of the cost a token and ten times the throughput a watt, for a mixture of experts "
            "at 4 bits on a whole rack; here it is the roofline instead",
        ),
    )


CHOICES: Mapping[str, Callable[[PlannedWork, FleetPlan, Outlook], FleetChoice]] = MappingProxyType(
    {"now": _stay, "update": _update, "buy": _buy, "wait": _wait}
)
"""The ways to go, by name."""


def rungs() -> Iterator[str]:
    """The names of LADDER's rungs, for a table."""
    for tiers, store in LADDER:
        yield " + ".join(
            ("HBM", *(f"{one.gb / 1_000:.3g} TB {one.name}" for one in (*tiers, *((store,) if store else ()))))
        )
