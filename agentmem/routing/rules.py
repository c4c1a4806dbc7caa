"""Rules: which target a request should go to, by its labels. The first rule that matches wins.

    [[route]]
    name = "summaries"
    purpose = "summary"
    to = "small"

A rule may also name a chance, hours, days and a budget. `CONDITIONS` is the table of all conditions.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from hashlib import sha256
from types import MappingProxyType

from agentmem.errors import ConfigError
from agentmem.routing.history import RouteHistory
from agentmem.routing.labels import LABELS, Labels, RequestFacts
from agentmem.routing.targets import RouteTarget

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One rule: conditions, and the targets in the order in which they are tried.

        RouteRule("summaries", ("small",), when={"purpose": ("summary",)})

    ``when`` has the allowed values by label, and patterns (``client-*``) for "agent" and "thread". ``chance`` is the
    share of conversations that it applies to; a conversation is in or out for good. ``hours`` ("22:00-06:00") and
    ``days`` are local time; ``budget_usd`` is the most that it spends in a day. ``now``: the conversation moves at
    once, whatever its warm cache is worth. Raises ConfigError.
    """

    name: str
    to: tuple[str, ...]
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    chance: float = 1.0
    hours: str = ""
    days: tuple[str, ...] = ()
    budget_usd: float | None = None
    now: bool = False

    def __post_init__(self) -> None:
        for complaint in _complaints(self):
            raise ConfigError(f"the rule {self.name!r} {complaint}")

    @property
    def is_private(self) -> bool:
        """True if it is a rule for private requests."""
        return self.when.get("privacy") == ("private",)


@dataclass(frozen=True, slots=True)
class RuleQuestion:
    """The question to a rule: a request with its labels, the history, and the time."""

    facts: RequestFacts
    labels: Labels
    history: RouteHistory
    at: float


Condition = Callable[[RouteRule, RuleQuestion], bool]


def _labels_fit(rule: RouteRule, asked: RuleQuestion) -> bool:
    return all(asked.labels[name].value in values for name, values in rule.when.items() if name in LABELS)


def _names_fit(rule: RouteRule, asked: RuleQuestion) -> bool:
    own = {"agent": asked.facts.agent, "thread": asked.facts.thread}
    patterns = ((name, values) for name, values in rule.when.items() if name in own)
    return all(any(fnmatchcase(own[name], one) for one in values) for name, values in patterns)


def _hours_fit(rule: RouteRule, asked: RuleQuestion) -> bool:
    if not rule.hours:
        return True
    found = _HOURS.fullmatch(rule.hours)
    assert found is not None  # checked when the rule was made
    first, last = (60 * int(found[at]) + int(found[at + 1]) for at in (1, 3))
    moment = datetime.fromtimestamp(asked.at)
    now = 60 * moment.hour + moment.minute
    return first <= now < last if first < last else now >= first or now < last


def _days_fit(rule: RouteRule, asked: RuleQuestion) -> bool:
    return not rule.days or DAYS[datetime.fromtimestamp(asked.at).weekday()] in rule.days


def _chance_fits(rule: RouteRule, asked: RuleQuestion) -> bool:
    """The same for every request of a conversation: its cache would be lost by each change."""
    if rule.chance >= 1:
        return True
    drawn = sha256(f"{rule.name}\0{asked.facts.thread}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") / 2**64 < rule.chance


def _budget_fits(rule: RouteRule, asked: RuleQuestion) -> bool:
    return rule.budget_usd is None or asked.history.spent_on(rule.name, asked.at) < rule.budget_usd


CONDITIONS: tuple[tuple[str, Condition], ...] = (
    ("labels", _labels_fit),
    ("agent and thread", _names_fit),
    ("hours", _hours_fit),
    ("days", _days_fit),
    ("chance", _chance_fits),
    ("budget", _budget_fits),
)
"""The conditions of a rule. All must fit."""


def first_match(rules: Sequence[RouteRule], asked: RuleQuestion) -> RouteRule | None:
    """The first rule that matches, or None."""
    return next((rule for rule in rules if all(fits(rule, asked) for _, fits in CONDITIONS)), None)


def check_rules(rules: Sequence[RouteRule], targets: Mapping[str, RouteTarget]) -> None:
    """Raises ConfigError for two rules of one name, an unknown target, or a private rule that would let out."""
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            raise ConfigError(f"two rules are called {rule.name!r}: give each a name of its own")
        seen.add(rule.name)
        for name in rule.to:
            if name not in targets:
                raise ConfigError(f"the rule {rule.name!r} names the target {name!r}{near(name, targets)}")
            if rule.is_private and not targets[name].takes_private:
                raise ConfigError(
                    f"the rule {rule.name!r} sends private requests to {name!r}, which is on the tier "
                    f"{targets[name].tier}: name a local or edge target, or give the target private = true"
                )


def rule_of(number: int, table: object) -> RouteRule:
    """The rule of a table ``[[route]]``, the ``number``th from 1. Raises ConfigError for an unknown setting."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"route {number} must be a table: write [[route]] above its settings")
    for name in table:
        if name not in _SETTINGS:
            raise ConfigError(f"[[route]] {number} has a setting {name!r}{near(name, _SETTINGS)}")
    when = {name: _several(name, table[name]) for name in _WHEN if name in table}
    others = {name: table[name] for name in _SETTINGS if name in table and name not in (*_WHEN, "to", "days", "name")}
    days = _several("days", table.get("days", ()))
    return RouteRule(
        str(table.get("name", f"rule {number}")), _several("to", table.get("to", ())), when, days=days, **others
    )


def near(name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """The end of an error's sentence: the known name that is meant, or all of them."""
    found = get_close_matches(name, list(known), 1)
    return f"; did you mean {found[0]!r}?" if found else f"; there are {', '.join(known) or 'none'}"


def _several(name: str, given: object) -> tuple[str, ...]:
    values = (given,) if isinstance(given, str) else given
    if not isinstance(values, list | tuple) or not all(isinstance(one, str) for one in values):
        raise ConfigError(f"{name} of a [[route]] must be a text or a list of texts")
    return tuple(values)


def _complaints(rule: RouteRule) -> "list[str]":
    found: list[str] = []
    if not rule.to:
        found.append('names no target: write to = "small"')
    for name, values in rule.when.items():
        if name not in _WHEN:
            found.append(f"has a condition {name!r}{near(name, _WHEN)}")
        allowed = LABELS[name][0] if name in LABELS else ()
        found.extend(
            f"asks for {name} = {one!r}{near(one, allowed)}" for one in values if allowed and one not in allowed
        )
    if not (_is_number(rule.chance) and 0 < rule.chance <= 1):
        found.append(f"has a chance of {rule.chance!r}: it is above 0 and at most 1")
    if rule.hours and not _HOURS.fullmatch(str(rule.hours)):
        found.append(f'has hours {rule.hours!r}: write them as in "22:00-06:00"')
    found.extend(f"has a day {one!r}{near(one, DAYS)}" for one in rule.days if one not in DAYS)
    if rule.budget_usd is not None and not (_is_number(rule.budget_usd) and rule.budget_usd > 0):
        found.append(f"has a budget_usd of {rule.budget_usd!r}: it is a number of dollars above 0")
    if rule.now not in (True, False):
        found.append(f"has now = {rule.now!r}: it is true or false")
    return found


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


_WHEN: tuple[str, ...] = (*LABELS, "agent", "thread")
_SETTINGS: Mapping[str, None] = MappingProxyType(
    dict.fromkeys(("name", "to", *_WHEN, "chance", "hours", "days", "budget_usd", "now"))
)
"""The settings of a [[route]]."""
