"""The decision: is one of the kept answers served? The guard first, then a calibrated score against a threshold.

A candidate in the same words comes first. Else the nearest to which no rule of the guard objects is scored, by itself
or among its neighbours, as `agentmem.answers.features` tells. Its score is the chance that its answer is right,
and the threshold is that of the query type. A reader (the default embedder is one) tells how alike two words are;
without one the rule on swapped words is hard, and fewer rewordings are served.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from agentmem.answers import records
from agentmem.answers.agreement import Errors, read_errors
from agentmem.answers.features import (
    Around,
    FeatureReader,
    Same,
    alone,
    among,
    around,
    inserted,
    meaning,
    plain,
    same_answer,
    uncovered,
)
from agentmem.answers.guard import PLAIN, RULES, Rule, objection
from agentmem.answers.values import STRICT, Candidate, Certificate, Kinds, Labelled, QueryPolicy, Verdict
from agentmem.answers.words import QuestionPair, pair, same_words
from agentmem.errors import ConfigError
from agentmem.types import Embedder, Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentmem.recall.embedder import Reading

    Floats = NDArray[np.float64]


_STEPS, _ENOUGH = 50, 1e-9
_MOST = 30.0


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(right) = 1 / (1 + exp(-(bias + weights · features))), as far as it was calibrated."""

    bias: float
    weights: tuple[float, ...]

    def logit(self, features: Sequence[float]) -> float:
        """The log of the odds."""
        return self.bias + sum(weight * value for weight, value in zip(self.weights, features, strict=True))

    def probability(self, features: Sequence[float]) -> float:
        """From 0 to 1."""
        return sigmoid(self.logit(features))

    def shifted(self, bias: float, slope: float = 1.0) -> "Logistic":
        """The same with its logit times ``slope`` plus ``bias``."""
        return Logistic(self.bias * slope + bias, tuple(weight * slope for weight in self.weights))


@dataclass(frozen=True, slots=True)
class Models:
    """One regression for each situation: see `agentmem.answers.features`. ``same`` is the chance that two
    questions of the same words have the same answer.
    """

    alone: Logistic
    plain: Logistic
    among: Logistic
    same: float

    def shifted(self, bias: float, slope: float = 1.0) -> "Models":
        """The models for questions on their own, corrected; where others stand around, as it was."""
        return replace(self, alone=self.alone.shifted(bias, slope), plain=self.plain.shifted(bias, slope))


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), for any logit."""
    return 1 / (1 + math.exp(-min(max(logit, -_MOST), _MOST)))


def fit(
    features: "Floats", right: "Floats", weights: "Floats", penalty: float = 3.0, prior: "Floats | None" = None
) -> Logistic:
    """The regression of ``right`` (0 or 1) on ``features`` (rows, columns), rows weighted, by Newton's method.

    ``penalty`` pulls each standardised weight towards 0 (ridge); ``prior`` is such a weight's least value, by column.
    """
    import numpy as np

    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    rows = np.column_stack([np.ones(len(features)), (features - mean) / spread])
    found = _newton(rows, right, weights, penalty)
    if prior is not None and len(low := np.flatnonzero(found[1:] < prior)):
        kept = np.setdiff1d(np.arange(features.shape[1]), low)
        found[1 + low] = 0.0
        found[np.r_[0, 1 + kept]] = _newton(rows[:, np.r_[0, 1 + kept]], right, weights, penalty)
    plain = found[1:] / spread
    return Logistic(float(found[0] - plain @ mean), tuple(map(float, plain)))


def correction(logits: Sequence[float], right: Sequence[bool], penalty: float = 1.0) -> float:
    """What to add to the logits so that they fit what was seen, held near 0 by a normal prior of variance 1/penalty."""
    low, high = -_MOST, _MOST
    while high - low > _ENOUGH:
        shift = (low + high) / 2
        excess = sum(sigmoid(logit + shift) - yes for logit, yes in zip(logits, right, strict=True))
        low, high = (low, shift) if excess + penalty * shift > 0 else (shift, high)
    return high if right else 0.0


@cache
def shipped() -> Models:
    """The models that come with the package. Raises ConfigError where the file cannot be read."""
    return models_of(provenance())


def fitted_to() -> str:
    """The name of the embedder whose cosines the shipped coefficients were fitted to."""
    made = provenance().get("made")
    return str(made["embedder"]) if isinstance(made, Mapping) else ""


@cache
def provenance() -> Mapping[str, object]:
    """The whole of ``coefficients.json``: the weights, and on what they were fitted and measured."""
    try:
        text = (files("agentmem.answers") / "coefficients.json").read_text(encoding="utf-8")
        parsed: Mapping[str, object] = json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the answer cache's coefficients cannot be read: {error}. Install agentmem again."
        ) from error
    return parsed


def models_of(record: Mapping[str, object]) -> Models:
    """The models in a parsed ``coefficients.json``."""
    found = record["models"]
    if not isinstance(found, Mapping):
        raise ConfigError("the answer cache's coefficients hold no models. Install agentmem again.")
    alone, plain, among = (_logistic(found[name]) for name in ("alone", "plain", "among"))
    return Models(alone, plain, among, share(int(found["same"]["right"]), int(found["same"]["of"])))


def share(right: int, of: int) -> float:
    """The chance of what was right so often: the mean under Jeffreys' prior."""
    return (right + 0.5) / (of + 1)


def _logistic(record: Mapping[str, object]) -> Logistic:
    weights = record["weights"]
    if not isinstance(weights, Mapping):
        raise ConfigError("the answer cache's coefficients hold no weights. Install agentmem again.")
    return Logistic(float(str(record["bias"])), tuple(float(value) for value in weights.values()))


def _newton(rows: "Floats", right: "Floats", weights: "Floats", penalty: float) -> "Floats":
    import numpy as np

    found = np.zeros(rows.shape[1])
    ridge = np.diag([1e-6, *[penalty] * (rows.shape[1] - 1)])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ found, -_MOST, _MOST)))
        slope = rows.T @ (weights * (chance - right)) + ridge @ found
        bend = (rows * (weights * chance * (1 - chance))[:, None]).T @ rows + ridge
        step = np.linalg.solve(bend, slope)
        found = found - step
        if float(np.abs(step).max()) < _ENOUGH:
            break
    return found


LEAST = 0.5
"""The cosine below which a candidate is not looked at."""
ALARMS = 0.2
"""Equal answers that the default judge tells apart, where nobody has measured it on labels of the cache's own: `python
-m tests.benchmarks.answers_agreement --data DIR`."""
POLICIES = "policies.json"
_READ = 2048
"""Entries whose words' vectors are kept, about 18 KB each."""

Scored = tuple[float, str]
"""A score, and what it was made from."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A Decider: policies by query type, models, the guard's rules, a reader, and what makes two answers the same."""

    policies: Mapping[str, QueryPolicy]
    models: Models
    rules: Sequence[Rule] = RULES
    reader: FeatureReader | None = None
    same: Same = same_answer
    read: "Callable[[str], Reading] | None" = field(default=None, repr=False)

    def __call__(self, question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict:
        """Serve a candidate in the same words, or the nearest without an objection, when its score reaches the
        threshold.
        """
        threshold = self.policies.get(kind, QueryPolicy(kind, STRICT)).threshold
        near = [one for one in candidates if one.vector_similarity >= LEAST]
        missed = Verdict(False, next(iter(near), None), None, threshold, "nothing near", _FAR, kind)
        same = self._in_the_same_words(question, candidates) if self.models.same >= threshold else None
        if same:
            return _scored(missed, same, self.models.same, _SAME, ((same.id, self.models.same, _SAME),))
        remarks: list[tuple[str, float | None, str]] = []
        for at, one in enumerate(near):
            found = self._pair(one, question)
            rule, why = objection(found, self.rules)
            if not rule:
                score, remark = self._score(question, found, candidates, at, threshold)
                scores = (*remarks, (one.id, score, remark))
                return _scored(missed, one, score, remark, scores)
            remarks.append((one.id, None, f"{rule}: {why}"))
            if len(remarks) == 1:
                missed = replace(missed, rule=rule, detail=f"The nearest question differs in {rule}: {why}.")
        return replace(missed, scores=tuple(remarks))

    def _in_the_same_words(self, question: str, candidates: Sequence[Candidate]) -> Candidate | None:
        """The candidate that asks the same to the word; None where there is none, or where such ones do not agree."""
        own = meaning(question)
        alike = [one for one in candidates if len(own ^ meaning(one.question)) <= _TYPOS]
        found = [
            one for one in alike if same_words(both := self._pair(one, question)) and not objection(both, self.rules)[0]
        ]
        return found[0] if found and all(self.same(one.answer, found[0].answer) for one in found) else None

    def _pair(self, one: Candidate, question: str) -> QuestionPair:
        return pair(one.question, question, self.reader.spells if self.reader else None)

    def _score(
        self, question: str, found: QuestionPair, candidates: Sequence[Candidate], at: int, threshold: float
    ) -> Scored:
        near = around(candidates, at, self.same)
        if not near.alone:
            score = self.models.among.probability(among(found, near))
            return score, f"{near.support} wordings of it are near, another answer at {near.rival:.3f}"
        if self.read is None:
            return self.models.plain.probability(plain(found, near)), "alone, by its words"
        best = self.models.alone.probability(_at_best(found, near))
        if best < threshold or not (found.lone_left or found.lone_right):
            return best, "alone, at best" if best < threshold else "alone, every word has its like"
        left, right = self.read(candidates[at].question), self.read(question)
        return self.models.alone.probability(alone(found, near, left, right)), f"alone, {_lone(found)} compared"


def decider(
    policies: Mapping[str, QueryPolicy],
    reader: FeatureReader | None = None,
    *,
    models: Models | None = None,
    rules: Sequence[Rule] | None = None,
    same: Same = same_answer,
) -> Decision:
    """A Decider. Without ``models`` those that come with the package; without ``rules`` those of the guard."""
    chosen = rules if rules is not None else RULES if reader else PLAIN
    read = lru_cache(_READ)(reader.read) if reader else None
    return Decision(policies, models or shipped(), chosen, reader, same, read)


def default_decider(
    folder: Path, kinds: Kinds, labels: Sequence[Labelled] = (), embedder: Embedder | None = None
) -> Decision:
    """The Decider of a cache in ``folder``: its tuned policies, else the query types' own, corrected by its audits.

    The shipped coefficients were fitted to the default embedder's cosines: with another one, a query type that was not
    tuned has the strict threshold. Raises ConfigError where the policies cannot be read.
    """
    tuned = read_policies(folder)
    fits = embedder is None or embedder.name == fitted_to()
    policies = (
        tuned.get(name, QueryPolicy(name, kind.threshold if fits else max(kind.threshold, STRICT)))
        for name, kind in kinds.items()
    )
    reader = default_reader() if embedder is None else embedder if isinstance(embedder, FeatureReader) else None
    judged = read_errors(folder)
    return decider({one.kind: corrected(one, labels, judged) for one in policies}, reader)


def default_reader() -> FeatureReader | None:
    """MiniLM where it is installed."""
    from agentmem.recall.embedder import MiniLM, available

    return None if available() else MiniLM()


def corrected(policy: QueryPolicy, labels: Sequence[Labelled], judged: Errors | None = None) -> QueryPolicy:
    """The policy with its threshold raised as far as the audits of its hits found more wrong than it promises.

    Of hits that are right an audit still calls some wrong, because a fresh answer has other words: the share that
    ``judged`` has of the judge, else ALARMS.
    """
    seen = [one.same for one in labels if one.origin == "audit" and one.kind in ("", policy.kind)]
    if not seen or not 0 < policy.threshold < 1:
        return policy
    alarms = judged.alarmed / judged.same if judged and judged.same else ALARMS
    promised = _logit(policy.threshold * max(1 - alarms, _LEAST_RIGHT))
    shift = min(0.0, correction([promised] * len(seen), seen))
    return replace(policy, threshold=sigmoid(_logit(policy.threshold) - shift))


def read_policies(folder: Path) -> dict[str, QueryPolicy]:
    """The tuned policies of a cache, by query type; none where it was never tuned. Raises ConfigError."""
    return records.read(folder / POLICIES, lambda found: {one["kind"]: _policy(one) for one in found}, {})


def write_policies(folder: Path, policies: Sequence[QueryPolicy]) -> None:
    """Keep tuned policies beside the cache, in place of those before of the same query types. Raises ConfigError."""
    kept = {**read_policies(folder), **{one.kind: one for one in policies}}
    records.write(folder / POLICIES, [asdict(one) for one in kept.values()])


_LEAST_RIGHT = 0.05
_SAME = "in the same words"
_TYPOS = 6
"""Words of meaning that only one of them has, where three are misspelt."""
_FAR = f"No kept question is at a cosine of {LEAST} or more."


def _logit(chance: float) -> float:
    return math.log(chance / (1 - chance))


def _policy(record: Mapping[str, object]) -> QueryPolicy:
    certificate = record.get("certificate")
    made = Certificate(**certificate) if isinstance(certificate, dict) else None
    return QueryPolicy(str(record["kind"]), float(str(record["threshold"])), made)


def _scored(
    missed: Verdict,
    one: Candidate,
    score: float,
    remark: str,
    scores: tuple[tuple[str, float | None, str], ...],
) -> Verdict:
    threshold = STRICT if missed.threshold is None else missed.threshold
    serve = score >= threshold
    rule = "score" if serve else "below the threshold"
    detail = f"{score:.3f} {'reaches' if serve else 'is below'} {threshold:.3f}: {remark}."
    return replace(missed, serve=serve, candidate=one, score=score, rule=rule, detail=detail, scores=scores)


def _at_best(found: QuestionPair, near: Around) -> tuple[float, ...]:
    """The features ALONE if every lone word had its like on the other side."""
    return near.similarity, uncovered(found), inserted(found), 1.0, 1.0, plain(found, near)[-1]


def _lone(found: QuestionPair) -> str:
    return " / ".join(", ".join(side) or "nothing" for side in (found.lone_left, found.lone_right))
