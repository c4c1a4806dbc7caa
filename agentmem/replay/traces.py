"""Traces of blocks through the block store: how much of them a cache of some size would have had.

What was published of a known trace stands beside: Mooncake's of production (Qin et al., "Mooncake", FAST 2025), with
its caches in tokens, and kv-cache-tester's of 348 agents' sessions, each with a cache of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from types import MappingProxyType
from typing import Any

from agentmem.kvcache.simulated.simulators import BlockStore
from agentmem.replay.formats.traces import KV_CACHE_TESTER, MOONCAKE, BlockTrace, block_traces
from agentmem.replay.session import SkippedLine
from agentmem.replay.source import RecordingSource

TRACES = frozenset({MOONCAKE, KV_CACHE_TESTER})
"""Formats that have blocks instead of conversations."""
SIZES: tuple[int | None, ...] = (None, 3_000_000, 10_000_000, 50_000_000)
"""Tokens that a cache has room for; None: no limit."""
PUBLISHED: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {"conversation_trace": (0.366, 0.136, 0.285, 0.364), "synthetic_trace": (0.640, 0.309, 0.567, 0.640)}
)
"""Shares of blocks that Mooncake's traces find in caches of SIZES, by the trace's name."""
PUBLISHED_SESSIONS = (0.92, 0.96, 0.97)
"""Quartiles of the hit rates of kv-cache-tester's sessions."""


@dataclass(frozen=True, slots=True)
class TraceResult:
    """One file: the object in `traces` of `agentmem replay --json`, and what could not be read."""

    numbers: dict[str, Any]
    skipped: tuple[SkippedLine, ...]


@dataclass(slots=True)
class TraceCounts:
    """What is counted of a file's traces, one after the other."""

    block: int | None = None
    sessions: int = 0
    requests: int = 0
    blocks: int = 0
    rates: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, trace: BlockTrace, sizes: Sequence[int | None]) -> None:
        """One trace, with its hit rates in caches of ``sizes``."""
        blocks = sum(map(len, trace.requests))
        self.block = self.block or trace.size
        self.sessions += 1
        self.requests += len(trace.requests)
        self.blocks += blocks
        if blocks:
            self.rates.append(tuple(read_blocks(trace, size) / blocks for size in sizes))


def replay_trace(source: RecordingSource) -> TraceResult:
    """The figures of one file."""
    shared = source.format == MOONCAKE
    counts, skipped = TraceCounts(), list[SkippedLine]()
    for one in block_traces(source):
        if isinstance(one, SkippedLine):
            skipped.append(one)
        else:
            counts.add(one, SIZES if shared else SIZES[:1])
    numbers = {
        "schema": 1,
        "basis": "simulated",
        "path": source.path,
        "format": source.format,
        "block_tokens": counts.block,
        "sessions": counts.sessions,
        "requests": counts.requests,
        "blocks": counts.blocks,
        "caches": _caches(counts, source.name) if shared else [],
        "quartiles": None if shared else _quartiles(counts),
    }
    return TraceResult(numbers, tuple(skipped))


def _caches(counts: TraceCounts, name: str) -> list[dict[str, Any]]:
    rates = counts.rates[0] if counts.rates else (None,) * len(SIZES)
    said = PUBLISHED.get(name, (None,) * len(SIZES))
    sizes = zip(SIZES, rates, said, strict=True)
    return [{"capacity_tokens": size, "hit_rate": rate, "published": known} for size, rate, known in sizes]


def _quartiles(counts: TraceCounts) -> dict[str, Any] | None:
    """Of the sessions' hit rates, with room for everything."""
    rates = [rate for (rate,) in counts.rates]
    return {"hit_rates": quantiles(rates, n=4), "published": list(PUBLISHED_SESSIONS)} if len(rates) > 1 else None


def read_blocks(trace: BlockTrace, capacity: int | None) -> int:
    """The blocks that lead a request and were there, in a cache of ``capacity`` tokens."""
    return _endless(trace) if capacity is None else _least_recent(trace, capacity // trace.size)


def _endless(trace: BlockTrace) -> int:
    """With room for everything, what was sent before is there: the same as a store without a limit, and faster."""
    seen, read = set[int](), 0
    for blocks in trace.requests:
        read += next((at for at, one in enumerate(blocks) if one not in seen), len(blocks))
        seen.update(blocks)
    return read


def _least_recent(trace: BlockTrace, room: int) -> int:
    store, read = BlockStore(room), 0
    for blocks in trace.requests:
        read += store.read(blocks)
        store.store(blocks)
    return read
