"""How much of two questions is the same words, and the gates on those of which hardly any word differs.

Who asks the same in another way uses other words for much of it. So where only TWINS words differ, what differs was
meant: a preposition for another, a plural, one more noun. And where REWORDED words differ, a little word more or less,
another order or another voice are a way of putting it: the gates on wording are not asked.

    What should I cook for a toddler?             What should I cook with a toddler?
    How do I clean glass?                         How do I clean glasses?
    How do I replace a car window?                How do I replace a car window motor?
    Should I rebase my branch onto main?          Should I rebase main onto my branch?
    Can I marry first and then apply for a visa?  Can I apply for a visa first and then marry?
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from agentmem.answers.moves import JOINING
from agentmem.answers.typos import distance
from agentmem.answers.words import QuestionPair, Words, stem

TWINS = 3
"""The most words that only one of two questions has which are of nearly the same words."""
REWORDED = 7
"""The fewest that only one of two has which ask in other words. Both were chosen on Bitext, CLINC150 and rounds 9 to 12
of `python -m tests.benchmarks.answers_near`."""
SHARE = 0.3
"""The share of all their words that must be others then."""
NEAR = 3
"""The most words on each side of one around which two changed places."""
WHOSE = frozenset("my your our his her its their another other".split())  # noqa: SIM905
"""Words without content that tell one thing from another of its kind: my dog, another dog."""
TURNS = frozenset(
    "to into onto from over upon than then first before after but not without against with for on by under if because "  # noqa: SIM905
    "when while make makes made cause causes caused get gets got have has had".split()
)
"""Words without content around which an exchange says something else."""
PLACING = frozenset(
    "in on at to for with by about from into onto over under after before without against through during since until "  # noqa: SIM905
    "off out up down away only even inside outside behind near".split()
)
"""Words of which one for another says where, when, by what or for whom."""
ALIKE = tuple(
    map(
        frozenset,
        ({"on", "for"}, {"in", "for"}, {"in", "at"}, {"at", "for"}, {"to", "with"}, {"to", "from"}, {"on", "about"}),
    )
)
"""Pairs of them that often say the same: the best books on it, the best books for it."""
LIGHT_HEADS = """
item thing matter stuff information info detail data rating rate account time timezone zone date day level process kind
type service system option number issue problem question answer tip idea example place work job today tomorrow
now tonight everyday daily currently already again please due way
"""
"""Nouns and other words at the end of a noun that leave it what it was: the mileage rating, trivia items."""
PUT = """
explain tell give show know find figure want need like help please describe define list say ask wonder understand learn
check see view look let believe think consider ever try
exactly really actually basically currently now today quickly simply just concept definition meaning opinion basic
advice guide guidance step instruction way place make get thing good new company firm business website team support
all some any receive available
"""
"""Words that say how a question is put and not what is asked: with or without them it is the same."""
_NO_NOUN = ("ly", "ed", "ing")
SEVERAL = frozenset("several together multiple many single each every all both various".split())  # noqa: SIM905
"""Words that say of how many, in questions which are not put in other words."""
_INSIDE = frozenset("in on at inside with under over by".split())  # noqa: SIM905
_HELPING = frozenset("do does did is are was were will would can could should has have had".split())  # noqa: SIM905
EVERY = frozenset("first last next every each one both everyone everybody everything".split())  # noqa: SIM905
"""Words that say which of them, or how many."""
LEAVE, DUTY = frozenset("can may could allowed permitted".split()), frozenset("must required obliged have has".split())  # noqa: SIM905
"""Words of what one may, and of what one must, where "to" follows "have"."""
_WORD = re.compile(r"[a-z']+")
_I, _THEY = frozenset("i we me us".split()), frozenset("they them he she him".split())  # noqa: SIM905
_LISTING = frozenset("and or vs versus between".split())  # noqa: SIM905
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(WHOSE, "whose"),
    **dict.fromkeys(TURNS, "turn"),
    **dict.fromkeys(_LISTING, "list"),
}
_ORDERING = frozenset("then first before after than".split())  # noqa: SIM905
_BE = frozenset("is are was were be been being get gets got".split())  # noqa: SIM905
_BEFORE = frozenset("a an the my your our his her its their this that these those of in on at for with".split())  # noqa: SIM905

Place = tuple[str, str]
"""A word of a question, and what it is there: "thing", "whose", "turn" or "list"."""


def are_twins(found: QuestionPair) -> bool:
    """True for two questions of nearly the same words."""
    return found.apart <= TWINS


def is_reworded(found: QuestionPair) -> bool:
    """True for two questions in other words: in a long one, more of them must be others."""
    every = len(found.left.tokens) + len(found.right.tokens)
    return found.apart >= max(REWORDED, SHARE * every)


def placed(found: QuestionPair) -> str:
    """One preposition for another: cook for a toddler, cook with one; only if, even if."""
    if not are_twins(found):
        return ""
    one, other = (Counter(word for word in each.tokens if word in PLACING) for each in (found.left, found.right))
    lacking, lacked = set(one - other), set(other - one)
    if not lacking or not lacked or lacking | lacked in ALIKE:
        return ""
    return f"{' '.join(sorted(lacking))} for {' '.join(sorted(lacked))}"


def parted(found: QuestionPair) -> str:
    """Two nouns next to each other, of which one stands in or on the other: a horse trailer, a horse in a trailer."""
    pairs = ((found.left, found.right), (found.right, found.left)) if are_twins(found) else ()
    for one, other in pairs:
        nouns = set(_compounds(one))
        for at, token in enumerate(other.tokens):
            behind = zip(other.stems[at + 1 :], other.content[at + 1 :], strict=True)
            noun = next((word for word, content in behind if content), "")
            if at and token in _INSIDE and token not in one.tokens and (other.stems[at - 1], noun) in nouns:
                return f"{other.stems[at - 1]} {noun} against one {token} the other"
    return ""


def more(found: QuestionPair) -> str:
    """Only one of them says a thing, where hardly any other word differs."""
    if not found.apart or is_reworded(found):
        return ""
    sides = ((found.lone_left, found.right), (found.lone_right, found.left))
    lone = [word for words, other in sides for word in words if not _says_nothing(word, other)]
    lone = lone if are_twins(found) else [word for word in lone if word in _several()]
    lone = [] if lone == [stem("last")] and _long(found.left) and _long(found.right) else lone
    return f"only one says {' '.join(sorted(lone))}" if lone else ""


def _says_nothing(word: str, other: Words) -> bool:
    return word in _put() or word in PLACING or word in JOINING or _slip(word, other)


def _long(one: Words) -> bool:
    return one.tokens[:2] == ("how", "long")


def _slip(word: str, other: Words) -> bool:
    """True if a word is one of the other question's without content, with a letter wrong: frolm and from."""
    little = (token for token, content in zip(other.tokens, other.content, strict=True) if not content)
    return any(distance(word, token) <= 1 for token in little if len(token) > 3 and abs(len(token) - len(word)) < 2)


def which(found: QuestionPair) -> str:
    """The first for every one, one for everyone."""
    one, other = ({*_WORD.findall(each.text.lower())} & EVERY for each in (found.left, found.right))
    parted = are_twins(found) and one - other and other - one
    return f"{min(one - other)} against {min(other - one)}" if parted else ""


def allowed(found: QuestionPair) -> str:
    """What one may against what one must: which fields can be left blank, which have to be."""
    if found.apart > TWINS + 1:
        return ""
    duties = [_duties(each) for each in (found.left, found.right)]
    leaves = [bool(LEAVE.intersection(each.tokens)) for each in (found.left, found.right)]
    parted = any(duties[at] and not leaves[at] and leaves[not at] and not duties[not at] for at in (0, 1))
    return "one asks for a duty, the other for a leave" if parted else ""


def _duties(one: Words) -> bool:
    pairs = zip(one.tokens, (*one.tokens[1:], ""), strict=False)
    return any(token in DUTY and (token not in ("have", "has") or behind == "to") for token, behind in pairs)


def numbered(found: QuestionPair) -> str:
    """One thing, and several of them, where nothing else differs: glass and glasses, the element and the elements."""
    one, other = found.left.tokens, found.right.tokens
    if len(one) != len(other):
        return ""
    unequal = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    plural = len(unequal) == 1 and _singular(unequal[0][0]) == _singular(unequal[0][1])
    return " against ".join(unequal[0]) if plural else ""


def headed(found: QuestionPair) -> str:
    """Only one goes on behind a noun of both: a window motor is no window, and a book's chapter no book."""
    helping = [[token for token in each.tokens if token in _HELPING] for each in (found.left, found.right)]
    if bool(found.lone_left) == bool(found.lone_right) or not are_twins(found) or helping[0] != helping[1]:
        return ""  # with another helping verb, the word is a verb: how long does it last
    one, other = (found.left, found.right) if found.lone_left else (found.right, found.left)
    lone = set(found.lone_left or found.lone_right) - set(found.rare_left or found.rare_right) - _light()
    before = zip(("", *one.stems), (False, *one.content), strict=False)
    nouns = _nouns(other)
    heads = (
        f"{noun} {word}"
        for token, word, (noun, content) in zip(one.tokens, one.stems, before, strict=False)
        if word in lone and content and noun in nouns and token not in PLACING and not token.endswith(_NO_NOUN)
    )
    return next((f"only one says {said}" for said in heads), "")


def done_by(found: QuestionPair) -> str:
    """The same is done by another: if I cancel, if they cancel."""
    one, other = ({*found.left.tokens}, {*found.right.tokens})
    for a, b in ((one, other), (other, one)):
        if are_twins(found) and a & _I and b & _THEY and not a & _THEY and not b & _I:
            return f"{min(a & _I)} against {min(b & _THEY)}"
    return ""


def two_changed(found: QuestionPair) -> str:
    """Two content words changed places in questions of the same words: is every square a rectangle."""
    one, other = (list(dict.fromkeys(each.content_stems)) for each in (found.left, found.right))
    plain = [sorted(token.removesuffix("s") for token in each.tokens) for each in (found.left, found.right)]
    same = plain[0] == plain[1] and found.left.tokens[:1] == found.right.tokens[:1]
    if not same or len(one) != len(other) or {"and", "or"}.intersection(found.left.tokens):
        return ""
    if "than" in found.left.tokens:
        before, behind = ({*each.tokens[: each.tokens.index("than")]} for each in (found.left, found.right))
        return "the sides of than changed places" if before != behind else ""
    places = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    return f"{one[places[0]]} and {one[places[1]]} changed places" if len(places) == 2 else ""


def exchanged(found: QuestionPair) -> str:
    """Two things changed places around another word, or two nouns next to each other: home care, a care home.

    Not where one says with "by" what the other says without, or where things are listed.
    """
    both = (found.left, found.right)
    if not are_twins(found) or _passive(found.left) != _passive(found.right):
        return ""
    one, other = map(_places, both)
    if any(_is_list(each) for each in (one, other)):
        return ""
    words, others = [word for word, _ in one], [word for word, _ in other]
    pivots = (word for word, kind in one if kind != "whose" and words.count(word) == others.count(word) == 1)
    turned = sorted({(b, a) for a, b in _compounds(found.left)} & set(_compounds(found.right)))
    around = (_around(word, one, other) for word in pivots)
    return next(filter(None, (*around, *(f"{a} {b} against {b} {a}" for a, b in turned if a != b))), "")


def _compounds(one: Words) -> list[tuple[str, str]]:
    """The pairs of words with content that stand next to each other."""
    both = zip(one.stems, one.stems[1:], one.content, one.content[1:], strict=False)
    return [(a, b) for a, b, first, second in both if first and second]


def _around(pivot: str, one: Sequence[Place], other: Sequence[Place]) -> str:
    (before, behind), (back, front) = _sides(pivot, one), _sides(pivot, other)
    first, second = (before & front) - behind - back, (behind & back) - before - front
    return f"{min(first)} and {min(second)} changed places around {pivot}" if first and second else ""


def _sides(pivot: str, places: Sequence[Place]) -> tuple[set[str], set[str]]:
    """The words next before the pivot, and those next behind it."""
    at = [word for word, _ in places].index(pivot)
    return set(_things(places[:at])[-NEAR:]), set(_things(places[at + 1 :])[:NEAR])


def _things(places: Sequence[Place]) -> list[str]:
    return [word for word, kind in places if kind in ("thing", "whose")]


def _places(one: Words) -> list[Place]:
    triples = zip(one.tokens, one.stems, one.content, strict=True)
    named = ((word, "thing") if content else (token, _KINDS.get(token, "")) for token, word, content in triples)
    return [(word, kind) for word, kind in named if kind]


def _is_list(places: Sequence[Place]) -> bool:
    """True if things are listed, whose order says nothing; "and then" lists what follows in time."""
    kinds = {kind for _, kind in places}
    return "list" in kinds and _ORDERING.isdisjoint(word for word, kind in places if kind == "turn")


def _passive(one: Words) -> bool:
    return "by" in one.tokens and bool(_BE.intersection(one.tokens[: one.tokens.index("by")]))


def _singular(word: str) -> str:
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word.removesuffix("es")
    return word if word.endswith("ss") else word.removesuffix("s")


def _nouns(one: Words) -> set[str]:
    """The words that end a noun phrase: behind an article, a preposition or another noun, and before no other noun."""
    behind = (*one.content[1:], False)
    found, inside = set(), False
    for token, word, content, goes_on in zip(one.tokens, one.stems, one.content, behind, strict=False):
        if content and inside and not goes_on:
            found.add(word)
        inside = token in _BEFORE or (inside and content)
    return found


@cache
def _several() -> frozenset[str]:
    return frozenset(map(stem, SEVERAL))


@cache
def _put() -> frozenset[str]:
    return frozenset(map(stem, (*PUT.split(), *LIGHT_HEADS.split())))


@cache
def _light() -> frozenset[str]:
    return frozenset(map(stem, LIGHT_HEADS.split()))


TWIN_RULES: tuple[tuple[str, Callable[[QuestionPair], str]], ...] = (
    ("exchanged", exchanged),
    ("placed", placed),
    ("number", numbered),
    ("head", headed),
    ("parted", parted),
    ("done by", done_by),
    ("which", which),
    ("allowed", allowed),
)
"""The gates on questions of nearly the same words, in order."""
