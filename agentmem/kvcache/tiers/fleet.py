"""A fleet of engines serving a workload: where each token's KV was, how long the first token took, what it cost.

Each engine holds blocks in tiers, the fastest first, and one order runs through all of them, that of a row of the
eviction table: what leaves a tier goes to the next. A shared store behind them is one more, for all engines. An engine
works off its requests in order: it loads what a tier has, computes the rest, and decodes with its share of a batch.
This is a model of first order: it has no preemption, no chunked prefill, no network beyond bandwidth.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from agentmem.errors import ConfigError
from agentmem.kvcache.eviction import DEFAULT
from agentmem.kvcache.tiers.hardware import GB, EngineSpec
from agentmem.kvcache.tiers.memories import TierMemory, memories
from agentmem.kvcache.tiers.runs import BlockRequest, RunMap


@dataclass(frozen=True, slots=True)
class MemoryTier:
    """``gb`` of a kind of memory that moves ``gb_s`` into the chips' own; ``usd_gb_hour`` is an assumption."""

    name: str
    gb: float
    gb_s: float
    usd_gb_hour: float = 0.0

    @property
    def usd_hour(self) -> float:
        """What it costs an hour."""
        return self.gb * self.usd_gb_hour


def dram(gb: float) -> MemoryTier:
    """Memory of the host, over PCIe 5 x 16."""
    return MemoryTier("DRAM", gb, 55, 0.0004)


def ssd(gb: float) -> MemoryTier:
    """Local NVMe, four drives."""
    return MemoryTier("SSD", gb, 20, 0.00002)


def shared(gb: float) -> MemoryTier:
    """A store for all engines, over 400 Gbit/s."""
    return MemoryTier("shared", gb, 40, 0.00003)


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """``engines`` of one kind, each with ``tiers`` behind its own memory, and one ``store`` behind all. ``eviction`` is
    a row of `agentmem.kvcache.eviction.EVICTION`. A conversation's blocks stay for ``pin`` seconds while its tool runs.
    """

    engine: EngineSpec
    engines: int = 1
    tiers: tuple[MemoryTier, ...] = ()
    store: MemoryTier | None = None
    routing: str = "prefix"
    eviction: str = DEFAULT
    pin: float = 0.0
    seed: int = 0

    @property
    def usd_hour(self) -> float:
        """What the fleet costs an hour."""
        each = self.engine.usd_hour + sum(one.usd_hour for one in self.tiers)
        return self.engines * each + (self.store.usd_hour if self.store else 0.0)

    def rooms(self, block: int) -> list[int]:
        """Blocks up to the end of each tier of an engine, its own memory first."""
        tokens = [self.engine.kv_tokens, *(one.gb * GB / self.engine.model.kv_bytes for one in self.tiers)]
        return [int(sum(tokens[: at + 1]) / block) for at in range(len(tokens))]


@dataclass(frozen=True, slots=True)
class FleetResult:
    """``found`` are tokens by tier ("HBM" first), ``computed`` all others of the prompts. ``ttft`` are seconds to the
    first token of each request, sorted; ``busy`` the engines' seconds, ``seconds`` from the first arrival to the end.
    ``busy_without`` are the engines' seconds for the same work where nothing is ever held.
    """

    plan: FleetPlan
    requests: int
    found: Mapping[str, int]
    computed: int
    output: int
    ttft: tuple[float, ...]
    busy: float
    busy_without: float
    seconds: float

    @property
    def hit_rate(self) -> float:
        """The share of the prompts' tokens that no engine computed."""
        hit = sum(self.found.values())
        return hit / (hit + self.computed) if hit + self.computed else 0.0

    @property
    def load(self) -> float:
        """The share of the time in which the engines were busy."""
        return self.busy / (self.plan.engines * self.seconds) if self.seconds else 0.0

    @property
    def tokens_per_engine_second(self) -> float:
        """Tokens written for each second that an engine was busy."""
        return self.output / self.busy if self.busy else 0.0

    @property
    def gain(self) -> float:
        """Tokens written for each second that an engine is busy, as a multiple of those where nothing is held."""
        return self.busy_without / self.busy if self.busy else 1.0

    @property
    def usd(self) -> float:
        """What the fleet cost for as long as it took."""
        return self.plan.usd_hour * self.seconds / 3600

    def first_token(self, share: float) -> float:
        """The seconds within which this share of the requests had their first token."""
        return self.ttft[min(len(self.ttft) - 1, int(share * len(self.ttft)))] if self.ttft else 0.0


@dataclass(slots=True)
class FleetState:
    """What a router may look at: the engines' blocks, until when each is busy, how many requests came so far, where
    each conversation is at home, and which engine used a block last.
    """

    plan: FleetPlan
    block: int
    memories: list[TierMemory]
    free: list[float]
    random: random.Random
    routed: int = 0
    homes: dict[object, int] = field(default_factory=dict)
    owners: RunMap = field(default_factory=RunMap)

    def route(self, request: BlockRequest) -> int:
        """The engine for this request, by the plan's routing."""
        at = ROUTERS[self.plan.routing](self, request)
        self.routed += 1
        for run in request.runs:
            self.owners.take(run)
            self.owners.put(run, at)
        return at


def _random(state: FleetState, request: BlockRequest) -> int:
    return state.random.randrange(len(state.memories))


def _in_turn(state: FleetState, request: BlockRequest) -> int:
    return state.routed % len(state.memories)


def _by_session(state: FleetState, request: BlockRequest) -> int:
    """A conversation stays where it began; a new one goes to the engine that is free first."""
    fresh = min(range(len(state.free)), key=state.free.__getitem__)
    return fresh if request.session is None else state.homes.setdefault(request.session, fresh)


def _by_prefix(state: FleetState, request: BlockRequest) -> int:
    """The engine that would have its first token first: waiting, and computing what it does not hold. Those that used a
    part of this prompt last are asked, and the one that is free first.
    """

    def ready(at: int) -> float:
        held = min(request.tokens, state.memories[at].leading(request.runs) * state.block)
        wait = max(0.0, state.free[at] - request.at)
        return wait + state.plan.engine.prefill_seconds(held, request.tokens - held)

    owners = {engine for run in request.runs for _, _, engine in state.owners.within(run)}
    return min((*owners, min(range(len(state.free)), key=state.free.__getitem__)), key=ready)


Router: TypeAlias = Callable[[FleetState, BlockRequest], int]

ROUTERS: Mapping[str, Router] = MappingProxyType(
    {"random": _random, "round-robin": _in_turn, "session": _by_session, "prefix": _by_prefix}
)
"""How a request finds its engine, by name."""


def simulate_fleet(requests: Sequence[BlockRequest], block: int, plan: FleetPlan, context: float) -> FleetResult:
    """Play requests, in order of arrival, on a fleet. ``context`` is the mean of their prompts, for the batch's size.

    Raises:
        ConfigError: the plan names no router or no eviction that there is, or no engine.
    """
    if plan.routing not in ROUTERS:
        raise ConfigError(f"there is no routing {plan.routing!r}; there are {', '.join(ROUTERS)}")
    if plan.engines < 1:
        raise ConfigError("a fleet has at least one engine")
    fleet = _Fleet(plan, block, plan.engine.batch(context), requests)
    for request in requests:
        fleet.serve(request)
    return fleet.result()


class _Fleet:
    def __init__(self, plan: FleetPlan, block: int, batch: int, requests: Sequence[BlockRequest]) -> None:
        self._plan, self._block, self._batch = plan, block, batch
        rooms, memory = plan.rooms(block), memories(requests, block, plan.eviction, pins=plan.pin > 0)
        held = [memory(rooms) for _ in range(plan.engines)]
        self._state = FleetState(plan, block, held, [0.0] * plan.engines, random.Random(plan.seed))
        room = int(plan.store.gb * GB / plan.engine.model.kv_bytes / block) if plan.store else 0
        self._store = memory([room]) if plan.store else None
        self._found = dict.fromkeys(("HBM", *(one.name for one in plan.tiers), *("shared",) * bool(plan.store)), 0)
        self._computed = self._output = self._requests = 0
        self._busy = self._without = 0.0
        self._ttft = list[float]()
        self._first: float | None = None
        self._pins: dict[object, tuple[int, BlockRequest, float]] = {}

    def serve(self, request: BlockRequest) -> None:
        state, engine = self._state, self._plan.engine
        at = state.route(request)
        start = max(request.at, state.free[at])
        held = self._held(request, at, start)
        self._unpin(request, at, request.at)
        hit = sum(held)
        first = self._loading(held) + engine.prefill_seconds(hit, request.tokens - hit)
        decoding = engine.decode_seconds(request.tokens, request.output, self._batch)
        work = first + decoding
        self._without += engine.prefill_seconds(0, request.tokens) + decoding
        state.free[at] = start + work
        self._pin(request, at)
        self._ttft.append(start - request.at + first)
        self._busy += work
        self._computed += request.tokens - hit
        self._output += request.output
        self._requests += 1
        self._first = request.at if self._first is None else self._first

    def _held(self, request: BlockRequest, at: int, now: float) -> list[int]:
        """Tokens found in each tier. The last token is always computed: the reply needs it."""
        blocks = self._state.memories[at].use(request, self._requests, now)
        if self._store is not None:
            everywhere = sum(self._store.use(request, self._requests, request.at))
            blocks.append(max(0, everywhere - sum(blocks)))
        found, left = list[int](), max(0, request.tokens - 1)
        for count in blocks:
            found.append(min(left, count * self._block))
            left -= found[-1]
        for name, tokens in zip(self._found, found, strict=True):
            self._found[name] += tokens
        return found

    def _pin(self, request: BlockRequest, at: int) -> None:
        """The request has ended; where its tool runs now, its blocks stay for that."""
        if request.tool and self._plan.pin:
            ended = self._state.free[at]
            self._pins[request.session] = at, request, ended + self._plan.pin
            for memory in (self._state.memories[at], *((self._store,) if self._store else ())):
                memory.keep(request, ended, ended + self._plan.pin)

    def _unpin(self, request: BlockRequest, at: int, now: float) -> None:
        """The tool's result has come: what another engine kept for it is kept no longer, nor what no tool follows."""
        pinned = None if request.session is None else self._pins.get(request.session)
        if pinned and (pinned[0] != at or not request.tool):
            self._state.memories[pinned[0]].release(pinned[1], now, pinned[2])
            del self._pins[request.session]

    def _loading(self, held: Sequence[int]) -> float:
        tiers = (*self._plan.tiers, *((self._plan.store,) if self._plan.store else ()))
        size = self._plan.engine.model.kv_bytes
        return sum((tokens * size / (tier.gb_s * GB) for tier, tokens in zip(tiers, held[1:], strict=True)), 0.0)

    def result(self) -> FleetResult:
        seconds = max(self._state.free) - (self._first or 0.0) if self._requests else 0.0
        return FleetResult(
            self._plan,
            self._requests,
            MappingProxyType(dict(self._found)),
            self._computed,
            self._output,
            tuple(sorted(self._ttft)),
            self._busy,
            self._without,
            seconds,
        )
