"""A recorded session as turns of a report: the ledger's row of each request, its parts, its bound, and its losses.

A recording says what arrived and what was replied, so the context of each request follows from those before it, at the
cost of what is new. Two whole requests are put together only where one read less from the cache than the other stored.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from agentmem.integrations.observing import known_rules
from agentmem.kvcache.prompts import Prompt
from agentmem.kvcache.rules import CacheRules, Setting
from agentmem.kvcache.why.causes import UNEXPLAINED
from agentmem.kvcache.why.diagnosis import Finding, diagnose
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.meter.ledger import Break, Row, classify
from agentmem.meter.prices import ListedPrice, listed
from agentmem.replay.bound import bound_tokens
from agentmem.replay.layout import Layout, Strip
from agentmem.replay.session import Exchange, RecordedCut, RecordedSession, opening, reminder, unknown
from agentmem.replay.simulation import GRACE, usual_marks
from agentmem.replay.tally import billed
from agentmem.report.contexts import SentContext
from agentmem.report.turns import ReportTurn, TokenParts, least_usd
from agentmem.types import Frame, Ttl, Usage

NOISE = 32
"""Tokens. A smaller loss is a difference of counting, as in the diagnosis."""
GROWN = 3
"""Requests in which a conversation may reach the provider's minimum, as in the diagnosis."""

_FRESH: tuple[str, ...] = ("clear",)
"""Cuts after which a conversation begins anew: it owes nothing to what was before."""
_BRANCHED: tuple[str, ...] = ("rewind",)
"""Cuts after which only a part of the conversation goes on: what it left behind was not sent again."""

_BY_MARKS = ("breakpoint_missing", "lookback_exceeded")
"""Causes that only breakpoints show, which most logs do not record."""

PARTS: dict[str, int] = {"tool": 0, "system": 1, "page": 2, "summary": 3, "tool_result": 4}
"""The part of a frame, by its segment or its block's type, as an index into TokenParts; all others are the tail."""
TAIL = 5


@dataclass(frozen=True, slots=True)
class ContextFrames:
    """The frames of one request: ``head`` are tools and system, ``messages`` the conversation's."""

    head: tuple[Frame, ...]
    messages: Sequence[Frame]
    summary: frozenset[bytes] = frozenset()


def part_of(one: Frame, told: frozenset[bytes]) -> int:
    """The part of a frame, as an index into TokenParts; ``told`` is the data of what a compaction wrote."""
    if one.segment != "message":
        return PARTS[one.segment]
    if one.data in told:
        return PARTS["summary"]
    kind = str(one.value.get("type"))
    return PARTS["system"] if kind == "unknown" else PARTS.get(kind, TAIL)


NOTHING = ContextFrames((), ())


@dataclass(frozen=True, slots=True)
class RecordedTurns:
    """What a recorded session comes to: its turns, its losses, and the context after its last reply."""

    turns: tuple[ReportTurn, ...]
    findings: tuple[Finding, ...]
    window: ContextFrames


def recorded(session: RecordedSession, *, losses: bool = True) -> RecordedTurns:
    """The turns of ``session``. A session without text has no parts, no bound and no losses.

    Without ``losses`` they are not looked for, as in a log of whole requests, which are compared with each other.
    """
    reading = _Reading(session)
    for number, exchange in enumerate(session.exchanges, start=1):
        reading.add(number, exchange)
    found = tuple(reading.losses()) if session.text and losses else ()
    return RecordedTurns(tuple(reading.bounded()), found, reading.window())


class _Reading:
    """A session while it is read. ``live`` are the messages so far. ``summary`` holds what a compaction wrote."""

    def __init__(self, session: RecordedSession) -> None:
        begun = opening(session)
        self.session = session
        self.head = begun.head
        self.live: list[Frame] = []
        self._reminders = begun.reminders
        self.summary: frozenset[bytes] = frozenset()
        self.turns: list[ReportTurn] = []
        self.suspects: list[tuple[int, ObservedRequest, ObservedRequest]] = []
        self._seen: set[tuple[str | None, bytes]] = set()
        self._least = sum(one.tokens for one in begun.head)
        self._sums = [0] * 6
        self._cuts, self._compactions, self._restored = 0, 0, 0
        self._before: tuple[Exchange, tuple[Frame, ...], Sequence[Frame], int, int, int] | None = None
        self._fresh = sum(map(self._count, begun.head)) + self._grow((*begun.reminders, *begun.earlier))

    def add(self, number: int, exchange: Exchange) -> None:
        """Take the next request and its reply."""
        head = self.head if exchange.head is None else exchange.head
        new = self._fresh + sum(self._count(one) for one in head)
        new += self._cut(exchange, exchange.cut) if exchange.cut else self._grow(exchange.arrived)
        whole = sum(self._sums) + sum(one.tokens for one in head)
        row = self._row(exchange, new, whole)
        size = row.usage.input_tokens or whole
        parts = TokenParts(*self._with_head(head)).scaled(size) if self.session.text else None
        sent = SentContext(head, self.live, len(self.live), len(exchange.reply), self.summary)
        self.turns.append(ReportTurn(number, row, parts, sent=sent if self.session.text else None))
        self._suspect(number, exchange, head)
        self._before = (exchange, head, self.live, len(self.live), self._cuts, self._compactions)
        self._fresh = self._grow(exchange.reply)

    def window(self) -> ContextFrames:
        """The context as it is now."""
        return ContextFrames(self._before[1] if self._before else self.head, tuple(self.live), self.summary)

    def bounded(self) -> Iterator[ReportTurn]:
        """The turns with their shares of the lower bound; without text there is none."""
        if not self.session.text:
            yield from (replace(turn, bound_usd=None) for turn in self.turns)
            return
        entries = [(one.arrived, one.reply) for one in self.session.exchanges]
        for turn, (first, carried, _) in zip(self.turns, bound_tokens(entries, self._least), strict=True):
            yield replace(turn, bound_usd=least_usd(turn.row, turn.row.context_tokens, first, carried))

    def losses(self) -> Iterator[Finding]:
        """The findings on each pair of requests of which the later one read less than it could."""
        warm = [one.usage is not None and one.usage.uncached_tokens < one.usage.input_tokens for one in self._exchanges]
        for number, before, now in self.suspects:
            for finding in diagnose((before, now)):
                soon = any(warm[number - 1 : number - 1 + GROWN])
                if finding.request == number and not (finding.cause == "below_minimum" and soon):
                    yield _of_log(finding, self._exchanges[number - 1])

    @property
    def _exchanges(self) -> tuple[Exchange, ...]:
        return self.session.exchanges

    def _grow(self, frames: Iterable[Frame]) -> int:
        """Append ``frames``; the tokens of those that were never sent before."""
        new = 0
        for one in frames:
            self.live.append(one)
            self._sums[part_of(one, self.summary)] += one.tokens
            new += self._count(one)
        return new

    def _cut(self, exchange: Exchange, cut: RecordedCut) -> int:
        """Begin a new list of messages; what a compaction brought along counts as its summary."""
        frames = cut.frames
        self._cuts += cut.declared
        if cut.kind == "compaction":
            self._compactions += 1
            arrived = {one.data for one in exchange.arrived}
            told = (one.data for one in frames if (one.role, one.data) not in self._seen and one.data not in arrived)
            self.summary = frozenset(told)
        if cut.hidden:
            self._restored += 1
            frames = (*frames, unknown("message", f"restored {self._restored}", cut.hidden))
        if cut.kind == "resume":
            self._restored += 1
            self._reminders = tuple(reminder(one.tokens, self._restored) for one in self._reminders)
        self.live, self._sums = [], [0] * 6
        return self._grow((*self._reminders, *frames))

    def _count(self, one: Frame) -> int:
        """The tokens of a frame that was never sent before; else 0."""
        key = (one.role, one.data)
        if key in self._seen:
            return 0
        self._seen.add(key)
        return one.tokens

    def _with_head(self, head: tuple[Frame, ...]) -> list[int]:
        sums = list(self._sums)
        for one in head:
            sums[PARTS[one.segment]] += one.tokens
        return sums

    def _row(self, exchange: Exchange, new: int, whole: int) -> Row:
        usage = exchange.usage
        rules = rules_of(self.session, exchange.model)
        cost = billed(self.session.provider, exchange)
        found = _listed(self.session.provider, exchange)
        rates = found.rates if found else None
        beside = (cost - rates.cost(usage)) if rates and usage and cost is not None else 0.0
        text = self.session.text
        return Row(
            thread=self.session.name,
            agent="sub-agent" if "/agent-" in self.session.name else "main",
            purpose="answer",
            model=f"{self.session.provider}:{exchange.model}",
            tier="cloud",
            usage=usage or Usage("estimated", whole, output_tokens=exchange.output),
            at=exchange.at,
            first_token_after=max(0.0, exchange.answered - exchange.at),
            seconds=max(0.0, exchange.answered - exchange.at),
            cost_usd=cost,
            cost_uncached_usd=rates.cost_uncached(usage) + beside if rates and usage and cost is not None else None,
            new_tokens=new if text else 0,
            context_tokens=whole if text else 0,
            message_id=exchange.known_by,
            break_=relation(self._before[0] if self._before else None, exchange, rules, self.session.ttl),
            extras=exchange.extras,
            price_row=found.row if found and cost is not None else None,
        )

    def _suspect(self, number: int, exchange: Exchange, head: tuple[Frame, ...]) -> None:
        """Keep this request and the one before, if less was read than the other had sent."""
        if self._before is None or exchange.usage is None or (exchange.cut and exchange.cut.kind in _FRESH):
            return
        before, old_head, live, length, cuts, compactions = self._before
        if before.usage is None or before.usage.input_tokens - exchange.usage.cache_read_tokens <= NOISE:
            return
        branched = exchange.cut is not None and exchange.cut.kind in _BRANCHED
        make = partial(_observed, self.session, named=not branched)
        then = make(number - 1, before, old_head, tuple(live[:length]), cuts, compactions)
        now = make(number, exchange, head, tuple(self.live), self._cuts, self._compactions)
        self.suspects.append((number, then, now))


def relation(before: Exchange | None, exchange: Exchange, rules: CacheRules, ttl: Ttl) -> Break:
    """The relation of a recorded request to the one ``before`` it in its conversation; ``ttl`` is the session's."""
    if before is None or (exchange.cut and exchange.cut.kind in _FRESH):
        return "first"
    read = (
        exchange.usage is not None
        and before.usage is not None
        and 2 * exchange.usage.cache_read_tokens >= before.usage.input_tokens
    )
    return classify(
        first=False,
        extends=exchange.cut is None,
        cut=bool(exchange.cut and exchange.cut.declared),
        idle=exchange.at - before.at,
        lifetime=rules.lifetimes[ttl] + GRACE,
        read=read,
    )


def _listed(provider: str, exchange: Exchange) -> ListedPrice | None:
    """The prices of the day on which a request was sent."""
    if exchange.usage is None:
        return None
    tokens, speed = exchange.usage.input_tokens, exchange.extras.speed
    return listed(provider, exchange.model, input_tokens=tokens, at=exchange.at, speed=speed)


def _observed(
    session: RecordedSession,
    number: int,
    exchange: Exchange,
    head: tuple[Frame, ...],
    messages: tuple[Frame, ...],
    cuts: int,
    compactions: int,
    *,
    named: bool,
) -> ObservedRequest:
    """One request as the diagnosis takes it. Breakpoints that are not recorded stand where clients put them."""
    rules = rules_of(session, exchange.model)
    marks = exchange.marks
    if marks is None:
        layout = Layout(exchange.model, len(head), "", [Strip((*head, *messages)).run()])
        marks = tuple(usual_marks(layout, session.ttl)) if rules.matching == "breakpoints" else ()
    tools = tuple(one for one in head if one.segment == "tool")
    usage, found = exchange.usage or Usage("estimated"), _listed(session.provider, exchange)
    settings = exchange.settings if exchange.marks is not None else _as_json(exchange.settings)
    return ObservedRequest(
        number=number,
        at=exchange.at,
        prompt=Prompt(exchange.model, tools, head[len(tools) :], messages, settings, marks),
        rules=rules,
        usage=usage,
        begun=exchange.answered,
        ended=exchange.answered,
        thread=session.name if named else "",
        cuts=cuts,
        compaction=compactions or None,
        rates=found.rates if found else None,
    )


def rules_of(session: RecordedSession, model: str) -> CacheRules:
    """The cache rules of a recorded request."""
    return known_rules(session.provider, model)


def _of_log(finding: Finding, exchange: Exchange) -> Finding:
    """A finding in the words of a log, which records neither breakpoints nor the prompt's beginning."""
    if exchange.cut and exchange.cut.kind == "resume":
        return replace(finding, cause="history_edited", before=_AS_IT_WAS, after=_ANEW, fix=_RESUMED)
    if exchange.marks is None and finding.cause in _BY_MARKS:
        return replace(finding, cause=None, fix=UNEXPLAINED)
    return finding


_AS_IT_WAS = "the reminders before the first prompt, which are not recorded"
_ANEW = "the same, written anew when another process took the session up"
_RESUMED = "Go on in one process while the cache lives: a session that is taken up again begins with other reminders."


def _as_json(settings: Mapping[Setting, str]) -> dict[Setting, str]:
    """Settings that a log shows as words, as a request has them."""
    return {name: json.dumps(value) for name, value in settings.items()}
