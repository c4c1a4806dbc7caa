"""Audits: a share of the hits is answered again and compared. A mismatch evicts the entry and adjusts the calibration.

Freshness checks do the same for entries that nobody asked for: those unchecked for longest are answered again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from random import Random
from threading import Lock

from agentmem.answers.agreement import Errors, judged
from agentmem.answers.freshness import Checks
from agentmem.answers.lookup import Looked
from agentmem.answers.stats import Counters
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.values import Agrees, Answer, Labelled
from agentmem.recall.background import each

_MARK = "freshness checked"


@dataclass(frozen=True, slots=True)
class AuditedAnswer:
    """A kept answer, a fresh one, and whether they agree."""

    entry: KeptEntry
    fresh: Answer
    agrees: bool


class Audits:
    """Chooses the entries to answer again, and compares the answers."""

    def __init__(
        self,
        store: AnswerStore,
        counters: Counters,
        agrees: Callable[[], Agrees],
        share: float,
        checks: Checks,
        seed: int,
    ) -> None:
        self._store, self._counters, self._agrees = store, counters, agrees
        self._share, self._checks = share, checks
        self._random = Random(seed)
        self._lock = Lock()
        self._next = 0.0

    def chosen(self) -> bool:
        """True if this hit is to be audited."""
        with self._lock:
            return self._random.random() < self._share

    def judge(self, looked: Looked, fresh: Answer) -> bool:
        """True if the served answer agrees with a fresh one. An entry that does not is evicted."""
        entry = looked.entry
        if entry is None or fresh.error is not None or not fresh.complete:
            return True  # there is nothing to compare
        same = self._agrees()(entry.answer, fresh.text)
        self._counters.add("audited", looked.kind)
        self._counters.add(f"audited.{looked.how}", looked.kind)
        if looked.how == "semantic":
            self._store.label(_labelled(looked, entry, fresh.text, same))
        if same:
            self._store.check(entry.n)
            return True
        self._counters.add("mismatch", looked.kind)
        self._counters.add(f"mismatch.{looked.how}", looked.kind)
        self._counters.add("invalidated.audit", looked.kind, self._store.evict([entry.n]))
        return False

    def errors(self, labelled: Sequence[Labelled]) -> Errors | None:
        """The judge's errors on labelled pairs that have both answers; None if there are none."""
        return judged(self._agrees(), labelled)

    def time_to_check(self) -> bool:
        """True if `due` may have entries. It does not touch the disk."""
        return bool(self._checks.most) and self._store.clock() >= self._next

    def due(self, scope: str) -> list[KeptEntry]:
        """The entries of a scope to answer again now: none before it is time, and at most what the budget allows.

        If several processes ask, one of them gets the entries.
        """
        checks, now = self._checks, self._store.clock()
        self._next = now + checks.every
        if not checks.most or not self._store.claim(_MARK, checks.every):
            return []
        return self._affordable(self._store.longest_unchecked(scope, now - checks.every, checks.most), checks.max_usd)

    def check(
        self, scope: str, answering: Callable[[str], str | Answer], most: int, max_usd: float
    ) -> "list[AuditedAnswer]":
        """Answer those entries of a scope again, now, that were unchecked for longest, and compare.

        Errors of ``answering`` are raised after all entries have been tried. ``max_usd`` is in dollars.
        """
        found: list[AuditedAnswer] = []

        def check(entry: KeptEntry) -> None:
            given = answering(entry.question)
            fresh = given if isinstance(given, Answer) else Answer(given)
            found.append(AuditedAnswer(entry, fresh, self.checked(entry, fresh)))

        entries = self._affordable(self._store.longest_unchecked(scope, self._store.clock(), most), max_usd)
        each(partial(check, entry) for entry in entries)
        return found

    def checked(self, entry: KeptEntry, fresh: Answer) -> bool:
        """True if a kept answer agrees with a fresh one. An entry that does not is evicted."""
        if fresh.error is not None or not fresh.complete:
            return True
        self._counters.add("freshness.checked", entry.kind)
        if self._agrees()(entry.answer, fresh.text):
            self._store.check(entry.n)
            return True
        self._counters.add("freshness.stale", entry.kind)
        self._store.evict([entry.n])
        return False

    def _affordable(self, entries: Sequence[KeptEntry], max_usd: float) -> list[KeptEntry]:
        """The first of these entries that can be made again for ``max_usd`` dollars, by what they cost before."""
        costs = accumulate(self._checks.unpriced if one.usd is None else one.usd for one in entries)
        return [entry for entry, so_far in zip(entries, costs, strict=True) if so_far <= max_usd]


def _labelled(looked: Looked, entry: KeptEntry, fresh: str, same: bool) -> Labelled:
    similarity = next((cosine for one, cosine in looked.near if one.n == entry.n), None)
    return Labelled(looked.question, entry.question, same, looked.kind, similarity, entry.answer, fresh, "audit")
