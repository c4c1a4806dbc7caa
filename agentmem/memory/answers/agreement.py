"""Whether two answers say the same: what an audit asks of a kept answer and a fresh one.

``RULES`` stands in order; the first that objects decides. Numbers, codes and polarity must be equal, and the meaning
near: answers that differ in a number are different however alike they sound.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from agentmem.memory.answers.certificate import interval
from agentmem.memory.answers.features import meaning
from agentmem.memory.answers.values import Agrees
from agentmem.memory.answers.words import Words, words
from agentmem.types import Embedder

LEAST = 0.9
"""The cosine from which two answers mean the same."""
SHARED = 0.6
"""Without an embedder: the share of their words of meaning that two answers have in common."""
_KEPT = 1024

Objects = Callable[[Words, Words], bool]

RULES: tuple[tuple[str, Objects], ...] = (
    ("ids", lambda one, other: one.ids != other.ids),
    ("numbers", lambda one, other: {*one.numbers} != {*other.numbers}),
    ("polarity", lambda one, other: polarity(one) != polarity(other)),
)
_YES, _NO = frozenset({"yes", "yeah", "correct", "sure"}), frozenset({"no", "nope", "not"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether two answers agree; if not, the rule that says so. ``cosine`` is None where no embedder was asked."""

    agree: bool
    rule: str
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The default Agrees. Without an embedder the words of meaning are compared."""

    embedder: Embedder | None = None
    least: float = LEAST
    _cosine: Callable[[str, str], float] | None = field(default=None, repr=False)

    def __call__(self, one: str, other: str) -> bool:
        return self.judge(one, other).agree

    def judge(self, one: str, other: str) -> Judgement:
        """Whether they agree, and by which rule."""
        if one.strip() == other.strip():
            return Judgement(True, "equal")
        left, right = words(one), words(other)
        for name, objects in RULES:
            if objects(left, right):
                return Judgement(False, name)
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


def default_agrees(embedder: Embedder | None, least: float = LEAST) -> Agreement:
    """The default: equal numbers, codes and polarity, and a cosine of ``least`` or more."""
    if embedder is None:
        return Agreement()
    row = lru_cache(_KEPT)(lambda text: embedder.embed([text])[0])
    return Agreement(embedder, least, lambda one, other: float(row(one) @ row(other)))


def errors(agrees: Agrees, labelled: Iterable[tuple[str, str, bool]]) -> Errors:
    """The judge's errors on (one answer, another, whether they are the same)."""
    judged = [(same, agrees(one, other)) for one, other, same in labelled]
    return Errors(
        different=sum(not same for same, _ in judged),
        missed=sum(yes and not same for same, yes in judged),
        same=sum(same for same, _ in judged),
        alarmed=sum(same and not yes for same, yes in judged),
    )


def polarity(one: Words) -> tuple[bool, bool]:
    """(whether it opens with yes or with no, whether it says no an odd number of times)."""
    opening = next(iter(one.tokens), "")
    return _opens(opening), bool(one.negations % 2)


def _opens(word: str) -> bool:
    return word in _NO and word not in _YES


def named(rules: Sequence[tuple[str, Objects]] = RULES) -> tuple[str, ...]:
    """The names of the rules, in their order."""
    return tuple(name for name, _ in rules)
