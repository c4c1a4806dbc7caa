"""The answer cache's settings, from code or from agentmem.toml.

    [answers]
    place = "s3://agents/answers" # where several hosts share them, with a Postgres `database`; by default here
    audit = 0.02                  # share of hits that are answered again and compared
    hot = 1_000_000               # the most entries in RAM: 824 bytes each
    ttl = { price = "4h", recipe = "30d" }
    checks = { every = "6h", most = 5, max_usd = 0.10 }
    thresholds = { faq = 0.94, search = 0.88, support = 0.92, transactional = 0.97 }    # the published ones
    exclude = [{ name = "medical", pattern = "dosage|symptom" }]

    [answers.kinds.returns]       # a query type of your own, by a few questions of it
    examples = ["How do I send it back?", "Can I return a gift?"]
    threshold = 0.93
    ttl = "7d"
    exclude = ["my return"]

``place``: see agentmem.answers.home. Times are seconds, or a number with s, m, h, d or w. Any other name in the table
is an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentmem.answers.exclusions import RULES, About, Rule
from agentmem.answers.freshness import Checks, seconds_of
from agentmem.answers.nearest import HOT
from agentmem.answers.values import DEFAULT, Kind, Kinds
from agentmem.checking import LIST, MAP, NUMBER, POSITIVE, WHOLE, Wanted, check_fields, of, shown
from agentmem.config import PLACE
from agentmem.errors import ConfigError

LEAST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """The settings of an AnswerCache.

    Args:
        audit: the share of hits, from 0 to 1, that are answered again and compared.
        hot: the most entries in RAM, 824 bytes each.
        ttl: seconds by content type, in place of the default ones.
        checks: the schedule of freshness checks.
        rules: the exclusions.
        kinds: the user's own query types, in addition to the built-in ones.
        thresholds: the least cosine by query type, in place of the default one.

    Raises:
        ConfigError: a value is out of range.

    Example:
        >>> AnswerCache("answers", settings=AnswerSettings(audit=0.05, ttl={"price": 3600}))
    """

    audit: float = 0.02
    hot: int = HOT
    ttl: Mapping[str, float] = field(default_factory=dict)
    checks: Checks = Checks()
    rules: tuple[Rule, ...] = field(default=RULES, repr=False)
    kinds: Kinds = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields("AnswerSettings", self, _WANTED)
        if not 0 <= self.audit <= 1:
            raise ConfigError(f"answers.audit is {self.audit!r}; it must be a share from 0 to 1, for example 0.02")
        if self.hot < 1:
            raise ConfigError(f"answers.hot is {self.hot!r}; it must be a number of entries, for example {HOT:_}")
        for name, least in self.thresholds.items():
            if not _share(least):
                raise ConfigError(f"the threshold of {name!r} is {least!r}; it must be above 0 and at most 1")
        for name, seconds in self.ttl.items():
            if not POSITIVE.fits(seconds):
                raise ConfigError(f"the ttl of {name!r} is {seconds!r}; it must be a number of seconds above 0")
        for name, kind in self.kinds.items():
            if not isinstance(kind, Kind):
                raise ConfigError(f"the query type {name!r} must be a Kind, and {shown(kind)} is not")


def _share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


_WANTED: Mapping[str, Wanted] = {
    "audit": NUMBER,
    "hot": WHOLE,
    "ttl": MAP,
    "checks": of(Checks, "a Checks"),
    "rules": LIST,
    "kinds": MAP,
    "thresholds": MAP,
}


def read(table: Mapping[str, Any]) -> AnswerSettings:
    """The settings in the table ``[answers]`` of agentmem.toml. Raises ConfigError, which names what is wrong."""
    own = {name: value for name, value in table.items() if name != PLACE}
    for name in own:
        if name not in _READERS:
            raise ConfigError(f"[answers] has no setting {name!r}; it has {', '.join((PLACE, *_READERS))}")
    try:
        given = {_READERS[name][0]: _READERS[name][1](value) for name, value in own.items()}
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ConfigError(f"[answers] in agentmem.toml cannot be read: {error}") from error
    return AnswerSettings(**given)


def _ttl(value: Any) -> dict[str, float]:
    return {str(name): seconds_of(time) for name, time in value.items()}


def _checks(value: Any) -> Checks:
    unknown = sorted(set(value) - {"every", "most", "max_usd", "unpriced"})
    if unknown:
        raise ConfigError(f"[answers] checks has {', '.join(unknown)}; it has every, most, max_usd and unpriced")
    every = {"every": seconds_of(value["every"])} if "every" in value else {}
    return Checks(**{**value, **every})


def _rules(value: Any) -> tuple[Rule, ...]:
    return (*RULES, *map(_rule, value))


def _rule(value: Any) -> Rule:
    about: About = "answer" if value.get("about") == "answer" else "question"
    return Rule(value["name"], about, value["pattern"])


def _kinds(value: Any) -> dict[str, Kind]:
    return {name: _kind(name, one) for name, one in value.items()}


def _kind(name: str, value: Any) -> Kind:
    examples, threshold = tuple(value.get("examples", ())), value.get("threshold", DEFAULT)
    if len(examples) < LEAST_EXAMPLES:
        raise ConfigError(f"the query type {name!r} has {len(examples)} examples; give {LEAST_EXAMPLES} or more")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold <= 1:
        raise ConfigError(f"the query type {name!r} has the threshold {threshold!r}; it must be above 0 and at most 1")
    ttl = seconds_of(value["ttl"]) if "ttl" in value else None
    return Kind(name, examples, float(threshold), ttl, tuple(value.get("exclude", ())))


_READERS: Mapping[str, tuple[str, Any]] = {
    "audit": ("audit", float),
    "hot": ("hot", int),
    "ttl": ("ttl", _ttl),
    "checks": ("checks", _checks),
    "exclude": ("rules", _rules),
    "kinds": ("kinds", _kinds),
    "thresholds": ("thresholds", dict),
}
"""Each setting of the table: its field, and its reader."""
