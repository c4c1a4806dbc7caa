"""Gates on the words of the closed classes: prepositions and particles.

They carry no content alone, yet one of them for another is another question: before and at closing, hire and hire out.
The tables hold whole classes of English grammar, one group a
line.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise

from agentmem.answers.words import QuestionPair, Words, stem, table_lines

Groups = Mapping[str, frozenset[int]]
"""Words, each with the places of the groups in which it stands."""

PREPOSITIONS = """
to in at on of for with by into onto within inside via through toward towards around over across between among amongst
about regarding concerning of on for with in around over
under in at on of for by about within
between vs versus against
from between of in at on by out_of off since with because_of
from against
before prior_to ahead_of until till by
until till up_to to through by
after following once past since upon on behind
since from after starting
during while whilst in within throughout over at on for
over above beyond past across
under below beneath underneath
outside out_of off beyond
without
with including along_with together_with
except excluding besides but apart_from other_than
besides in_addition_to as_well_as plus including with
despite
because_of due_to for
instead_of rather_than
against versus vs
near by next_to close_to beside around
behind of about in
in_front_of
as
after by
after in
after of
after for
after with
"""
"""Prepositions that may stand for each other, a group a line. Two of no common line mean different things."""

PHRASES = """
up to, prior to, ahead of, out of, as of, because of, due to, apart from, other than, in addition to, as well as,
along with, together with, instead of, rather than, next to, close to, in front of
"""
"""Prepositions of several words."""

PARTICLES = """
in on into onto
up
down
off
out
over
back
away
"""
"""Particles behind a verb that may stand for each other, a group a line."""

REVERSED = (("in", "out"), ("up", "down"), ("on", "off"))
"""Particles of which one undoes what the other does."""

CHANGES = """
out off back over away
up: give make break hang bring take throw put turn look call pick act blow hold
down: turn let put take break stand bring knock
"""
"""Particles that make another verb of the one before them: any verb, or those listed."""

COMPLETES = """
out: find fill print write try carry figure sort point start ship send mail test clean clear empty eat spread stretch
  help map lay spell search seek go get
off: send finish pay cut start kick mark cool dry wash wipe peel go
back: return claim get go come revert
over: transfer move switch ship change bring come go
away: go throw
"""
"""Verbs with such a particle that mean about what they mean without it."""

STEP = frozenset("the a an my your our their his her its of these those that".split())  # noqa: SIM905
"""Words that may stand between a word of amount and its noun, or that no particle follows."""
_FROM = frozenset("unsubscribe unsubscribing unsubscribed resign withdraw withdrawing".split())  # noqa: SIM905
_PERSONS = frozenset("i you we they he she it me us them him everybody somebody".split())  # noqa: SIM905
_MEANS = frozenset({"by", "with", "without", "against"})
_USING = frozenset({"use", "using", "via", "through"})


def prepositions(found: QuestionPair) -> str:
    """Another preposition before the same word, or at the same place: before closing, at closing; up to, from 50."""
    one, other = _governed(found.left), _governed(found.right)
    for word in one.keys() & other.keys():
        if all(apart(groups(PREPOSITIONS), a, b) for a in one[word] for b in other[word]):
            return f"{', '.join(sorted(one[word]))} against {', '.join(sorted(other[word]))} {word}"
    return _by_means(found, one, other) or _at_one_place(*sorted((_joined(found.left), _joined(found.right))))


def particles(found: QuestionPair) -> str:
    """Another particle behind the same verb, or one that makes another verb of it: sign up and sign in, hire out."""
    return _reversed(found) or _followed_apart(found) or instead(found, _verbal())


def _reversed(found: QuestionPair) -> str:
    """A particle that reverses the verb before it, whatever else is said: log in, log out."""
    one, other = set(pairwise(found.left.stems)), set(pairwise(found.right.stems))
    for a, b in REVERSED:
        for here, there in ((a, b), (b, a)):
            if verbs := {verb for verb, at in one if at == here} & {verb for verb, at in other if at == there}:
                return f"{min(verbs)} {here} against {there}"
    return ""


def _followed_apart(found: QuestionPair) -> str:
    if found.lone_left or found.lone_right:
        return ""
    one, other = _followed(found.left), _followed(found.right)
    for verb in one.keys() & other.keys():
        a, b = one[verb], other[verb]
        if (a or b) in found.left.tokens and (a or b) in found.right.tokens:
            continue  # roll it over
        if a and b and apart(groups(PARTICLES), a, b):
            return f"{verb} {a} against {verb} {b}"
        if bool(a) != bool(b) and _changes(verb, a or b):
            return f"only one says {verb} {a or b}"
    return ""


def _by_means(found: QuestionPair, one: dict[str, set[str]], other: dict[str, set[str]]) -> str:
    """A thing behind the same verb with such a preposition and without any: pay by invoice, pay an invoice."""
    for here, there, words, others in ((one, other, found.left, found.right), (other, one, found.right, found.left)):
        for noun in here.keys() - there.keys():
            behind = [set(pairwise(each.content_stems)) for each in (words, others)]
            if (
                here[noun] <= _MEANS
                and not _USING.intersection(others.tokens)
                and {at for at, to in behind[0] & behind[1] if to == noun}
            ):
                return f"only one says {', '.join(sorted(here[noun]))} {noun}"
    return ""


def _governed(one: Words) -> dict[str, set[str]]:
    """The prepositions before each content word."""
    found: dict[str, set[str]] = {}
    waiting = ""
    tokens, content = _joined(one), frozenset(one.content_stems)
    for token in tokens:
        if token in groups(PREPOSITIONS):
            waiting = token
        elif waiting and stem(token) in content:
            found.setdefault(stem(token), set()).add(waiting)
            waiting = ""
    return found


def _at_one_place(one: Sequence[str], other: Sequence[str]) -> str:
    """A preposition where the other question has one of another group, and the words around are the same."""
    for tag, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        left, right = one[a:b], other[c:d]
        single = tag == "replace" and len(left) == len(right) == 1
        if single and ({*left, *right} == {"and", "or"} or apart(groups(PREPOSITIONS), left[0], right[0])):
            return f"{left[0]} against {right[0]}"
    return ""


def _joined(one: Words) -> list[str]:
    """The words in their order, prepositions of several words as one. Behind a verb of one direction, to is from."""
    text = f" {' '.join(one.tokens)} "
    tokens = _phrases().sub(lambda found: found[0].replace(" ", "_"), text).split()
    around = zip(("", *tokens), tokens, (*tokens[1:], ""), strict=False)
    return [_meant(*one) if one[1] == "to" else one[1] for one in around]


def _meant(before: str, token: str, after: str) -> str:
    """What "to" says: behind a verb of one direction from, before an article towards; else little."""
    return "from" if before in _FROM else "towards" if after in STEP else token


def _followed(one: Words) -> dict[str, str]:
    """Each word that a particle may follow, with the particle or ""."""
    pairs = zip(one.tokens, (*one.tokens[1:], ""), one.stems, strict=False)
    return {
        verb: after if after in groups(PARTICLES) else ""
        for token, after, verb in pairs
        if token not in groups(PARTICLES) and token not in groups(PREPOSITIONS) and token not in STEP | _PERSONS
    }


@cache
def _verbal() -> Groups:
    """The particles that are seldom prepositions: of these one is never the other, wherever it stands."""
    first = next(iter(groups(PARTICLES).values()))
    return {word: own for word, own in groups(PARTICLES).items() if own != first}


def _changes(verb: str, particle: str) -> bool:
    """True if the particle makes another verb of this one."""
    verbs = _verbs(CHANGES).get(particle)
    return (
        verbs is not None and (not verbs or verb in verbs) and verb not in _verbs(COMPLETES).get(particle, frozenset())
    )


def apart(table: Groups, one: str, other: str) -> bool:
    """True if both words are in groups, and in none together. To may also stand before a verb, and then says little."""
    if "to" in (one, other) and not {"from", "out_of", "off"} & {one, other}:
        return False
    return one in table and other in table and not table[one] & table[other]


def instead(found: QuestionPair, table: Groups, alike: Callable[[str, str], bool] = operator.eq) -> str:
    """A word of one group stands where the other question has one of another group, and all else is the same."""
    one, other = found.left, found.right
    if len(one.stems) != len(other.stems):
        return ""
    words = zip(one.tokens, one.stems, other.tokens, other.stems, strict=True)
    differ = [(token, to) for token, stem, to, to_stem in words if stem != to_stem]
    if len(differ) != 1 or alike(*differ[0]):
        return ""
    return " against ".join(differ[0]) if apart(table, *differ[0]) else ""


@cache
def groups(table: str) -> Groups:
    """Each word of a table, with the places of its groups."""
    lines = [line.split() for line in table_lines(table)]
    every = dict.fromkeys(word for line in lines for word in line)
    return {word: frozenset(at for at, line in enumerate(lines) if word in line) for word in every}


@cache
def _verbs(table: str) -> dict[str, frozenset[str]]:
    """The verbs of each particle in a table; none: any verb."""
    found = dict[str, frozenset[str]]()
    for line in table_lines(table):
        particle, _, verbs = line.rpartition(":")
        listed = frozenset(map(stem, verbs.split())) if particle else frozenset[str]()
        found |= dict.fromkeys(particle.split() or verbs.split(), listed)
    return found


@cache
def _phrases() -> re.Pattern[str]:
    phrases = (one.strip() for one in PHRASES.replace("\n", " ").split(","))
    return re.compile(rf"(?<= )(?:{'|'.join(phrases)})(?= )")
