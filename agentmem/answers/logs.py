"""Tunes thresholds on a log of questions and answers, by replaying it through a cache that starts empty.

A log says more than pairs do: how often questions return, and which entries are near when they do. On one half of its
questions thresholds are tried from the strictest down, until one is not certified. The last one before it keeps its
certificate although many were tried (fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995; Angelopoulos et al.,
"Learn then Test", 2021). The other half measures what it reaches. No question is in both halves.

A served answer is right if it is the log's answer to the question, and if both questions have the same slots: numbers,
codes and names. An intent alone is no answer. Excluded questions are neither kept nor served, as in the cache.
"""

import hashlib
import math
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from agentmem.answers.decision import Decision, default_spelling
from agentmem.answers.decision import decider as decider_of
from agentmem.answers.guard import objection
from agentmem.answers.learned import LearnedAnswers, learn
from agentmem.answers.log_replay import LOWEST, LogReplay, Objects, ReplayedOutcome, ReplayedQuestion, Told, quiet
from agentmem.answers.questions import normalised
from agentmem.answers.tuning import (
    CONFIDENCE,
    LIMIT,
    Point,
    Score,
    TooFewLabels,
    Tuned,
    csv_of,
    lower_bound,
    more_labels,
    needed,
    upper_bound,
)
from agentmem.answers.values import CANDIDATES, DEFAULT, Candidate, Certificate, Classifier, Decider, QueryPolicy
from agentmem.answers.words import pair
from agentmem.errors import ConfigError
from agentmem.types import Embedder, Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
        Candidate(str(at), entries[at].question, entries[at].answer, float(cosines[at]), entries[at].kind, rows[at])
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


THRESHOLDS = (
    0.80,
    0.82,
    0.83,
    DEFAULT,
    0.85,
    0.86,
    0.87,
    0.875,
    0.88,
    0.89,
    0.90,
    0.91,
    0.92,
    0.93,
    0.94,
    0.95,
    0.96,
    0.97,
    0.98,
)
"""The thresholds to try, cosines."""
COLUMNS = "question", "answer"


def tune_log(
    log: Sequence[ReplayedQuestion],
    vectors: Vectors,
    objects: Objects,
    *,
    today: Mapping[str, float] | None = None,
    limit: float = LIMIT,
    confidence: float = CONFIDENCE,
    told: Told = quiet,
    seconds: float = math.inf,
    embedder: str = "",
) -> dict[str, Tuned]:
    """Each query type's threshold: its own if its hits are enough to certify one, else that of all together.

    A threshold with more wrong hits than ``limit`` on the held-out half is not used. If none can be certified, and the
    threshold of ``today`` (by type; DEFAULT) errs more often than ``limit`` allows, only exact keys are served. If the
    log is too short to say either, it raises TooFewLabels, and nothing changes. ``told`` gets the progress. Thresholds
    are tried from the strictest down, for about so many ``seconds``; what was certified by then counts.

    With the name of an ``embedder`` the same is tried with what can be learned of the answers: from the half that is
    held out, and for the held-out half from the other. It is kept where it serves more on both.
    """
    until = time.monotonic() + seconds
    _answered(log)
    halves = [[place for place, one in enumerate(log) if _half(one) == half] for half in (0, 1)]
    plays = [LogReplay([log[place] for place in own], vectors[own], objects, told) for own in halves]
    kinds = sorted({one.kind for one in log})
    standing = {kind: (today or {}).get(kind, DEFAULT) for kind in kinds}

    def arm(learned: Sequence[LearnedAnswers] = ()) -> _Arm:
        first, second = [one.chances(vectors[own]) for one, own in zip(learned, halves, strict=False)] or (None, None)
        tried = _tried(plays[0], until, told, first)
        chosen = {kind: lowest(tried, limit, kind, confidence) for kind in ("", *kinds)}
        named = {one for one in (*chosen.values(), *standing.values(), DEFAULT) if one is not None}
        return _Arm(tried, {one: plays[1].at(one, second) for one in named}, chosen, next(iter(learned), None))

    plain, learned = arm(), _learned(log, vectors, halves, embedder)
    arms = (plain, arm(learned)) if learned else (plain,)
    return {kind: _settled(kind, arms, standing[kind], limit, confidence) for kind in kinds}


@dataclass(frozen=True, slots=True)
class _Arm:
    """One way to decide: what each threshold reached on the half that certifies, and the chosen ones on the other."""

    tried: Mapping[float, Sequence[ReplayedOutcome]]
    held: Mapping[float, Sequence[ReplayedOutcome]]
    chosen: Mapping[str, float | None]
    learned: LearnedAnswers | None = None


def _learned(
    log: Sequence[ReplayedQuestion], vectors: Vectors, halves: Sequence[Sequence[int]], embedder: str
) -> list[LearnedAnswers]:
    """What is learned for each half, from the other one; nothing if a half has too little."""
    if not embedder:
        return []
    found = [
        learn([log[at].question for at in own], [log[at].answer for at in own], vectors[own], embedder)
        for own in reversed(halves)
    ]
    return [one for one in found if one is not None] if None not in found else []


def read_log(
    path: Path, embedder: Embedder, classify: Classifier, told: Told = quiet
) -> tuple[list[ReplayedQuestion], Vectors]:
    """The questions of a CSV file, in order, with their vectors. Columns: question, answer, and kind if known.

    Rows with the same answer (its text, or any name for it) may be served for each other. Raises ConfigError.
    """
    with csv_of(path) as every:
        numbered = [(every.line_num, row) for row in every if (row.get("question") or "").strip()]
    rows = [row for _, row in numbered]
    if lacking := [number for number, row in numbered if not (row.get("answer") or "").strip()]:
        raise ConfigError(f"{path}, line {lacking[0]}: there is no answer; give its text, or any name of it")
    vectors = _embedded([row["question"] for row in rows], embedder, told)
    kinds = (row.get("kind") or classify(row["question"], vector) for row, vector in zip(rows, vectors, strict=True))
    return [
        ReplayedQuestion(row["question"], row["answer"].strip(), kind) for row, kind in zip(rows, kinds, strict=True)
    ], vectors


def _embedded(texts: Sequence[str], embedder: Embedder, told: Told) -> Vectors:
    """The texts' vectors. A text that comes again is embedded once."""
    import numpy as np

    places = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    distinct = list(places)
    parts = []
    for first in range(0, len(distinct), _AT_ONCE):
        told(f"embedded {first:,} of {len(distinct):,} questions")
        parts.append(embedder.embed(distinct[first : first + _AT_ONCE]))
    rows: Vectors = np.concatenate(parts) if parts else embedder.embed([])
    return rows[[places[text] for text in texts]]


_AT_ONCE = 512
"""Questions that are embedded between two lines of progress."""


def is_log(path: Path) -> bool:
    """True if a CSV file is a log of questions with answers. Raises ConfigError."""
    with csv_of(path) as rows:
        return set(COLUMNS) <= set(rows.fieldnames or ())


def _settled(kind: str, arms: Sequence[_Arm], today: float, limit: float, confidence: float) -> Tuned:
    """The type's own certified threshold, else that of all, else exact keys if today's errs. Raises TooFewLabels."""
    for one in (kind, ""):
        found = [_tuned(one, arm, limit, confidence) for arm in arms]
        if (best := _better([each for each in found if each and not each.more])) is not None:
            return best.renamed(kind)
    plain = arms[0]
    for one in (kind, ""):
        if (erring := _erring(one, plain.tried, plain.held, today, limit, confidence)) is not None:
            return erring.renamed(kind)
    raise TooFewLabels(_few(plain.tried, limit, confidence))


def _better(found: Sequence[Tuned]) -> Tuned | None:
    """The only one; of two the second, with what was learned, if it serves more on both halves."""
    if len(found) < 2:
        return next(iter(found), None)
    plain, learned = found
    more = learned.held.served > plain.held.served and _certified_hits(learned) > _certified_hits(plain)
    return replace(learned, without=plain.held) if more else plain


def _certified_hits(one: Tuned) -> int:
    return one.policy.certificate.hits if one.policy.certificate else 0


def _erring(
    kind: str,
    tried: Mapping[float, Sequence[ReplayedOutcome]],
    held: Mapping[float, Sequence[ReplayedOutcome]],
    today: float,
    limit: float,
    confidence: float,
) -> Tuned | None:
    """Exact keys alone, if today's threshold errs more often than the limit allows, with confidence; else None."""
    at = min(THRESHOLDS, key=lambda one: abs(one - today))
    both = reached((*tried.get(at, ()), *held.get(at, ())), at, kind)
    if lower_bound(both.wrong, both.served, confidence) <= limit:
        return None
    points = _curve(tried, kind)
    policy = QueryPolicy(kind, at, Certificate(both.served, both.wrong, upper_bound(both.wrong, both.served)), True)
    return Tuned(policy, at, points, both, limit, -1)


def _curve(tried: Mapping[float, Sequence[ReplayedOutcome]], kind: str) -> tuple[Point, ...]:
    """The points that every threshold reached, the strictest first."""
    return tuple(reached(tried[one], one, kind) for one in sorted(tried, reverse=True))


def _answered(log: Sequence[ReplayedQuestion]) -> None:
    """Raise TooFewLabels if no two questions of a log have one answer."""
    asked: dict[str, set[str]] = {}
    for one in log:
        asked.setdefault(one.answer, set()).add(normalised(one.question))
    if all(len(questions) < 2 for questions in asked.values()):
        raise TooFewLabels(
            "No two questions of this log have the same answer, so it does not say which may share one. Give each "
            "answer a name, or label pairs: `agentmem answers sample LOG -o pairs.csv`, then `agentmem answers tune "
            "pairs.csv`."
        )


def _half(one: ReplayedQuestion) -> int:
    return hashlib.sha256(normalised(one.question).encode("utf-8", "surrogatepass")).digest()[0] % 2


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


def _tried(
    certifying: LogReplay, until: float, told: Told, chances: "Vectors | None"
) -> dict[float, list[ReplayedOutcome]]:
    """The outcomes at each threshold, the strictest first, until the time is over. One is always tried."""
    tried: dict[float, list[ReplayedOutcome]] = {}
    for one in sorted(THRESHOLDS, reverse=True):
        if tried and time.monotonic() >= until:
            told(f"the time is over: no threshold below {min(tried)} was tried")
            break
        tried[one] = certifying.at(one, chances)
    return tried


def _tuned(kind: str, arm: _Arm, limit: float, confidence: float) -> Tuned | None:
    """What the chosen threshold of a query type reaches on the held-out half; None if none could be chosen."""
    chosen = arm.chosen[kind]
    if chosen is None:
        return None
    certificate, held = certified(arm.tried[chosen], kind, confidence), arm.held[chosen]
    point = reached(held, chosen, kind)
    kept = certificate.upper <= limit and point.wrong <= limit * point.served
    more = 0 if kept else more_labels(certified(held, kind, confidence), limit, len(held))
    policy = QueryPolicy(kind, chosen, certificate, model=arm.learned.name if arm.learned else "")
    return Tuned(policy, chosen, _curve(arm.tried, kind), point, limit, more, arm.learned)


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
    grown = math.ceil(2 * len(outcomes) * best.upper / limit)  # the bound falls as the log grows
    wanted = max(grown, 2 * len(outcomes) + 1, 2 * needed(limit, 0, confidence))
    return (
        f"The log is too short to certify {limit:.1%} wrong per hit: {reached}. It takes about {wanted:,} questions"
        " in all, of the same kind."
    )


def _faultless(outcomes: Sequence[ReplayedOutcome]) -> list[ReplayedOutcome]:
    """The same hits, with all of them right."""
    return [replace(one, right=True) for one in outcomes]


_ANY = "any"
_KEPT = 4096


def objecting() -> Objects:
    """The gates of the default decision, as a question about a pair."""
    chosen = decider_of({}, default_spelling())
    return lambda kept, asked: bool(objection(pair(kept, asked, chosen.spells), chosen.gates)[0])


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
        return verdict.score if verdict.serve and cosine >= LOWEST else None

    return score
