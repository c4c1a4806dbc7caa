"""Whether two answers say the same: what an audit asks of a kept answer and a fresh one.

``RULES`` stands in order; the first that objects decides. They are the guard's, because what changes an answer changes
it in an answer as in a question: numbers, codes, polarity, opposites, names; then the meaning must be near.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

from agentmem.answers import guard, records
from agentmem.answers.features import FeatureReader, meaning
from agentmem.answers.guard import Rule
from agentmem.answers.tuning import interval
from agentmem.answers.values import Agrees, Labelled
from agentmem.answers.words import Spells, pair
from agentmem.types import Embedder

LEAST = 0.85
"""The cosine from which two answers mean the same. With the rules it lets fewer different answers pass than .9 does
without the guard's, and tells fewer equal ones apart: `python -m tests.benchmarks.answers_agreement --data DIR`."""
SHARED = 0.6
"""Without an embedder: the share of their words of meaning that two answers have in common."""
RULES: tuple[Rule, ...] = guard.RULES
JUDGE = "judge.json"
_KEPT = 1024
_OPENING = re.compile(r"^\W*(?:(yes|yeah|yep|correct|sure)|(no|nope))\b(?:[\s,.;:!–—-]+|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether two answers agree; if not, the rule that says so. ``cosine`` is None where no embedder was asked."""

    agree: bool
    rule: str
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The default Agrees. Without an embedder the words of meaning are compared; ``spells`` tells typos from names."""

    least: float = LEAST
    spells: Spells | None = None
    rules: Sequence[Rule] = RULES
    _cosine: Callable[[str, str], float] | None = field(default=None, repr=False)

    def __call__(self, one: str, other: str) -> bool:
        return self.judge(one, other).agree

    def judge(self, one: str, other: str) -> Judgement:
        """Whether they agree, and by which rule."""
        if one.strip() == other.strip():
            return Judgement(True, "equal")
        (yes, left), (also, right) = _opened(one), _opened(other)
        if yes is not None and also is not None and yes != also:
            return Judgement(False, "yes and no")
        rule, _ = guard.objection(pair(left, right, self.spells), self.rules)
        if rule:
            return Judgement(False, rule)
        if self._cosine is None:
            mine, yours = meaning(one), meaning(other)
            return Judgement(len(mine & yours) >= SHARED * max(len(mine | yours), 1), "words")
        cosine = self._cosine(one, other)
        return Judgement(cosine >= self.least, "meaning", cosine)


@dataclass(frozen=True, slots=True)
class Errors:
    """How often a judge of answers was wrong on labelled pairs, each share with its bounds at 95 %.

    ``missed`` are different answers that it took for the same, among ``different``; ``alarmed`` the same ones that it
    took for different, among ``same``.
    """

    different: int
    missed: int
    same: int
    alarmed: int

    @property
    def missed_bounds(self) -> tuple[float, float]:
        """Clopper and Pearson's bounds on the share of different answers that pass."""
        return interval(self.missed, self.different)

    @property
    def alarmed_bounds(self) -> tuple[float, float]:
        """The same for equal answers that are told apart."""
        return interval(self.alarmed, self.same)

    def corrected(self, share: float) -> float | None:
        """The share that is really different, where the judge calls ``share`` of the answers different.

        Rogan and Gladen's estimate ("Estimating prevalence from the results of a screening test", American Journal of
        Epidemiology 107, 1978), from 0 to 1. None where a label of either kind is missing, or the judge only guesses.
        """
        if not self.different or not self.same:
            return None
        alarmed, seen = self.alarmed / self.same, 1 - self.missed / self.different
        return min(max((share - alarmed) / (seen - alarmed), 0.0), 1.0) if seen > alarmed else None


def default_agrees(embedder: Embedder | None, least: float = LEAST) -> Agreement:
    """The default: no rule objects, and a cosine of ``least`` or more."""
    if embedder is None:
        return Agreement()
    row = lru_cache(_KEPT)(lambda text: embedder.embed([text])[0])
    spells = embedder.spells if isinstance(embedder, FeatureReader) else None
    return Agreement(least, spells, RULES, lambda one, other: float(row(one) @ row(other)))


def errors(agrees: Agrees, labelled: Iterable[tuple[str, str, bool]]) -> Errors:
    """The judge's errors on (one answer, another, whether they are the same)."""
    judged = [(same, agrees(one, other)) for one, other, same in labelled]
    return Errors(
        different=sum(not same for same, _ in judged),
        missed=sum(yes and not same for same, yes in judged),
        same=sum(same for same, _ in judged),
        alarmed=sum(same and not yes for same, yes in judged),
    )


def judged(agrees: Agrees, labelled: Iterable[Labelled]) -> Errors | None:
    """The judge's errors on the labelled pairs that have both answers; None where none has."""
    answers = [(one.served, one.fresh, one.same) for one in labelled if one.served and one.fresh]
    return errors(agrees, answers) if answers else None


def read_errors(folder: Path) -> Errors | None:
    """What was measured of the judge of a cache; None where nobody has. Raises ConfigError."""
    return records.read(folder / JUDGE, lambda found: Errors(**found), None)


def write_errors(folder: Path, found: Errors) -> None:
    """Keep what was measured beside the cache. Raises ConfigError."""
    records.write(folder / JUDGE, asdict(found))


def _opened(answer: str) -> tuple[bool | None, str]:
    """Whether an answer opens with yes (True) or no (False), and what follows: "No, it doesn't" says no once."""
    found = _OPENING.match(answer)
    if found is None:
        return None, answer
    return found[1] is not None, answer[found.end() :]
