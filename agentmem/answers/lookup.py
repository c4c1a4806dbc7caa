"""One lookup: excluded, exact, or the nearest entries and a decision. Whatever it gives can be explained."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Literal

from agentmem.answers.exclusions import Rule, excluded
from agentmem.answers.nearest import Nearest
from agentmem.answers.questions import normalised
from agentmem.answers.sources import Pages, outdated
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.values import AnswerScope, Classifier, Decider, Verdict, former_key_of, key_of, scope_of
from agentmem.errors import AnswersError, ArchiveError
from agentmem.types import Embedder, Vectors

How = Literal["exact", "semantic", "miss", "excluded"]
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Looked:
    """What a lookup came to, and why. ``rule`` names what decided; ``seconds`` is what it took.

    ``entry`` is the one that is served, on an exact or semantic hit; ``verdict`` the decision over the candidates,
    where it came to one. ``failed`` says that the cache could not be read.
    """

    question: str
    context: AnswerScope
    scope: str
    key: str
    how: How
    rule: str
    detail: str
    kind: str = ""
    entry: KeptEntry | None = None
    verdict: Verdict | None = None
    near: tuple[tuple[KeptEntry, float], ...] = ()
    vector: "Vectors | None" = field(default=None, compare=False, repr=False)
    seconds: float = 0.0
    failed: bool = False

    @property
    def hit(self) -> bool:
        """Whether an answer is served."""
        return self.entry is not None

    def lines(self) -> Iterator[str]:
        """The explanation, for a person."""
        yield f"{self.question!r}: {self.how}, by the rule: {self.rule}"
        if self.detail:
            yield f"  {self.detail}"
        if self.verdict is not None:
            score, limit = _number(self.verdict.score), _number(self.verdict.threshold)
            yield f"  query type {self.kind}; score {score} against the threshold {limit}"
        scores = {id: (score, remark) for id, score, remark in self.verdict.scores} if self.verdict else {}
        for place, (entry, similarity) in enumerate(self.near, 1):
            scored, remark = scores.get(entry.id, (None, ""))
            yield f"  {place}. [{entry.id}] cosine {similarity:.4f}, score {_number(scored)}: {entry.question!r}"
            yield f"     -> {entry.answer[:100]!r}" + (f"; {remark}" if remark else "")


class Lookups:
    """Looks questions up. Safe to use from several threads."""

    def __init__(
        self,
        store: AnswerStore,
        rules: tuple[Rule, ...],
        kind_rules: dict[str, tuple[Rule, ...]],
        embedder: Embedder | None,
        nearest: Nearest | None,
        classify: Classifier | None,
        decide: Decider | None,
        pages: Pages | None,
    ) -> None:
        self._store, self._rules, self._kind_rules = store, rules, kind_rules
        self._embedder, self._nearest = embedder, nearest
        self._classify, self.decide, self.pages = classify, decide, pages
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = Lock()

    def look(self, question: str, context: AnswerScope, scope: str = "") -> Looked:
        """What the cache has for a question. A cache that cannot be read has nothing.

        ``scope`` stands in for that of the context, where only the scope is known.
        """
        began = time.perf_counter()
        looked = self._looked_up(question, context, scope)
        try:
            looked = self._looked(looked)
        except (AnswersError, ArchiveError) as error:
            looked = replace(looked, rule="the cache cannot be read", detail=str(error), failed=True)
        return replace(looked, seconds=time.perf_counter() - began)

    def unsearched(self, question: str, context: AnswerScope) -> Looked:
        """A question with its keys, excluded if a rule says so, and not looked for."""
        return self._checked(self._looked_up(question, context))

    def exact(self, asked: Looked) -> KeptEntry | None:
        """The entry under the exact key, if it may be served."""
        try:
            entry = self._same(asked)
            return None if entry is None or self._outdated(entry) else entry
        except AnswersError:
            return None

    def former(self, asked: Looked) -> KeptEntry | None:
        """The entry of the same question under the key that it had before."""
        key = former_key_of(asked.scope, asked.question)
        return None if key == asked.key else self._under(key, asked.question)

    def vector(self, question: str) -> "Vectors | None":
        """The question's vector; None without an embedder."""
        if self._embedder is None:
            return None
        with self._lock:
            known = self._vectors.get(question)
        if known is None:
            known = self._embedder.embed([question])[0]
            with self._lock:
                self._vectors[question] = known
                if len(self._vectors) > _REMEMBERED:
                    self._vectors.popitem(last=False)
        return known

    def kind(self, question: str, context: AnswerScope, vector: "Vectors | None") -> str:
        """The query type: the one that was named, else the classifier's."""
        if context.kind:
            return context.kind
        return self._classify(question, vector) if self._classify and vector is not None else "faq"

    def _same(self, asked: Looked) -> KeptEntry | None:
        return self._under(asked.key, asked.question) or self.former(asked)

    def _under(self, key: str, question: str) -> KeptEntry | None:
        """The entry under a key, if its question is the same: a key alone is not believed."""
        entry = self._store.by_key(key)
        return entry if entry is not None and normalised(entry.question) == normalised(question) else None

    def _checked(self, asked: Looked) -> Looked:
        rules = (*self._rules, *self._kind_rules.get(asked.kind, ()))
        rule = excluded(asked.question, "question", rules)
        return _excluded(asked, rule) if rule else asked

    @staticmethod
    def _looked_up(question: str, context: AnswerScope, scope: str = "") -> Looked:
        scope = scope or scope_of(context)
        return Looked(question, context, scope, key_of(scope, question), "miss", "", "", context.kind or "")

    def _looked(self, asked: Looked) -> Looked:
        asked = self._checked(asked)
        if asked.how == "excluded":
            return asked
        if (entry := self._same(asked)) is not None:
            if old := self._outdated(entry):
                return replace(asked, rule="outdated", detail=old, kind=entry.kind)
            return replace(asked, how="exact", rule="exact key", kind=entry.kind, entry=entry)
        return self._meant(asked)

    def _meant(self, asked: Looked) -> Looked:
        """By meaning."""
        vector = self.vector(asked.question)
        if vector is None or self._nearest is None or self.decide is None:
            return replace(asked, rule="no exact key", detail="There is no embedder, so only exact keys are found.")
        kind = self.kind(asked.question, asked.context, vector)
        asked = replace(asked, kind=kind, vector=vector)
        if rule := excluded(asked.question, "question", self._kind_rules.get(kind, ())):
            return _excluded(asked, rule)
        near = tuple(self._nearest.find(asked.scope, vector))
        if not near:
            return replace(asked, rule="nothing near", detail="Nothing is kept for this tenant and context.")
        verdict = self.decide(asked.question, vector, [one.candidate(cosine) for one, cosine in near], kind)
        asked = replace(asked, near=near, verdict=verdict, rule=verdict.rule, detail=verdict.detail)
        return self._served(asked, verdict) if verdict.serve and verdict.candidate else asked

    def _served(self, asked: Looked, verdict: Verdict) -> Looked:
        chosen = verdict.candidate.id if verdict.candidate else ""
        entry = next((one for one, _ in asked.near if one.id == chosen), None)
        if entry is None:
            return replace(asked, rule="not a candidate", detail=f"The decision chose {chosen}, which is none of them.")
        if old := self._outdated(entry):
            return replace(asked, rule="outdated", detail=old)
        return replace(asked, how="semantic", entry=entry)

    def _outdated(self, entry: KeptEntry) -> str:
        """Why an entry is not served. One whose page is another now is removed; without a workspace nobody knows."""
        old = outdated(entry.sources, self.pages)
        if old and self.pages is not None and self._store.evict([entry.n]):
            self._store.count_up({("invalidated.page", entry.kind): 1.0})
        return old


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _excluded(asked: Looked, rule: Rule) -> Looked:
    return replace(asked, how="excluded", rule=rule.name, detail=f"The question fits the rule {rule.pattern!r}.")
