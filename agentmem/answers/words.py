"""Reads a question for the guard: removes words without content, and turns numbers into values and words into stems.

It is fast and uses no model. Results are cached, because the same entries are candidates again and again.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from agentmem.answers.false_forms import own_forms
from agentmem.answers.lexicon import (
    CONTRACTIONS,
    FORMS,
    FUNCTION,
    NEGATIONS,
    NUMBERS,
    PLEASANTRIES,
    SCALES,
    SYNONYMS,
    UNITS,
    plain_forms,
)
from agentmem.answers.spelling import Spells, amounts, english, joined_initials, spelt
from agentmem.answers.typos import misspelt

_TOKEN = re.compile(r"[£$€]?\d[\d,]*(?:\.\d+)?(?::\d\d)?%?|[^\W\d_]+(?:['-][^\W\d_]+)*|\w+")
_ID = re.compile(r"\b(?=[\w./#@-]*\d)(?=[\w./#@-]*[A-Za-z])[\w#@][\w./#@-]*\w\b")
_AMOUNT = re.compile(r"([£$€]?)(\d[\d,]*(?:\.\d+)?)(?::(\d\d))?\s?-?([a-z%]+)?")
_SUFFIXES = (
    ("ational", "ate"), ("ization", "ize"), ("isation", "ize"), ("iveness", "ive"), ("fulness", "ful"),
    ("ations", ""), ("ation", ""), ("ities", ""), ("ments", ""), ("ment", ""), ("ings", ""), ("ing", ""),
    ("ions", ""), ("ion", ""), ("ally", ""), ("ality", ""), ("ity", ""), ("ies", "y"), ("ied", "y"), ("ers", ""),
    ("ves", "f"), ("als", ""), ("al", ""), ("er", ""), ("ed", ""), ("ly", ""), ("es", ""), ("s", ""), ("ie", "y"),
)  # fmt: skip
_INFLECTED = ("ing", "ings", "ed")
_DERIVED = frozenset("e l al at anc enc ion ional or er ed ing iv y abl est".split())  # noqa: SIM905
"""What a word's stem may have behind another's, if it is made from it: renew and renewal. Plan and plant are two."""
_VOWEL = re.compile("[aeiouy]")
_MARKS = re.compile(r"[^\w\s'£$€%:.,/#@-]|(?<!\d)[.,:/]|[.,:/](?!\d)")
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_INITIALS = re.compile(r"\b[A-Z]{2,6}\b")
_SCALED = 100
"""From this value on, "and" joins a number to the next one: two hundred and five."""

Amount = tuple[float, str]
"""A number and its unit; "" if it has none."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a question. ``tokens`` are the plain words in order, ``stems`` their stems.

    ``content`` marks those with meaning. ``numbers`` are amounts with their units. ``negations`` counts negations.
    ``names`` are the stems of words with a capital inside the sentence.
    """

    tokens: tuple[str, ...]
    stems: tuple[str, ...]
    content: tuple[bool, ...]
    numbers: tuple[Amount, ...]
    ids: frozenset[str]
    negations: int
    names: frozenset[str]
    text: str

    @property
    def content_stems(self) -> tuple[str, ...]:
        """The stems of the words with meaning, in order."""
        return tuple(one for one, keep in zip(self.stems, self.content, strict=True) if keep)


@lru_cache(maxsize=65_536)
def words(text: str) -> Words:
    """The words of a question."""
    plain = _plain(text)
    ids = frozenset(_ids(text))
    tokens = tuple(_TOKEN.findall(plain))
    numbers, rest = _numbers(tokens)
    stems = tuple(map(stem, rest))
    names = _names(text)
    content = tuple(
        one in names or (token not in _function() and token not in NEGATIONS)
        for one, token in zip(stems, rest, strict=True)
    )
    negations = sum(token in NEGATIONS or token.endswith("n't") for token in rest)
    return Words(rest, stems, content, numbers, ids, negations, names, text)


@lru_cache(maxsize=65_536)
def meaning(text: str) -> frozenset[str]:
    """The stems of a text's content words; all stems if it has none."""
    found = words(text)
    return frozenset(found.content_stems or found.stems)


def same_slots(left: str, right: str) -> bool:
    """True if two questions have the same amounts, codes and names. If not, one's answer is not the other's.

    A name of one may stand without its capital in the other, or as its initials.
    """
    one, other = words(left), words(right)
    here, there = _named(one, other), _named(other, one)
    _spelt_out(here, one, there, other)
    _spelt_out(there, other, here, one)
    named = not here and not there
    return named and one.ids == other.ids and sorted(amounts(left)) == sorted(amounts(right))


def _named(one: Words, other: Words) -> "list[Word]":
    """The names of a question that the other lacks."""
    return [each for each in _content(one) if each[0] in one.names and each[0] not in other.stems]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The word without its endings: a light stemmer after Porter (1980). It is cruder, but the same for both sides."""
    word = word.removesuffix("'s").replace("-", "")
    word = plain_forms().get(word, word)
    if own := own_forms().get(word):
        return own
    found = _cut(word)
    if word.endswith(_INFLECTED) and found.endswith("er"):
        found = _cut(found)  # entering, as enter
    found = found.removesuffix("e") if len(found) > 3 else found
    if found in function_words() and word not in _function():
        return word.removesuffix("s")  # butter is no "but"
    return found


def _cut(word: str) -> str:
    """The word without its first ending that is found."""
    if len(word) < 4:
        return word
    for ending, put in _SUFFIXES:
        if (
            word.endswith(ending)
            and len(word) - len(ending) >= (4 if ending.startswith("ment") else 3)
            and _VOWEL.search(word[: -len(ending)])
        ):
            if ending == "s" and word.endswith(("ss", "us", "is")):
                continue
            word = word[: -len(ending)] + put
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word


def _plain(text: str) -> str:
    plain = joined_initials(text).lower().replace("’", "'").replace("‘", "'")
    plain = _MARKS.sub(" ", plain)
    plain = " ".join(CONTRACTIONS.get(one, one) for one in plain.split())
    plain = _ORDINAL.sub(r"\1", re.sub(r"n't\b", " not", plain))
    plain = re.sub(r"'(?:re|ve|ll|d|m|s)\b", "", plain)
    before = ""
    while before != plain:
        before = plain
        for pattern in _pleasantries():
            plain = pattern.sub("", plain).strip()
    return plain


def _ids(text: str) -> Iterator[str]:
    """Codes: letters and digits in one word, except amounts with a unit such as 10GB, 7pm or 2nd."""
    for found in _ID.findall(text):
        if not _AMOUNT.fullmatch(found.lower()) and not re.fullmatch(r"(?i)\d+(?:-[a-z]+)+|[\d/.-]+", found):
            yield found.lower().strip("#")


def _numbers(tokens: tuple[str, ...]) -> tuple[tuple[Amount, ...], tuple[str, ...]]:
    """The amounts, in digits or words, with the unit that follows; and the other words."""
    amounts: list[Amount] = []
    rest: list[str] = []
    queue = deque(token.lstrip("£$€") for token in tokens)
    while queue:
        token = queue.popleft()
        value = 1.0 if token == "one" and queue and queue[0] in SCALES else _value(token)
        if value is None:
            rest.append(token)
        else:
            amounts.append(_unit(_joined(value, token, queue), token, queue))
    return tuple(sorted(amounts)), tuple(rest)


def _joined(value: float, token: str, queue: deque[str]) -> float:
    """The number, with the words that continue it: thousand, and five, twenty one."""
    while queue and queue[0] in SCALES:
        value *= SCALES[queue.popleft()]
    if len(queue) > 1 and queue[0] == "and" and value >= _SCALED and (more := _value(queue[1])) is not None:
        queue.popleft()
        queue.popleft()
        return value + more
    if queue and token.isalpha() and value in range(20, 100, 10) and 0 < (ones := _ones(queue[0])) < 10:
        queue.popleft()
        return value + ones
    return value


def _ones(word: str) -> float:
    return 1 if word == "one" else NUMBERS.get(word, 0)


def _unit(value: float, token: str, queue: deque[str]) -> Amount:
    unit = "%" if token.endswith("%") else ""
    if queue and not unit:
        name = queue[0].split("-")[0].removesuffix("s") if len(queue[0]) > 2 else queue[0]
        if queue[0].endswith("-old") or "old" in list(queue)[1:2]:
            return value, unit
        if name in UNITS:
            times, unit = UNITS[name]
            value *= times
            queue.popleft()
        elif name in ("day", "minute", "am", "pm"):
            unit = name
            queue.popleft()
    return value, unit


def _value(token: str) -> float | None:
    if token in NUMBERS:
        return float(NUMBERS[token])
    digits = token.rstrip("%").replace(",", "")
    if not digits[:1].isdigit():
        return None
    hours, _, minutes = digits.partition(":")
    try:
        return float(hours) + (int(minutes) / 60 if minutes else 0)
    except ValueError:
        return None


def _names(text: str) -> frozenset[str]:
    """Words with a capital that do not begin a sentence; none if everything is in capitals."""
    found = re.findall(r"(?<![.!?:]\s)(?<=[\w,'’)]\s)[\"'(]?([A-Z][\w'&-]*)", text)
    lower = re.findall(r"\b[a-z]\w+", text)
    if len(lower) <= len(found):
        return frozenset()
    return frozenset(stem(one.lower()) for one in found if one not in ("I", "I'm", "I've", "I'd", "I'll", "OK"))


@cache
def _pleasantries() -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, PLEASANTRIES))


@cache
def function_words() -> frozenset[str]:
    """The words without content, as the table has them."""
    return frozenset(FUNCTION.split())


def table_lines(table: str) -> list[str]:
    """The lines of a table of words; one that begins with a space goes on with the line before it."""
    return table.strip().replace("\n ", " ").splitlines()


@cache
def _function() -> frozenset[str]:
    """The words without content, and the forms of those that have any: take, takes, taking."""
    plain = FORMS.split()
    bases = {*plain, *(one.removesuffix("e") for one in plain), *(one + one[-1] for one in plain)}
    return function_words() | {one + ending for one in bases for ending in ("s", "es", "ed", "ing")}


Word = tuple[str, str]
"""A word's stem, and the word."""


@dataclass(frozen=True, slots=True)
class QuestionPair:
    """Two questions, aligned.

    ``only_left`` and ``only_right`` are the stems that the other lacks, function words included. ``lone_left`` and
    ``lone_right`` are those of them that have content and no synonym on the other side. ``synonyms``, ``typos`` and
    ``matched`` count the content words that were paired in that way. ``rare_left`` and ``rare_right`` are the lone
    words that are in no vocabulary, mostly names of things. ``english``: both questions are. ``apart`` is the number of
    words that only one of them has.
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
    english: bool = True
    apart: int = 0


@lru_cache(maxsize=4096)
def pair(left: str, right: str, spells: Spells | None = None) -> QuestionPair:
    """The two questions, aligned. Without ``spells`` no word counts as a typo."""
    one, other = words(left), words(right)
    lefts, rights = _content(one), _content(other)
    lone_left, lone_right = _missing(lefts, rights), _missing(rights, lefts)

    def named(a: Word, b: Word) -> bool:
        return a[0] in one.names and b[0] in other.names

    _apart(lone_left, lone_right, other)
    _apart(lone_right, lone_left, one)
    _joined_words(lone_left, lone_right, other)
    _joined_words(lone_right, lone_left, one)
    _spelt_out(lone_left, one, lone_right, other)
    _spelt_out(lone_right, other, lone_left, one)
    matched = len(lefts) - len(lone_left)
    typos = _match(lone_left, lone_right, lambda a, b: not named(a, b) and misspelt(a[1], b[1], spells))
    synonyms = _match(lone_left, lone_right, lambda a, b: not _groups(a[0]).isdisjoint(_groups(b[0])))
    synonyms += _parts(lone_left, rights, lambda a, b: named(a, b) or not _known(spells, a[1], b[1]))
    synonyms += _parts(lone_right, lefts, lambda a, b: named(b, a) or not _known(spells, a[1], b[1]))
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
        english(left, spells) and english(right, spells),
        _apart_by(one, other),
    )


def _apart_by(one: Words, other: Words) -> int:
    here, there = Counter(one.tokens), Counter(other.tokens)
    return ((here - there) + (there - here)).total()


def _content(one: Words) -> list[Word]:
    """The content words, each one once."""
    triples = zip(one.stems, one.tokens, one.content, strict=True)
    return list({stemmed: (stemmed, token) for stemmed, token, keep in triples if keep}.values())


def _stems(found: list[Word]) -> set[str]:
    return {stemmed for stemmed, _ in found}


def _missing(here: list[Word], there: list[Word]) -> list[Word]:
    known = _stems(there)
    return [one for one in here if one[0] not in known]


def _match(left: list[Word], right: list[Word], same: Callable[[Word, Word], bool]) -> int:
    """Removes equal words from both lists, two by two. Returns the number of pairs."""
    count = 0
    for one in list(left):
        other = next((other for other in right if same(one, other)), None)
        if other:
            left.remove(one)
            right.remove(other)
            count += 1
    return count


def _parts(lone: list[Word], others: list[Word], apart: Callable[[Word, Word], bool]) -> int:
    """Removes words whose stem is the other's with a short ending: invit and invite, renew and renewal.

    Words that nobody knows are names, of which fgetc and fgets are two.
    """
    found = [one for one in lone if any(_extends(one, other) and not apart(one, other) for other in others)]
    for one in found:
        lone.remove(one)
    return len(found)


def _apart(lone: list[Word], others: list[Word], other: Words) -> None:
    """Removes a word with a hyphen that the other question writes as two, and the two: one-way and one way."""
    for one in [one for one in lone if "-" in one[1]]:
        parts = set(map(stem, one[1].split("-")))
        if parts <= set(other.stems):
            lone.remove(one)
            others[:] = [each for each in others if each[0] not in parts]


def _joined_words(lone: list[Word], others: list[Word], other: Words) -> None:
    """Removes a word that the other question writes as two, and the two: lawnmower and lawn mower."""
    twos = {a + b: {stem(a), stem(b)} for a, b in pairwise(other.tokens)}
    for one in [one for one in lone if one[1] in twos]:
        lone.remove(one)
        others[:] = [each for each in others if each[0] not in twos[one[1]]]


def _spelt_out(here: list[Word], one: Words, there: list[Word], other: Words) -> None:
    """Removes initials, and the words that begin with them: the WHO, the World Health Organization."""
    for found in _INITIALS.findall(one.text):
        run = [(word, token) for word, token in zip(other.stems, other.tokens, strict=True) if token not in _JOINING]
        for at in range(len(run) - len(found) + 1):
            named = run[at : at + len(found)]
            if [token[0] for _, token in named] == list(found.lower()) and {stem(found.lower())} != {named[0][0]}:
                here[:] = [each for each in here if each[0] != stem(found.lower())]
                there[:] = [each for each in there if each not in named]


_JOINING = frozenset({"of", "and", "the", "for", "in"})


def _known(spells: Spells | None, *words: str) -> bool:
    return spells is None or any(map(spells, words))


def _rare(lone: list[Word], spells: Spells | None) -> tuple[str, ...]:
    if spells is None:
        return ()
    return tuple(
        stemmed for stemmed, token in lone if not any(spelt(part, spells) for part in (*token.split("-"), stemmed))
    )


def _extends(one: Word, other: Word) -> bool:
    """True if one's stem is the other's with the ending of a word that is made from it: employer is not employee."""
    short, long = sorted((one, other), key=lambda word: len(word[0]))
    rest = long[0].removeprefix(short[0])
    made = len(short[0]) > 3 and rest != long[0] and rest in _DERIVED
    return made and not own_forms().keys() & {one[1], other[1]} and not _participants(one[1], other[1])


def _participants(one: str, other: str) -> bool:
    """True for the one who does it, and the one to whom it is done: employer and employee."""
    return one.rstrip("s").endswith("ee") != other.rstrip("s").endswith("ee")


@cache
def _synonyms() -> dict[str, frozenset[int]]:
    groups: dict[str, set[int]] = {}
    for at, line in enumerate(SYNONYMS.strip().splitlines()):
        for word in line.split():
            groups.setdefault(stem(word), set()).add(at)
    return {word: frozenset(found) for word, found in groups.items()}


def _groups(stemmed: str) -> frozenset[int]:
    return _synonyms().get(stemmed, frozenset())
