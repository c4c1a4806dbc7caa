"""Tunes thresholds on labelled pairs: which score to require, what it reaches on other pairs, and how sure that is.

A pair is two questions, and whether the answer to one is right for the other. One or more people judged it (the
majority counts, ties are left out). Half of the pairs choose the threshold, by the cost of a wrong answer against the
saving of a hit. The other half measure what it reaches, and carry the certificate. Pairs with a question in common are
in the same half.
"""

import csv
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from agentmem.answers.learned import LearnedAnswers
from agentmem.answers.sampling import of_cell
from agentmem.answers.values import DEFAULT, Certificate, Labelled, QueryPolicy
from agentmem.errors import ConfigError

CONFIDENCE = 0.95
_HALVINGS = 60


def upper_bound(wrong: int, hits: int, confidence: float = CONFIDENCE) -> float:
    """The upper bound on the share of wrong hits, wrong with a chance of 1 - ``confidence`` at most; 1 without hits."""
    _check(wrong, hits)
    if wrong == hits:
        return 1.0
    return _bisect(lambda p: at_most(wrong, hits, p) > 1 - confidence)


def lower_bound(wrong: int, hits: int, confidence: float = CONFIDENCE) -> float:
    """The lower bound on that share, wrong with a chance of 1 - ``confidence`` at most; 0 without wrong hits."""
    _check(wrong, hits)
    if not wrong:
        return 0.0
    return _bisect(lambda p: 1 - at_most(wrong - 1, hits, p) < 1 - confidence)


def interval(wrong: int, hits: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Both bounds. Each is wrong with half of the chance of 1 - ``confidence``."""
    side = (1 + confidence) / 2
    return lower_bound(wrong, hits, side), upper_bound(wrong, hits, side)


def certify(wrong: int, hits: int, confidence: float = CONFIDENCE) -> Certificate:
    """The certificate of these counts."""
    return Certificate(hits, wrong, upper_bound(wrong, hits, confidence), confidence)


def needed(limit: float, wrong: int = 0, confidence: float = CONFIDENCE) -> int:
    """The number of hits, ``wrong`` of them wrong, at which the bound is at most ``limit``: 373 for .008."""
    if not 0 < limit < 1:
        raise ValueError(f"a limit of {limit!r}: it must lie between 0 and 1")
    high = next(
        wrong + (1 << power) for power in count() if upper_bound(wrong, wrong + (1 << power), confidence) <= limit
    )
    low = wrong
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if upper_bound(wrong, middle, confidence) <= limit else (middle, high)
    return high


def at_most(wrong: int, hits: int, share: float) -> float:
    """The probability of at most ``wrong`` among ``hits``, if each is wrong with the probability ``share``."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return float(wrong >= hits)
    whole = math.lgamma(hits + 1)
    log_share, log_rest = math.log(share), math.log1p(-share)
    terms = (
        whole - math.lgamma(k + 1) - math.lgamma(hits - k + 1) + k * log_share + (hits - k) * log_rest
        for k in range(wrong + 1)
    )
    return min(1.0, math.fsum(map(math.exp, terms)))


def _bisect(above: Callable[[float], bool]) -> float:
    """The share at which ``above`` becomes false."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return high


def _check(wrong: int, hits: int) -> None:
    if not 0 <= wrong <= hits:
        raise ValueError(f"{wrong} wrong among {hits} hits: the first must lie between 0 and the second")


LIMIT = 0.008
"""The share of wrong answers among hits for which a threshold must be certified."""
COST = 1 / LIMIT
"""The cost of a wrong answer, in saved hits. A hit pays if its chance of being right is above COST / (1 + COST)."""
LEAST_EACH = 25
"""The least pairs of each label, right and wrong."""
YES, NO = frozenset({"1", "true", "yes", "y", "same"}), frozenset({"0", "false", "no", "n", "different"})

Score = Callable[[str, str], float | None]
"""The score of (kept question, asked question); None if the guard objects."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A labelled pair with its score; None if the guard objects, so that no threshold serves it."""

    score: float | None
    right: bool


@dataclass(frozen=True, slots=True)
class Point:
    """The results of a threshold: served pairs, how many of them were wrong, and the right pairs there are.

    Precision is the share of served pairs that are right. Recall is the share of right pairs that are served.
    """

    threshold: float
    served: int
    wrong: int
    right: int

    @property
    def precision(self) -> float | None:
        """The precision; None if nothing is served."""
        return 1 - self.wrong / self.served if self.served else None

    @property
    def recall(self) -> float | None:
        """The recall; None if nothing is right."""
        return (self.served - self.wrong) / self.right if self.right else None

    @property
    def precision_band(self) -> tuple[float, float]:
        """Clopper and Pearson's interval for the precision, at 95 %."""
        low, high = interval(self.wrong, self.served)
        return 1 - high, 1 - low

    @property
    def recall_band(self) -> tuple[float, float]:
        """The same for the recall."""
        return interval(self.served - self.wrong, self.right)


@dataclass(frozen=True, slots=True)
class Tuned:
    """The result of tuning one query type. ``curve`` is from the half that chose, ``held`` from the other half.

    ``policy`` has the chosen threshold if its certificate keeps ``limit``, else one that is no lower than DEFAULT; or
    exact keys alone, if that errs more often than ``limit`` allows. ``more`` is the number of labels still needed.
    ``learned`` is what was learned from the log, if that serves more; ``without`` it, the best is that.
    """

    policy: QueryPolicy
    chosen: float
    curve: tuple[Point, ...]
    held: Point
    limit: float
    more: int
    learned: LearnedAnswers | None = None
    without: Point | None = None

    def renamed(self, kind: str) -> "Tuned":
        """The same result for another query type."""
        return replace(self, policy=replace(self.policy, kind=kind))


class TooFewLabels(ConfigError):
    """Too few labelled pairs to choose a threshold. The message says how many are needed."""


def tune(
    pairs: Sequence[Labelled],
    score: Score,
    *,
    kind: str = "faq",
    cost: float = COST,
    limit: float = LIMIT,
    confidence: float = CONFIDENCE,
) -> Tuned:
    """The threshold of one query type, and its results. Raises TooFewLabels."""
    choose, hold = halves(pairs)
    chosen_from, held = [_scored(one, score) for one in choose], [_scored(one, score) for one in hold]
    for part in (chosen_from, held):
        _enough(part, limit)
    points = curve(chosen_from)
    best = max(points, key=lambda point: (point.served - point.wrong - cost * point.wrong, point.threshold))
    reached = reach(held, best.threshold)
    certificate = certify(reached.wrong, reached.served, confidence)
    certified = reached.served > 0 and certificate.upper <= limit
    today = reach(held, DEFAULT)
    erring = not certified and lower_bound(today.wrong, today.served, confidence) > limit
    policy = QueryPolicy(kind, best.threshold if certified else max(best.threshold, DEFAULT), certificate, erring)
    return Tuned(
        policy, best.threshold, points, reached, limit, 0 if certified else more_labels(certificate, limit, len(held))
    )


def tune_kinds(
    pairs: Sequence[Labelled], score: Score, *, cost: Mapping[str, float] | None = None, limit: float = LIMIT
) -> dict[str, Tuned]:
    """Tune each query type that has enough labels by itself. The others get the threshold of all pairs together.

    Raises TooFewLabels.
    """
    costs = cost or {}
    tuned: dict[str, Tuned] = {}
    few: list[str] = []
    for kind, own in _by_kind(pairs).items():
        try:
            tuned[kind] = tune(own, score, kind=kind, cost=costs.get(kind, COST), limit=limit)
        except TooFewLabels:
            few.append(kind)
    if few:
        shared = tune(pairs, score, cost=max(costs.get(kind, COST) for kind in few), limit=limit)
        tuned.update((kind, shared.renamed(kind)) for kind in few)
    return tuned


def curve(scored: Sequence[Scored]) -> tuple[Point, ...]:
    """A point for each score at which the results change, strictest first."""
    right = sum(one.right for one in scored)
    ranked = sorted((one for one in scored if one.score is not None), key=lambda one: -(one.score or 0))
    points: list[Point] = [Point(1.0, 0, 0, right)]
    wrong = 0
    for served, one in enumerate(ranked, 1):
        wrong += not one.right
        if served == len(ranked) or ranked[served].score != one.score:
            points.append(Point(one.score or 0.0, served, wrong, right))
    return tuple(points)


def reach(scored: Sequence[Scored], threshold: float) -> Point:
    """The results of a threshold on these pairs."""
    served = [one.right for one in scored if one.score is not None and one.score >= threshold]
    return Point(threshold, len(served), served.count(False), sum(one.right for one in scored))


def halves(pairs: Iterable[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    """The pairs that choose, and those held out. A hash divides groups of pairs that share questions."""
    listed = list(pairs)
    roots: dict[str, str] = {}

    def root(text: str) -> str:
        while roots.setdefault(text, text) != text:
            text = roots[text]
        return text

    for one in listed:
        low, high = sorted((root(one.left), root(one.right)))
        roots[high] = low
    parts: tuple[list[Labelled], list[Labelled]] = ([], [])
    for one in listed:
        parts[hashlib.sha256(root(one.left).encode()).digest()[0] % 2].append(one)
    return parts


def more_labels(certificate: Certificate, limit: float, held: int) -> int:
    """The estimated number of labels still needed, at the error share seen among ``held``; -1 if none is enough."""
    if certificate.hits and certificate.wrong / certificate.hits >= limit:
        return -1
    hits = needed(limit, certificate.wrong, certificate.confidence)
    share = certificate.hits / held if certificate.hits else 1.0
    return math.ceil(2 * max(hits - certificate.hits, 1) / share)


def read_pairs(path: Path) -> list[Labelled]:
    """The labelled pairs of a CSV file with the columns left, right and label.

    Optional columns are kind, for the query type, and served and fresh, for the two answers. Several rows of one pair,
    or several columns ``label...``, are labels by several people: the majority counts, ties are left out, and an empty
    cell is not a label. Raises ConfigError, which names the line.
    """
    votes: defaultdict[tuple[str, ...], Counter[bool]] = defaultdict(Counter)
    with csv_of(path) as rows:
        columns = [name for name in rows.fieldnames or () if name.startswith("label")]
        missing = {"left", "right"} - set(rows.fieldnames or ())
        if missing or not columns:
            wanted = "left, right and label, or question and answer if it is a log"
            raise ConfigError(f"{path} needs the columns {wanted}; {_header(rows.fieldnames)}")
        for row in rows:
            key = tuple(of_cell(row.get(name) or "") for name in ("left", "right", "kind", "served", "fresh"))
            given = [row[name] for name in columns if (row[name] or "").strip()]
            votes[key].update(_label(cell, path, rows.line_num) for cell in given)
    return [
        Labelled(left, right, cast[True] > cast[False], kind, served=served, fresh=fresh)
        for (left, right, kind, served, fresh), cast in votes.items()
        if cast[True] != cast[False]
    ]


@contextmanager
def csv_of(path: Path) -> "Iterator[csv.DictReader[str]]":
    """The rows of a CSV file with a header. Raises ConfigError if it cannot be read.

    Commas divide its columns, or what some programs write for them: semicolons or tabs, if its header has no comma.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            delimiter = next((one for one in ",;\t" if one in header), ",")
            yield csv.DictReader(file, delimiter=delimiter)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not text in UTF-8 ({error.reason}): save it as CSV in UTF-8") from error
    except (OSError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read as CSV: {error}") from error


def _header(columns: Sequence[str] | None) -> str:
    """What a file has in place of the columns that were wanted."""
    return f"it has {', '.join(columns)}" if columns else "it is empty"


def _label(cell: str, path: Path, number: int) -> bool:
    value = cell.strip().lower()
    if value not in YES | NO:
        raise ConfigError(f"{path}, line {number}: the label is {cell!r}; write same or different, yes or no, 1 or 0")
    return value in YES


def _scored(one: Labelled, score: Score) -> Scored:
    return Scored(score(one.right, one.left), one.same)


def _enough(part: Sequence[Scored], limit: float) -> None:
    right = sum(one.right for one in part)
    wrong = len(part) - right
    if right >= LEAST_EACH and wrong >= LEAST_EACH:
        return
    lacking = " and ".join(
        f"{2 * (LEAST_EACH - count)} more {name}"
        for count, name in ((right, "same"), (wrong, "different"))
        if count < LEAST_EACH
    )
    raise TooFewLabels(
        f"There are too few labelled pairs: a half of them holds {right} same and {wrong} different ones, and each "
        f"half needs {LEAST_EACH} of both. Label about {lacking}. A certificate for {limit:.1%} wrong per hit takes "
        f"{needed(limit)} served pairs without an error on the held-out half. `agentmem answers sample` finds pairs."
    )


def _by_kind(pairs: Iterable[Labelled]) -> dict[str, list[Labelled]]:
    groups: defaultdict[str, list[Labelled]] = defaultdict(list)
    for one in pairs:
        groups[one.kind or "faq"].append(one)
    return dict(groups)
