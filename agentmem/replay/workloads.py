"""Recordings as a workload for engines: which blocks each request had, when it came, how long its reply was.

Traces of blocks are read as they are. Of conversations with text, blocks are made from what each request sent. A ledger
has sizes only: a context that grows is taken as the one before and more. Azure's table of arrivals has lengths only, so
no request of it shares a block with another. A sub-agent is a conversation of its own.
"""

import csv
import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agentmem.errors import ConfigError
from agentmem.kvcache.tiers.runs import BlockRequest, Numbering, Run, runs_of
from agentmem.replay import recordings
from agentmem.replay.formats.traces import KV_CACHE_TESTER, MOONCAKE, MOONCAKE_BLOCK
from agentmem.replay.layout import Run as FrameRun
from agentmem.replay.policies import RecordedContext
from agentmem.replay.session import RecordedSession, SkippedLine, opening
from agentmem.replay.source import LogLine, RecordingSource, Spool, lines, opened
from agentmem.types import Frame

TEXT_BLOCK = 64
"""Tokens of a block that is made of text: SGLang's and vLLM's are smaller, LMCache's larger."""
ARRIVALS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
"""The columns of Azure's traces."""
SUBAGENT = "subagent"
"""The type of a line of kv-cache-tester's that stands for all requests of a sub-agent."""
_DATED = 1e8
"""Seconds since the epoch from which on a time is a date; a clock that began with its recording is set to begin with
the first recording that has dates.
"""
_APART = 1 << 40
"""Between the first numbers of sessions whose blocks have numbers of their own."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests in order of arrival, in blocks of ``block`` tokens, and what could not be read."""

    block: int
    requests: tuple[BlockRequest, ...]
    skipped: tuple[SkippedLine, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens of all prompts."""
        return sum(one.tokens for one in self.requests)

    @property
    def context(self) -> float:
        """The mean of the prompts' tokens."""
        return self.tokens / len(self.requests) if self.requests else 0.0

    @property
    def began(self) -> float:
        """When the first arrived."""
        return min((one.at for one in self.requests), default=0.0)

    @property
    def seconds(self) -> float:
        """From the first arrival to the last."""
        return self.requests[-1].at - self.requests[0].at if self.requests else 0.0

    def faster(self, speed: float) -> "Workload":
        """The same requests, ``speed`` times as many a second: conversations begin that much sooner after each other,
        and go on as they did. Requests without a conversation come that much sooner.
        """
        begun: dict[Hashable, float] = {}
        for one in self.requests:
            begun.setdefault(one.session, one.at if one.session is not None else math.inf)
        moved = (replace(one, at=one.at - min(one.at, begun[one.session]) * (1 - 1 / speed)) for one in self.requests)
        return replace(self, requests=tuple(sorted(moved, key=lambda one: one.at)))

    def first(self, most: int) -> "Workload":
        """The first ``most`` requests."""
        return replace(self, requests=self.requests[:most])


def workload(paths: Sequence[Path]) -> Workload:
    """Everything in these files and folders as one workload.

    Raises:
        ConfigError: a path does not exist, nothing in it is a recording, or the blocks differ in size.
    """
    with TemporaryDirectory(prefix="agentmem-workload-") as folder:
        found = list(_read(paths, Spool(Path(folder))))
    skipped = tuple(one for one in found if isinstance(one, SkippedLine))
    parts = [one for one in found if isinstance(one, Workload) and one.requests]
    if not parts:
        why = "".join(f"\n  {one.place}: {one.reason}" for one in skipped[:5])
        raise ConfigError(f"there are no requests in {', '.join(map(str, paths))}{why}")
    if len(sizes := sorted({one.block for one in parts})) > 1:
        raise ConfigError(f"blocks of {' and '.join(map(str, sizes))} tokens cannot be one workload: plan them apart")
    dated = min((part.began for part in parts if part.began >= _DATED), default=0.0)
    begun = ((part, 0.0 if part.began >= _DATED else dated) for part in parts)
    timed = sorted(((one.at + late, one) for part, late in begun for one in part.requests), key=lambda each: each[0])
    return Workload(sizes[0], tuple(replace(one, at=at - timed[0][0]) for at, one in timed), skipped)


def _read(paths: Sequence[Path], spool: Spool) -> Iterator[Workload | SkippedLine]:
    tables = [path for path in paths if ".csv" in path.suffixes]
    apart, numbers = count(), Numbering()
    for path in tables:
        yield _arrivals(path, next(apart) * _APART)
    others = [path for path in paths if path not in tables]
    for source in recordings.sources(others, spool):
        if isinstance(source, SkippedLine):
            yield source
        elif source.format == MOONCAKE:
            yield from _mooncake(source, next(apart) * _APART)
        elif source.format == KV_CACHE_TESTER:
            yield from _tester(source, apart)
        else:
            yield from _conversations(source, numbers)


def _arrivals(path: Path, base: int) -> Workload:
    """Azure's table: every prompt is new."""
    made, next_block = list[BlockRequest](), base
    with opened(path) as file:
        rows = csv.DictReader(line.decode() for line in file)
        if not set(ARRIVALS) <= set(rows.fieldnames or ()):
            raise ConfigError(f"{path} lacks columns: a table of arrivals has {', '.join(ARRIVALS)}")
        for row in rows:
            at, tokens, output = row["TIMESTAMP"], int(row["ContextTokens"]), int(row["GeneratedTokens"])
            blocks = -(-tokens // TEXT_BLOCK)
            moment = datetime.fromisoformat(at[:26]).timestamp()
            made.append(BlockRequest(moment, ((next_block, next_block + blocks),) if blocks else (), tokens, output))
            next_block += blocks
    return Workload(TEXT_BLOCK, tuple(made))


def _mooncake(source: RecordingSource, base: int) -> Iterator[Workload | SkippedLine]:
    made = list[BlockRequest]()
    for line in lines(Path(source.file)):
        read = line if isinstance(line, SkippedLine) else _guarded(source, line, lambda value: _served(value, base))
        if isinstance(read, SkippedLine):
            yield read
        else:
            made.append(read)
    yield Workload(MOONCAKE_BLOCK, tuple(made))


def _served(value: Any, base: int) -> BlockRequest:
    blocks = [base + int(one) for one in value["hash_ids"]]
    return BlockRequest(value["timestamp"] / 1e3, runs_of(blocks), value["input_length"], value["output_length"])


def _tester(source: RecordingSource, apart: Iterator[int]) -> Iterator[Workload | SkippedLine]:
    """Sessions, each with numbers of its own. When each began is not recorded: they begin at even distances in the
    time that the longest took.
    """
    found: list[tuple[int, list[BlockRequest]]] = []
    for line in lines(Path(source.file)):
        read = line if isinstance(line, SkippedLine) else _guarded(source, line, lambda one: _session(one, next(apart)))
        if isinstance(read, SkippedLine):
            yield read
        elif read[1]:
            found.append(read)
    longest = max((requests[-1].at for _, requests in found), default=0.0)
    for size in sorted({size for size, _ in found}):
        begun = [
            (at * longest / len(found), one)
            for at, (each, requests) in enumerate(found)
            if each == size
            for one in requests
        ]
        yield Workload(size, tuple(replace(one, at=began + one.at) for began, one in begun))


def _session(value: Any, number: int) -> tuple[int, list[BlockRequest]]:
    base = number * _APART
    made = [
        BlockRequest(at, _shifted(one["hash_runs"], base), one["in"], one["out"], (number, agent), _calls(one))
        for agent, at, one in _told(value)
    ]
    return int(value["block_size"]), sorted(made, key=lambda one: one.at)


def _told(value: Any) -> Iterator[tuple[str, float, Any]]:
    """Each request with the agent that made it and when: a sub-agent is a conversation of its own, whose clock begins
    with it, and whose blocks have the numbers of its session, so that it finds what that computed.
    """
    for one in value["requests"]:
        if one.get("type") != SUBAGENT:
            yield "", float(one["t"]), one
            continue
        for each in one["requests"]:
            yield str(one["agent_id"]), float(one["t"]) + float(each["t"]), each


def _calls(request: Any) -> bool:
    return bool(request.get("stop") == "tool_use")


def _shifted(runs: Iterable[Sequence[int]], base: int) -> tuple[Run, ...]:
    return tuple((base + start, base + start + length) for start, length in runs)


def _guarded(source: RecordingSource, line: LogLine, read: Any) -> Any:
    try:
        return read(line.value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return SkippedLine(source.path, line.number, f"it lacks what a request should have: {error!r}")


def _conversations(source: RecordingSource, numbers: Numbering) -> Iterator[Workload | SkippedLine]:
    for session in recordings.sessions(source):
        if isinstance(session, SkippedLine):
            yield session
        elif session.text:
            yield Workload(TEXT_BLOCK, tuple(_requests(session, numbers)))
        else:
            yield Workload(TEXT_BLOCK, tuple(_sizes(session, numbers)))


def _requests(session: RecordedSession, numbers: Numbering) -> Iterator[BlockRequest]:
    begun = opening(session)
    context, blocks = RecordedContext(begun), _Blocks()
    for exchange in session.exchanges:
        runs = context.send(exchange.arrived, exchange.cut)
        blocks.follow(begun.head if exchange.head is None else exchange.head, runs)
        name = (session.source, session.name)
        calls = not exchange.ends_turn
        yield BlockRequest(exchange.at, numbers(blocks.keys), blocks.tokens, exchange.output, name, calls)
        context.reply(exchange.reply)


def _sizes(session: RecordedSession, numbers: Numbering) -> Iterator[BlockRequest]:
    """Of a ledger's session: a context goes on from the one before, and after a cut from what the provider read."""
    name, keys = (session.source, session.name), list[tuple[Hashable, int]]()
    for at, exchange in enumerate(session.exchanges):
        used = exchange.usage
        if used is None:
            continue
        blocks = used.input_tokens // TEXT_BLOCK
        if exchange.cut is not None or blocks < len(keys):
            del keys[used.cache_read_tokens // TEXT_BLOCK :]
        keys += (((name, at), one) for one in range(len(keys), blocks))
        yield BlockRequest(exchange.at, numbers(keys), used.input_tokens, exchange.output, name)


class _Blocks:
    """The keys of a context's full blocks: what stands up to a block's end, and which block of it that is."""

    def __init__(self) -> None:
        self.keys: list[tuple[int, int]] = []
        self.tokens = 0
        self._chains: list[tuple[int, int, int]] = []

    def follow(self, head: Sequence[Frame], runs: Sequence[FrameRun]) -> None:
        """Take the context of the next request: what it shares with the one before is kept."""
        chain = tokens = at = 0
        for frame in (*head, *(one for run in runs for one in run)):
            chain, tokens = hash((chain, frame.segment, frame.role, frame.data, frame.tokens)), tokens + frame.tokens
            if at < len(self._chains) and self._chains[at][0] != chain:
                del self._chains[at:]
                del self.keys[self._chains[-1][2] if self._chains else 0 :]
            if at == len(self._chains):
                self.keys += ((chain, one) for one in range(len(self.keys), tokens // TEXT_BLOCK))
                self._chains.append((chain, tokens, len(self.keys)))
            at += 1
        del self._chains[at:]
        del self.keys[self._chains[-1][2] if self._chains else 0 :]
        self.tokens = tokens
