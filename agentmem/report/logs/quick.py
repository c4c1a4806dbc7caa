"""Reads of a Claude Code log what a list of sessions needs, several times faster than for a page.

Records are taken up by the same `ClaudeReading` that reads a log for a page, with frames that hold neither text nor
tokens; so requests, times, cuts and usage are those of that reader. What was processed again cannot be counted without
text: it is what the request before had sent, and was not read again. After a compaction or a fresh start only tools and
system prompt count as sent before.
"""

import marshal
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentmem.integrations.observing import known_rules
from agentmem.kvcache.reported import read_extras
from agentmem.meter.price_row import PriceRow
from agentmem.meter.prices import cost
from agentmem.replay.formats.claude_code import named
from agentmem.replay.formats.claude_conversation import LATE, Conversation, ExchangeDraft
from agentmem.replay.formats.claude_growing import GrowingLog
from agentmem.replay.growing import Unfit
from agentmem.replay.session import HEAD_SHARE, Exchange
from agentmem.report.logs.columns import BASES, BREAKS, RequestColumns, identity, place
from agentmem.report.recorded import relation
from agentmem.types import Frame, Json, ModelProfile, Role, Segment, Ttl, Usage

PROVIDER = "anthropic"
_WORDS = 64
"""Characters kept of a text: more than any by which a client's own words are told."""
_ANEW = ("compaction", "clear")
"""Cuts after which only tools and system prompt were sent before."""


def light(segment: Segment, value: Json, role: Role | None = None) -> Frame:
    """A frame without tokens whose value has no more than its kind, its call and its first words."""
    kept: dict[str, Any] = {"type": value["type"]}
    for name in ("text", "thinking", "tool_use_id"):
        if name in value:
            kept[name] = value[name][:_WORDS]
    same = hash(marshal.dumps(dict(value), 2)).to_bytes(8, "little", signed=True)
    return Frame(segment, role, kept, same, 0)


@dataclass(slots=True)
class _Counted:
    """The requests of a conversation that are final: how many, the last one, and the tokens of tools and system."""

    requests: int = 0
    last: Exchange | None = None
    head: int = 0
    row: PriceRow | None = None

    def next(self, draft: ExchangeDraft, ttl: Ttl) -> dict[str, float]:
        """Take the next request; its columns, but for names. Raises Unfit."""
        usage, before = draft.usage, self.last
        if usage is None:
            raise Unfit("a reply without usage")
        price = cost(ModelProfile(PROVIDER, draft.model, "cloud"), usage, at=draft.at, extras=read_extras(draft.report))
        self.last = Exchange(draft.at, draft.answered, draft.model, (), (), usage, draft.cut, identity=draft.identity)
        related = relation(before, self.last, known_rules(PROVIDER, draft.model), ttl)
        redo = _redo(usage, before, self.head, anew=draft.cut is not None and draft.cut.kind in _ANEW)
        read, whole = usage.cache_read_tokens, usage.input_tokens
        self.head = self.head or (read if 0 < read <= whole else round(HEAD_SHARE * whole))
        self.requests, self.row = self.requests + 1, price.row
        return {
            "identity": identity(self.last.known_by),
            "basis": BASES.index(usage.basis),
            "break": BREAKS.index(related),
            "at": draft.at,
            "uncached": usage.uncached_tokens,
            "read": read,
            "written_5m": usage.cache_write_5m_tokens,
            "written_1h": usage.cache_write_1h_tokens,
            "output": usage.output_tokens,
            "redo": redo,
            "usd": math.nan if price.usd is None else price.usd,
            "usd_uncached": math.nan if price.uncached_usd is None else price.uncached_usd,
        }


class QuickReading:
    """A log while it is read, and while it grows: `read` takes what is new. ``log`` says how far it is read."""

    def __init__(self, path: Path) -> None:
        self.log = GrowingLog(path, light)
        self._final = RequestColumns()
        self._counted: dict[str, _Counted] = {}
        self._owners: dict[int, str] = {}

    def read(self) -> None:
        """Take all whole lines that are new. Raises Unfit, OSError."""
        self.log.read()

    def columns(self) -> RequestColumns:
        """All requests so far. Those that a late line may still change are counted anew the next time. Raises Unfit."""
        for thread, conversation in self.log.reading.conversations.items():
            self._count(thread, conversation, len(conversation.drafts) - LATE, self._final)
        final, counted, owners = self._final, self._counted, self._owners
        whole = final.copied()
        self._counted = {thread: _Counted(one.requests, one.last, one.head) for thread, one in counted.items()}
        self._owners = dict(owners)
        for thread, conversation in self.log.reading.conversations.items():
            self._count(thread, conversation, len(conversation.drafts), whole)
        self._counted, self._owners = counted, owners
        return whole

    def _count(self, thread: str, conversation: Conversation, until: int, columns: RequestColumns) -> None:
        """Add the requests of a conversation that are not counted yet, but no more than ``until``."""
        known = self._counted.setdefault(thread, _Counted())
        where = (named(self.log.file.path.name.partition(".")[0], thread), bool(thread))
        for draft in conversation.drafts[known.requests : max(0, until)]:
            values = known.next(draft, conversation.ttl)
            mark = int(values["identity"])
            if mark and self._owners.setdefault(mark, thread) != thread:
                continue  # a copy of another conversation's reply
            values["conversation"] = place(columns.conversations, where)
            values["model"] = place(columns.models, f"{PROVIDER}:{draft.model}")
            row = known.row
            values["price"] = -1 if row is None else place(columns.prices, tuple(row.parts()))
            columns.add(values)


def _redo(usage: Usage, before: Exchange | None, head: int, *, anew: bool) -> int:
    sent = head if anew else before.usage.input_tokens if before and before.usage else 0
    return max(0, min(usage.input_tokens, sent) - usage.cache_read_tokens)


def scanned(path: Path) -> QuickReading:
    """A log, read as far as it is whole. Raises Unfit, OSError."""
    reading = QuickReading(path)
    reading.read()
    return reading
