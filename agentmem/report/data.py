"""Collects the page's data as one JSON object: columns with a value for each turn, the events, the ledger's sums."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from agentmem.meter.answers import lines
from agentmem.meter.report import new_tokens, report
from agentmem.meter.tables import advice
from agentmem.report.blocks import BlockTable
from agentmem.report.contexts import first_difference
from agentmem.report.events import ReportEvent, events
from agentmem.report.loading import Observed, load_run
from agentmem.report.markup import Node, body, lined
from agentmem.report.sidebyside import side_by_side
from agentmem.report.summing import report_on
from agentmem.report.turns import ReportTurn, TokenParts
from agentmem.transcript.journal import Journal

Data = dict[str, Any]

_DIGITS = 6


def collect(journal: Journal, threads: Sequence[str], answers: Mapping[str, Any] | None = None) -> Data:
    """The data of the page on ``threads``, in that order. Raises TranscriptError for entries that do not fit.

    ``answers`` are the statistics of the workspace's answer cache, if it has one, with its latest hits as ``served``.
    """
    observed = [load_run(journal, thread) for thread in threads]
    return collect_observed(observed, threads[0] if len(threads) == 1 else None, answers)


def collect_observed(
    observed: Iterable[Observed], run: str | None = None, answers: Mapping[str, Any] | None = None
) -> Data:
    """The data of the page on conversations of any source, in that order, under the name ``run``."""
    return gathered(observed, run, answers).whole()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of some conversations: ``data`` without texts, and the texts where they are asked for.

    ``turns`` and ``events`` are those of ``data``, ``table`` has its blocks.
    """

    data: Data
    turns: Sequence[ReportTurn]
    events: Sequence[ReportEvent]
    table: BlockTable

    def bodies(self, numbers: Iterable[int]) -> dict[str, list[Node]]:
        """The texts of blocks as nodes, by their numbers as text. Raises IndexError for a number that is none."""
        return {str(number): body(self.table.frames[number]) for number in numbers}

    def difference(self, event: int) -> Data | None:
        """The first block that differs at an event, on both sides; None if its request only extended the one before.

        Raises IndexError if there is no such event.
        """
        one = self.events[event]
        turn, before = self.turns[one.turn], self._before(one)
        if before is None or turn.sent is None or before.sent is None:
            return None
        pair = first_difference(before.sent, turn.sent)
        if pair is None:
            return None
        old, new = (None if frame is None else lined(frame) for frame in pair)
        numbers = [None if frame is None else self.table.number(frame) for frame in pair]
        return {"blocks": numbers, **side_by_side(old, new)}

    def whole(self) -> Data:
        """The data with the texts in it, for a page that is saved. Of many, those of the last blocks are left out."""
        room = EMBEDDED
        bodies: dict[str, list[Node]] = {}
        for number in reversed(range(len(self.table.frames))):
            room -= len(self.table.frames[number].data)
            if room < 0:
                break
            bodies |= self.bodies([number])
        diffs = {str(at): self.difference(at) for at in range(min(DIFFS, len(self.events)))}
        return {**self.data, "bodies": bodies, "diffs": diffs}

    def _before(self, event: ReportEvent) -> ReportTurn | None:
        """The request that an event's is compared with: the finding's, else the one before it in its conversation."""
        thread = self.turns[event.turn].row.thread
        earlier = (turn for turn in reversed(self.turns[: event.turn]) if turn.row.thread == thread)
        number = event.finding.previous if event.finding else None
        return next((turn for turn in earlier if number is None or turn.number == number), None)


EMBEDDED = 24_000_000
"""Bytes of blocks whose text a saved page holds; of more it holds the last."""
DIFFS = 200
"""Events whose differences a saved page holds."""


def gathered(
    observed: Iterable[Observed], run: str | None = None, answers: Mapping[str, Any] | None = None
) -> Gathered:
    """What is known of conversations of any source, in that order, under the name ``run``."""
    made: list[ReportTurn] = []
    found: list[ReportEvent] = []
    listed = list(observed)
    for one in listed:
        found += events(one.turns, one.findings, len(made))
        made += one.turns
    table = BlockTable()
    for turn in made:
        table.add(turn.sent)
    data = shown(made, found, run, answers, report_on(listed, run))
    return Gathered({**data, "blocks": table.value() if table.frames else None}, made, found, table)


def shown(
    made: Sequence[ReportTurn],
    found: Iterable[ReportEvent],
    run: str | None,
    answers: Mapping[str, Any] | None = None,
    summary: Data | None = None,
) -> Data:
    """The object that the page reads, without blocks; ``summary`` is the report on the turns, made here if need be."""
    summary = report([turn.row for turn in made], run) if summary is None else summary
    return {
        **summary,
        "advice": advice(summary),
        "turns": _columns(made),
        "tiers": _tiers(made),
        "money": _money(made, summary),
        "events": [_event(one) for one in found],
        "answers": None if answers is None else {**answers, "said": lines(answers)},
        "blocks": None,
    }


def _columns(made: Sequence[ReportTurn]) -> Data:
    rows = [turn.row for turn in made]
    parts = [(turn.parts or TokenParts()).amounts for turn in made]
    new = [new_tokens(row) for row in rows]
    return {
        "number": [turn.number for turn in made],
        "at": [round(row.at, 3) for row in rows],
        "seconds": [round(row.seconds, 3) for row in rows],
        **{name: _named(getattr(row, attribute) for row in rows) for name, attribute in _NAMES},
        **{part.name: [one[place] for one in parts] for place, part in enumerate(fields(TokenParts))},
        "read": [row.usage.cache_read_tokens for row in rows],
        "new": new,
        "again": [
            row.usage.input_tokens - row.usage.cache_read_tokens - count for row, count in zip(rows, new, strict=True)
        ],
        "written": [row.usage.cache_write_5m_tokens + row.usage.cache_write_1h_tokens for row in rows],
        "output": [row.usage.output_tokens for row in rows],
    }


def _tiers(made: Sequence[ReportTurn]) -> Data | None:
    """Tokens of each turn's prompt by where a local engine had their KV state from; None if no turn says."""
    parts = [turn.row.sources for turn in made]
    if not any(parts):
        return None
    return {name: [getattr(one, name) if one else 0 for one in parts] for name in TIERS}


TIERS = ("slot", "ram", "disk", "far", "computed")
_NAMES = (("run", "thread"), ("agent", "agent"), ("purpose", "purpose"), ("model", "model"))


def _named(values: Iterable[str]) -> Data:
    """A column with few different names: the names, and for each turn the index of its name."""
    given = list(values)
    places = {name: place for place, name in enumerate(dict.fromkeys(given))}
    return {"names": list(places), "place": [places[name] for name in given]}


def _money(made: Sequence[ReportTurn], summary: Data) -> Data | None:
    """Dollars so far at each turn; None if a price is not known or the turns were metered in several ways."""
    if summary["cost_usd"] is None:
        return None
    answered = [turn for turn in made if not turn.row.error]
    bound = None if any(turn.bound_usd is None for turn in answered) else _sums(turn.bound_usd for turn in made)
    return {
        "cost": _sums(turn.row.cost_usd for turn in made),
        "uncached": _sums(turn.row.cost_uncached_usd for turn in made),
        "bound": bound,
    }


def _sums(amounts: Iterable[float | None]) -> list[float]:
    def so_far() -> Iterator[float]:
        total = 0.0
        for amount in amounts:
            total += amount or 0.0
            yield round(total, _DIGITS)

    return list(so_far())


def _event(one: ReportEvent) -> Data:
    about: Data = {"turn": one.turn, "kind": one.kind, "said": one.said}
    found = one.finding
    if found is None:
        return about
    return about | {
        "cause": found.cause or "unexplained",
        "previous": found.previous,
        "place": _place(found.segment, found.block, found.byte),
        "before": found.before,
        "after": found.after,
        "tokens": found.tokens_lost,
        "usd": None if found.usd_lost is None else round(found.usd_lost, _DIGITS),
        "provider": found.provider_reason,
    }


def _place(segment: str | None, block: int | None, byte: int | None) -> str:
    if segment is None:
        return ""
    in_block = "" if block is None else f", block {block}"
    return f"{segment}{in_block}" + ("" if byte is None else f", byte {byte:,}")
