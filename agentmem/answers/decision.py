"""Decides whether a kept answer is served: the nearest candidate without an objection, if its cosine is high enough.

Only questions are compared. Kept answers in other words are no evidence against each other. The gates are the rules
of `agentmem.answers.guard`, in order. The threshold is the query type's, a cosine. A vocabulary tells typos from names,
and the default embedder has one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol, runtime_checkable

from agentmem.answers import records
from agentmem.answers.agreement import Errors, read_errors
from agentmem.answers.guard import PLAIN, RULES, Rule, objection
from agentmem.answers.learned import SURE, LearnedAnswers, read_learned
from agentmem.answers.records import RecordPlace
from agentmem.answers.spelling import Spells
from agentmem.answers.tuning import LIMIT, lower_bound
from agentmem.answers.values import STRICT, Candidate, Certificate, Kinds, Labelled, QueryPolicy, Verdict
from agentmem.answers.words import pair
from agentmem.types import Embedder, Vectors

POLICIES = "policies.json"
UNIT = "cosine"
"""The unit of a threshold. A policy in another unit, of an earlier version, is not used."""
MEANT_FOR = "all-MiniLM-L6-v2"
"""The embedder whose cosines the query types' own thresholds are meant for."""


@runtime_checkable
class SpellsWords(Protocol):
    """Knows correctly spelt words: `agentmem.recall.embedder.MiniLM`."""

    def spells(self, word: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """A Decider: policies by query type, the gates, and a spelling check. Without one the gates are stricter.

    ``learned`` is asked for the policies that name it, as a last gate.
    """

    policies: Mapping[str, QueryPolicy]
    gates: Sequence[Rule] = PLAIN
    spells: Spells | None = None
    learned: LearnedAnswers | None = None

    def __call__(self, question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
        """Serve the nearest candidate without an objection, if its cosine reaches the threshold."""
        policy = self.policies.get(kind, QueryPolicy(kind, STRICT))
        least = policy.threshold
        missed = Verdict(False, next(iter(candidates), None), None, least, "nothing near", "", kind)
        if policy.exact_only:
            return replace(missed, rule="exact keys only", detail="Its log shows too many errors: see `answers tune`.")
        remarks: list[tuple[str, float | None, str]] = []
        for one in candidates:
            cosine = one.vector_similarity
            if cosine < least:
                remarks.append((one.id, cosine, "below the threshold"))
                break
            name, why = self.objection(one.question, question)
            if not name and policy.model:
                name, why = self._unsure(vector, one.vector)
            if not name:
                return _served(missed, one, (*remarks, (one.id, cosine, "no objection")))
            remarks.append((one.id, None, f"{name}: {why}"))
        return _refused(missed, candidates, tuple(remarks))

    def objection(self, kept: str, asked: str) -> tuple[str, str]:
        """(gate, why) of the first that objects to serving the answer to one question for another; else ("", "")."""
        return objection(pair(kept, asked, self.spells), self.gates)

    def _unsure(self, asked: Vectors, kept: "Vectors | None") -> tuple[str, str]:
        """The objection of what was learned from the log; ("", "") if it is sure that the answer is the same."""
        if self.learned is None or kept is None:
            return "learned", "what was learned from the log cannot be asked"
        chance = self.learned.same(asked, kept)
        why = f"by the log the chance of one answer is {chance:.2f}, and it must be {SURE}"
        return ("", "") if chance >= SURE else ("learned", why)


def _served(missed: Verdict, one: Candidate, scores: tuple[tuple[str, float | None, str], ...]) -> Verdict:
    detail = f"Its cosine of {one.vector_similarity:.3f} reaches {missed.threshold:.3f}, and no gate objects."
    return replace(
        missed, serve=True, candidate=one, score=one.vector_similarity, rule="cosine", detail=detail, scores=scores
    )


def _refused(
    missed: Verdict, candidates: Sequence[Candidate], remarks: tuple[tuple[str, float | None, str], ...]
) -> Verdict:
    """A miss, with the objection to the nearest, or how far it is."""
    if not candidates:
        return missed
    nearest, (_, cosine, remark) = candidates[0], remarks[0]
    if cosine is not None:
        detail = f"The nearest has a cosine of {cosine:.3f}, and the threshold is {missed.threshold:.3f}."
        return replace(missed, score=cosine, rule="below the threshold", detail=detail, scores=remarks)
    rule, _, why = remark.partition(": ")
    detail = f"The nearest question, at a cosine of {nearest.vector_similarity:.3f}, differs in {rule}: {why}."
    return replace(missed, score=nearest.vector_similarity, rule=rule, detail=detail, scores=remarks)


def decider(
    policies: Mapping[str, QueryPolicy],
    spells: Spells | None = None,
    *,
    gates: Sequence[Rule] | None = None,
    learned: LearnedAnswers | None = None,
) -> Decision:
    """A Decider. ``gates`` default to the guard's: with a spelling check RULES, else the stricter PLAIN."""
    return Decision(policies, gates if gates is not None else RULES if spells else PLAIN, spells, learned)


def default_decider(
    folder: RecordPlace, kinds: Kinds, labels: Sequence[Labelled] = (), embedder: Embedder | None = None
) -> Decision:
    """The Decider of a cache in ``folder``: its tuned policies, else the query types' own, corrected by its audits.

    The query types' thresholds are meant for the default embedder's cosines. With another embedder, a query type that
    was not tuned has the strict threshold. A policy that was certified together with what was learned from a log is
    used with that and with its embedder only. Raises ConfigError if the policies cannot be read.
    """
    learned = _usable(folder, embedder)
    known = ("", learned.name) if learned else ("",)
    tuned = {kind: one for kind, one in read_policies(folder).items() if one.model in known}
    fits = embedder is None or embedder.name.startswith(MEANT_FOR)
    policies = (
        tuned.get(name, QueryPolicy(name, kind.threshold if fits else max(kind.threshold, STRICT)))
        for name, kind in kinds.items()
    )
    judged = read_errors(folder)
    used = {one.kind: corrected(one, labels, judged) for one in policies}
    return decider(used, spelling_of(embedder), learned=learned)


def _usable(folder: RecordPlace, embedder: Embedder | None) -> LearnedAnswers | None:
    """What was learned from a log, if it was learned with this embedder."""
    learned = read_learned(folder) if embedder is not None else None
    return learned if learned and embedder and learned.embedder == embedder.name else None


def spelling_of(embedder: Embedder | None) -> Spells | None:
    """The spelling check of an embedder, by default of MiniLM; None if it has none."""
    if embedder is None:
        return default_spelling()
    return embedder.spells if isinstance(embedder, SpellsWords) else None


def default_spelling() -> Spells | None:
    """MiniLM's vocabulary, if it is installed."""
    from agentmem.recall.embedder import MiniLM, available

    return None if available() else MiniLM().spells


def corrected(policy: QueryPolicy, labels: Sequence[Labelled], judged: Errors | None = None) -> QueryPolicy:
    """The policy, stricter if audits of its hits found more wrong answers than it allows.

    An audit calls some right hits wrong, because a fresh answer has other words. That share comes from ``judged``, else
    it is ALARMS. If more are wrong than that and LIMIT allow (at 95 %), the threshold rises to the first audited cosine
    from which on they are few enough; if there is none, only exact keys are served.
    """
    seen = [
        (one.similarity or policy.threshold, one.same)
        for one in labels
        if one.origin == "audit" and one.kind in ("", policy.kind)
    ]
    seen = [(cosine, same) for cosine, same in seen if cosine >= policy.threshold]
    allowed = LIMIT + (judged.alarmed / judged.same if judged and judged.same else ALARMS)
    wrong = sum(not same for _, same in seen)
    if lower_bound(wrong, len(seen)) <= allowed:
        return policy
    for least in sorted({cosine for cosine, _ in seen}):
        same = [one for cosine, one in seen if cosine >= least]
        if same.count(False) <= allowed * len(same):
            return replace(policy, threshold=least)
    return replace(policy, exact_only=True)


def read_policies(folder: RecordPlace) -> dict[str, QueryPolicy]:
    """The tuned policies of a cache, by query type; none if it was never tuned. Raises ConfigError.

    Those that an earlier version tuned are scores of another kind, and are left out: tune again.
    """
    return records.read(
        folder, POLICIES, lambda found: {one["kind"]: _policy(one) for one in found if one.get("unit") == UNIT}, {}
    )


def write_policies(folder: RecordPlace, policies: Sequence[QueryPolicy]) -> None:
    """Store tuned policies beside the cache. They replace those of the same query types. Raises ConfigError."""
    kept = {**read_policies(folder), **{one.kind: one for one in policies}}
    records.write(folder, POLICIES, [{**asdict(one), "unit": UNIT} for one in kept.values()])


ALARMS = 0.2
"""The share of equal answers that the default judge calls different, used if it was not measured on the cache's own
labels: `python -m tests.benchmarks.answers_agreement --data DIR`."""


def _policy(record: Mapping[str, object]) -> QueryPolicy:
    certificate = record.get("certificate")
    made = Certificate(**certificate) if isinstance(certificate, dict) else None
    threshold, model = float(str(record["threshold"])), str(record.get("model", ""))
    return QueryPolicy(str(record["kind"]), threshold, made, bool(record.get("exact_only")), model)
