"""What is never answered from the cache and never kept: rules, as a table that a user can read and extend.

A rule about the question is looked at before anything else. A rule about the answer is looked at before it is kept.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agentmem.answers.values import LONGEST, Answer, Kinds
from agentmem.errors import ConfigError

About = Literal["question", "answer"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Texts that the pattern is found in (capitals do not matter) are excluded. ``name`` says why in a word."""

    name: str
    about: About
    pattern: str
    compiled: re.Pattern[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "compiled", re.compile(self.pattern, re.IGNORECASE))
        except re.error as error:
            raise ConfigError(
                f"the exclusion {self.name!r} is no regular expression ({error}): {self.pattern}"
            ) from error


_MINE = r"(?:my|our|mine)"
_DAY = r"(?:today|tonight|tomorrow|yesterday)"
_POLITE = r"^\W*(?:(?:please|kindly|ok|hi|hello|hey)\W+)*(?:(?:can|could|would|will) you\W+)?(?:please\W+)?"
_ACTS = (
    r"(?:cancel|book|order|buy|purchase|pay|transfer|send|wire|refund|reset|delete|remove|close|subscribe|unsubscribe"
    r"|reserve|schedule|reschedule|submit|approve|withdraw|renew|upgrade|downgrade|remind|email|call|text)"
)

_UNKEEPABLE = r"[\0\ud800-\udfff]"  # no database holds these

RULES: tuple[Rule, ...] = (
    Rule("too long to be a question", "question", rf"\A(?s:.{{{LONGEST + 1}}})"),
    Rule("not to be kept as text", "question", _UNKEEPABLE),
    Rule("not to be kept as text", "answer", _UNKEEPABLE),
    Rule("an e-mail address", "question", r"[\w.+-]+@[\w-]+\.\w+"),
    Rule("a card or account number", "question", r"\b(?:\d[ -]?){12,19}\b|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"),
    Rule("a telephone number", "question", r"(?<!\w)\+\d[\d ()-]{7,}\d\b"),
    Rule("a social security number", "question", r"\b\d{3}-\d{2}-\d{4}\b"),
    Rule(
        "personal",
        "question",
        r"\b(?:order|ticket|case|invoice|booking|customer|policy)\s*(?:no\.?|number)?\s*#?\s*\d{3,}",
    ),
    Rule("personal", "question", r"\bwho am i\b|\bremember me\b|\bwhat do you know about me\b|\bremind me\b"),
    Rule(
        "personal",
        "question",
        rf"\b(?:what(?:'s|’s| is| are| was| were)|how (?:much|many)|show(?: me)?|tell me|list|check|look up|give me)\b"
        r"[^?.!]*?"
        rf"\b{_MINE}\s+(?:\w+\s+)?(?:balances?|salary|name|address|birthday|e-?mail|orders?|bookings?|invoices?|bills?"
        r"|appointments?|subscriptions?|passwords?|usage|points|tickets?|status|results?|schedule|account number)\b",
    ),
    Rule(
        "personal",
        "question",
        rf"\bwhere(?:'s|’s| is| are)\s+{_MINE}\s+(?:order|package|parcel|delivery|shipment|flight)\b",
    ),
    Rule("personal", "question", r"\bhow much (?:do|did|will) (?:i|we) (?:owe|spend|spent|earn|have(?! to))\b"),
    Rule("time-bound", "question", r"\bwhat(?:'s|’s| is)? (?:the )?(?:time|date|day)(?: is it)?\s*(?:\?|now|today|$)"),
    Rule("time-bound", "question", r"\b(?:right now|at the moment|at this moment|as of now|so far today|just now)\b"),
    Rule("time-bound", "question", r"\b(?:weather|forecast|headlines|news|traffic|score|stock price|share price)\b"),
    Rule("time-bound", "question", rf"\b{_DAY}(?:'s|’s)?\b"),
    Rule(
        "time-bound",
        "question",
        r"\b(?:this|last|next) (?:morning|afternoon|evening|night|week|weekend|month|quarter|year)\b",
    ),
    Rule("time-bound", "question", r"\b(?:current(?:ly)?|latest|newest|most recent|up[- ]to[- ]date|live)\b"),
    Rule("time-bound", "question", r"\bhow (?:many days|many hours) (?:until|till|left)\b"),
    Rule(
        "transactional",
        "question",
        rf"{_POLITE}{_ACTS}\s+(?:me|us|my|our|a|an|the|this|that|it|to|\d+|all|both|another)\b",
    ),
    Rule("transactional", "question", rf"\bi(?:'d| would) like (?:you )?to {_ACTS}\b|\bi want you to {_ACTS}\b"),
    Rule("time-bound", "answer", rf"\b(?:as of (?:today|now)|right now|at the moment|{_DAY}(?:'s|’s)?)\b"),
    Rule("an e-mail address", "answer", r"\byour (?:e-?mail|address) (?:is|on file)\b"),
    Rule(
        "personal",
        "answer",
        r"\byour (?:account |current |outstanding )*(?:balance|order|booking|invoice) (?:#?\d+|is|was|has|will)\b",
    ),
    Rule(
        "a refusal", "answer", r"^\W*(?:i(?:'m| am) (?:sorry|unable)|i (?:cannot|can't|can’t) (?:help|answer|assist))\b"
    ),
    Rule("empty", "answer", r"\A\s*\Z"),
)
"""The first that fits is the reason. Add your own in agentmem.toml, or pass others to the cache."""


def excluded(text: str, about: About, rules: Iterable[Rule] = RULES) -> Rule | None:
    """The first rule that excludes a text; None where none does."""
    return next((rule for rule in rules if rule.about == about and rule.compiled.search(text)), None)


def with_kinds(rules: Sequence[Rule], kinds: Kinds) -> dict[str, tuple[Rule, ...]]:
    """For each query type the rules of its own, that hold beside those for all. Raises ConfigError."""
    return {
        name: tuple(Rule(f"{name}: {pattern}", "question", pattern) for pattern in kind.exclude)
        for name, kind in kinds.items()
    }


def withheld(answer: Answer, rules: Iterable[Rule] = RULES) -> str:
    """Why an answer may not be kept, or ""."""
    if answer.error is not None:
        return f"an error: {answer.error}"
    if not answer.complete:
        return "incomplete: its stream was cut short, or the run did not end"
    if answer.effects:
        return f"made with tools that change something: {', '.join(answer.effects)}"
    rule = excluded(answer.text, "answer", rules)
    return f"{rule.name}: the rule {rule.pattern!r}" if rule else ""
