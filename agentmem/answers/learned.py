"""Learns from a tenant's own log which answer a question has, as a second opinion on what is near.

A log names the right answer to each question. Answers that several questions have are told apart by linear discriminant
analysis with a shrunk covariance (Fisher 1936; Friedman 1989), in closed form. For two questions it says how likely
they have one answer, and a near question is served only where that is all but certain: near the border of two answers
it never is. So it only refuses, and a lower threshold errs no more often than a higher one without it. To a question
that has none of the log's answers it mostly says that nothing is certain.

It is kept only where the other half of the log certifies more hits for it: see `agentmem.answers.logs`.
"""

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentmem.answers import records
from agentmem.answers.questions import normalised
from agentmem.answers.records import RecordPlace
from agentmem.types import Vectors

MODEL = "learned.json"
SURE = 0.95
"""The least chance that two questions have one answer. It, `_SHARPNESS` and `_SHRUNK` were chosen on the part "certify"
of Banking77, with the part "fit" learned from."""
_SHARPNESS = 0.1
"""The discriminants' factor before they become chances. Unshrunk they are far too certain in 384 dimensions."""
_SHRUNK = 0.1
"""The share of the covariance that is replaced by an even one."""
LEAST_QUESTIONS, LEAST_ANSWERS = 6, 4
"""Different questions that an answer must have to be learned, and the least such answers."""
_MOST_ANSWERS = 1_000
"""The answers with the most questions are learned."""


@dataclass(frozen=True, slots=True, eq=False)
class LearnedAnswers:
    """What was learned, for the vectors of one embedder: a discriminant of each answer."""

    embedder: str
    weights: Vectors
    offsets: Vectors
    name: str = field(init=False)
    """A hash of all of it. A policy that was certified with it names it."""

    def __post_init__(self) -> None:
        data = self.weights.tobytes() + self.offsets.tobytes()
        object.__setattr__(self, "name", hashlib.sha256(self.embedder.encode() + data).hexdigest()[:16])

    @property
    def answers(self) -> int:
        """The number of answers that it tells apart."""
        return len(self.offsets)

    def chances(self, rows: Vectors) -> Vectors:
        """For each row the chance of each answer."""
        import numpy as np

        found = _SHARPNESS * (rows @ self.weights + self.offsets)
        raised = np.exp(found - found.max(axis=-1, keepdims=True))
        chances: Vectors = raised / raised.sum(axis=-1, keepdims=True)
        return chances

    def same(self, one: Vectors, other: Vectors) -> float:
        """The chance that the questions of two vectors have one answer."""
        return float(self.chances(one) @ self.chances(other))


def learn(questions: Sequence[str], answers: Sequence[str], vectors: Vectors, embedder: str) -> LearnedAnswers | None:
    """What a log teaches; None if too few of its answers have enough questions. A question counts once."""
    import numpy as np

    first = {normalised(text): at for at, text in reversed(list(enumerate(questions)))}
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for at in sorted(first.values()):
        groups[answers[at]].append(at)
    sizes = Counter({name: len(own) for name, own in groups.items() if len(own) >= LEAST_QUESTIONS})
    if len(sizes) < LEAST_ANSWERS:
        return None
    members = [vectors[groups[name]].astype(np.float64) for name, _ in sizes.most_common(_MOST_ANSWERS)]
    centres = np.stack([own.mean(axis=0) for own in members])
    apart = np.concatenate([own - centre for own, centre in zip(members, centres, strict=True)])
    covariance = apart.T @ apart / max(len(apart) - len(centres), 1)
    even = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    weights = np.linalg.solve((1 - _SHRUNK) * covariance + _SHRUNK * even, centres.T)
    offsets = -(centres.T * weights).sum(axis=0) / 2
    return LearnedAnswers(embedder, weights.astype(np.float32), offsets.astype(np.float32))


def read_learned(place: RecordPlace) -> LearnedAnswers | None:
    """What was learned for a cache; None if nothing was. Raises ConfigError."""
    return records.read(place, MODEL, _made, None)


def write_learned(place: RecordPlace, learned: LearnedAnswers) -> None:
    """Store what was learned, in place of what was before. Raises ConfigError."""
    arrays = {name: _text(getattr(learned, name)) for name in ("weights", "offsets")}
    records.write(place, MODEL, {"embedder": learned.embedder, "answers": learned.answers, **arrays})


def _text(rows: Vectors) -> str:
    return base64.b64encode(rows.astype("<f4").tobytes()).decode()


def _made(record: Mapping[str, Any]) -> LearnedAnswers:
    import numpy as np

    weights, offsets = (np.frombuffer(base64.b64decode(record[name]), "<f4") for name in ("weights", "offsets"))
    return LearnedAnswers(str(record["embedder"]), weights.reshape(-1, int(record["answers"])), offsets)
