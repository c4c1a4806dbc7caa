"""Thresholds from a log of questions with their answers, played through a cache that starts empty.

A log says more than pairs do: how often questions come again, and what else is near when they do. On one half of its
questions thresholds are tried from the strictest down, until one is not certified; the last before it has the
certificate, which holds for it though many were tried (fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995;
Angelopoulos et al., "Learn then Test", 2021). The other half says what it really reaches. No question is in both.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agentmem.answers.certificate import CONFIDENCE
from agentmem.answers.played import PlayedOutcome, PlayedQuestion, certified, play, reached
from agentmem.answers.questions import normalised
from agentmem.answers.tuning import LIMIT, TooFewLabels, Tuned, csv_of, more_labels
from agentmem.answers.values import STRICT, Classifier, Decider, QueryPolicy
from agentmem.errors import ConfigError
from agentmem.types import Embedder, Vectors

THRESHOLDS = (0.90, 0.92, 0.94, 0.95, 0.96, 0.965, 0.97, 0.975, 0.98, 0.985, 0.99)
"""The scores that are tried."""
COLUMNS = "question", "answer"

At = Callable[[float], Decider]
"""The decision with one threshold for all query types."""


def tune_log(
    log: Sequence[PlayedQuestion], vectors: Vectors, at: At, *, limit: float = LIMIT, confidence: float = CONFIDENCE
) -> dict[str, Tuned]:
    """Each query type's threshold: its own where its hits are enough to certify one, else that of all together.

    One whose share of wrong hits on the half held out is above ``limit`` all the same is not used. Raises TooFewLabels.
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


def read_log(path: Path, embedder: Embedder, classify: Classifier) -> tuple[list[PlayedQuestion], Vectors]:
    """The questions of a CSV file, in its order, with their vectors: columns question and answer, and kind if known.

    Two rows with the same answer (its text, or any name of it) may be served for each other. Raises ConfigError.
    """
    with csv_of(path) as every:
        numbered = [(every.line_num, row) for row in every if (row.get("question") or "").strip()]
    rows = [row for _, row in numbered]
    if lacking := [number for number, row in numbered if not (row.get("answer") or "").strip()]:
        raise ConfigError(f"{path}, line {lacking[0]}: there is no answer; give its text, or any name of it")
    vectors = embedder.embed([row["question"] for row in rows])
    kinds = (row.get("kind") or classify(row["question"], vector) for row, vector in zip(rows, vectors, strict=True))
    return [
        PlayedQuestion(row["question"], row["answer"].strip(), kind) for row, kind in zip(rows, kinds, strict=True)
    ], vectors


def is_log(path: Path) -> bool:
    """Whether a CSV file is a log of questions with answers. Raises ConfigError."""
    with csv_of(path) as rows:
        return set(COLUMNS) <= set(rows.fieldnames or ())


def _half(one: PlayedQuestion) -> int:
    return hashlib.sha256(normalised(one.question).encode("utf-8", "surrogatepass")).digest()[0] % 2


def _play(
    log: Sequence[PlayedQuestion], vectors: Vectors, places: Sequence[int], decide: Decider
) -> list[PlayedOutcome]:
    return play([log[place] for place in places], vectors[list(places)], decide)


def lowest(
    tried: Mapping[float, Sequence[PlayedOutcome]], limit: float, kind: str = "", confidence: float = CONFIDENCE
) -> float | None:
    """The lowest threshold that is certified, as are all above it that have hits enough; None where none is."""
    found = None
    for threshold in sorted(tried, reverse=True):
        if certified(tried[threshold], kind, confidence).upper <= limit:
            found = threshold
        elif certified(_faultless(tried[threshold]), kind, confidence).upper <= limit:
            break
    return found


def _tuned(
    kind: str,
    tried: Mapping[float, Sequence[PlayedOutcome]],
    held: Mapping[float, Sequence[PlayedOutcome]],
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


def _few(tried: Mapping[float, Sequence[PlayedOutcome]], limit: float, confidence: float) -> str:
    """Why no threshold is certified: hits are too few, or the strictest errs too often."""
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


def _faultless(outcomes: Sequence[PlayedOutcome]) -> list[PlayedOutcome]:
    """The same hits, all of them right."""
    return [replace(one, right=True) for one in outcomes]
