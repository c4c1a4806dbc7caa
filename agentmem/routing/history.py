"""History: the ledger's answer to what a request will be like, how many follow it, and what a rule has spent.

It is a fold over rows: `History.after` gives the history with one more. Nothing in it is kept apart from the ledger.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from agentmem.meter.ledger import Row

KNOWN = 20
"""The stretches that must be known before the ledger says how many requests are expected to follow."""


SMALL = frozenset({"summary", "tester", "delegate", "audit", "title", "batch"})
"""Purposes that a small model serves unless a rule says otherwise: whole sub-tasks with an outcome that is checked."""
PATIENT = frozenset({"audit", "batch", "evaluation"})
"""Purposes that nobody waits for."""


def work_of(purpose: str, agent: str) -> str:
    """The work of a request: its purpose; of a sub-task's agent ("main.delegate"), what the sub-task is for."""
    role = agent.rpartition(".")[2]
    return role if purpose == "answer" and role in SMALL | PATIENT else purpose


class Shape(NamedTuple):
    """The mean request of a purpose: tokens that were processed (unread input) and tokens of output."""

    requests: int = 0
    processed: float = 0.0
    output: float = 0.0

    def plus(self, processed: int, output: int) -> "Shape":
        count = self.requests + 1
        return Shape(
            count,
            self.processed + (processed - self.processed) / count,
            self.output + (output - self.output) / count,
        )


@dataclass(frozen=True, slots=True)
class RouteHistory:
    """``shapes`` by purpose; ``stretches`` counts how many requests ran from one free moment of a conversation to the
    next, by that number; ``spent`` are dollars by rule and day; ``runs`` are the open stretches, by thread.
    """

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    stretches: Mapping[int, int] = field(default_factory=dict)
    spent: Mapping[tuple[str, str], float] = field(default_factory=dict)
    runs: Mapping[str, int] = field(default_factory=dict)

    def shape(self, purpose: str) -> Shape:
        """The mean request of a purpose."""
        return self.shapes.get(purpose, Shape())

    def remaining(self, made: int) -> float:
        """The requests expected in a conversation's stretch, this one included, after ``made`` of it.

        The mean residual life of the stretches that were longer. 1 if too few are known: then nothing is promised.
        """
        longer = [(length, count) for length, count in self.stretches.items() if length > made]
        known = sum(count for _, count in longer)
        if known < KNOWN:
            return 1.0
        return sum((length - made) * count for length, count in longer) / known

    def chance(self, made: int, more: float) -> float:
        """The chance that, after ``made`` requests of a stretch, at least ``more`` follow; 0 if too few are known."""
        longer = [(length, count) for length, count in self.stretches.items() if length > made]
        known = sum(count for _, count in longer)
        return sum(count for length, count in longer if length - made >= more) / known if known >= KNOWN else 0.0

    def spent_on(self, rule: str, at: float) -> float:
        """Dollars that a rule has spent on the day (local time) of ``at``."""
        return self.spent.get((rule, day(at)), 0.0)

    def ended(self, length: int) -> "RouteHistory":
        """The history with one more stretch of ``length`` requests."""
        if length < 1:
            return self
        return replace(self, stretches={**self.stretches, length: self.stretches.get(length, 0) + 1})

    def after(self, row: Row) -> "RouteHistory":
        """The history with one more row of the ledger. A request that failed leaves it as it is."""
        if row.error is not None:
            return self
        processed = row.usage.input_tokens - row.usage.cache_read_tokens
        work = work_of(row.purpose, row.agent)
        shape = self.shape(work).plus(processed, row.usage.output_tokens)
        made = replace(self, shapes={**self.shapes, work: shape})
        made = made._spent(row)
        return made._followed(row) if row.purpose != "summary" else made

    def _spent(self, row: Row) -> "RouteHistory":
        if row.route is None or not row.route.rule or row.cost_usd is None:
            return self
        key = row.route.rule, day(row.at)
        return replace(self, spent={**self.spent, key: self.spent.get(key, 0.0) + row.cost_usd})

    def _followed(self, row: Row) -> "RouteHistory":
        """A conversation's stretch ends at a cut, a break or an expiry, where its prefix is written anew anyway."""
        before = self.runs.get(row.thread, 0)
        goes_on = row.break_ == "none"
        runs = {**self.runs, row.thread: before + 1 if goes_on else 1}
        return replace(self if goes_on else self.ended(before), runs=runs)


def history_of(rows: Iterable[Row]) -> RouteHistory:
    """The history of rows, the oldest first. Stretches that are still open do not count."""
    made = RouteHistory()
    for row in rows:
        made = made.after(row)
    return made


def day(at: float) -> str:
    """The day of a time, in local time, as in "2026-11-30"."""
    return datetime.fromtimestamp(at).date().isoformat()
