"""What is kept: an answer that may be, for as long as it stays fresh, with the sources that it was made from."""

from dataclasses import dataclass

from agentmem.answers.exclusions import Rule, withheld
from agentmem.answers.freshness import Lifetimes
from agentmem.answers.lookup import Looked, Lookups
from agentmem.answers.sources import outdated
from agentmem.answers.stats import Counters
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.values import Answer, Source
from agentmem.types import Clock

SWEEP = 60.0
"""Seconds between two removals of what has expired."""


@dataclass(frozen=True, slots=True)
class KeptResult:
    """Whether an answer was kept: its entry's id, or why not. True where it was."""

    id: str = ""
    reason: str = ""

    def __bool__(self) -> bool:
        return bool(self.id)


class Keeper:
    """Keeps answers. Raises AnswersError where the database cannot be written."""

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
        """Keep an answer to what was looked up, unless a rule or a change of its sources since ``since`` forbids it."""
        reason = self._against(looked, answer)
        if not reason:
            vector = looked.vector if looked.vector is not None else self._lookups.vector(looked.question)
            kind = looked.kind or self._lookups.kind(looked.question, looked.context, vector)
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
        """Remove what has expired."""
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
            expires=now + self._lifetimes.seconds(content, kind),
            checked=now,
            seconds=answer.seconds,
            usd=answer.usd,
            sources=_merged(answer),
        )

    def _sweep(self) -> None:
        if self._clock() - self._swept > SWEEP:
            self.sweep()


def _merged(answer: Answer) -> tuple[Source, ...]:
    """Each source once."""
    by_name = {(one.name, one.page): one for one in answer.sources}
    return tuple(by_name[name] for name in sorted(by_name))
