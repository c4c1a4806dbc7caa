"""What the cache did: counters that are written in batches, and the object that they add up to.

Counters are kept in RAM and written now and then, so that no lookup waits for the disk; a kill may lose the last
few counts, and never an answer.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from agentmem.answers.agreement import Errors
from agentmem.answers.store import AnswerStore
from agentmem.answers.tuning import upper_bound
from agentmem.errors import AnswersError

EACH = 64
"""Counts that are written at once."""

Counts = Mapping[tuple[str, str], float]


class Counters:
    """Counts up, by name and query type. Safe to use from several threads."""

    def __init__(self, store: AnswerStore) -> None:
        self._store = store
        self._waiting: dict[tuple[str, str], float] = defaultdict(float)
        self._events = 0
        self._lock = threading.Lock()

    def add(self, name: str, kind: str = "", value: float = 1.0) -> None:
        """Count; what has gathered is written now and then."""
        with self._lock:
            self._waiting[name, kind] += value
            self._events += 1
            full = self._events >= EACH
        if full:
            self.flush()

    def flush(self) -> None:
        """Write what was counted. Where that cannot be done it is kept for the next time."""
        with self._lock:
            counted, self._waiting, self._events = self._waiting, defaultdict(float), 0
        try:
            self._store.count_up(counted)
        except AnswersError:
            with self._lock:
                for name, value in counted.items():
                    self._waiting[name] += value


def report(counts: Counts, judge: Errors | None = None) -> dict[str, Any]:
    """The counters as one JSON object. Shares are 0..1; None: cannot be computed.

    wrong_per_hit is the share of audited hits whose fresh answer was another, and wrong_per_hit_upper95 Clopper and
    Pearson's bound on it; wrong_per_lookup is the same share of all lookups. ``judge`` says how often the judge of
    answers was wrong on labelled pairs, and wrong_per_hit_corrected what is left of wrong_per_hit without its errors.
    """
    kinds = sorted({kind for _, kind in counts if kind})
    total = _numbers(counts, None)
    return {
        "schema": 1,
        "basis": "measured",
        **total,
        "by_type": {kind: _numbers(counts, kind) for kind in kinds},
        "invalidated": {name: _sum(counts, f"invalidated.{name}", None) for name in ("ttl", "page", "event", "audit")},
        "judge": judge_record(judge),
        "wrong_per_hit_corrected": judge.corrected(total["wrong_per_hit"]) if judge and total["audited"] else None,
        "freshness": {name: _sum(counts, f"freshness.{name}", None) for name in ("checked", "stale")},
        "kept": _sum(counts, "kept", None),
        "withheld": _sum(counts, "withheld", None),
        "damaged": _sum(counts, "damaged", None),
        "failed": _sum(counts, "failed", None),
        "audit_failed": _sum(counts, "audit_failed", None),
        "saved_usd": _real(counts, "saved_usd", None),
        "saved_seconds": _real(counts, "saved_seconds", None),
    }


def judge_record(found: Errors | None) -> dict[str, Any] | None:
    """What was measured of the judge of answers, as JSON; None where nothing was."""
    if found is None:
        return None
    return {
        **asdict(found),
        "missed_upper95": found.missed_bounds[1] if found.different else None,
        "alarmed_upper95": found.alarmed_bounds[1] if found.same else None,
    }


def _numbers(counts: Counts, kind: str | None) -> dict[str, Any]:
    exact, semantic, missed, excluded, audited, wrong = (
        _sum(counts, name, kind) for name in ("exact", "semantic", "miss", "excluded", "audited", "mismatch")
    )
    hits, lookups = exact + semantic, exact + semantic + missed + excluded
    share = wrong / audited if audited else None
    return {
        "lookups": lookups,
        "hits": {"exact": exact, "semantic": semantic},
        "misses": missed,
        "excluded": excluded,
        "hit_rate": hits / lookups if lookups else None,
        "audited": audited,
        "mismatches": wrong,
        "wrong_per_hit": share,
        "wrong_per_hit_upper95": upper_bound(min(wrong, audited), audited) if audited else None,
        "wrong_per_lookup": None if share is None else share * hits / lookups,
    }


def _sum(counts: Counts, name: str, kind: str | None) -> int:
    return round(_real(counts, name, kind))


def _real(counts: Counts, name: str, kind: str | None) -> float:
    return sum(value for (one, of), value in counts.items() if one == name and kind in (None, of))
