"""Two questions side by side: which words each has and the other lacks, once typos and synonyms are matched.

A word that is in no vocabulary, and a letter or two away from a word of the other question that begins as it does, is
a typo, and is that word.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from agentmem.answers.lexicon import IDLE, SYNONYMS
from agentmem.answers.words import Words, stem, words

Spells = Callable[[str], bool]
"""Whether a word is one that people spell so."""
Word = tuple[str, str]
"""A word's stem, and the word."""


@dataclass(frozen=True, slots=True)
class QuestionPair:
    """Two questions, aligned. ``only_left`` and ``only_right`` are the stems that the other lacks, function words too;
    ``lone_left`` and ``lone_right`` those of them that carry meaning and have no synonym on the other side.
    ``synonyms``, ``typos`` and ``matched`` count the words of meaning that were paired so. ``rare_left`` and
    ``rare_right`` are the lone ones that are in no vocabulary: names of things, mostly.
    """

    left: Words
    right: Words
    only_left: frozenset[str]
    only_right: frozenset[str]
    lone_left: tuple[str, ...]
    lone_right: tuple[str, ...]
    synonyms: int
    typos: int
    matched: int
    rare_left: tuple[str, ...] = ()
    rare_right: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def pair(left: str, right: str, spells: Spells | None = None) -> QuestionPair:
    """The two questions, aligned. Without ``spells`` no word is taken for a typo."""
    one, other = words(left), words(right)
    lefts, rights = _content(one), _content(other)
    lone_left, lone_right = _missing(lefts, rights), _missing(rights, lefts)
    matched = len(lefts) - len(lone_left)
    typos = _match(lone_left, lone_right, lambda a, b: _misspelt(a[1], b[1], spells))
    synonyms = _match(lone_left, lone_right, lambda a, b: not _groups(a[0]).isdisjoint(_groups(b[0])))
    synonyms += _parts(lone_left, rights) + _parts(lone_right, lefts)
    only_left = (set(one.stems) - set(other.stems)) - (_stems(lefts) - _stems(lone_left))
    only_right = (set(other.stems) - set(one.stems)) - (_stems(rights) - _stems(lone_right))
    return QuestionPair(
        one,
        other,
        frozenset(only_left),
        frozenset(only_right),
        tuple(stemmed for stemmed, _ in lone_left),
        tuple(stemmed for stemmed, _ in lone_right),
        synonyms,
        typos,
        matched,
        _rare(lone_left, spells),
        _rare(lone_right, spells),
    )


def same_words(found: QuestionPair) -> bool:
    """Whether the two differ in nothing but typos, endings, articles, and what stands in front: "On trains, is there
    a discount?" is "Is there a discount on trains?". Small words count, as in "top up on my card".
    """
    if found.lone_left or found.lone_right or found.synonyms or found.left.numbers != found.right.numbers:
        return False
    if max(len(found.left.numbers), len(found.left.ids), len(found.right.ids)) > 1:  # nobody knows their order
        return False
    left, right = _busy(found.left), _busy(found.right)
    turned = (right[at:] + right[:at] for at in range(len(right)))
    return len(left) == len(right) and any(_apart(left, one) <= found.typos for one in turned)


def distance(one: str, other: str) -> int:
    """Edits from one word to the other: letters put in, left out, changed, or two changing places (Damerau 1964)."""
    earlier: list[int] = []
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
    return row[-1]


def _content(one: Words) -> list[Word]:
    """What carries meaning, each word once."""
    triples = zip(one.stems, one.tokens, one.content, strict=True)
    return list({stemmed: (stemmed, token) for stemmed, token, keep in triples if keep}.values())


def _busy(one: Words) -> tuple[str, ...]:
    """The stems in their order, without the idle ones."""
    return tuple(stemmed for stemmed in one.stems if stemmed not in _idle())


def _apart(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    return sum(a != b for a, b in zip(left, right, strict=True))


@cache
def _idle() -> frozenset[str]:
    return frozenset(map(stem, IDLE.split()))


def _stems(found: list[Word]) -> set[str]:
    return {stemmed for stemmed, _ in found}


def _missing(here: list[Word], there: list[Word]) -> list[Word]:
    known = _stems(there)
    return [one for one in here if one[0] not in known]


def _match(left: list[Word], right: list[Word], same: Callable[[Word, Word], bool]) -> int:
    """Takes out of both lists, two by two, what is the same. Returns how many pairs."""
    count = 0
    for one in list(left):
        other = next((other for other in right if same(one, other)), None)
        if other:
            left.remove(one)
            right.remove(other)
            count += 1
    return count


def _parts(lone: list[Word], others: list[Word]) -> int:
    """Takes out the words whose stem is the other's with a short ending: invit and invite, renew and renewal."""
    found = [one for one in lone if any(_extends(one[0], other[0]) for other in others)]
    for one in found:
        lone.remove(one)
    return len(found)


def _rare(lone: list[Word], spells: Spells | None) -> tuple[str, ...]:
    if spells is None:
        return ()
    return tuple(stemmed for stemmed, token in lone if not any(spells(part) for part in (*token.split("-"), stemmed)))


def _extends(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return 3 < len(short) < len(long) <= len(short) + 3 and long.startswith(short)


@lru_cache(maxsize=65_536)
def _misspelt(one: str, other: str, spells: Spells | None) -> bool:
    shorter = min(len(one), len(other))
    if shorter < 4 or one[0] != other[0] or spells is None or (spells(one) and spells(other)):
        return False
    return distance(one, other) <= (1 if shorter < 6 else 2)


@cache
def _synonyms() -> dict[str, frozenset[int]]:
    groups: dict[str, set[int]] = {}
    for at, line in enumerate(SYNONYMS.strip().splitlines()):
        for word in line.split():
            groups.setdefault(stem(word), set()).add(at)
    return {word: frozenset(found) for word, found in groups.items()}


def _groups(stemmed: str) -> frozenset[int]:
    return _synonyms().get(stemmed, frozenset())
