"""Reads a wire log as the turns of a report: any agent's requests, with what compactions of any package did to them.

A log has no ledger, so each request's row is made from what was sent and what the provider reported of it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from agentmem.kvcache.why.causes import lifetime
from agentmem.kvcache.why.diagnosis import diagnose
from agentmem.kvcache.why.lineage import RequestPair, predecessor
from agentmem.kvcache.why.marks import summarised_by
from agentmem.kvcache.why.observed import Content, ObservedRequest
from agentmem.meter.ledger import Break, Row, classify
from agentmem.report.data import Data, shown
from agentmem.report.events import events
from agentmem.report.turns import ReportTurn, TokenParts
from agentmem.types import Frame

AGENT = "log"
"""The agent's name in the rows: a log does not tell who sent a request."""


def collect_log(name: str, observed: Sequence[ObservedRequest], answers: dict[str, Any] | None = None) -> Data:
    """The data of the page on a log, as `data.collect` gives it on runs."""
    made = logged_turns(observed)
    return shown(made, events(made, diagnose(observed)), name, answers)


def logged_turns(observed: Sequence[ObservedRequest]) -> list[ReportTurn]:
    """The requests of a log in the order of time, each with its row and its parts.

    A request that has lost its beginning to a compaction of LangChain, of deepagents or of our own is a cut, not a
    break. What the least possible cost would be is not known, since a log does not tell what was needed.
    """
    return list(_turns(sorted(observed, key=lambda one: one.at)))


def _turns(ordered: Sequence[ObservedRequest]) -> Iterator[ReportTurn]:
    known: set[Content] = set()
    for at, one in enumerate(ordered):
        new = sum(tokens for block, tokens in one.content.items() if block not in known)
        known |= one.content.keys()
        row = _row(one, predecessor(one, ordered[:at]), new)
        yield ReportTurn(one.number, row, _parts(one).scaled(row.usage.input_tokens), None)


def _row(one: ObservedRequest, pair: RequestPair | None, new: int) -> Row:
    used, rates = one.used, one.rates
    return Row(
        thread="",
        agent=AGENT,
        purpose="answer",
        model=f"{one.rules.provider}:{one.prompt.model}",
        tier="cloud",
        usage=used,
        at=one.at,
        first_token_after=max(0.0, one.begun - one.at),
        seconds=max(0.0, one.ended - one.at),
        cost_usd=rates.cost(used) if rates else None,
        cost_uncached_usd=rates.cost_uncached(used) if rates else None,
        new_tokens=new,
        context_tokens=sum(one.content.values()),
        provider_reason=one.provider_reason,
        break_=_break(pair),
    )


def _break(pair: RequestPair | None) -> Break:
    """How a request stands to the one that it continues."""
    if pair is None or pair.relation in (None, "branches"):
        return "first"
    read = 2 * pair.now.used.cache_read_tokens > pair.before.used.input_tokens
    return classify(
        first=False,
        extends=pair.shared == len(pair.before.path.frames),
        cut=pair.summarised or pair.now.cuts > pair.before.cuts,
        idle=pair.now.at - pair.before.at,
        lifetime=lifetime(pair),
        read=read,
    )


def _parts(one: ObservedRequest) -> TokenParts:
    """What a request is made of. A summary is known by the mark of who wrote it."""
    prompt = one.prompt
    sums = {"summary": 0, "results": 0, "tail": 0}
    for frame in prompt.messages:
        sums[_part(frame)] += frame.tokens
    return TokenParts(_tokens(prompt.tools), _tokens(prompt.system), 0, **sums)


def _part(frame: Frame) -> str:
    if frame.value.get("type") == "tool_result":
        return "results"
    return "summary" if summarised_by((frame,)) else "tail"


def _tokens(frames: Sequence[Frame]) -> int:
    return sum(one.tokens for one in frames)
