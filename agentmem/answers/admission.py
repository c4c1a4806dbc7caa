"""Admits answers to the cache: those that may be kept, for as long as they stay fresh, with their sources."""

import math
from dataclasses import dataclass

from agentmem.answers.exclusions import Rule, withheld
from agentmem.answers.freshness import Lifetimes
from agentmem.answers.lookup import Looked, Lookups
from agentmem.answers.sources import outdated
from agentmem.answers.stats import Counters
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.values import Answer, Source, owner_of
from agentmem.types import Clock

SWEEP = 60.0
"""Seconds between two removals of expired entries."""


@dataclass(frozen=True, slots=True)
class KeptResult:
    """The result of keeping an answer: its entry's id, or the reason why it was not kept. True if it was kept."""

    id: str = ""
    reason: str = ""

    def __bool__(self) -> bool:
        return bool(self.id)


class Keeper:
    """Keeps answers. Raises AnswersError if the database cannot be written."""

    def __init__(
        self,
        store: AnswerStore,
        lookups: Lookups,
        counters: Counters,
        lifetimes: Lifetimes,
        rules: tuple[Rule, ...],
        embedder: str,
        clock: Clock,
    ) -> None:
        self._store, self._lookups, self._counters = store, lookups, counters
        self._lifetimes, self._rules, self._embedder, self._clock = lifetimes, rules, embedder, clock
        self._swept = 0.0

    def keep(self, looked: Looked, answer: Answer, since: int | None = None) -> KeptResult:
        """Keep an answer to a lookup, unless a rule forbids it, or a source was invalidated after epoch ``since``."""
        if own := "user" in answer.reads and not looked.own:
            looked = self._lookups.owned(looked)
        reason = self._against(looked, answer)
        if own and not looked.own:
            reason = reason or "made from a user's records, and the scope names no user"
        if not reason:
            vector = looked.vector if looked.vector is not None else self._lookups.vector(looked.question)
            kind = looked.kind or self._lookups.kind(looked.question, looked.context, vector)
            if looked.own:
                self._store.own(looked.scope, owner_of(looked.context.tenant, looked.context.user))
            n = self._store.put(self._entry(looked, answer, kind), self._embedder, vector, since)
            if n:
                self._replace(looked)
                self._counters.add("kept", kind)
                self._sweep()
                return KeptResult(str(n))
            reason = "one of its sources was invalidated while it was made"
        self._counters.add("withheld", looked.kind)
        return KeptResult(reason=reason)

    def sweep(self) -> int:
        """Remove expired entries."""
        self._swept = self._clock()
        gone = self._store.sweep()
        if gone:
            self._counters.add("invalidated.ttl", "", gone)
        return gone

    def _replace(self, looked: Looked) -> None:
        if (former := self._lookups.former(looked)) is not None:
            self._store.evict([former.n])

    def _against(self, looked: Looked, answer: Answer) -> str:
        if looked.how == "excluded":
            return f"{looked.rule}: {looked.detail}"
        return withheld(answer, self._rules) or outdated(answer.sources, self._lookups.pages)

    def _entry(self, looked: Looked, answer: Answer, kind: str) -> KeptEntry:
        now, content = self._clock(), self._lifetimes.content(answer)
        return KeptEntry(
            scope=looked.scope,
            tenant=looked.context.tenant,
            key=looked.key,
            kind=kind,
            content=content,
            question=looked.question,
            answer=answer.text,
            created=now,
            expires=now
            + min(self._lifetimes.seconds(content, kind), math.inf if answer.lasts is None else answer.lasts),
            checked=now,
            seconds=answer.seconds,
            usd=answer.usd,
            sources=_merged(answer),
            tokens=answer.tokens,
        )

    def _sweep(self) -> None:
        if self._clock() - self._swept > SWEEP:
            self.sweep()


def _merged(answer: Answer) -> tuple[Source, ...]:
    """The sources, each one once."""
    by_name = {(one.name, one.page): one for one in answer.sources}
    return tuple(by_name[name] for name in sorted(by_name))
