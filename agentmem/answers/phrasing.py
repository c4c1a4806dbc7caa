"""Gates on words without content, where two questions name the same things in nearly the same words.

There are few such words in a language. Those of FRAMING only put a question: with or without them it is the same. Any
other that stands on one side alone was meant.

    How do I get paint off a brush?                 How do I get paint off with a brush?
    What do I do if I missed the exam?              What do I do if I will miss the exam?
    Will I be paid in two weeks?                    Will I be paid for two weeks?
    Why are all my tests not run?                   Why are not all of my tests run?
    Should I stop charging my phone at 20 percent?  Should I stop to charge my phone at 20 percent?
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from agentmem.answers.little_words import PARTICLES, groups
from agentmem.answers.words import QuestionPair, Words

NEARLY = 4
"""The most words that only one of two questions has which name the same things in nearly the same words."""
FRAMING = frozenset(
    """the a an to of for i i'm i'd i've you we us u me my your our ur ya do does did how can could would should must
    is are am be was were what which whats when why where who whom whose much many long often far if it this that these
    those there some any one someone somebody anyone people so as and or not no need want wants wanting wanna gotta like
    help assistance please tell know say find see seeing show check give get getting got let try trying look looking ask
    request about really ever exactly actually currently just possible able allowed way ways best kind kinds type types
    thing things use using used have having go going make makes take taken info information somewhere yes yep yeah ok hi
    hello thanks now then here again back its their s um uh er erm hmm oh ah eh""".split()  # noqa: SIM905
)
"""Words that put a question. Other gates look at what some of them ask, deny or allow, and at particles."""
PLACED = frozenset("in on at with from through into by".split())  # noqa: SIM905
"""Prepositions: one for another is looked at elsewhere; here, one where the other question has none."""
_LINKING = PLACED | {"of", "for", "to"}
_PASSIVE = frozenset("by was is were be been did whom who".split())  # noqa: SIM905
_SPAN = r"(?:(?:a|an|one|two|three|four|five|six|ten|the next|the last|\d+) )?"
_SPAN += r"(?:second|minute|hour|day|week|month|year)s?\b"
_SPANS = re.compile(rf"\b(in|for|by|within|until|till|after|before|since|every) {_SPAN}", re.IGNORECASE)
_FOCUS = re.compile(r"\b(only|even|also|almost|nearly) (?:the |a |an |my )?([^\W\d_]+)", re.IGNORECASE)
_TOGETHER: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (name, re.compile(first, re.IGNORECASE), re.compile(whole, re.IGNORECASE))
    for name, first, whole in (
        ("a few", r"\b(?:few|little)\b", r"\ba (?:few|little)\b"),
        ("not all", r"\b(?:all|every|any|both|each)\b", r"\bnot (?:all|every|any|both|each)\b"),
        (
            "stop to",
            r"\b(?:stop|remember|forg[eo]t|regret|go on)",
            r"\b(?:stop|stopped|remember|remembered|forget|forgot|regret|go on) to\b",
        ),
        (
            "whom",
            r"\b(?:ask|tell|told|expect|order|persuade)(?:s|ed|d)? (?:\w+ )?to\b",
            r"\b(?:ask|asks|asked|tell|told|expect|expected|order|ordered|persuade|persuaded)"
            r" (?:me|him|her|them|us|you) to\b",
        ),
    )
)
"""Words that say together what they do not say alone: where both have the first pattern, both must have the second."""
_ENDINGS = (("er", "est"), ("er", "ed"), ("ing", "ed"))
"""Endings of which one for the other makes another word of the same verb or degree."""


def nearly(found: QuestionPair) -> bool:
    """True for two questions that name the same things in nearly the same words."""
    return found.apart <= NEARLY and not found.lone_left and not found.lone_right


def says(found: QuestionPair) -> str:
    """A word without content on one side alone that says something: will miss, not yet."""
    if not nearly(found):
        return ""
    one, other = _little(found.left), _little(found.right)
    by = ("by" in found.left.tokens) != ("by" in found.right.tokens)
    here, there = list((one - other).elements()), list((other - one).elements())
    turned = found.left.content_stems != found.right.content_stems  # Welsh reading skills, reading skills in Welsh
    said = [*_saying(here, there, by, turned), *_saying(there, here, by, turned)]
    return f"only one says {' '.join(sorted(said))}" if said else ""


def _little(one: Words) -> Counter[str]:
    return Counter(token for token, content in zip(one.tokens, one.content, strict=True) if not content)


def _saying(here: Sequence[str], there: Sequence[str], by: bool, turned: bool) -> list[str]:
    """The words of one side that say something.

    ``by``: only one of the questions is in the passive with its doer; ``turned``: they name things in another order.
    """
    linked, puts = turned or bool(_LINKING.intersection(there)), _puts()
    return [
        word for word in here if word not in puts and not (by and word in _PASSIVE) and not (word in PLACED and linked)
    ]


@cache
def _puts() -> frozenset[str]:
    return FRAMING | (groups(PARTICLES).keys() - PLACED)


def spans(found: QuestionPair) -> str:
    """In two weeks, for two weeks."""
    if not nearly(found):
        return ""
    one, other = ({word.lower() for word in _SPANS.findall(each.text)} for each in (found.left, found.right))
    return f"{min(one - other)} against {min(other - one)}" if one - other and other - one else ""


def focus(found: QuestionPair) -> str:
    """Another word is the only one: only mothers can take it, mothers can take it only."""
    if not nearly(found):
        return ""
    one, other = (dict(_FOCUS.findall(each.text.lower())) for each in (found.left, found.right))
    changed = next((word for word in one if word in other and one[word] != other[word]), "")
    return f"{changed} {one[changed]} against {changed} {other[changed]}" if changed else ""


def together(found: QuestionPair) -> str:
    """Words that say together what they do not say alone, on one side only: few and a few, stop to eat."""
    if not nearly(found):
        return ""
    texts = found.left.text, found.right.text
    for name, first, whole in _TOGETHER:
        said = [bool(whole.search(text)) for text in texts]
        if said[0] != said[1] and all(map(first.search, texts)):
            return f"only one says {name}"
    return ""


def degree(found: QuestionPair) -> str:
    """The higher and the highest; what is expiring, and what has expired."""
    if not nearly(found):
        return ""
    one, other = (Counter(each.tokens) for each in (found.left, found.right))
    for a in one - other:
        for b in other - one:
            if any(_ends(a, b, x, y) or _ends(b, a, x, y) for x, y in _ENDINGS):
                return f"{a} against {b}"
    return ""


def _ends(one: str, other: str, ending: str, its: str) -> bool:
    base = one.removesuffix(ending)
    return base != one and len(base) > 2 and other == base + its


PHRASING: tuple[tuple[str, Callable[[QuestionPair], str]], ...] = (
    ("says", says),
    ("span", spans),
    ("focus", focus),
    ("together", together),
    ("degree", degree),
)
"""The gates on words without content, in order."""
