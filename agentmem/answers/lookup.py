"""One lookup: excluded, exact, or the nearest entries and a decision. Every result can be explained."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Literal

from agentmem.answers.decision import Decision
from agentmem.answers.exclusions import Rule, excluded
from agentmem.answers.nearest import Nearest
from agentmem.answers.questions import normalised
from agentmem.answers.sources import Pages, outdated
from agentmem.answers.store import AnswerStore, KeptEntry
from agentmem.answers.values import (
    CANDIDATES,
    AnswerScope,
    Candidate,
    Classifier,
    Decider,
    Verdict,
    former_key_of,
    key_of,
    own_scope,
    scope_of,
)
from agentmem.errors import AnswersError, ArchiveError
from agentmem.types import Embedder, Vectors

How = Literal["exact", "semantic", "miss", "excluded"]
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Looked:
    """The result of a lookup, and why. ``rule`` names what decided. ``seconds`` is the time that it took.

    ``entry`` is the served one, on an exact or semantic hit. ``verdict`` is the decision on the candidates, if there
    was one. ``failed``: the cache could not be read. ``own``: the question is about the asking user's records, so it is
    looked up, and kept, among that user's answers alone.
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
    own: bool = False

    @property
    def hit(self) -> bool:
        """True if an answer is served."""
        return self.entry is not None

    def lines(self) -> Iterator[str]:
        """The explanation, as lines for a person."""
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
    """Looks questions up. Safe for several threads."""

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
        """Look a question up. In a cache that cannot be read nothing is found.

        ``scope`` replaces the context's scope, if only that is known.
        """
        began = time.perf_counter()
        looked = self._looked_up(question, context, scope)
        try:
            looked = self._looked(looked)
        except (AnswersError, ArchiveError) as error:
            looked = replace(looked, rule="the cache cannot be read", detail=str(error), failed=True)
        return replace(looked, seconds=time.perf_counter() - began)

    def unsearched(self, question: str, context: AnswerScope) -> Looked:
        """A question with its keys, before the search; excluded if a rule says so."""
        return self._checked(self._looked_up(question, context))

    def unknown(self, question: str, context: AnswerScope) -> Looked:
        """A question that refers to something nobody knows: as if a rule excluded it."""
        detail = "It refers to a conversation that is not remembered."
        return replace(self._looked_up(question, context), how="excluded", rule="a follow-up", detail=detail)

    def exact(self, asked: Looked) -> KeptEntry | None:
        """The entry under the exact key, if it may be served."""
        try:
            entry = self._same(asked)
            return None if entry is None or self._outdated(entry) else entry
        except AnswersError:
            return None

    def former(self, asked: Looked) -> KeptEntry | None:
        """The entry of the same question under the key of an earlier version."""
        key = former_key_of(asked.scope, asked.question)
        return None if key == asked.key else self._under(key, asked.question)

    def owned(self, asked: Looked) -> Looked:
        """The same lookup in the user's own part of the scope, if the scope names a user."""
        return replace(_of_user(asked), own=True) if asked.context.user and not asked.own else asked

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
        """The query type: the caller's, or else the classifier's."""
        if context.kind:
            return context.kind
        return self._classify(question, vector) if self._classify and vector is not None else "faq"

    def _same(self, asked: Looked) -> KeptEntry | None:
        return self._under(asked.key, asked.question) or self.former(asked)

    def _under(self, key: str, question: str) -> KeptEntry | None:
        """The entry under a key, if its question is really the same."""
        entry = self._store.by_key(key)
        return entry if entry is not None and normalised(entry.question) == normalised(question) else None

    def _checked(self, asked: Looked) -> Looked:
        rules = (*self._rules, *self._kind_rules.get(asked.kind, ()))
        rule = excluded(asked.question, "question", rules)
        if rule is None:
            return asked
        return _owned(asked, rule) if rule.own and asked.context.user else _excluded(asked, rule)

    @staticmethod
    def _looked_up(question: str, context: AnswerScope, scope: str = "") -> Looked:
        scope = scope or scope_of(context)
        return Looked(question, context, scope, key_of(scope, question), "miss", "", "", context.kind or "")

    def _looked(self, asked: Looked) -> Looked:
        asked = self._checked(asked)
        if asked.how == "excluded":
            return asked
        entry = self._same(asked) or (None if asked.own or not asked.context.user else self._same(_of_user(asked)))
        if entry is not None:
            if old := self._outdated(entry):
                return replace(asked, rule="outdated", detail=old, kind=entry.kind)
            return replace(asked, how="exact", rule="exact key", kind=entry.kind, entry=entry)
        return self._meant(asked)

    def _meant(self, asked: Looked) -> Looked:
        """Look up by meaning."""
        vector = self.vector(asked.question)
        if vector is None or self._nearest is None or self.decide is None:
            return replace(asked, rule="no exact key", detail="There is no embedder, so only exact keys are found.")
        kind = self.kind(asked.question, asked.context, vector)
        asked = replace(asked, kind=kind, vector=vector)
        if rule := excluded(asked.question, "question", self._kind_rules.get(kind, ())):
            return _excluded(asked, rule)
        found = self._near(self._nearest, asked, vector)
        near = tuple(self._undropped(asked.scope, found, vector))
        if not near:
            why, detail = ("dropped", _DROPPED) if found else ("nothing near", _EMPTY)
            return replace(asked, rule=why, detail=detail)
        verdict = self.decide(asked.question, vector, self._candidates(near), kind)
        asked = replace(asked, near=near, verdict=verdict, rule=verdict.rule, detail=verdict.detail)
        return self._served(asked, verdict) if verdict.serve and verdict.candidate else asked

    def _candidates(self, near: tuple[tuple[KeptEntry, float], ...]) -> list[Candidate]:
        """The candidates of a decision. With their vectors, if it asks what was learned from a log."""
        found = [one.candidate(cosine) for one, cosine in near]
        if self._embedder is None or not isinstance(self.decide, Decision) or self.decide.learned is None:
            return found
        rows = self._store.vectors_of(self._embedder.name, [one.n for one, _ in near])
        return [replace(one, vector=rows.get(entry.n)) for one, (entry, _) in zip(found, near, strict=True)]

    def _near(self, nearest: Nearest, asked: Looked, vector: Vectors) -> list[tuple[KeptEntry, float]]:
        """The nearest entries of the scope, and of the user's own part of it."""
        found = nearest.find(asked.scope, vector)
        own = own_scope(asked.scope, asked.context.user)
        if asked.own or not asked.context.user or not self._store.holds(own):
            return found
        return sorted([*found, *nearest.find(own, vector)], key=lambda one: -one[1])[:CANDIDATES]

    def _undropped(
        self, scope: str, found: list[tuple[KeptEntry, float]], vector: Vectors
    ) -> list[tuple[KeptEntry, float]]:
        """Those of the entries that no one dropped for a question which is nearer than the entry's own."""
        dropped = self._store.dropped(scope, self._embedder.name if self._embedder else "")
        nearest: dict[str, float] = {}
        for kept, row in dropped:
            nearest[kept] = max(nearest.get(kept, -1.0), float(row @ vector))
        if not nearest:
            return found
        return [(one, cosine) for one, cosine in found if nearest.get(normalised(one.question), -1.0) < cosine]

    def _served(self, asked: Looked, verdict: Verdict) -> Looked:
        chosen = verdict.candidate.id if verdict.candidate else ""
        entry = next((one for one, _ in asked.near if one.id == chosen), None)
        if entry is None:
            return replace(asked, rule="not a candidate", detail=f"The decision chose {chosen}, which is none of them.")
        if old := self._outdated(entry):
            return replace(asked, rule="outdated", detail=old)
        return replace(asked, how="semantic", entry=entry)

    def _outdated(self, entry: KeptEntry) -> str:
        """The reason not to serve an entry. One with a changed page is removed. Without a workspace it stays."""
        old = outdated(entry.sources, self.pages)
        if old and self.pages is not None and self._store.evict([entry.n]):
            self._store.count_up({("invalidated.page", entry.kind): 1.0})
        return old


_EMPTY = "Nothing is kept for this tenant and context."
_DROPPED = "Its answers were dropped for a question like this one."


def _of_user(asked: Looked) -> Looked:
    """The same lookup in the user's own part of the scope; the same if no user is known."""
    if not asked.context.user:
        return asked
    scope = own_scope(asked.scope, asked.context.user)
    return replace(asked, scope=scope, key=key_of(scope, asked.question))


def _owned(asked: Looked, rule: Rule) -> Looked:
    return replace(
        _of_user(asked), own=True, rule=rule.name, detail="It is kept for the user who asks, and for no other."
    )


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _excluded(asked: Looked, rule: Rule) -> Looked:
    return replace(asked, how="excluded", rule=rule.name, detail=f"The question matches the rule {rule.pattern!r}.")
