"""Audits: a share of the hits is answered afresh and compared. A mismatch evicts, and teaches the calibration.

Freshness checks are the same for answers that nobody asked for just now: those unchecked for longest are made again.
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
    """Chooses what is answered afresh, and judges it."""

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
        """Whether this hit is audited."""
        with self._lock:
            return self._random.random() < self._share

    def judge(self, looked: Looked, fresh: Answer) -> bool:
        """Whether the answer that was served agrees with a fresh one; one that does not is evicted."""
        entry = looked.entry
        if entry is None or fresh.error is not None or not fresh.complete:
            return True  # nothing to compare with
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
        """How often the judge is wrong on labelled pairs that have both answers; None where none has."""
        return judged(self._agrees(), labelled)

    def time_to_check(self) -> bool:
        """Whether `due` may have something, told without looking at the disk."""
        return bool(self._checks.most) and self._store.clock() >= self._next

    def due(self, scope: str) -> list[KeptEntry]:
        """The entries of a scope to be made again now: none unless it is time, and no more than the budget allows.

        Of several processes one gets them.
        """
        checks, now = self._checks, self._store.clock()
        self._next = now + checks.every
        if not checks.most or not self._store.claim(_MARK, checks.every):
            return []
        return self._affordable(self._store.longest_unchecked(scope, now - checks.every, checks.most), checks.max_usd)

    def check(
        self, scope: str, answering: Callable[[str], str | Answer], most: int, max_usd: float
    ) -> "list[AuditedAnswer]":
        """Make the entries of a scope that were unchecked for longest again, now, and judge them.

        What ``answering`` raises is raised when all have been tried.
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
        """Whether a kept answer agrees with a fresh one; one that does not is evicted."""
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
        """The first of them, as many as may be made again for so much: by what each cost when it was made."""
        costs = accumulate(self._checks.unpriced if one.usd is None else one.usd for one in entries)
        return [entry for entry, so_far in zip(entries, costs, strict=True) if so_far <= max_usd]


def _labelled(looked: Looked, entry: KeptEntry, fresh: str, same: bool) -> Labelled:
    similarity = next((cosine for one, cosine in looked.near if one.n == entry.n), None)
    return Labelled(looked.question, entry.question, same, looked.kind, similarity, entry.answer, fresh, "audit")
