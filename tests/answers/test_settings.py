"""The answer cache's settings in agentmem.toml."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from agentmem.answers.cache import AnswerCache, all_kinds
from agentmem.answers.exclusions import RULES, excluded
from agentmem.answers.freshness import DAY, HOUR, content_of, lifetimes, seconds_of
from agentmem.answers.settings import AnswerSettings, read
from agentmem.answers.values import Answer
from agentmem.errors import ConfigError
from tests.answers.caches import Time, opened

TABLE = """
audit = 0.05
hot = 1000
ttl = { price = "1h", recipe = "30d" }
checks = { every = "12h", most = 3 }
exclude = [{ name = "medical", pattern = "dosage" }, { name = "draft", pattern = "DRAFT", about = "answer" }]

[kinds.returns]
examples = ["How do I send it back?", "Can I return a gift?", "Who pays for a return?"]
threshold = 0.93
ttl = "7d"
exclude = ["my return"]
"""


def test_a_whole_table() -> None:
    """A table can have every setting."""
    made = read(tomllib.loads(TABLE))
    assert (made.audit, made.hot) == (0.05, 1000)
    assert made.ttl == {"price": HOUR, "recipe": 30 * DAY}
    assert (made.checks.every, made.checks.most) == (12 * HOUR, 3)
    assert made.rules[: len(RULES)] == RULES
    found = excluded("Which dosage?", "question", made.rules)
    assert found is not None
    assert found.name == "medical"
    kind = made.kinds["returns"]
    assert (kind.threshold, kind.ttl, kind.exclude) == (0.93, 7 * DAY, ("my return",))
    assert len(kind.examples) == 3


def test_nothing_set_is_the_default() -> None:
    """An empty table gives the defaults."""
    assert read({}) == AnswerSettings()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("auditing = 1", "auditing"),
        ("audit = 3", "share"),
        ("audit = []", "cannot be read"),
        ("ttl = { price = 'soon' }", "not a time"),
        ("ttl = { price = -1 }", "not a time"),
        ("checks = { often = 1 }", "often"),
        ("exclude = [{ pattern = 'x' }]", "cannot be read"),
        ("exclude = [{ name = 'x', pattern = '(' }]", "regular expression"),
        ("kinds.x.examples = ['one']", "examples"),
        ("[kinds.x]\nexamples = ['a', 'b', 'c']\nthreshold = 2", "threshold"),
    ],
)
def test_what_cannot_work_is_said(table: str, said: str) -> None:
    """The error for a wrong setting names it and says what to write instead."""
    with pytest.raises(ConfigError, match=said):
        read(tomllib.loads(table))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ttl": {"price": -1}}, "the ttl of 'price' is -1"),
        ({"kinds": {"x": 3}}, "the query type 'x' must be a Kind, and 3 is not"),
        ({"thresholds": {"nonsense": 0.9}}, "no query type 'nonsense'"),
        ({"audit": "often"}, "audit of AnswerSettings must be a number"),
    ],
)
def test_settings_from_code_are_checked_too(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    """By the names that people import, at the latest when the cache is opened."""
    with pytest.raises(ConfigError, match=said):
        AnswerCache(tmp_path, exact_only=True, settings=AnswerSettings(**given))


def test_times_as_people_write_them() -> None:
    """Times are numbers of seconds, or numbers with a unit."""
    assert [seconds_of(one) for one in ("90m", "4h", "1.5d", "2w", 30, 0.5)] == [5400, 14400, 129600, 1209600, 30, 0.5]


def test_what_an_answer_is_about() -> None:
    """The content type comes from the answer's text, unless it was given."""
    texts = ("That is 30 euros.", "It is in stock.", "You must sign the terms.", "Blue whales sing.")
    assert [content_of(one) for one in texts] == ["price", "product", "policy", "faq"]
    lives = lifetimes({"recipe": 60.0}, {})
    assert lives.content(Answer("Stir.", content="recipe")) == "recipe"
    with pytest.raises(ConfigError, match="lifetime"):
        lives.content(Answer("x", content="poem"))


def test_the_published_thresholds_can_be_entered_as_they_stand(tmp_path: Path) -> None:
    """Thresholds are cosines by query type. A type that does not exist, and what is no cosine, are refused by name."""
    published = {"faq": 0.94, "search": 0.88, "support": 0.92, "transactional": 0.97}
    kinds = all_kinds(read({"thresholds": published}))
    assert {name: kinds[name].threshold for name in published} == published
    with pytest.raises(ConfigError, match="'faqs'"):
        all_kinds(read({"thresholds": {"faqs": 0.9}}))
    with pytest.raises(ConfigError, match="'faq' is 94"):
        read({"thresholds": {"faq": 94}})


def test_an_answer_that_lasts_for_a_known_time_is_gone_then(tmp_path: Path) -> None:
    """A date on an answer shortens its lifetime, and never lengthens it."""
    clock = Time()
    with opened(tmp_path, clock=clock, embedder=None, exact_only=True) as cache:
        cache.put("What is the fare?", Answer("Two crowns.", content="faq", lasts=60.0))
        cache.put("What is the tariff?", Answer("Three.", content="price", lasts=1e9))
        clock.now += 61.0
        assert cache.get("What is the fare?") is None
        assert cache.get("What is the tariff?") is not None
        clock.now += 4 * 3600.0
        assert cache.get("What is the tariff?") is None
