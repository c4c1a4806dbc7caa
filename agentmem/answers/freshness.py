"""How long an answer stays fresh: by what it is about, at most as long as its query type allows.

The times are those of the published design that this cache starts from: prices 4 hours, products a day, policies a
week, questions that everybody asks two weeks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from agentmem.answers.values import Answer, Kinds
from agentmem.checking import NUMBER, SIZE, Wanted, check_fields
from agentmem.errors import ConfigError

HOUR = 3600.0
DAY = 24 * HOUR

TTL: Mapping[str, float] = {"price": 4 * HOUR, "product": DAY, "policy": 7 * DAY, "faq": 14 * DAY}
"""Seconds by content type."""

CONTENT: tuple[tuple[str, str], ...] = (
    ("price", r"[$€£¥]\s?\d|\b\d[\d.,]*\s?(?:USD|EUR|GBP|CHF|JPY|dollars?|euros?|pounds?|cents?)\b|\d\s?%"),
    ("product", r"\b(?:in stock|out of stock|available in|ships? (?:in|within)|version \d|release[ds]?)\b"),
    ("policy", r"\b(?:policy|policies|terms|must|refunds?|returns?|warranty|deadline|eligible|within \d+ days)\b"),
)
"""What an answer is about where nobody said: the first pattern that it has, else faq."""

_UNITS = {"s": 1.0, "m": 60.0, "h": HOUR, "d": DAY, "w": 7 * DAY}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_COMPILED = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in CONTENT)


@dataclass(frozen=True, slots=True)
class Checks:
    """When kept answers are made again and compared: every so many seconds, so many of them, for so many dollars.

    An answer whose price is not known counts as ``unpriced`` dollars. ``most`` 0 turns it off.
    """

    every: float = 6 * HOUR
    most: int = 5
    max_usd: float = 0.10
    unpriced: float = 0.01

    def __post_init__(self) -> None:
        check_fields("Checks", self, _WANTED)


_WANTED: Mapping[str, Wanted] = {"every": NUMBER, "most": SIZE, "max_usd": NUMBER, "unpriced": NUMBER}


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds by content type, and by query type where that has a limit of its own."""

    ttl: Mapping[str, float] = field(default_factory=lambda: TTL)
    by_kind: Mapping[str, float] = field(default_factory=dict)

    def content(self, answer: Answer) -> str:
        """What an answer is about. Raises ConfigError for a content type that has no lifetime."""
        name = answer.content or content_of(answer.text)
        if name not in self.ttl:
            raise ConfigError(f"the content type {name!r} has no lifetime; there are {', '.join(self.ttl)}")
        return name

    def seconds(self, content: str, kind: str) -> float:
        """How long an answer about ``content`` stays fresh."""
        return min(self.ttl[content], self.by_kind.get(kind, self.ttl[content]))


def lifetimes(ttl: Mapping[str, float], kinds: Kinds) -> Lifetimes:
    """The published times with those that a user set."""
    return Lifetimes({**TTL, **ttl}, {name: kind.ttl for name, kind in kinds.items() if kind.ttl is not None})


def content_of(text: str) -> str:
    """What an answer seems to be about."""
    return next((name for name, pattern in _COMPILED if pattern.search(text)), "faq")


def seconds_of(given: object) -> float:
    """A time as people write it: 4h, 7d, 90m, or a number of seconds. Raises ConfigError."""
    found = _TIME.fullmatch(given.strip()) if isinstance(given, str) else None
    if found:
        seconds = float(found[1]) * _UNITS[found[2]]
    elif isinstance(given, int | float) and not isinstance(given, bool):
        seconds = float(given)
    else:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"{given!r} is no time above zero: write a number with s, m, h, d or w, for example 4h")
    return seconds
