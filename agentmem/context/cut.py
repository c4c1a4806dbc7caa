"""The payload of a compaction entry: the parts that replace the entries that left, and the origin of each part.

The parts are stored as they are shown, so that a view never depends on the version that compacted it. The values that
the next compaction needs (the index, the pace of growth) are stored beside them, so that a thread can be opened from
its last compaction on, however long its history is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agentmem.kvcache.frames import canonical
from agentmem.transcript.transcript import pack, unpack
from agentmem.types import Block, Draft, Entry

PartKind = Literal["user", "summary", "index", "paths", "commands", "files", "result"]
"""user: a message kept verbatim. result: a tool's result, kept as text. The others are written by the compaction: paths
that calls named, commands that were run, and lines of files as they were last seen."""

GROWTH = 900.0
"""The tokens that a request adds to the context, until a thread has its own average."""


@dataclass(frozen=True, slots=True)
class Part:
    """A block at the start of the compacted conversation; ``seq`` is the entry it comes from, or the summary's own."""

    kind: PartKind
    seq: int
    block: Block


@dataclass(frozen=True, slots=True)
class IndexLine:
    """A line of the index: entry ``seq``, what it is ``about``, and the exact ``names`` in it that were used later."""

    seq: int
    about: str
    names: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        names = f" | {' '.join(self.names)}" if self.names else ""
        return f"- {self.seq} {self.about}{names}"


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut: ``parts`` replace everything up to entry ``last``, and open the conversation as the user's.

    The turns that began after ``last`` stay. ``opening`` is the entry whose settings were in force at ``last``,
    ``first`` the earliest entry of which anything stays in the tail, and ``cuts`` the number of cuts that the thread
    has now: with them a thread can be folded from here. ``reason`` says why it was compacted, ``growth`` how many
    tokens a request adds; ``kept`` are the runtime's own values, ``standing`` what must survive
    every later cut, ``traces`` what the next compaction must know of earlier calls.
    """

    last: int
    parts: tuple[Part, ...]
    reason: str = "asked"
    index: tuple[IndexLine, ...] = ()
    opening: int = 0
    first: int = 0
    cuts: int = 1
    growth: float = GROWTH
    kept: Mapping[str, Any] = field(default_factory=dict)
    standing: Mapping[str, Any] = field(default_factory=dict)
    traces: Mapping[str, Any] = field(default_factory=dict)


def compaction(cut: Cut) -> Draft:
    """The entry that compacts."""
    value = {
        "last": cut.last,
        "reason": cut.reason,
        "parts": [[part.kind, part.seq] for part in cut.parts],
        "blocks": [pack(part.block) for part in cut.parts],
        "index": [[line.seq, line.about, list(line.names)] for line in cut.index],
        "opening": cut.opening,
        "first": cut.first,
        "cuts": cut.cuts,
        "growth": cut.growth,
        "kept": cut.kept,
        "standing": cut.standing,
        "traces": cut.traces,
    }
    return Draft("compaction", canonical(value))


def read_cut(entry: Entry) -> Cut:
    """The cut that `compaction` wrote. Raises TranscriptError."""
    value = entry.value
    pairs = zip(value["parts"], value["blocks"], strict=True)
    return Cut(
        last=value["last"],
        parts=tuple(Part(kind, seq, unpack(block)) for (kind, seq), block in pairs),
        reason=value["reason"],
        index=tuple(IndexLine(seq, about, tuple(names)) for seq, about, names in value["index"]),
        opening=value["opening"],
        first=value["first"],
        cuts=value["cuts"],
        growth=value["growth"],
        kept=value["kept"],
        standing=value.get("standing", {}),
        traces=value.get("traces", {}),
    )
