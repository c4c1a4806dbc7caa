"""Judges whether two answers say the same. Audits use it to compare a kept answer with a fresh one.

``RULES`` are in order; the first that objects decides. They are the guard's, because differences that change a question
change an answer too: numbers, codes, polarity, opposites, names. Then the meaning must be near.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache

from agentmem.answers import guard, records
from agentmem.answers.guard import Rule
from agentmem.answers.records import RecordPlace
from agentmem.answers.spelling import Spells
from agentmem.answers.tuning import interval
from agentmem.answers.values import Agrees, Labelled
from agentmem.answers.words import meaning, pair
from agentmem.types import Embedder

LEAST = 0.85
"""The least cosine of two answers that mean the same. With the rules it passes fewer different answers than .9 without
them, and rejects fewer equal ones: `python -m tests.benchmarks.answers_agreement --data DIR`."""
SHARED = 0.6
"""Without an embedder: the least share of their content words that two equal answers have in common."""
_READ = frozenset({*guard.ABOUT, "scope", "quantity", "order", "roles"})
RULES: tuple[Rule, ...] = tuple(one for one in guard.WORDS if one[0] in _READ)
"""The gates on what is spoken about, and of how much of it. The others read how a question is put."""
JUDGE = "judge.json"
_KEPT = 1024
_OPENING = re.compile(r"^\W*(?:(yes|yeah|yep|correct|sure)|(no|nope))\b(?:[\s,.;:!–—-]+|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of comparing two answers. ``rule`` decided. ``cosine`` is None if no embedder was asked."""

    agree: bool
    rule: str
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The default Agrees. Without an embedder it compares content words. ``spells`` tells typos from names."""

    least: float = LEAST
    spells: Spells | None = None
    rules: Sequence[Rule] = RULES
    _cosine: Callable[[str, str], float] | None = field(default=None, repr=False)

    def __call__(self, one: str, other: str) -> bool:
        return self.judge(one, other).agree

    def judge(self, one: str, other: str) -> Judgement:
        """Compare two answers, and name the rule that decided."""
        if one.strip() == other.strip():
            return Judgement(True, "equal")
        (yes, left), (also, right) = _opened(one), _opened(other)
        if yes is not None and also is not None and yes != also:
            return Judgement(False, "yes and no")
        rule, _ = guard.first(self.rules, pair(left, right, self.spells))
        if rule:
            return Judgement(False, rule)
        if self._cosine is None:
            mine, yours = meaning(one), meaning(other)
            return Judgement(len(mine & yours) >= SHARED * max(len(mine | yours), 1), "words")
        cosine = self._cosine(one, other)
        return Judgement(cosine >= self.least, "meaning", cosine)


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of a judge of answers on labelled pairs. Each share comes with its bounds at 95 %.

    ``missed`` of ``different`` pairs were taken for the same. ``alarmed`` of ``same`` pairs were taken for different.
    """

    different: int
    missed: int
    same: int
    alarmed: int

    @property
    def missed_bounds(self) -> tuple[float, float]:
        """Clopper and Pearson's bounds on the share of different answers that are missed."""
        return interval(self.missed, self.different)

    @property
    def alarmed_bounds(self) -> tuple[float, float]:
        """The same bounds for equal answers that raise an alarm."""
        return interval(self.alarmed, self.same)

    def corrected(self, share: float) -> float | None:
        """The true share of different answers, if the judge calls ``share`` of them different.

        Rogan and Gladen's estimate ("Estimating prevalence from the results of a screening test", American Journal of
        Epidemiology 107, 1978), from 0 to 1. None if a label of either kind is missing, or the judge only guesses.
        """
        if not self.different or not self.same:
            return None
        alarmed, seen = self.alarmed / self.same, 1 - self.missed / self.different
        return min(max((share - alarmed) / (seen - alarmed), 0.0), 1.0) if seen > alarmed else None


def default_agrees(embedder: Embedder | None, least: float = LEAST) -> Agreement:
    """The default judge: no rule objects, and the cosine is ``least`` or more."""
    if embedder is None:
        return Agreement()
    row = lru_cache(_KEPT)(lambda text: embedder.embed([text])[0])
    spells: Spells | None = getattr(embedder, "spells", None)
    return Agreement(least, spells, RULES, lambda one, other: float(row(one) @ row(other)))


def errors(agrees: Agrees, labelled: Iterable[tuple[str, str, bool]]) -> Errors:
    """The judge's errors on triples of (one answer, another, whether they are the same)."""
    judged = [(same, agrees(one, other)) for one, other, same in labelled]
    return Errors(
        different=sum(not same for same, _ in judged),
        missed=sum(yes and not same for same, yes in judged),
        same=sum(same for same, _ in judged),
        alarmed=sum(same and not yes for same, yes in judged),
    )


def judged(agrees: Agrees, labelled: Iterable[Labelled]) -> Errors | None:
    """The judge's errors on the labelled pairs that have both answers; None if there are none."""
    answers = [(one.served, one.fresh, one.same) for one in labelled if one.served and one.fresh]
    return errors(agrees, answers) if answers else None


def read_errors(folder: RecordPlace) -> Errors | None:
    """The measured errors of a cache's judge; None if nobody has measured it. Raises ConfigError."""
    return records.read(folder, JUDGE, lambda found: Errors(**found), None)


def write_errors(folder: RecordPlace, found: Errors) -> None:
    """Store the measured errors beside the cache. Raises ConfigError."""
    records.write(folder, JUDGE, asdict(found))


def _opened(answer: str) -> tuple[bool | None, str]:
    """True if an answer begins with yes, False if with no, else None; and the rest. "No, it doesn't" is one no."""
    found = _OPENING.match(answer)
    if found is None:
        return None, answer
    return found[1] is not None, answer[found.end() :]
