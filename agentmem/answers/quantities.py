"""The gates on how much or how many of a thing a question is about, and on which of its times.

Both parents are not one parent, part of a file is not a file, and last month is not this month. The tables hold whole
classes of English grammar, one group a line.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from agentmem.answers.little_words import STEP, Groups, apart, groups, instead
from agentmem.answers.words import QuestionPair, Words, stem

AMOUNTS = """
all every each whole entire
some any few several certain other another
both
either
neither no none
one single
only just
most
half
part portion fraction
another other
"""
"""Words that say how much or how many of a thing, a group a line. One and any stand for each other as well."""

TIMES = """
this current present ongoing
next following coming upcoming
last previous past preceding prior
every each per
"""
TIMED = """
second minute hour day week fortnight month quarter year decade century season term semester weekend night morning
afternoon evening spring summer autumn fall winter monday tuesday wednesday thursday friday saturday sunday january
february march april may june july august september october november december christmas easter
"""
"""Words that place a time, a group a line, and the nouns before which they do."""

OPENERS = frozenset("do does did is are was were can could will would should must may has have".split())  # noqa: SIM905
"""Words that open a question to be answered by yes or no."""
_OPENED = (
    ("only", frozenset({"only", "just"})),
    ("all", frozenset({"all", "every", "each"})),
    ("any", frozenset({"any", "some"})),
    ("most", frozenset({"most"})),
    ("none", frozenset({"no"})),
)
"""What such a question may be about, by a word near its beginning."""
_NEAR = 4
"""The word stands before this place."""
_LISTING = ("what", "which", "who")
"""Behind these, all of them and some of them are answered alike: what are all the pools."""
_SAME = frozenset({"one", "single", "any", "some"})
_PARTS = frozenset({"part", "portion", "fraction"})
_STRESS = frozenset("only just exactly solely exclusively purely merely".split())  # noqa: SIM905


def quantity(found: QuestionPair) -> str:
    """All against any, both against one, or a part; or such a word alone is another: in all, in one."""
    one, other = _opened(found.left), _opened(found.right)
    if one != other and "only" in (one, other):
        return "one says only, the other does not"
    if one and other and one != other:
        return f"{one} against {other}"
    degrees = _degree(found.left), _degree(found.right)
    if "" not in degrees and degrees[0] != degrees[1]:
        return " against ".join(degrees)
    stressed = _stressed(found.left), _stressed(found.right)
    if stressed[0] != stressed[1]:
        return f"only one says {stressed[0] or stressed[1]}"
    return next(_of_nouns(found), "") or instead(found, groups(AMOUNTS), _alike)


def times(found: QuestionPair) -> str:
    """One says last month, the other this month or none."""
    placed = [_placed(found.left), _placed(found.right)]
    for noun in {stem(token) for token in found.left.tokens} & {stem(token) for token in found.right.tokens}:
        a, b = placed[0].get(noun, ""), placed[1].get(noun, "")
        if a != b and noun in _timed() and ((a and b) or {a, b} & {"next", "last"}):
            return f"{a or 'no'} against {b or 'no'} {noun}"
    return ""


def _of_nouns(found: QuestionPair) -> Iterator[str]:
    """The nouns of both of which one asks about another amount."""
    one, other = (_before_nouns(each, groups(AMOUNTS)) for each in (found.left, found.right))
    listed = found.left.tokens[0] in _LISTING and found.right.tokens[0] in _LISTING if one and other else False
    for noun in sorted(one.keys() & other.keys()):
        a, b = one[noun], other[noun]
        if apart(groups(AMOUNTS), a, b) and not _alike(a, b) and not (listed and {a, b} & {"all", "every"}):
            yield f"{a} against {b} {noun}"
    for here, words in ((one, found.right), (other, found.left)):
        for noun in sorted(here):
            if here[noun] in _PARTS and noun in words.content_stems and not _PARTS.intersection(words.tokens):
                yield f"only one says {here[noun]} of {noun}"


def _alike(one: str, other: str) -> bool:
    """True for one and any, which stand for each other."""
    return {one, other} <= _SAME


def _opened(one: Words) -> str:
    """How many of a kind a question is about: are all, are any, can only."""
    if not one.tokens or one.tokens[0] not in OPENERS:
        return ""
    return next((name for name, words in _OPENED if words.intersection(one.tokens[1:_NEAR])), "")


def _before_nouns(one: Words, table: Groups) -> dict[str, str]:
    """Each content word before which a word of a group stands, with that word; articles may stand between."""
    found: dict[str, str] = {}
    waiting = before = ""
    for token, stemmed, keep in zip(one.tokens, one.stems, one.content, strict=True):
        if token in table and not (token in _PARTS and before in _LISTING):
            waiting = token
        elif waiting and keep:
            found.setdefault(stemmed, waiting)
            waiting = ""
        elif token not in STEP:
            waiting = ""
        before = token
    return found


def _degree(one: Words) -> str:
    """How two things are compared: older than, as old as."""
    if "than" in one.tokens:
        return "than"
    places = [at for at, token in enumerate(one.tokens) if token == "as"]
    return "as" if any(b - a == 2 for a, b in pairwise(places)) else ""


def _stressed(one: Words) -> str:
    """The word behind a verb or a noun that says that it is nothing else: contain exactly, delete only."""
    pairs = zip(one.content, one.tokens[1:], strict=False)
    return next((token for content, token in pairs if content and token in _STRESS), "")


def _placed(one: Words) -> dict[str, str]:
    """Each time that a question names, with the group of the word before it."""
    table = groups(TIMES)
    pairs = zip(one.tokens, one.stems[1:], strict=False)
    return {noun: _name(table, word) for word, noun in pairs if word in table and noun in _timed()}


def _name(table: Groups, word: str) -> str:
    """The first word of the group of a word."""
    return next(each for each in table if table[each] == table[word])


@cache
def _timed() -> frozenset[str]:
    return frozenset(map(stem, TIMED.split()))
