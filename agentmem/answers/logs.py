"""Tunes thresholds on a log of questions and answers, by replaying it through a cache that starts empty.

A log says more than pairs do: how often questions return, and which entries are near when they do. On one half of its
questions thresholds are tried from the strictest down, until one is not certified. The last one before it keeps its
certificate although many were tried (fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995; Angelopoulos et al.,
"Learn then Test", 2021). The other half measures what it reaches. No question is in both halves.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agentmem.answers.decision import Decision, default_spelling
from agentmem.answers.decision import decider as decider_of
from agentmem.answers.questions import normalised
from agentmem.answers.tuning import (
    CONFIDENCE,
    LIMIT,
    Point,
    Score,
    TooFewLabels,
    Tuned,
    csv_of,
    more_labels,
    upper_bound,
)
from agentmem.answers.values import CANDIDATES, STRICT, Candidate, Certificate, Classifier, Decider, QueryPolicy
from agentmem.errors import ConfigError
from agentmem.types import Embedder, Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ReplayedQuestion:
    """A question of a log, the right answer to it (its text, or any name for it), and its query type."""

    question: str
    answer: str
    kind: str = "faq"


@dataclass(frozen=True, slots=True)
class ReplayedOutcome:
    """The outcome of a lookup. ``right``: the served answer is right. ``known``: the right answer was in the cache.

    ``key`` is the question as exact keys see it.
    """

    key: str
    kind: str
    how: Literal["exact", "semantic", "miss"]
    right: bool
    known: bool

    @property
    def hit(self) -> bool:
        """True if an answer was served."""
        return self.how != "miss"


def replay_log(log: Sequence[ReplayedQuestion], vectors: Vectors, decide: Decider) -> list[ReplayedOutcome]:
    """The outcome of each question of a log, in its order. ``vectors`` has a row for each question."""
    kept = _Kept(vectors.shape[1], len(log))
    return [_replayed(kept, one, vector, decide) for one, vector in zip(log, vectors, strict=True)]


def reached(outcomes: Iterable[ReplayedOutcome], threshold: float, kind: str = "") -> Point:
    """The results of a threshold on the outcomes of a query type, or of all."""
    own = [one for one in outcomes if kind in ("", one.kind)]
    hits = [one.right for one in own if one.hit]
    return Point(threshold, len(hits), hits.count(False), sum(one.known for one in own))


def certified(outcomes: Iterable[ReplayedOutcome], kind: str = "", confidence: float = CONFIDENCE) -> Certificate:
    """The certificate of the hits among the outcomes of a query type, or of all.

    An exact hit is known to be right or wrong, so the bound is on the semantic hits, as a share of all. Hits on one
    question are right or wrong together, so they count as fewer: clusters of m hits have the effective number
    (sum of m)^2 / sum of m^2 (Kish, "Survey Sampling", 1965). The exact bound is computed for that number (Korn and
    Graubard, "Confidence intervals for proportions with small expected number of positive counts", 1998).
    """
    hits = [one for one in outcomes if one.hit and kind in ("", one.kind)]
    meant = [one for one in hits if one.how == "semantic"]
    wrong, wrong_meant = (sum(not one.right for one in group) for group in (hits, meant))
    bound = _clustered(wrong_meant, Counter(one.key for one in meant).values(), confidence)
    upper = (bound * max(len(meant), 1) + wrong - wrong_meant) / len(hits) if hits else 1.0
    return Certificate(len(hits), wrong, min(upper, 1.0), confidence)


def _clustered(wrong: int, sizes: Collection[int], confidence: float) -> float:
    """The bound on the share of wrong hits, in clusters of these sizes."""
    count = sum(sizes)
    effective = count**2 / sum(size**2 for size in sizes) if sizes else 0.0
    seen = math.floor(effective)
    return upper_bound(min(math.ceil(wrong * effective / max(count, 1)), seen), seen, confidence)


def nearest(vector: "NDArray[np.float32]", rows: Vectors, entries: Sequence[ReplayedQuestion]) -> list[Candidate]:
    """The kept questions near a question, as candidates, nearest first."""
    import numpy as np

    cosines = rows @ vector
    best = np.argpartition(-cosines, CANDIDATES)[:CANDIDATES] if len(cosines) > CANDIDATES else range(len(cosines))
    ranked = sorted(map(int, best), key=lambda at: -cosines[at])
    return [
        Candidate(str(at), entries[at].question, entries[at].answer, float(cosines[at]), entries[at].kind)
        for at in ranked
    ]


def _replayed(kept: "_Kept", one: ReplayedQuestion, vector: "NDArray[np.float32]", decide: Decider) -> ReplayedOutcome:
    key = normalised(one.question)
    known = one.answer in kept.answers
    if key in kept.keys:
        return ReplayedOutcome(key, one.kind, "exact", kept.keys[key] == one.answer, known)
    near = nearest(vector, kept.rows[: len(kept.entries)], kept.entries)
    verdict = decide(one.question, vector, near, one.kind) if near else None
    if verdict and verdict.serve and verdict.candidate:
        return ReplayedOutcome(key, one.kind, "semantic", verdict.candidate.answer == one.answer, known)
    kept.keep(key, one, vector)
    return ReplayedOutcome(key, one.kind, "miss", False, known)


class _Kept:
    """Kept questions with their vectors and answers, in RAM."""

    def __init__(self, dimensions: int, room: int) -> None:
        import numpy as np

        self.rows: Vectors = np.zeros((room, dimensions), np.float32)
        self.entries: list[ReplayedQuestion] = []
        self.keys: dict[str, str] = {}
        self.answers: set[str] = set()

    def keep(self, key: str, one: ReplayedQuestion, vector: "NDArray[np.float32]") -> None:
        """Keep a question with its answer."""
        self.rows[len(self.entries)] = vector
        self.entries.append(one)
        self.keys[key] = one.answer
        self.answers.add(one.answer)


THRESHOLDS = (0.90, 0.92, 0.94, 0.95, 0.96, 0.965, 0.97, 0.975, 0.98, 0.985, 0.99)
"""The thresholds to try."""
COLUMNS = "question", "answer"

At = Callable[[float], Decider]
"""The decision with one threshold for all query types."""


def tune_log(
    log: Sequence[ReplayedQuestion], vectors: Vectors, at: At, *, limit: float = LIMIT, confidence: float = CONFIDENCE
) -> dict[str, Tuned]:
    """Each query type's threshold: its own if its hits are enough to certify one, else that of all together.

    A threshold with more wrong hits than ``limit`` on the held-out half is not used. Raises TooFewLabels.
    """
    certifying, hold = ([place for place, one in enumerate(log) if _half(one) == half] for half in (0, 1))
    tried = {one: _play(log, vectors, certifying, at(one)) for one in THRESHOLDS}
    kinds = sorted({one.kind for one in log})
    chosen = {kind: lowest(tried, limit, kind, confidence) for kind in ("", *kinds)}
    shared = chosen[""]
    if shared is None:
        raise TooFewLabels(_few(tried, limit, confidence))
    held = {one: _play(log, vectors, hold, at(one)) for one in {one or shared for one in chosen.values()}}
    whole = _tuned("", tried, held, shared, limit, confidence)
    tuned: dict[str, Tuned] = {}
    for kind in kinds:
        own = _tuned(kind, tried, held, chosen[kind] or shared, limit, confidence)
        tuned[kind] = whole.renamed(kind) if own.more or chosen[kind] is None else own
    return tuned


def read_log(path: Path, embedder: Embedder, classify: Classifier) -> tuple[list[ReplayedQuestion], Vectors]:
    """The questions of a CSV file, in order, with their vectors. Columns: question, answer, and kind if known.

    Rows with the same answer (its text, or any name for it) may be served for each other. Raises ConfigError.
    """
    with csv_of(path) as every:
        numbered = [(every.line_num, row) for row in every if (row.get("question") or "").strip()]
    rows = [row for _, row in numbered]
    if lacking := [number for number, row in numbered if not (row.get("answer") or "").strip()]:
        raise ConfigError(f"{path}, line {lacking[0]}: there is no answer; give its text, or any name of it")
    vectors = embedder.embed([row["question"] for row in rows])
    kinds = (row.get("kind") or classify(row["question"], vector) for row, vector in zip(rows, vectors, strict=True))
    return [
        ReplayedQuestion(row["question"], row["answer"].strip(), kind) for row, kind in zip(rows, kinds, strict=True)
    ], vectors


def is_log(path: Path) -> bool:
    """True if a CSV file is a log of questions with answers. Raises ConfigError."""
    with csv_of(path) as rows:
        return set(COLUMNS) <= set(rows.fieldnames or ())


def _half(one: ReplayedQuestion) -> int:
    return hashlib.sha256(normalised(one.question).encode("utf-8", "surrogatepass")).digest()[0] % 2


def _play(
    log: Sequence[ReplayedQuestion], vectors: Vectors, places: Sequence[int], decide: Decider
) -> list[ReplayedOutcome]:
    return replay_log([log[place] for place in places], vectors[list(places)], decide)


def lowest(
    tried: Mapping[float, Sequence[ReplayedOutcome]], limit: float, kind: str = "", confidence: float = CONFIDENCE
) -> float | None:
    """The lowest threshold that is certified, like all above it that have enough hits; None if there is none."""
    found = None
    for threshold in sorted(tried, reverse=True):
        if certified(tried[threshold], kind, confidence).upper <= limit:
            found = threshold
        elif certified(_faultless(tried[threshold]), kind, confidence).upper <= limit:
            break
    return found


def _tuned(
    kind: str,
    tried: Mapping[float, Sequence[ReplayedOutcome]],
    held: Mapping[float, Sequence[ReplayedOutcome]],
    chosen: float,
    limit: float,
    confidence: float,
) -> Tuned:
    points = tuple(reached(tried[one], one, kind) for one in sorted(tried, reverse=True))
    certificate = certified(tried[chosen], kind, confidence)
    point = reached(held[chosen], chosen, kind)
    kept = certificate.upper <= limit and point.wrong <= limit * point.served
    policy = QueryPolicy(kind, chosen if kept else max(chosen, STRICT), certificate)
    more = 0 if kept else more_labels(certified(held[chosen], kind, confidence), limit, len(held[chosen]))
    return Tuned(policy, chosen, points, point, limit, more)


def _few(tried: Mapping[float, Sequence[ReplayedOutcome]], limit: float, confidence: float) -> str:
    """The reason why no threshold is certified: too few hits, or errors at the strictest threshold."""
    outcomes = tried[max(tried)]
    seen, best = certified(outcomes, "", confidence), certified(_faultless(outcomes), "", confidence)
    reached = f"at the strictest threshold a half of it has {seen.hits:,} hits, {seen.wrong:,} of them wrong"
    if best.upper <= limit:
        return (
            f"No threshold can be certified for {limit:.1%} wrong per hit: {reached}, which is at most"
            f" {seen.upper:.2%} at 95 %. Look at the answers of questions that are near each other, or raise --limit."
        )
    wanted = math.ceil(2 * len(outcomes) * best.upper / limit)  # the bound falls as the log grows
    return (
        f"The log is too short to certify {limit:.1%} wrong per hit: {reached}. It takes about {wanted:,} questions"
        " in all, of the same kind."
    )


def _faultless(outcomes: Sequence[ReplayedOutcome]) -> list[ReplayedOutcome]:
    """The same hits, with all of them right."""
    return [replace(one, right=True) for one in outcomes]


_ANY = "any"
LEAST = 0.5
"""The least cosine of two questions that anybody would take for the same."""
_KEPT = 4096


def deciders(kinds: Iterable[str]) -> At:
    """The decision with one threshold for all of these query types. They share the texts that were read."""
    chosen, names = decider_of({}, default_spelling()), tuple(kinds)
    return lambda threshold: replace(chosen, policies={name: QueryPolicy(name, threshold) for name in names})


def scorer(embedder: Embedder, decision: Decision | None = None) -> Score:
    """The score of (kept question, asked question); None if the guard objects or they are far apart."""
    chosen = decision or decider_of({}, default_spelling())
    lenient = replace(chosen, policies={_ANY: QueryPolicy(_ANY, 0.0)})

    # one at a time, so that the default embedder still has the words of a question when the decision reads it
    row = lru_cache(_KEPT)(lambda text: embedder.embed([text])[0])

    def score(kept: str, asked: str) -> float | None:
        vector = row(asked)
        cosine = min(float(row(kept) @ vector), 1.0)
        verdict = lenient(asked, vector, [Candidate("0", kept, kept, cosine)], _ANY)
        return verdict.score if verdict.serve and cosine >= LEAST else None

    return score
