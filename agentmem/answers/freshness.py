"""Lifetimes of answers: by their content, and at most as long as their query type allows.

The times follow a published design: prices 4 hours, products a day, policies a week, common questions two weeks.
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
"""Content types by pattern, for answers without a content type. The first pattern that matches decides, else faq."""

_UNITS = {"s": 1.0, "m": 60.0, "h": HOUR, "d": DAY, "w": 7 * DAY}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_COMPILED = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in CONTENT)


@dataclass(frozen=True, slots=True)
class Checks:
    """The schedule of freshness checks: every ``every`` seconds at most ``most`` entries, for ``max_usd`` dollars.

    An answer of unknown price counts as ``unpriced`` dollars. ``most`` 0 turns checks off.
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
    """Seconds by content type, and by query type for those that have their own limit."""

    ttl: Mapping[str, float] = field(default_factory=lambda: TTL)
    by_kind: Mapping[str, float] = field(default_factory=dict)

    def content(self, answer: Answer) -> str:
        """The content type of an answer. Raises ConfigError for one without a lifetime."""
        name = answer.content or content_of(answer.text)
        if name not in self.ttl:
            raise ConfigError(f"the content type {name!r} has no lifetime; there are {', '.join(self.ttl)}")
        return name

    def seconds(self, content: str, kind: str) -> float:
        """The seconds that an answer about ``content`` stays fresh."""
        return min(self.ttl[content], self.by_kind.get(kind, self.ttl[content]))


def lifetimes(ttl: Mapping[str, float], kinds: Kinds) -> Lifetimes:
    """The published times, with the user's changes."""
    return Lifetimes({**TTL, **ttl}, {name: kind.ttl for name, kind in kinds.items() if kind.ttl is not None})


def content_of(text: str) -> str:
    """The content type of a text, by its words."""
    return next((name for name, pattern in _COMPILED if pattern.search(text)), "faq")


def seconds_of(given: object) -> float:
    """Seconds from a time as people write it: 4h, 7d, 90m, or a number of seconds. Raises ConfigError."""
    found = _TIME.fullmatch(given.strip()) if isinstance(given, str) else None
    if found:
        seconds = float(found[1]) * _UNITS[found[2]]
    elif isinstance(given, int | float) and not isinstance(given, bool):
        seconds = float(given)
    else:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"{given!r} is not a time above zero: write a number with s, m, h, d or w, for example 4h")
    return seconds
