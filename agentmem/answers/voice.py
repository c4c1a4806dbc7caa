"""Gates on who does it to whom, and on whose relation one is: I charge, I am charged; my cousin's child, my cousin."""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from agentmem.answers.lexicon import IRREGULAR, IRREGULAR_VERBS
from agentmem.answers.words import QuestionPair, Words, stem

_SUBJECTS = ({"i", "we"}, {"they", "he", "she"})
_OBJECTS = ({"me", "us"}, {"them", "him"})
_WHO = ("who", "what", "which")
_DO = ("do", "does", "did")
_BE = frozenset("is are was were be been being am".split())  # noqa: SIM905
_GET = frozenset("get gets got getting".split())  # noqa: SIM905
_SPEAKERS = frozenset("i you we they he she".split())  # noqa: SIM905
_DOING = _SPEAKERS | {"have", "has", "had", "having"}
"""Words right behind which a participle is no passive: I blocked, I have blocked."""
_OPENS = frozenset("to a an the my your our his her their this that".split())  # noqa: SIM905
_BEFORE_PASSIVE = 3
"""Words between a form of be and the participle: the subject, and another word."""
_ONESELF = """
register enrol enroll subscribe unsubscribe verify marry divorce dress move wash prepare qualify insure vaccinate engage
log sign involve connect start ship process
"""
"""Verbs of which one is the subject either way: to register, and to be registered."""
_POSSESSED = re.compile(r"([^\W\d_]+)['’]s? ([^\W\d_]+)")
_OF = re.compile(r"([^\W\d_]+) of (?:a|an|the|my|your|our|his|her|their) ([^\W\d_]+)")
_KIN = """
mother mum mom father dad parent stepmother stepfather son daughter child kid baby brother sister sibling husband wife
spouse partner aunt uncle cousin niece nephew grandmother grandfather grandparent grandson granddaughter grandchild
fiancé fiancée boyfriend girlfriend ex boss manager employer employee landlord tenant friend neighbour neighbor teacher
"""
"""Those who have relations: my cousin's child is another person than my cousin."""


def voice(found: QuestionPair) -> str:
    """Who does it and to whom it is done changed places: who killed him, whom did he kill; by whom it is done."""
    one, other = (set(each.tokens) for each in (found.left, found.right))
    for a, b in ((one, other), (other, one)):
        if a & _SUBJECTS[0] and a & _OBJECTS[1] and b & _SUBJECTS[1] and b & _OBJECTS[0] and not a & _OBJECTS[0]:
            return "one is about what they do, the other about what is done to them"
    return _exchanged(found, found.left.content_stems, found.right.content_stems) or _suffered(found)


def _exchanged(found: QuestionPair, one: Sequence[str], other: Sequence[str]) -> str:
    if sorted(one) != sorted(other):
        return ""
    by = ["by" in each.tokens for each in (found.left, found.right)]
    if by[0] != by[1] and _BE.intersection((found.left if by[0] else found.right).tokens):
        passive = found.left if by[0] else found.right
        if (one == other and len(one) > 2) or (one != other and _controlled(passive)):
            return "one says what is done by it, the other what it does"
        return ""
    inverted = [_inverted(each) for each in (found.left, found.right)]
    apart = None not in inverted and inverted[0] != inverted[1] and one != other
    return "one asks who does it, the other to whom it is done" if apart else ""


def _controlled(passive: Words) -> bool:
    """True if a verb with a subject of its own stands before "to be": who refuses to be treated is not the doctor."""
    triples = zip(passive.content, passive.tokens[1:], passive.tokens[2:], strict=False)
    return any(content and (to, be) == ("to", "be") for content, to, be in triples)


def _inverted(one: Words) -> bool | None:
    """Whether a question for a thing has do before its subject: what did he do, against what happened."""
    if not one.tokens or one.tokens[0] not in _WHO or _BE.intersection(one.tokens):
        return None
    return any(token in _DO for token in one.tokens[1:4])


def _suffered(found: QuestionPair) -> str:
    """The same speaker does it, and it is done to that one: can I charge, can I be charged."""
    acted = [dict(_verbs(each)) for each in (found.left, found.right)]
    for verb in sorted(acted[0].keys() & acted[1].keys()):
        (who, passive), (other, also) = acted[0][verb], acted[1][verb]
        if who == other and passive != also:
            return f"one is about what is done to {who}, the other about what {who} does"
    return ""


def _verbs(one: Words) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Each word that may be a verb, with what may be its subject, and whether it is passive."""
    who, since = "", len(one.tokens)
    for at, (token, word, content) in enumerate(zip(one.tokens, one.stems, one.content, strict=True)):
        if token in _BE or token in _GET:
            since = at
        elif token in _SPEAKERS or word in one.names:
            who = word
        elif token in _OPENS and who not in _SPEAKERS:
            who = ""  # the refund is nobody's doing in "request a refund", nor is it known who is to be refunded
        elif content:
            passive = at - since <= _BEFORE_PASSIVE and since < at and _participle(token)
            active = at > 0 and one.tokens[at - 1] in _DOING
            if who and word not in _reflexive() and (passive or active or not _participle(token)):
                yield word, (who, passive)
            goes_on = who in _SPEAKERS and one.tokens[at + 1 : at + 2] == ("to",)  # I prepare to be interviewed
            who, since = who if goes_on else word, len(one.tokens)


def _participle(token: str) -> bool:
    """True if a word may be a participle: charged, beaten."""
    return token.endswith("ed") or token in _past()


@cache
def _past() -> frozenset[str]:
    return frozenset(form for verb in IRREGULAR_VERBS.split(",") for form in verb.split()[1:]) | IRREGULAR.keys()


@cache
def _reflexive() -> frozenset[str]:
    return frozenset(map(stem, _ONESELF.split()))


@cache
def _kin() -> frozenset[str]:
    return frozenset(map(stem, _KIN.split()))


def of_whom(found: QuestionPair) -> str:
    """One is about the child of my cousin, the other about my cousin and my child."""
    for one, other in ((found.left, found.right), (found.right, found.left)):
        for owner, owned in sorted(_owned(one.text) - _owned(other.text)):
            if {owner, owned} <= {*other.stems}:
                return f"only one is about the {owned} of the {owner}"
    return ""


@lru_cache(maxsize=65_536)
def _owned(text: str) -> frozenset[tuple[str, str]]:
    """Whose relation: the stems of both, with an apostrophe or with "of"."""
    low = text.lower()
    pairs = [*_POSSESSED.findall(low), *((owner, owned) for owned, owner in _OF.findall(low))]
    found = ((stem(owner), stem(owned)) for owner, owned in pairs)
    return frozenset((owner, owned) for owner, owned in found if owner in _kin() and owned in _kin())
