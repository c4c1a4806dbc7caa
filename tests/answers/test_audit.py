"""Hits are answered afresh and compared; what is stale goes."""

import asyncio
from pathlib import Path

import pytest

from agentmem.answers.agreement import Errors
from agentmem.answers.freshness import HOUR, Checks
from agentmem.answers.settings import AnswerSettings
from agentmem.answers.tuning import upper_bound
from agentmem.answers.values import Answer, AnswerScope, Labelled
from agentmem.errors import ConfigError
from tests.answers.caches import Calls, Time, opened

ALL = AnswerSettings(audit=1.0, checks=Checks(most=0))


def test_a_mismatch_evicts_and_teaches(tmp_path: Path) -> None:
    """The wrong answer goes, the fresh one is kept, and the pair of questions is a label."""
    with opened(tmp_path, settings=ALL) as cache:
        cache.put("how do shoes go back", "By post.")
        served = cache.ask("how do hats go back", Calls("By air."))
        assert (served.text, served.how) == ("By post.", "semantic")
        cache.settle()
        texts = [entry.answer for entry, _ in cache.explain("how do hats go back now").near]
        assert texts == ["By air."]
        (label,) = cache.store.labels()
        assert (label.left, label.right, label.same) == ("how do hats go back", "how do shoes go back", False)
        assert (label.served, label.fresh, label.origin) == ("By post.", "By air.", "audit")
        stats = cache.stats()
    assert (stats["audited"], stats["mismatches"], stats["wrong_per_hit"]) == (1, 1, 1.0)
    assert stats["wrong_per_hit_upper95"] == 1.0
    assert stats["invalidated"]["audit"] == 1


def test_the_judge_of_the_cache_is_measured_on_labels(tmp_path: Path) -> None:
    """Whichever it is; from then on the statistics say how often it is wrong."""
    labelled = [
        Labelled("a", "b", True, served="By post.", fresh="By post, of course."),
        Labelled("c", "d", False, served="By post.", fresh="By air."),
    ]
    with opened(tmp_path, settings=ALL, agrees=lambda one, other: False) as cache:
        assert cache.judge([]) is None
        assert cache.stats()["judge"] is None
        assert cache.judge(labelled) == Errors(different=1, missed=0, same=1, alarmed=1)
        assert cache.stats()["judge"]["alarmed"] == 1


def test_an_answer_that_agrees_stays(tmp_path: Path) -> None:
    """And the bound on the share of wrong hits comes from the audits."""
    with opened(tmp_path, settings=ALL) as cache:
        cache.put("how do shoes go back", "By post.")
        for _ in range(5):
            assert cache.ask("how do shoes go back", Calls("By post.")).how == "exact"
        cache.settle()
        stats = cache.stats()
        assert cache.store.labels() == []
        assert cache.get("how do shoes go back") is not None
    assert (stats["audited"], stats["mismatches"]) == (5, 0)
    assert stats["wrong_per_hit"] == 0.0
    assert stats["wrong_per_hit_upper95"] == pytest.approx(upper_bound(0, 5))
    assert stats["by_type"]["faq"]["audited"] == 5


def test_audits_with_asyncio(tmp_path: Path) -> None:
    """In the loop that asked, after the answer is out."""

    async def work() -> None:
        with opened(tmp_path, settings=ALL) as cache:
            cache.put("how do shoes go back", "By post.")
            assert (await cache.aask("how do shoes go back", Calls("By air.").later)).text == "By post."
            await cache.asettle()
            assert cache.stats()["mismatches"] == 1

    asyncio.run(work())


@pytest.mark.parametrize("fresh", [Answer("", error="time-out"), Answer("By", complete=False)])
def test_a_fresh_answer_that_is_none_judges_nothing(tmp_path: Path, fresh: Answer) -> None:
    """An error of the model says nothing about what is kept."""
    with opened(tmp_path, settings=ALL) as cache:
        cache.put("how do shoes go back", "By post.")
        cache.ask("how do shoes go back", Calls(fresh))
        cache.settle()
        assert cache.stats()["audited"] == 0
        assert cache.get("how do shoes go back") is not None


def test_an_audit_that_fails_is_counted_only(tmp_path: Path) -> None:
    """Whoever asked has the answer already."""

    def failing(question: str) -> str:
        raise RuntimeError("no model")

    with opened(tmp_path, settings=ALL) as cache:
        cache.put("how do shoes go back", "By post.")
        assert cache.ask("how do shoes go back", failing).text == "By post."
        cache.settle()
        assert cache.stats()["audit_failed"] == 1


def test_the_share_of_audits(tmp_path: Path) -> None:
    """About as many hits as the setting says; the same ones for the same seed."""
    settings = AnswerSettings(audit=0.05, checks=Checks(most=0))
    with opened(tmp_path, settings=settings) as cache:
        cache.put("how do shoes go back", "By post.")
        chosen = sum(cache.audits.chosen() for _ in range(2000))
    assert 60 <= chosen <= 140


def test_checks_answer_the_oldest_again(tmp_path: Path) -> None:
    """When it is time, as many as the budget allows, those of the same context only."""
    time = Time()
    settings = AnswerSettings(audit=0.0, checks=Checks(every=HOUR, most=2, max_usd=1.0))
    with opened(tmp_path, clock=time, settings=settings) as cache:
        for name in ("one", "two", "three"):
            cache.put(f"{name} {name}", Answer(f"It is {name}.", usd=0.1))
        cache.put("elsewhere", Answer("Far.", usd=0.1), context=AnswerScope(tenant="anna"))
        calls = Calls("It is one.")
        cache.ask("one one", calls)
        cache.settle()
        assert calls.asked == []
        time.now += 2 * HOUR
        cache.ask("three three", calls)
        cache.settle()
        assert calls.asked == ["one one", "two two"]
        assert cache.get("one one") is not None
        assert cache.get("two two") is None
        cache.ask("three three", calls)
        cache.settle()
        assert len(calls.asked) == 2
        assert cache.stats()["freshness"] == {"checked": 2, "stale": 1}


def test_checks_keep_to_their_budget(tmp_path: Path) -> None:
    """Dollars as the answers cost when they were made."""
    time = Time()
    settings = AnswerSettings(audit=0.0, checks=Checks(every=HOUR, most=9, max_usd=0.25))
    with opened(tmp_path, clock=time, settings=settings) as cache:
        for number in range(6):
            cache.put(f"thing{number}", Answer("It is blue.", usd=0.1))
        time.now += 2 * HOUR
        assert len(cache.audits.due(cache.explain("thing0").scope)) == 2


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    """A share above one, no room in RAM."""
    with pytest.raises(ConfigError, match="audit"):
        AnswerSettings(audit=1.5)
    with pytest.raises(ConfigError, match="hot"):
        AnswerSettings(hot=0)
