"""Gates on what stands where: the same words in another order, and other words in the same place.

A part that a little word opens may stand in front or behind, and what "and" joins may change places. All else says
something new where it stands elsewhere.

    In Elixir, how do I sort a map by its values?    How do I sort a map by its values in Elixir?   the same
    How far apart are Vienna and Bratislava?         how far apart are Bratislava and Vienna        the same
    Which faults can a slack belt cause?             Which faults can cause a slack belt?           other
    How do I declare a pointer to an array of ints?  How do I declare an array of pointers to int?  other
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from agentmem.answers.words import QuestionPair, Words

MOST_APART = 5
"""Words that only one of them has, at most: with more, the sentence is another."""
OPENING = frozenset(
    "in on at to for with by about into onto over under after before without during since until through near inside "  # noqa: SIM905
    "outside from as if when while because although unless whether once where given despite per via using".split()
)
"""Words that open a part which may stand in front or behind."""
JOINING = frozenset("and or vs versus with between &".split())  # noqa: SIM905
"""Words on both sides of which things may change places."""
_OF = frozenset("of in for to from on at about".split())  # noqa: SIM905
_ANYWHERE = frozenset("today tomorrow tonight now yesterday currently please".split())  # noqa: SIM905
_NEXT = 3
"""The most places from a noun to the one that a little word joins to it, with an article between."""
_DONE = frozenset({"by", "be", "been", "being"})
_SKIPPED = frozenset("a an the my your our his her its their this that these those".split())  # noqa: SIM905
_ASKING = frozenset("how what when where why which who whom whose".split())  # noqa: SIM905
_FRONT = re.compile(
    r"(?!(?:if|when|while|because|after|before|once) )[^,:?]{2,40}[,:] "
    r"(?:how|what|when|where|why|which|who|can|is|are|do|does)\b",
    re.IGNORECASE,
)
"""A part that is said first and asked about: my plan, how do I roll it over?"""
_SHORT = 2
"""Words without content that a few words for a search have, at most."""


class Word(NamedTuple):
    """The stem of a word with content, the last word before it that is no article, and its place in the question."""

    stem: str
    before: str
    place: int


def moved(found: QuestionPair) -> str:
    """The same words in an order that says something else."""
    one, other = list(_words(found.left)), list(_words(found.right))
    stems, others = [word.stem for word in one], [word.stem for word in other]
    if stems == others or found.apart > MOST_APART or Counter(stems) != Counter(others):
        return ""
    if bool(_FRONT.match(found.left.text)) != bool(_FRONT.match(found.right.text)):
        return ""
    if any(map(_is_search, (found.left, found.right))) or _done(found.left) != _done(found.right):
        return ""
    at, end = common(stems, others), common(stems[::-1], others[::-1])
    left, right = one[at : len(one) - end], other[at : len(other) - end]
    cut = _turned([word.stem for word in left], [word.stem for word in right])
    if cut and (_opened(left, right, cut) or _compound(left, right, cut) or _joined(found)):
        return ""
    return f"{left[0].stem} stands elsewhere"


def modifier(found: QuestionPair) -> str:
    """Another word before the same noun, in whatever words: American airlines and United airlines, a visa card."""
    one, other = _before(found.left, found.lone_left), _before(found.right, found.lone_right)
    noun = next((noun for noun in one if noun in other), "")
    return f"{one[noun]} {noun} against {other[noun]} {noun}" if noun else ""


def _before(one: Words, lone: Sequence[str]) -> dict[str, str]:
    """Each word with content that both have, with the word of this one alone that stands before it."""
    pairs = zip(one.stems, one.stems[1:], one.content, one.content[1:], strict=False)
    there = set(lone) - JOINING
    return {word: b for b, word, first, second in pairs if first and second and b in there and word not in lone}


def around(found: QuestionPair) -> str:
    """Two things changed places around another verb: the dog bites the groomer, the groomer cuts the dog."""
    one, other = found.left.content_stems, found.right.content_stems
    left, right = set(found.lone_left), set(found.lone_right)
    sides = {(a, b) for a, verb, b in zip(one, one[1:], one[2:], strict=False) if verb in left and a != b}
    back = {(b, a) for a, verb, b in zip(other, other[1:], other[2:], strict=False) if verb in right}
    return next((f"{a} and {b} changed places" for a, b in sorted(sides & back)), "")


def converted(found: QuestionPair) -> str:
    """How many of one thing are in the other, in whatever words: dollars for a peso, pesos for a dollar."""
    one, other = _counted(found.left), _counted(found.right)
    turned = one and other and one != other and one in found.right.stems and other in found.left.stems
    return f"{one} and {other} changed places" if turned else ""


def _counted(one: Words) -> str:
    """The last of the words with content behind "how many"; "" without one."""
    for at, pair in enumerate(pairwise(one.tokens)):
        if pair in (("how", "many"), ("how", "much")):
            behind = list(zip(one.stems[at + 2 :], one.content[at + 2 :], strict=True))
            run = [word for word, _ in takewhile(lambda each: each[1], behind)]
            return run[-1] if run else ""
    return ""


def _words(one: Words) -> Iterator[Word]:
    """The words with content and the numbers, without those of time, which stand anywhere."""
    before = ""
    for at, (token, word, content) in enumerate(zip(one.tokens, one.stems, one.content, strict=True)):
        if (content or token[:1].isdigit()) and token not in _ANYWHERE:
            yield Word(word, before, at)
        if token not in _SKIPPED:
            before = token


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """The number of equal words at the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _turned(one: Sequence[str], other: Sequence[str]) -> int:
    """Where to cut the first so that its two parts in the other order are the second; 0 if nowhere."""
    return next((at for at in range(1, len(one)) if [*one[at:], *one[:at]] == list(other)), 0)


def _opened(left: Sequence[Word], right: Sequence[Word], cut: int) -> bool:
    """True if a little word opens one of the two parts on both sides."""
    behind = len(right) - cut
    firsts = ((left[0].before, right[behind].before), (left[cut].before, right[0].before))
    return any(a in OPENING and b in OPENING for a, b in firsts)


def _compound(left: Sequence[Word], right: Sequence[Word], cut: int) -> bool:
    """True if one says with a little word what the other says without: delivery options, options for delivery."""
    behind = len(right) - cut
    with_word = left[cut].before in _OF, right[behind].before in _OF
    noun = right[behind - 1 : behind + 1], left[cut - 1 : cut + 1]
    apart = left[cut].place - left[cut - 1].place, right[behind].place - right[behind - 1].place
    return any(
        said and b.place == a.place + 1 and gap <= _NEXT
        for said, (a, b), gap in zip(with_word, noun, apart, strict=True)
    )


def _joined(found: QuestionPair) -> bool:
    return all(JOINING.intersection(each.tokens) for each in (found.left, found.right))


def _is_search(one: Words) -> bool:
    """True for a few words as for a search engine, in any order: football offside rule."""
    little = [token for token, content in zip(one.tokens, one.content, strict=True) if not content]
    return len(little) <= _SHORT and _ASKING.isdisjoint(one.tokens[:1])


def _done(one: Words) -> bool:
    """True if something is done to it, which another order says."""
    return bool(_DONE.intersection(one.tokens))
