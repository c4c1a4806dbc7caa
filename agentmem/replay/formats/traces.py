"""Traces of served requests: hashes of blocks instead of text. Mooncake's (one cache for all) and kv-cache-tester's."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import LogLine, RecordingSource, Spool, lines

MOONCAKE, KV_CACHE_TESTER = "mooncake", "kv-cache-tester"
MOONCAKE_BLOCK = 512
"""Tokens of a block of Mooncake's traces, whose lines do not say it."""


@dataclass(frozen=True, slots=True)
class BlockTrace:
    """The blocks of requests that share a cache, in order; ``size`` are the tokens of a block."""

    size: int
    requests: tuple[tuple[int, ...], ...]


class _Trace:
    """What the formats have in common: a file is one source, and there is no conversation in it."""

    name = ""

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The file itself."""
        yield RecordingSource(self.name, str(path), 0, str(path), name=path.name.partition(".")[0])

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """None: no text, and nothing that a policy could leave out."""
        yield SkippedLine(source.path, 0, "a trace of blocks has no conversations")


class MooncakeTrace(_Trace):
    """Reads {"timestamp", "input_length", "output_length", "hash_ids"}, one request a line."""

    name = MOONCAKE

    def accepts(self, first: Any) -> bool:
        """A request has the hashes of its blocks."""
        return isinstance(first, dict) and isinstance(first.get("hash_ids"), list) and "input_length" in first


class KvCacheTrace(_Trace):
    """Reads {"block_size", "requests": [{"hash_runs": [[start, length]]}]}, one session a line."""

    name = KV_CACHE_TESTER

    def accepts(self, first: Any) -> bool:
        """A session says how large its blocks are."""
        return isinstance(first, dict) and isinstance(first.get("requests"), list) and "block_size" in first


def block_traces(source: RecordingSource) -> Iterator[BlockTrace | SkippedLine]:
    """The traces of a file: one of Mooncake's, one for each session of kv-cache-tester's; and lines that are none."""
    found: list[tuple[int, ...]] = []
    for line in lines(Path(source.file)):
        if isinstance(line, SkippedLine):
            yield line
            continue
        try:
            if source.format == KV_CACHE_TESTER:
                yield _session(line)
            else:
                found.append(tuple(int(one) for one in line.value["hash_ids"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            yield SkippedLine(source.path, line.number, f"it lacks what a request should have: {error!r}")
    if found:
        yield BlockTrace(MOONCAKE_BLOCK, tuple(found))


def _session(line: LogLine) -> BlockTrace:
    """Requests of the session itself: those of its sub-agents are sessions of their own."""
    requests = [one for one in line.value["requests"] if one.get("type") != "subagent"]
    return BlockTrace(int(line.value["block_size"]), tuple(tuple(_blocks(one["hash_runs"])) for one in requests))


def _blocks(runs: list[list[int]]) -> Iterator[int]:
    for start, length in runs:
        yield from range(start, start + length)
