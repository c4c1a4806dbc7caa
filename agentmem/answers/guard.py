"""The hard guard: small differences in words that change the answer, and that a vector does not see.

``RULES`` is the policy, in order: the first rule that objects decides. A rule takes two questions side by side and says
in a few words why the answer to one is no answer to the other, or "" when it has nothing against it.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise

from agentmem.answers.lexicon import KINDS, OPPOSITES, QUALIFIERS, REVERSERS
from agentmem.answers.words import Amount, QuestionPair, Words, stem

Rule = tuple[str, Callable[[QuestionPair], str]]
"""A rule's name, and what it objects to in a pair."""

_PREFIXES = ("un", "dis", "in", "im", "ir", "il", "non", "de", "mis")
_PARTICLES = (("in", "out"), ("up", "down"), ("on", "off"))
_DIRECTIONS = (("from", "to"), ("before", "after"))


def numbers(found: QuestionPair) -> str:
    """Other amounts, or one where the other has none. One and a are the same."""
    left = [one for one in found.left.numbers if one not in found.right.numbers]
    right = [one for one in found.right.numbers if one not in found.left.numbers]
    for one in list(left):
        other = next((other for other in right if one[0] == other[0] and "" in (one[1], other[1])), None)
        if other:
            left.remove(one)
            right.remove(other)
    left, right = [one for one in left if one[0] != 1], [one for one in right if one[0] != 1]
    return f"{_amounts(left)} against {_amounts(right)}" if left or right else ""


def ids(found: QuestionPair) -> str:
    """Other codes: order numbers, versions, error codes."""
    one, other = found.left.ids, found.right.ids
    return "" if one == other else f"{_list(one - other)} against {_list(other - one)}"


def negation(found: QuestionPair) -> str:
    """One of them says no once more, or turns around by another word."""
    no = [
        one.negations + len(_reversers().intersection(lone))
        for one, lone in ((found.left, found.lone_left), (found.right, found.lone_right))
    ]
    return "" if no[0] % 2 == no[1] % 2 else "one says no, the other does not"


def antonyms(found: QuestionPair) -> str:
    """A word on one side, its opposite on the other."""
    for left, right in _opposites():
        for a, b in ((left, right), (right, left)):
            if (one := found.only_left & a) and (other := found.only_right & b) and not (one & b or other & a):
                return f"{_list(one)} against {_list(other)}"
    return _turned(found.only_left, found.only_right) or _turned(found.only_right, found.only_left) or _particles(found)


def kinds(found: QuestionPair) -> str:
    """Two things of one kind: Saturday and Sunday, adults and children."""
    for members in _kinds():
        one = {members[word] for word in found.only_left if word in members}
        other = {members[word] for word in found.only_right if word in members}
        if one - other and other - one:
            return f"{_list(found.only_left & set(members))} against {_list(found.only_right & set(members))}"
    return ""


def names(found: QuestionPair) -> str:
    """A name on each side that the other lacks: a word in capitals, or one in no vocabulary."""
    one = found.left.names & set(found.lone_left) | set(found.rare_left)
    other = found.right.names & set(found.lone_right) | set(found.rare_right)
    return f"{_list(one)} against {_list(other)}" if one and other else ""


def scope(found: QuestionPair) -> str:
    """Only one of them is about a narrower thing: a joint account, my mother, abroad."""
    narrow = _qualifiers().intersection(found.lone_left) ^ _qualifiers().intersection(found.lone_right)
    return f"only one says {_list(narrow)}" if narrow else ""


def order(found: QuestionPair) -> str:
    """From A to B against from B to A."""
    one, other = _roles(found.left), _roles(found.right)
    named = found.left.names | found.right.names
    for a, b in _DIRECTIONS:
        crossed = [word for here, there in ((a, b), (b, a)) if (word := one.get(here)) and word == other.get(there)]
        if len(crossed) == 2 or named.intersection(crossed):
            return f"{' and '.join(crossed)} changed places"
    return ""


def swap(found: QuestionPair) -> str:
    """A single word of meaning for another one that is no synonym of it."""
    one, other = found.lone_left, found.lone_right
    return f"{one[0]} for {other[0]}" if len(one) == len(other) == 1 and found.matched else ""


RULES: tuple[Rule, ...] = (
    ("ids", ids),
    ("numbers", numbers),
    ("negation", negation),
    ("antonyms", antonyms),
    ("kinds", kinds),
    ("names", names),
    ("scope", scope),
    ("order", order),
)
"""What holds however alike two questions are."""

PLAIN: tuple[Rule, ...] = (*RULES, ("swap", swap))
"""With the rule for where nothing can tell how alike two words are; else the score does."""


def objection(found: QuestionPair, rules: Sequence[Rule] = RULES) -> tuple[str, str]:
    """(rule, why) of the first rule that objects to serving one question's answer for the other, or ("", "")."""
    for name, rule in rules:
        if why := rule(found):
            return name, why
    return "", ""


def _turned(here: frozenset[str], there: frozenset[str]) -> str:
    """lock against unlock: a word with a prefix that turns it around."""
    for one in here:
        for prefix in _PREFIXES:
            rest = one.removeprefix(prefix)
            if len(rest) > 2 and rest != one and rest in there:
                return f"{one} against {rest}"
    return ""


def _particles(found: QuestionPair) -> str:
    """log in against log out: a small word that turns the verb before it around."""
    one, other = set(pairwise(found.left.stems)), set(pairwise(found.right.stems))
    for a, b in _PARTICLES:
        for here, there in ((a, b), (b, a)):
            if verbs := {verb for verb, at in one if at == here} & {verb for verb, at in other if at == there}:
                return f"{_list(verbs)} {here} against {there}"
    return ""


def _roles(one: Words) -> dict[str, str]:
    """The word of meaning that follows each small word of direction."""
    roles: dict[str, str] = {}
    waiting = ""
    for stemmed, token, content in zip(one.stems, one.tokens, one.content, strict=True):
        if token in {word for both in _DIRECTIONS for word in both}:
            waiting = token
        elif content and waiting:
            roles[waiting] = stemmed
            waiting = ""
    return roles


@cache
def _opposites() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    sides = (line.split("|") for line in _lines(OPPOSITES))
    return tuple((frozenset(map(stem, a.split())), frozenset(map(stem, b.split()))) for a, b in sides)


@cache
def _kinds() -> tuple[dict[str, int], ...]:
    return tuple(
        {stem(word): at for at, member in enumerate(line.split(",")) for word in member.split()}
        for line in _lines(KINDS)
    )


@cache
def _qualifiers() -> frozenset[str]:
    return frozenset(map(stem, QUALIFIERS.split()))


@cache
def _reversers() -> frozenset[str]:
    return frozenset(map(stem, REVERSERS.split()))


def _lines(table: str) -> list[str]:
    return table.strip().replace("\n ", " ").splitlines()


def _amounts(found: list[Amount]) -> str:
    return ", ".join(f"{value:g}{unit and ' ' + unit}" for value, unit in found) or "none"


def _list(found: Iterable[str]) -> str:
    return ", ".join(sorted(found)) or "none"
