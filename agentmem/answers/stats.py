"""Statistics of the cache: counters that are written in batches, and a report of them.

Counters are kept in RAM and written now and then, so that no lookup waits for the disk. A kill may lose the last few
counts, but never an answer.
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
    """Counts by name and query type. Safe for several threads."""

    def __init__(self, store: AnswerStore) -> None:
        self._store = store
        self._waiting: dict[tuple[str, str], float] = defaultdict(float)
        self._events = 0
        self._lock = threading.Lock()

    def add(self, name: str, kind: str = "", value: float = 1.0) -> None:
        """Count. Counts are written in batches."""
        with self._lock:
            self._waiting[name, kind] += value
            self._events += 1
            full = self._events >= EACH
        if full:
            self.flush()

    def flush(self) -> None:
        """Write the counts. If that fails, they are kept for the next time."""
        with self._lock:
            counted, self._waiting, self._events = self._waiting, defaultdict(float), 0
        try:
            self._store.count_up(counted)
        except AnswersError:
            with self._lock:
                for name, value in counted.items():
                    self._waiting[name] += value


def report(counts: Counts, judge: Errors | None = None) -> dict[str, Any]:
    """The counters as one JSON object. Shares are 0 to 1; None if they cannot be computed.

    ``wrong_per_hit``: the share of audited hits whose fresh answer was different.
    ``wrong_per_hit_upper95``: Clopper and Pearson's bound on it.
    ``wrong_per_lookup``: the same as a share of all lookups.
    ``judge``: the errors of the judge of answers on labelled pairs.
    ``wrong_per_hit_corrected``: wrong_per_hit without the judge's errors.
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
    """The measured errors of the judge of answers, as JSON; None if there are none."""
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
