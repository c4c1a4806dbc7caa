"""A question as the guard reads it: what carries nothing is gone, numbers are numbers, words are stems.

Cheap and pure: no model. Read once per question and kept, because the same entries are candidates again and again.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from agentmem.answers.lexicon import CONTRACTIONS, FUNCTION, IRREGULAR, NEGATIONS, NUMBERS, PLEASANTRIES, SCALES, UNITS

_TOKEN = re.compile(r"[£$€]?\d[\d,]*(?:\.\d+)?(?::\d\d)?%?|[^\W\d_]+(?:['-][^\W\d_]+)*|\w+")
_ID = re.compile(r"\b(?=[\w./#@-]*\d)(?=[\w./#@-]*[A-Za-z])[\w#@][\w./#@-]*\w\b")
_AMOUNT = re.compile(r"([£$€]?)(\d[\d,]*(?:\.\d+)?)(?::(\d\d))?\s?-?([a-z%]+)?")
_SUFFIXES = (
    ("ational", "ate"), ("ization", "ize"), ("isation", "ize"), ("iveness", "ive"), ("fulness", "ful"),
    ("ations", ""), ("ation", ""), ("ities", ""), ("ments", ""), ("ment", ""), ("ings", ""), ("ing", ""),
    ("ions", ""), ("ion", ""), ("ally", ""), ("ality", ""), ("ity", ""), ("ies", "y"), ("ied", "y"), ("ers", ""),
    ("ves", "f"), ("als", ""), ("al", ""), ("er", ""), ("ed", ""), ("ly", ""), ("es", ""), ("s", ""),
)  # fmt: skip
_VOWEL = re.compile("[aeiouy]")
_MARKS = re.compile(r"[^\w\s'£$€%:.,/#@-]|(?<!\d)[.,:/]|[.,:/](?!\d)")
_SCALED = 100
"""From here on, "and" joins a number to the next: two hundred and five."""

Amount = tuple[float, str]
"""A number and its unit, "" where it has none."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a question says. ``tokens`` are its words in order, plain; ``stems`` theirs; ``content`` marks those that
    carry meaning. ``numbers`` are amounts with their unit ("" where none), ``negations`` how often it says no,
    ``names`` the words that stand in capitals inside the sentence, as stems.
    """

    tokens: tuple[str, ...]
    stems: tuple[str, ...]
    content: tuple[bool, ...]
    numbers: tuple[Amount, ...]
    ids: frozenset[str]
    negations: int
    names: frozenset[str]


@lru_cache(maxsize=65_536)
def words(text: str) -> Words:
    """The question, read."""
    plain = _plain(text)
    ids = frozenset(_ids(text))
    tokens = tuple(_TOKEN.findall(plain))
    numbers, rest = _numbers(tokens)
    stems = tuple(map(stem, rest))
    content = tuple(one not in _function() and token not in NEGATIONS for one, token in zip(stems, rest, strict=True))
    negations = sum(token in NEGATIONS or token.endswith("n't") for token in rest)
    return Words(rest, stems, content, numbers, ids, negations, _names(text))


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The word without its endings: a light stemmer in the way of Porter (1980), blunter, the same for both sides."""
    word = word.removesuffix("'s").replace("-", "")
    word = IRREGULAR.get(word, word)
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
    return word.removesuffix("e") if len(word) > 3 else word


def _plain(text: str) -> str:
    plain = text.lower().replace("’", "'").replace("‘", "'")
    plain = _MARKS.sub(" ", plain)
    plain = " ".join(CONTRACTIONS.get(one, one) for one in plain.split())
    plain = re.sub(r"n't\b", " not", plain)
    plain = re.sub(r"'(?:re|ve|ll|d|m|s)\b", "", plain)
    before = ""
    while before != plain:
        before = plain
        for pattern in _pleasantries():
            plain = pattern.sub("", plain).strip()
    return plain


def _ids(text: str) -> Iterator[str]:
    """Codes: letters and digits in one word, but for amounts with a unit such as 10GB, 7pm or 2nd."""
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
        value = _value(token)
        if value is None:
            rest.append(token)
        else:
            amounts.append(_unit(_joined(value, token, queue), token, queue))
    return tuple(sorted(amounts)), tuple(rest)


def _joined(value: float, token: str, queue: deque[str]) -> float:
    """The number together with the words that go on with it: thousand, and five, twenty one."""
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


def _ones(word: str) -> int:
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
    """Words in capitals that do not begin a sentence; none where everything is in capitals."""
    found = re.findall(r"(?<![.!?:]\s)(?<=[\w,'’)]\s)[\"'(]?([A-Z][\w'&-]*)", text)
    lower = re.findall(r"\b[a-z]\w+", text)
    if len(lower) <= len(found):
        return frozenset()
    return frozenset(stem(one.lower()) for one in found if one not in ("I", "I'm", "I've", "I'd", "I'll", "OK"))


@cache
def _pleasantries() -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, PLEASANTRIES))


@cache
def _function() -> frozenset[str]:
    return frozenset(map(stem, FUNCTION.split())) | frozenset(FUNCTION.split())
