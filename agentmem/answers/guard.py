"""The gates: small differences that change the answer, and that vectors miss.

``RULES`` are in order; the first gate that objects decides. A rule gets two questions, aligned. It says in a few words
why the answer to one is not the answer to the other, or "" if it has no objection.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations, dropwhile, pairwise, takewhile

from agentmem.answers import spelling
from agentmem.answers.affixes import participants, prefixes, turned
from agentmem.answers.antonyms import ANTONYMS
from agentmem.answers.contrasts import ACTS, KINDS, OPPOSITES, QUALIFIERS, REVERSERS, TOWARDS
from agentmem.answers.little_words import particles, prepositions
from agentmem.answers.moves import around, common, converted, modifier, moved
from agentmem.answers.narrowing import narrower
from agentmem.answers.phrasing import PHRASING
from agentmem.answers.quantities import quantity, times
from agentmem.answers.question_form import actor, asks, modality, tense, whose
from agentmem.answers.twins import TWIN_RULES, is_reworded, more, two_changed
from agentmem.answers.voice import of_whom, voice
from agentmem.answers.words import Amount, QuestionPair, Words, stem, table_lines

Rule = tuple[str, Callable[[QuestionPair], str]]
"""A rule's name, and the function that objects to a pair."""

_NO_LACK = frozenset({"regardless", "nevertheless", "nonetheless", "unless"})
_DIRECTIONS = (("from", "to"), ("before", "after"))
_BETWEEN = frozenset("to into from than before after over under by against for with without given".split())  # noqa: SIM905
"""Words whose two sides cannot be exchanged: euros to dollars, cats than dogs."""
_BOUND = re.compile(r"\b(?:under|over|above|below|than|least|most|aged?) (?:one|1)\b", re.IGNORECASE)
_WIDE = frozenset({"than", "without"})
"""Those before which every word counts: quit the editor without saving."""
_SUBJECTS = frozenset("i you we one they he she".split())  # noqa: SIM905
_LIGHT = frozenset("want need like try have start begin to".split())  # noqa: SIM905
"""Verbs before the one that matters: how do I start to paint."""
_STRETCH = 3
"""The most words in one place that are taken for one thing."""
_AUXILIARY = frozenset("do does did is are was were will can could should would must may has have to".split())  # noqa: SIM905


def script(found: QuestionPair) -> str:
    """A letter beyond Latin: only exact keys serve such a question."""
    seen = spelling.foreign_letter(found.left.text) or spelling.foreign_letter(found.right.text)
    return f"{seen} is in a script that is compared only as written" if seen else ""


def symbols(found: QuestionPair) -> str:
    """Other operators, flags or emoji."""
    one, other = spelling.symbols(found.left.text), spelling.symbols(found.right.text)
    if sorted(one) != sorted(other) and _ands(found.left, one) == _ands(found.right, other):
        one, other = (tuple(sign for sign in each if sign != "&") for each in (one, other))
    return _unequal(one, other)


def letters(found: QuestionPair) -> str:
    """Other letters that stand alone: C against R."""
    return _unequal(spelling.letters(found.left.text), spelling.letters(found.right.text))


def amounts(found: QuestionPair) -> str:
    """Other digits, another unit, or another order of them. Two weeks and 14 days are compared by `numbers`."""
    one, other = spelling.amounts(found.left.text), spelling.amounts(found.right.text)
    worded = len(one) < 2 and len(other) < 2 and found.left.numbers == found.right.numbers
    return "" if worded and all(spelling.everyday(each) for each in (*one, *other)) else _unequal(one, other)


def language(found: QuestionPair) -> str:
    """Other words in a language that is not English, where the guard knows no words."""
    same = found.english or spelling.tokens(found.left.text) == spelling.tokens(found.right.text)
    return "" if same else "not both are English, and their words differ"


def numbers(found: QuestionPair) -> str:
    """Different amounts, or an amount on one side only. "One" and "a" are the same."""
    left = [one for one in found.left.numbers if one not in found.right.numbers]
    right = [one for one in found.right.numbers if one not in found.left.numbers]
    for one in list(left):
        other = next((other for other in right if one[0] == other[0] and "" in (one[1], other[1])), None)
        if other:
            left.remove(one)
            right.remove(other)
    if _bounded(found.left) != _bounded(found.right):
        return "only one names a bound of one"
    left, right = [one for one in left if one[0] != 1], [one for one in right if one[0] != 1]
    return f"{_amounts(left)} against {_amounts(right)}" if left or right else ""


def _bounded(one: Words) -> bool:
    """True if "one" is a number in it for certain: under one, at least one."""
    return bool(_BOUND.search(one.text))


def ids(found: QuestionPair) -> str:
    """Different codes: order numbers, versions, error codes."""
    one, other = found.left.ids, found.right.ids
    return "" if one == other else f"{_list(one - other)} against {_list(other - one)}"


def negation(found: QuestionPair) -> str:
    """One of the two has one negation more, or a word that reverses its meaning."""
    no = [_noes(found.left, found.right), _noes(found.right, found.left)]
    if no[0] % 2 == no[1] % 2 or turned(found) or _stuck(found.left, found.right) or _stuck(found.right, found.left):
        return ""
    return "one says no, the other does not"


def antonyms(found: QuestionPair) -> str:
    """A word on one side, and its opposite on the other."""
    places = {at for word in found.only_left | found.only_right for at in _opposite_lines().get(word, ())}
    for left, right in (_opposites()[at] for at in sorted(places)):
        for a, b in ((left, right), (right, left)):
            if (one := found.only_left & a) and (other := found.only_right & b) and not (one & b or other & a):
                return f"{_list(one)} against {_list(other)}"
    return "" if found.left.negations != found.right.negations else turned(found)


def kinds(found: QuestionPair) -> str:
    """Two different things of one kind: Saturday and Sunday, adults and children."""
    for members in _kinds():
        one = {members[word] for word in found.only_left if word in members}
        other = {members[word] for word in found.only_right if word in members}
        if one - other and other - one:
            return f"{_list(found.only_left & set(members))} against {_list(found.only_right & set(members))}"
    return ""


def names(found: QuestionPair) -> str:
    """A name on each side that the other lacks: a capitalised word, or one that is in no vocabulary."""
    one = found.left.names & set(found.lone_left) | set(found.rare_left)
    other = found.right.names & set(found.lone_right) | set(found.rare_right)
    return f"{_list(one)} against {_list(other)}" if one and other else ""


def scope(found: QuestionPair) -> str:
    """Only one of the two is about something narrower: a joint account, my mother, abroad."""
    narrow = _narrow(found.left, found.lone_left) ^ _narrow(found.right, found.lone_right)
    return f"only one says {_list(narrow)}" if narrow else ""


def order(found: QuestionPair) -> str:
    """From A to B, against from B to A."""
    one, other = _roles(found.left), _roles(found.right)
    named = found.left.names | found.right.names
    for a, b in _DIRECTIONS:
        crossed = [word for here, there in ((a, b), (b, a)) if (word := one.get(here)) and word == other.get(there)]
        if len(set(crossed)) == 2 or (len(crossed) == 1 and named.intersection(crossed)):
            return f"{' and '.join(crossed)} changed places"
    return ""


def roles(found: QuestionPair) -> str:
    """Two things changed places: cats chase dogs and dogs chase cats, euros to dollars and dollars to euros."""
    if not found.lone_left and not found.lone_right and (found.only_left | found.only_right) <= _auxiliary():
        places = {word: at for at, word in enumerate(_contents(found.right))}
        shared = [word for word in _contents(found.left) if word in places]
        for a, middle, b in combinations(shared, 3):
            if places[a] > places[middle] > places[b]:
                return f"{a} and {b} changed places"
    crossed = {(b, at, a) for a, at, b in _sides(found.left)} & set(_sides(found.right))
    changed = next((f"{a} and {b} changed places" for a, _, b in sorted(crossed)), "")
    return changed or two_changed(found) or around(found) or _other_verb(found)


def acts(found: QuestionPair) -> str:
    """One creates, the other deletes; one edits a plan, the other changes to it."""
    left, right = _acted(found.left), _acted(found.right)
    one = {name: line for name, line in left.items() if name not in right}
    other = {name: line for name, line in right.items() if name not in left}
    apart = one and other and not set().union(*one.values()) & set().union(*other.values())
    return f"{_list(one)} against {_list(other)}" if apart else ""


def replaced(found: QuestionPair) -> str:
    """Up to three words in one place are replaced by others that are no synonyms, and all else is the same."""
    one, other = found.left.stems, found.right.stems
    before = common(one, other)
    behind = min(common(one[::-1], other[::-1]), len(one) - before, len(other) - before)
    left, right = one[before : len(one) - behind], other[before : len(other) - behind]
    lone = set(found.lone_left), set(found.lone_right)
    apart = _elsewhere(left, right, found.right, lone[0]), _elsewhere(right, left, found.left, lone[1])
    swapped = all(apart) and lone[0] <= set(left) and lone[1] <= set(right) and found.matched
    return f"{' '.join(left)} for {' '.join(right)}" if swapped and max(len(left), len(right)) <= _STRETCH else ""


def swap(found: QuestionPair) -> str:
    """One content word is replaced by another that is not its synonym."""
    one, other = found.lone_left, found.lone_right
    return f"{one[0]} for {other[0]}" if len(one) == len(other) == 1 and found.matched else ""


FORM: tuple[Rule, ...] = (
    ("script", script),
    ("symbols", symbols),
    ("letters", letters),
    ("amounts", amounts),
    ("language", language),
)
"""The gates that read letters and signs."""

WORDS: tuple[Rule, ...] = (
    ("ids", ids),
    ("numbers", numbers),
    ("negation", negation),
    ("antonyms", antonyms),
    ("kinds", kinds),
    ("names", names),
    ("scope", scope),
    ("order", order),
    ("roles", roles),
    ("actor", actor),
    ("asks", asks),
    ("whose", whose),
    ("tense", tense),
    ("modality", modality),
    ("quantity", quantity),
    ("time of", times),
    ("voice", voice),
    ("of whom", of_whom),
    ("particle", particles),
    ("preposition", prepositions),
    ("narrower", narrower),
    ("prefix", prefixes),
    ("participant", participants),
    ("acts", acts),
    ("converted", converted),
    *TWIN_RULES,
)
"""The gates that read words."""

STANDING: tuple[Rule, ...] = (("moved", moved), ("modifier", modifier), ("more", more), *PHRASING)
"""The gates on what stands where, and on what stands in one of the two alone."""

RULES: tuple[Rule, ...] = (*FORM, *WORDS, ("swap", replaced), *STANDING)
"""The gates of a cache with a spelling check."""

PLAIN: tuple[Rule, ...] = (*FORM, *WORDS, ("swap", swap), *STANDING)
"""The gates with a stricter swap, for a cache without a spelling check, and so without the default embedder."""


ABOUT = (
    "ids",
    "numbers",
    "negation",
    "antonyms",
    "kinds",
    "names",
    "prefix",
    "participant",
    "acts",
    "modifier",
    "swap",
)
_ASKED = ("asks", "converted", "whose", "quantity", "modality", "scope", "narrower")
SAID = frozenset({*ABOUT, *_ASKED, *(name for name, _ in FORM)})
"""The gates on what is asked, and about what, which hold in whatever words; the others read how it is put."""


def objection(found: QuestionPair, rules: Sequence[Rule] = RULES) -> tuple[str, str]:
    """(rule, why) of the first rule that objects to serving one question's answer for the other; else ("", "").

    Questions in other words are asked by the gates of SAID only.
    """
    if found.left.text == found.right.text:
        return "", ""
    reworded = is_reworded(found)
    return first((one for one in rules if one[0] in SAID or not reworded), found)


def first(rules: Iterable[Rule], found: QuestionPair) -> tuple[str, str]:
    """(rule, why) of the first of these rules that objects, whatever the words; else ("", "")."""
    objections = ((name, rule(found)) for name, rule in rules)
    return next(((name, why) for name, why in objections if why), ("", ""))


def _elsewhere(here: Sequence[str], there: Sequence[str], other: Words, lone: set[str]) -> list[str]:
    """The content words of a stretch that the other question lacks, or has at another place only."""
    content = other.content_stems
    return [word for word in here if word in lone or (word in content and word not in there)]


def _narrow(one: Words, lone: Iterable[str]) -> set[str]:
    """The lone words that narrow: the table's, compounds with a hyphen, and free between two words: sugar free gum."""
    compounds = {
        stem(token) for token in one.tokens if "-" in token or (token.endswith("less") and token not in _NO_LACK)
    }
    places = list(zip(one.content, (*one.content[2:], False), one.stems[1:], strict=False))
    free = {word for before, behind, word in places if before and behind and word == stem("free")}
    return {word for word in lone if word in _qualifiers() or word in compounds or word in free}


def _ands(one: Words, signs: Sequence[str]) -> int:
    """How often a question says "and", in letters or as a sign."""
    return one.tokens.count("and") + signs.count("&")


def _contents(one: Words) -> list[str]:
    return list(dict.fromkeys(one.content_stems))


def _sides(one: Words) -> Iterator[tuple[str, str, str]]:
    """The content words before and after each word in _BETWEEN, with that word. Before "than" every word counts."""
    triples = list(zip(one.tokens, one.stems, one.content, strict=True))
    for at, (token, _, _) in enumerate(triples):
        if token in _BETWEEN:
            before = [stem for _, stem, keep in triples[:at] if keep]
            run = _run(reversed(triples[:at]))
            for word in before if token in _WIDE else run:
                yield from ((word, token, after) for after in _run(triples[at + 1 :]) if word != after)


def _run(triples: Iterable[tuple[str, str, bool]]) -> list[str]:
    """The stems of the first content words that follow each other, behind any words without content."""
    behind = dropwhile(lambda one: not one[2], triples)
    return [stem for _, stem, _ in takewhile(lambda one: one[2], behind)]


def _other_verb(found: QuestionPair) -> str:
    """What one does is another verb, and all else is the same: make a starter, feed one; migrate a test, test it."""
    one, other = _verb(found.left), _verb(found.right)
    if not one or not other or one == other:
        return ""
    lone = {*found.lone_left, *found.lone_right}
    exchanged = not lone and _made_of(one, found.right) and _made_of(other, found.left)
    made = len(lone) == 1 and lone < {one, other} and stem("make") in {one, other} - lone
    return f"{one} against {other}" if exchanged or made else ""


def _made_of(verb: str, other: Words) -> bool:
    """True if a question has the verb, or a noun that is made of it: migrate, migration."""
    return any(min(len(one), len(verb)) > 3 and one[: len(verb)] == verb[: len(one)] for one in other.content_stems)


def _verb(one: Words) -> str:
    """The stem of the verb of "how do I paint", or "how do I start to paint"."""
    if one.tokens[:1] != ("how",) or one.tokens[1:2] == () or one.tokens[1] not in _AUXILIARY:
        return ""
    behind = list(zip(one.tokens[3:], one.stems[3:], strict=True)) if {*one.tokens[2:3]} <= _SUBJECTS else []
    return next((word for token, word in behind if token not in _LIGHT), "")


def _acted(one: Words) -> dict[str, frozenset[int]]:
    """The acts of a question's verbs, by their stems. A change to something is a switch."""
    found: dict[str, frozenset[int]] = {}
    for at, word in enumerate(one.stems):
        if one.tokens[at + 1 : at + 2] in (("to",), ("from",)) and word in _towards():
            found[f"{word} to"] = _act_lines()[stem("switch")]
        elif word in _act_lines():
            found[word] = _act_lines()[word]
    return found


def _stuck(one: Words, other: Words) -> bool:
    """True if one says "I cannot do it", which asks for help as "I want to do it" does, and the other no "I can"."""
    able = ("i", "can") in pairwise(other.tokens) and "how" not in other.tokens
    return one.tokens[:3] == ("i", "can", "not") and one.negations == 1 and not able


def _noes(one: Words, other: Words) -> int:
    """The negations of a question, and its words of reversal that the other lacks."""
    return one.negations + len(_reversers().intersection(one.stems) - set(other.stems)) + _kept_from(one)


def _kept_from(one: Words) -> bool:
    """True for "keep it from turning brown", which stops it."""
    return "keep" in one.stems and "from" in one.tokens[one.stems.index("keep") :]


def _roles(one: Words) -> dict[str, str]:
    """The content word after each word of direction, such as "from"."""
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
    sides = (*(line.split("|") for line in table_lines(OPPOSITES)), *(one.split("/") for one in ANTONYMS.split()))
    return tuple((frozenset(map(stem, a.split())), frozenset(map(stem, b.split()))) for a, b in sides)


@cache
def _opposite_lines() -> dict[str, list[int]]:
    """The lines in which a word stands, so that a pair reads only its own."""
    found: dict[str, list[int]] = {}
    for at, (left, right) in enumerate(_opposites()):
        for word in left | right:
            found.setdefault(word, []).append(at)
    return found


@cache
def _kinds() -> tuple[dict[str, int], ...]:
    return tuple(
        {stem(word): at for at, member in enumerate(line.split(",")) for word in member.split()}
        for line in table_lines(KINDS)
    )


@cache
def _act_lines() -> dict[str, frozenset[int]]:
    lines = [frozenset(map(stem, line.split())) for line in table_lines(ACTS)]
    return {word: frozenset(at for at, line in enumerate(lines) if word in line) for word in frozenset().union(*lines)}


@cache
def _towards() -> frozenset[str]:
    return frozenset(map(stem, TOWARDS.split()))


@cache
def _auxiliary() -> frozenset[str]:
    return frozenset(map(stem, _AUXILIARY))


@cache
def _qualifiers() -> frozenset[str]:
    return frozenset(map(stem, QUALIFIERS.split()))


@cache
def _reversers() -> frozenset[str]:
    return frozenset(map(stem, REVERSERS.split()))


def _unequal(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    return "" if one == other else f"{' '.join(one) or 'none'} against {' '.join(other) or 'none'}"


def _amounts(found: list[Amount]) -> str:
    return ", ".join(f"{value:g}{unit and ' ' + unit}" for value, unit in found) or "none"


def _list(found: Iterable[str]) -> str:
    return ", ".join(sorted(found)) or "none"
