"""A question before it is searched: whom and what it is about, and the days that it names.

Who asks writes "the user" where the user said "I", and "two weeks before the move" where a note says "3 May 2026". The
embedder is given the question as the user would have put it, without the days; days are compared as days.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTH = "|".join(MONTHS)
_YEAR = r"(?:,? (?P<year{0}>\d{{4}}))?"
_DAY = re.compile(
    rf"\b(?:(?P<day1>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month1>{_MONTH})\b{_YEAR.format(1)}"
    rf"|(?P<month2>{_MONTH})\b(?: (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b)?{_YEAR.format(2)}"
    r"|(?P<year3>\d{4})-(?P<month3>\d\d)-(?P<day3>\d\d))"
)
_BEFORE = "in|on|at|of|by|during|since|until|from|around|last|this|early|late"
_LEADING = re.compile(rf"(?:^|\s+)(?:{_BEFORE})\s*(?:,\s*|(?=[?.!]|$))", re.IGNORECASE)
_LED = re.compile(rf"\b(?:{_BEFORE}) $", re.IGNORECASE)
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER = {word: number for number, word in enumerate(_NUMBERS)} | {"a": 1, "an": 1}
_UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
_SPAN = re.compile(
    rf"\b(?P<number>\d{{1,3}}|{'|'.join(_NUMBER)}) (?P<unit>{'|'.join(_UNITS)})s? (?P<way>before|after|ago)\b"
    r" ?(?P<event>[^?.!]*)",
    re.IGNORECASE,
)
_OWNED, _USER = re.compile(r"\b[Tt]he user['’]s\b|\b[Uu]ser's\b"), re.compile(r"\b[Tt]he user\b")


@dataclass(frozen=True, slots=True)
class Day:
    """A day that is named, as far as it is: a month alone has no number, and often nobody says the year."""

    month: int
    number: int | None = None
    year: int | None = None

    def fits(self, day: date) -> bool:
        """Whether the day may be the one that is named."""
        mine = (self.month, self.number or day.day, self.year or day.year)
        return mine == (day.month, day.day, day.year)


@dataclass(frozen=True, slots=True)
class Span:
    """So many days before (below zero) or after an event, give or take ``slack``. Without an event: before today."""

    days: int
    slack: float
    event: str

    def nearness(self, start: date) -> "Nearness":
        """How near a day is to that distance from ``start``: 1 on the day itself, 0 where the slack ends."""
        sought = start + timedelta(days=self.days)
        return lambda day: max(0.0, 1.0 - abs((day - sought).days) / (self.slack + 1.0))


Nearness = Callable[[date], float]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for the embedder, whether it is about the user, and the days that it names."""

    core: str
    user: bool
    days: tuple[Day, ...] = ()
    span: Span | None = None

    def nearness(self, start: date | None) -> Nearness | None:
        """How near a day is to what the question names, from 0 to 1; None when it names none, or ``start`` is unknown.

        ``start`` is the day of the event from which the question counts.
        """
        if self.span is not None:
            return self.span.nearness(start) if start else None
        return (lambda day: float(any(one.fits(day) for one in self.days))) if self.days else None


def read(question: str) -> Asked:
    """What a question asks for.

    >>> read("What did the user buy in May?").core
    'What did I buy?'
    """
    user = bool(_OWNED.search(question) or _USER.search(question))
    span = _span(question)
    bare = question if span is None else f"{_SPAN.sub('', question).rstrip(' ?.!')}?"
    days = () if span else tuple(_named(bare))
    for found in reversed(list(_DAY.finditer(bare)) if days else []):
        if _counts(found):
            bare = bare[: found.start()].rstrip() + bare[found.end() :]
    core = first_person(_LEADING.sub("", bare) if days else bare)
    return Asked(core if core.strip(" ?") else question, user, days, span)


def first_person(text: str) -> str:
    """A text about the user as the user would put it."""
    said = _USER.sub("I", _OWNED.sub("my", text))
    return said[:1].upper() + said[1:]


@lru_cache(maxsize=4096)
def day_of(text: str) -> date | None:
    """The first whole day that a text names, such as the note about today's date; None when it names none."""
    for day in _named(text):
        if day.year and day.number:
            try:
                return date(day.year, day.month, day.number)
            except ValueError:
                continue
    return None


def _counts(found: re.Match[str]) -> bool:
    """Whether it is a day: a month's name alone may be another word, unless a preposition leads to it."""
    whole = found["day1"] or found["day2"] or found["day3"] or found["year2"]
    return bool(whole) or bool(_LED.search(found.string, 0, found.start()))


def _named(text: str) -> list[Day]:
    days = []
    for found in filter(_counts, _DAY.finditer(text)):
        month = found["month1"] or found["month2"]
        number = found["day1"] or found["day2"] or found["day3"]
        year = found["year1"] or found["year2"] or found["year3"]
        at = MONTHS.index(month) + 1 if month else int(found["month3"])
        days.append(Day(at, int(number) if number else None, int(year) if year else None))
    return days


def _span(question: str) -> Span | None:
    found = _SPAN.search(question)
    event = found["event"].strip() if found else ""
    if found is None or (found["way"].lower() != "ago" and not event):
        return None
    unit = _UNITS[found["unit"].lower()]
    number = int(found["number"]) if found["number"].isdigit() else _NUMBER[found["number"].lower()]
    way = found["way"].lower()
    return Span(unit * number * (1 if way == "after" else -1), max(1.0, unit / 2), "" if way == "ago" else event)
