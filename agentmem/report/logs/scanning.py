"""Reads of a Claude Code log what a list of sessions needs, and nothing else.

A line is looked at as bytes first: only those that report usage or a compaction are decoded, which is a small part of a
log. What this cannot read as it stands is `Unfit`, and read by the format's own reader (`agentmem.replay.formats`).
Numbers are those of that reader, except for what was processed again: without text it is what the request before had
sent, and was not read again. After a compaction only tools and system prompt count as sent before.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from agentmem.kvcache.reported import merged, read_extras, read_usage
from agentmem.meter.prices import cost
from agentmem.replay.formats.claude_code import unwrapped
from agentmem.replay.session import HEAD_SHARE
from agentmem.report.logs.columns import RequestColumns, identity, place
from agentmem.types import ModelProfile, Usage

PROVIDER = "anthropic"
_USAGE, _BOUNDARY = b'"usage"', b'"compact_boundary"'
_BUFFER = 1 << 20
_LATE = 8
"""Replies of a conversation that a late line may still belong to, as in `agentmem.replay.formats`."""
_OPEN = 32
"""Replies at the end of a log that are read again when it has grown: they may not have been whole."""


class Unfit(Exception):
    """A log that is not read in this way."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where reading goes on when a log has grown: the byte, the requests before it, and conversations just cut."""

    offset: int = 0
    requests: int = 0
    cut: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was read of a log, where to go on, and the folder that its agent worked in ("" if it does not say)."""

    columns: RequestColumns
    resume: ResumePoint = ResumePoint()
    project: str = ""


@dataclass(slots=True)
class _Open:
    """A reply while its lines come in."""

    offset: int
    conversation: str
    name: str
    model: str
    at: float
    cut: bool
    report: dict[str, Any] = field(default_factory=dict)


def scan(path: Path, known: Scanned | None = None) -> Scanned:
    """The requests of a log; ``known`` is what was read of it when it was shorter. Raises Unfit, OSError."""
    reading = _Reading(path.name.partition(".")[0], known or Scanned(RequestColumns()))
    with path.open("rb", buffering=_BUFFER) as file:
        file.seek(reading.offset)
        for line in file:
            reading.add(line)
    return reading.done()


class _Reading:
    """A log while it is read."""

    def __init__(self, stem: str, known: Scanned) -> None:
        self.columns = known.columns.shortened(known.resume.requests)
        self.offset = known.resume.offset
        self._stem, self._project = stem, known.project
        self._cut = set(known.resume.cut)
        self._open: deque[_Open] = deque()
        self._points: deque[ResumePoint] = deque([known.resume], maxlen=_OPEN)
        self._kept = frozenset(self.columns["identity"][-_OPEN:]) - {0}
        self._before: dict[int, int] = {}
        self._heads: dict[int, int] = {}
        for at, conversation in enumerate(self.columns["conversation"]):
            self._note(int(conversation), self._input(at), int(self.columns["read"][at]))

    def add(self, line: bytes) -> None:
        """Take the next line. One that is not whole yet is left for another time."""
        if _USAGE in line:
            self._reply(line)
        elif _BOUNDARY in line and (record := _decoded(line)) and record.get("subtype") == "compact_boundary":
            self._cut.add(_conversation(record))
        elif not self.offset and line[:1] not in b"{\r\n ":
            raise Unfit("the file does not begin with a JSON object")
        self.offset += len(line)

    def done(self) -> Scanned:
        """All requests; those at the end will be read again when the log has grown."""
        while self._open:
            self._close(self._open.popleft())
        return Scanned(self.columns, self._points[0], self._project)

    def _reply(self, line: bytes) -> None:
        record = unwrapped(_decoded(line))
        message = record.get("message") if record else None
        if record is None or record.get("type") != "assistant" or not isinstance(message, dict):
            if record is not None and record.get("type") not in _PASSED:
                raise Unfit("a record of another kind reports usage")
            return
        if message.get("model") == "<synthetic>":
            return
        conversation = _conversation(record)
        name = str(message.get("id") or record.get("requestId") or record.get("uuid") or "")
        known = next((one for one in self._recent(conversation) if one.name == name), None) if name else None
        self._project = self._project or str(record.get("cwd") or "")
        if known is None and identity(name) in self._kept:
            return  # a late line of a reply that was read before the log grew
        if known is None:
            known = self._begin(conversation, name, str(message.get("model") or ""), _moment(record))
        report = message.get("usage") or {}
        if known.report != report:  # a reply's lines mostly say the same
            known.report = merged(known.report, report) if known.report else report

    def _recent(self, conversation: str) -> list[_Open]:
        return [one for one in self._open if one.conversation == conversation][-_LATE:]

    def _begin(self, conversation: str, name: str, model: str, at: float) -> _Open:
        while len(self._open) >= _OPEN:
            self._close(self._open.popleft())
        before = len(self.columns) + len(self._open)
        self._points.append(ResumePoint(self.offset, before, frozenset(self._cut)))
        made = _Open(self.offset, conversation, name, model, at, conversation in self._cut)
        self._cut.discard(conversation)
        self._open.append(made)
        return made

    def _close(self, one: _Open) -> None:
        named = f"{self._stem}/{one.conversation}" if one.conversation else self._stem
        where = place(self.columns.conversations, (named, bool(one.conversation)))
        usage, extras = read_usage(one.report), read_extras(one.report)
        price = cost(ModelProfile(PROVIDER, one.model, "cloud"), usage, at=one.at, extras=extras)
        redo = self._redo(where, usage, one.cut)
        self.columns.add(
            {
                "conversation": where,
                "model": place(self.columns.models, f"{PROVIDER}:{one.model}"),
                "price": -1 if price.row is None else place(self.columns.prices, tuple(price.row.parts())),
                "identity": identity(one.name),
                "at": one.at,
                "uncached": usage.uncached_tokens,
                "read": usage.cache_read_tokens,
                "written_5m": usage.cache_write_5m_tokens,
                "written_1h": usage.cache_write_1h_tokens,
                "output": usage.output_tokens,
                "redo": redo,
                "usd": math.nan if price.usd is None else price.usd,
                "usd_uncached": math.nan if price.uncached_usd is None else price.uncached_usd,
            }
        )
        self._note(where, usage.input_tokens, usage.cache_read_tokens)

    def _redo(self, conversation: int, usage: Usage, cut: bool) -> int:
        known = self._heads if cut else self._before
        sent = min(usage.input_tokens, known.get(conversation, 0))
        return max(0, sent - usage.cache_read_tokens)

    def _note(self, conversation: int, tokens: int, read: int) -> None:
        self._before[conversation] = tokens
        head = read if 0 < read <= tokens else round(HEAD_SHARE * tokens)
        self._heads.setdefault(conversation, head)

    def _input(self, at: int) -> int:
        return sum(int(self.columns[name][at]) for name in ("uncached", "read", "written_5m", "written_1h"))


_PASSED = frozenset({"user", "system", "summary", "file-history-snapshot", "queue-operation", "attachment", "progress"})
"""Records in which usage may stand without being a request's: a tool's result has a sub-agent's sums."""


def _decoded(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None for a last line that is not whole. Raises Unfit for anything else."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if not line.endswith(b"\n"):
            return None
        raise Unfit("a line that is no JSON") from error
    if not isinstance(value, dict) or "type" not in value:
        raise Unfit("a record without a type")
    return value


def _conversation(record: Mapping[str, Any]) -> str:
    """The conversation that a record belongs to: "" is the main one. Raises Unfit where only its parents tell."""
    if called := record.get("parent_tool_use_id"):
        return f"agent-{called}"
    if not record.get("isSidechain"):
        return ""
    if not record.get("agentId"):
        raise Unfit("a sub-agent without an id")
    return str(record["agentId"])


def _moment(record: Mapping[str, Any]) -> float:
    stamp = record.get("timestamp")
    if not isinstance(stamp, str):
        raise Unfit("a record without a time")
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError as error:
        raise Unfit("a time of another form") from error
