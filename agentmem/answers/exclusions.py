"""Exclusions: questions and answers that are never kept or served. The rules are a table that a user can extend.

Rules on the question are checked before anything else, exact keys included; rules on the answer before it is kept. The
words of ten languages stand in `european` and `east_asian`. How an answer was made decides more than words do: see
`withheld`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agentmem.answers.east_asian import EAST_ASIAN
from agentmem.answers.european import EUROPEAN
from agentmem.answers.language import Language
from agentmem.answers.seasons import climate
from agentmem.answers.values import LONGEST, Answer, Kinds
from agentmem.errors import ConfigError

About = Literal["question", "answer"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Excludes texts in which the pattern is found, in any letter case. ``name`` says why in a word or two.

    ``own``: a question of a known user is kept for that user alone instead. ``check`` gets what was found, and has the
    last word.
    """

    name: str
    about: About
    pattern: str
    own: bool = False
    check: Callable[[str], bool] | None = field(default=None, compare=False)
    compiled: re.Pattern[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "compiled", re.compile(self.pattern, re.IGNORECASE))
        except re.error as error:
            raise ConfigError(
                f"the exclusion {self.name!r} is not a regular expression ({error}): {self.pattern}"
            ) from error

    def excludes(self, text: str) -> bool:
        """True if the rule applies to a text."""
        if self.check is None:
            return self.compiled.search(text) is not None
        return any(self.check(found[0]) for found in self.compiled.finditer(text))


def luhn(text: str) -> bool:
    """True if a number may be a payment card's: its first digit and its last (ISO/IEC 7812). An order's seldom are."""
    digits = [int(one) for one in reversed(text) if one.isdigit()]
    doubled = [2 * one - 9 * (one > 4) if at % 2 else one for at, one in enumerate(digits)]
    return len(digits) > 12 and 2 <= digits[-1] <= 6 and sum(doubled) % 10 == 0


def _spoken(languages: Sequence[Language]) -> Iterator[Rule]:
    """The rules of all languages: a person's records, this moment, an order to act."""
    for one in languages:
        yield Rule("personal", "question", _asks(one, one.asked), own=True)
        yield Rule("personal", "question", rf"\A(?!.*{_words(one, one.how)}){one.opens}(?=.*{_mine(one)})", own=True)
    for one in languages:
        yield Rule("transactional", "question", rf"\A\W*{one.polite}(?:{one.acts})" + (r"(?!\w)" if one.spaced else ""))
    for one in languages:
        yield Rule("time-bound", "question", rf"\A(?!{climate(one.code)})(?=.*{_asks(one, one.live)})")
        yield Rule("time-bound", "question", rf"\A(?!.*{_words(one, one.timeless)})(?=.*{_words(one, one.now)})")


def _asks(one: Language, phrases: str) -> str:
    return rf"(?<!\w)(?:{phrases})(?!\w)" if one.spaced else rf"(?:{phrases})"


def _words(one: Language, words: str) -> str:
    return rf"\b(?:{words})(?!\w)" if one.spaced else rf"(?:{words})"


def _mine(one: Language) -> str:
    """Something of mine: the word, and a record at most two words behind it."""
    between = r"\W*(?:\w+\W+){0,2}?" if one.spaced else r".{0,8}?"
    return rf"{_words(one, one.mine)}{between}{_words(one, one.records)}"


_DAY = r"(?:today|tonight|tomorrow|yesterday)"
_UNKEEPABLE = r"[\0\ud800-\udfff]"  # databases cannot hold these

RULES: tuple[Rule, ...] = (
    Rule("too long to be a question", "question", rf"\A(?s:.{{{LONGEST + 1}}})"),
    Rule("not to be kept as text", "question", _UNKEEPABLE),
    Rule("no word or number", "question", r"\A[\W_]*\Z"),
    Rule("not to be kept as text", "answer", _UNKEEPABLE),
    Rule("an e-mail address", "question", r"[\w.+-]+@[\w-]+\.\w+"),
    Rule("a card or account number", "question", r"\b(?:\d[ -]?){12,18}\d\b", check=luhn),
    Rule("a card or account number", "question", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"),
    Rule("a telephone number", "question", r"(?<!\w)\+\d[\d ()-]{7,}\d\b"),
    Rule("a social security number", "question", r"\b\d{3}-\d{2}-\d{4}\b"),
    *_spoken((*EUROPEAN, *EAST_ASIAN)),
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
"""The first rule that matches is the reason. Add your own in agentmem.toml, or pass others to the cache."""


def excluded(text: str, about: About, rules: Iterable[Rule] = RULES) -> Rule | None:
    """The first rule that excludes a text; None if none does."""
    return next((rule for rule in rules if rule.about == about and rule.excludes(text)), None)


def with_kinds(rules: Sequence[Rule], kinds: Kinds) -> dict[str, tuple[Rule, ...]]:
    """For each query type all rules: the given ones and its own. Raises ConfigError."""
    return {
        name: tuple(Rule(f"{name}: {pattern}", "question", pattern) for pattern in kind.exclude)
        for name, kind in kinds.items()
    }


def withheld(answer: Answer, rules: Iterable[Rule] = RULES) -> str:
    """The reason why an answer may not be kept; "" if it may."""
    if answer.error is not None:
        return f"an error: {answer.error}"
    if not answer.complete:
        return "incomplete: its stream was cut short, or the run did not end"
    if answer.effects:
        return f"made with tools that change something: {', '.join(answer.effects)}"
    if passing := sorted(set(answer.reads) & PASSING):
        return f"made from what changes by the minute: {', '.join(passing)}"
    rule = excluded(answer.text, "answer", rules)
    return f"{rule.name}: the rule {rule.pattern!r}" if rule else ""


PASSING = frozenset({"clock", "live"})
"""What an answer may have been made from that nobody may keep."""
