"""agentmem.routing.rules and agentmem.routing.routes."""

from pathlib import Path
from typing import Any

import pytest

from agentmem.config import Config
from agentmem.errors import ConfigError
from agentmem.routing.history import RouteHistory, history_of
from agentmem.routing.labels import RequestFacts, labels
from agentmem.routing.routes import Privacy, Routes, routes_of
from agentmem.routing.rules import RouteRule, RuleQuestion, first_match, rule_of
from agentmem.routing.targets import RouteTarget, target_of
from tests.routing.rows import NOON, row, small

TOML = """
[targets.small]
model = "anthropic:claude-haiku-4-5"
share = 0.9

[targets.house]
model = "ollama:qwen"
tier = "edge"

[[route]]
name = "private"
privacy = "private"
to = "house"

[[route]]
purpose = ["summary", "tester"]
hours = "22:00-06:00"
to = ["house", "small"]

[privacy]
threads = ["client-*"]
"""

NEW, PLAIN = RouteHistory(), RequestFacts()


def asked(facts: RequestFacts = PLAIN, history: RouteHistory = NEW, at: float = NOON) -> RuleQuestion:
    return RuleQuestion(facts, labels(facts, history), history, at)


def test_a_file_has_routes(tmp_path: Path) -> None:
    """agentmem.toml holds targets, rules in order and what is private."""
    (tmp_path / "agentmem.toml").write_text(TOML, encoding="utf-8")
    config = Config.load(tmp_path, {})
    made = routes_of(config.route, config.targets, config.privacy)
    assert made is not None
    assert [(rule.name, rule.to) for rule in made.rules] == [("private", ("house",)), ("rule 2", ("house", "small"))]
    assert [(one.name, one.tier, one.takes_private) for one in made.targets] == [
        ("small", "cloud", False),
        ("house", "edge", True),
    ]
    assert made.privacy.of_names("client-7", "agent") == "the thread client-7 fits client-*"
    assert routes_of((), {}, {}) is None


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"purpose": "summary"}, "names no target"),
    ({"to": "small", "porpose": "summary"}, "did you mean 'purpose'"),
    ({"to": "small", "phase": "prefil"}, "did you mean 'prefill'"),
    ({"to": "small", "chance": 0}, "above 0 and at most 1"),
    ({"to": "small", "chance": True}, "above 0 and at most 1"),
    ({"to": "small", "hours": "25:00-26:00"}, "22:00-06:00"),
    ({"to": "small", "days": ["monday"]}, "did you mean 'mon'"),
    ({"to": "small", "budget_usd": -1}, "above 0"),
    ({"to": "small", "now": "yes"}, "true or false"),
    ({"to": 7}, "a text or a list of texts"),
    ({"to": "smal"}, "did you mean 'small'"),
    ({"to": "small", "privacy": "private"}, "tier cloud"),
)


@pytest.mark.parametrize(("rule", "says"), WRONG)
def test_a_rule_that_cannot_work_is_refused_at_the_start(rule: dict[str, Any], says: str) -> None:
    """Unknown names and values are errors that say what to write; a private rule cannot name a cloud."""
    with pytest.raises(ConfigError, match=says):
        Routes([small(0.2)], [rule_of(1, rule)])


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "needs a model"),
        ({"model": 7}, "a model's name"),
        ({"model": "anthropic:a", "teir": "edge"}, "teir"),
        ({"model": "anthropic:a", "tier": "moon"}, "must be"),
        ({"model": "anthropic:a", "share": 0}, "above 0"),
        ({"model": "anthropic:a", "per_minute": 0}, "above 0"),
        ({"model": "anthropic:a", "tier": "vlm"}, "must be"),
        ("anthropic:a", "needs a model"),
    ],
)
def test_a_target_that_cannot_work_is_refused_at_the_start(table: object, says: str) -> None:
    """A target has a model's name and known settings."""
    with pytest.raises(ConfigError, match=says):
        target_of("small", table)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Routes([small(0.2), small(0.3)]),
        lambda: Routes([small(0.2, "default")]),
        lambda: Routes([small(0.2)], [RouteRule("a", ("small",)), RouteRule("a", ("small",))]),
        lambda: Routes(labels={"phase": "no"}),
        lambda: Privacy(words=("(",)),
        lambda: routes_of((), {}, {"thread": ["a"]}),
        lambda: routes_of(["small"], {}, {}),
    ],
)
def test_routes_that_cannot_work_are_refused(make: Any) -> None:
    """Double names, a taken name, unknown labels and expressions that cannot be read are ConfigErrors."""
    with pytest.raises(ConfigError):
        make()


def test_the_first_match_wins() -> None:
    """Rules are tried in order."""
    rules = [
        RouteRule("one", ("small",), {"purpose": ("summary",)}),
        RouteRule("two", ("small",)),
        RouteRule("three", ("small",)),
    ]
    found = first_match(rules, asked(RequestFacts("summary"))), first_match(rules, asked())
    assert [one.name for one in found if one] == ["one", "two"]
    assert first_match(rules[:1], asked()) is None


def test_conditions_must_all_fit() -> None:
    """Labels, patterns of names, hours over midnight, days: one that does not fit is enough."""
    rule = RouteRule("r", ("small",), {"purpose": ("answer",), "thread": ("client-*",), "agent": ("a*",)})
    assert first_match([rule], asked(RequestFacts(thread="client-7")))
    assert not first_match([rule], asked(RequestFacts(thread="main")))
    assert not first_match([rule], asked(RequestFacts("summary", thread="client-7")))
    halves = [RouteRule("a", ("s",), hours="00:00-12:00"), RouteRule("b", ("s",), hours="12:00-00:00")]
    found = [first_match([one], asked(at=NOON)) is not None for one in halves]
    assert sorted(found) == [False, True]
    week = [RouteRule(day, ("s",), days=(day,)) for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    assert sum(first_match([one], asked(at=NOON)) is not None for one in week) == 1


def test_a_chance_is_drawn_once_for_a_conversation() -> None:
    """A conversation is in or out for good, and the share of conversations is the chance."""
    rule = RouteRule("some", ("small",), chance=0.3)
    drawn = [first_match([rule], asked(RequestFacts(thread=f"t{number}"))) is not None for number in range(2_000)]
    again = [first_match([rule], asked(RequestFacts(thread=f"t{number}"))) is not None for number in range(2_000)]
    assert drawn == again
    assert 0.25 < sum(drawn) / 2_000 < 0.35


def test_a_budget_ends_a_rule_for_the_day() -> None:
    """What the ledger says the rule has spent today counts; yesterday's does not."""
    from dataclasses import replace

    from agentmem.meter.routed import Routed

    rule = RouteRule("bulk", ("small",), budget_usd=0.01)
    spent = replace(row(NOON, written=10_000), route=Routed("small", "cloud", "bulk"))
    history = history_of([spent])
    assert not first_match([rule], asked(history=history, at=NOON + 60))
    assert first_match([rule], asked(history=history, at=NOON + 86_400))


def test_privacy_is_found_in_names_and_texts() -> None:
    """Threads, agents, pages and words; the why names what was found."""
    rules = Privacy(("client-*",), ("hr",), ("clients/*.md",), (r"\bpatient\b",))
    assert rules.of_names("client-7", "agent")
    assert rules.of_names("main", "hr") == "the agent hr fits hr"
    assert rules.of_names("main", "agent") == ""
    assert rules.of_texts(["a page", '{"page": "clients/anna.md"}']) == "its text fits clients/*.md"
    assert rules.of_texts(["the patient sleeps"])
    assert rules.of_texts(["impatient", "clients are kings"]) == ""


def test_tiers_have_prices() -> None:
    """A batch costs half, a share is a factor, an own machine nothing, an unknown model None."""
    usual = RouteTarget("a", "anthropic:claude-opus-4-5").rates
    batch = RouteTarget("b", "anthropic:claude-opus-4-5", "batch").rates
    assert usual is not None
    assert batch is not None
    assert batch.output == usual.output / 2
    own = RouteTarget("c", "ollama:qwen", "local").rates
    assert own is not None
    assert own.output == 0
    assert RouteTarget("d", "nobody:nothing-1").rates is None
    lent = RouteTarget("e", "ollama:qwen", "edge", price_as="anthropic:claude-opus-4-5", share=0.5).rates
    assert lent is not None
    assert lent.uncached == usual.uncached / 2
