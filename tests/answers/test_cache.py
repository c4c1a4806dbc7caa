"""The answer cache as users hold it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem.answers import AnswerCache, AnswerSettings
from agentmem.answers.freshness import DAY, HOUR
from agentmem.answers.values import Answer, AnswerScope, Kind, Source
from agentmem.errors import ConfigError
from tests.answers.caches import QUIET, Calls, Time, opened
from tests.recall.threads import Hashed

MANY = 100


def test_the_names_that_people_import() -> None:
    """The public names can be imported from the package and from the room."""
    assert agentmem.AnswerCache is AnswerCache


def test_what_is_put_is_got(tmp_path: Path) -> None:
    """A kept answer is found for the same question exactly, in the same words by meaning, and for others not at all."""
    with opened(tmp_path) as cache:
        assert cache.put("How do I return shoes?", "By post.")
        exact = cache.get("how do I  return shoes")
        meant = cache.get("return shoes how do I")
        assert exact is not None
        assert meant is not None
        assert (exact.text, exact.how) == ("By post.", "exact")
        assert (meant.text, meant.how) == ("By post.", "semantic")
        assert cache.get("Where is the museum?") is None


def test_a_second_put_replaces_the_first(tmp_path: Path) -> None:
    """A second put replaces the first answer."""
    with opened(tmp_path) as cache:
        cache.put("what is it", "old")
        cache.put("What is it?", "new")
        found = cache.get("what is it")
        assert found is not None
        assert found.text == "new"
        assert cache.store.count() == 1


def test_what_is_asked_twice_is_answered_once(tmp_path: Path) -> None:
    """A question asked twice is answered once. The kept answer saves its cost."""
    calls = Calls(Answer("By post.", usd=0.25, seconds=3.0))
    with opened(tmp_path) as cache:
        first, second = cache.ask("how do shoes go back", calls), cache.ask("shoes go back how do", calls)
        assert (first.how, second.how) == ("fresh", "semantic")
        assert len(calls.asked) == 1
        stats = cache.stats()
    assert stats["hits"] == {"exact": 0, "semantic": 1}
    assert stats["misses"] == 1
    assert stats["lookups"] == 2
    assert stats["saved_usd"] == pytest.approx(0.25)
    assert 2.0 < stats["saved_seconds"] <= 3.0


def test_a_hundred_threads_make_one_call(tmp_path: Path) -> None:
    """A hundred threads that ask at the same time make one call, and late ones find the answer kept."""
    calls, gate = Calls("By post."), threading.Barrier(MANY)

    def ask(cache: AnswerCache) -> str:
        gate.wait()
        return cache.ask("how do shoes go back", calls).text

    with opened(tmp_path) as cache, ThreadPoolExecutor(MANY) as pool:
        texts = [one.result() for one in [pool.submit(ask, cache) for _ in range(MANY)]]
        stats = cache.stats()
    assert texts == ["By post."] * MANY
    assert len(calls.asked) == 1
    assert stats["lookups"] == MANY
    assert stats["misses"] == 1


def test_a_hundred_tasks_make_one_call(tmp_path: Path) -> None:
    """A hundred tasks of asyncio make one call."""
    calls = Calls("By post.")

    async def ask(cache: AnswerCache) -> list[str]:
        asked = (cache.aask("how do shoes go back", calls.later) for _ in range(MANY))
        return [one.text for one in await asyncio.gather(*asked)]

    with opened(tmp_path) as cache:
        assert asyncio.run(ask(cache)) == ["By post."] * MANY
    assert len(calls.asked) == 1


def test_async_get_and_put(tmp_path: Path) -> None:
    """The async methods do the same as the plain ones."""

    async def work(cache: AnswerCache) -> None:
        assert await cache.aput("what is it", "This.")
        found = await cache.aget("it is what")
        assert found is not None
        assert found.text == "This."

    with opened(tmp_path) as cache:
        asyncio.run(work(cache))


@pytest.mark.parametrize(
    "answer",
    [
        Answer("half of it", complete=False),
        Answer("failed", error="time-out"),
        Answer("sent", effects=("send_mail",)),
        "Your order #4711 has left.",
        "",
    ],
)
def test_what_may_not_be_kept_is_made_each_time(tmp_path: Path, answer: str | Answer) -> None:
    """An answer that may not be kept is made each time, and the result says why."""
    calls = Calls(answer)
    with opened(tmp_path) as cache:
        for _ in range(2):
            answered = cache.ask("what happened to it", calls)
            assert answered.how == "fresh"
            assert answered.kept is not None
            assert answered.kept.reason
        assert cache.store.count() == 0
        assert not cache.put("what happened to it", answer)
    assert len(calls.asked) == 2


@pytest.mark.parametrize("question", ["What is my balance?", "What's the weather?", "Cancel my order", "", " ?!"])
def test_an_excluded_question_is_never_kept_nor_shared(tmp_path: Path, question: str) -> None:
    """For an excluded question each caller gets its own answer, even at the same time."""
    calls = Calls()

    async def ask(cache: AnswerCache) -> None:
        await asyncio.gather(*(cache.aask(question, calls.later) for _ in range(5)))

    with opened(tmp_path) as cache:
        cache.put(question, "kept by force")
        asyncio.run(ask(cache))
        assert cache.stats()["excluded"] == 5
        assert cache.explain(question).how == "excluded"
        assert cache.store.count() == 0
    assert len(calls.asked) == 5


def test_an_error_is_passed_on_and_nothing_is_kept(tmp_path: Path) -> None:
    """An error is raised to the caller, nothing is kept, and the next call is answered."""

    def failing(question: str) -> str:
        raise ValueError("no model")

    with opened(tmp_path) as cache:
        with pytest.raises(ValueError, match="no model"):
            cache.ask("what is it", failing)
        assert cache.ask("what is it", Calls("This.")).text == "This."


@pytest.mark.parametrize(
    ("answer", "lives"),
    [
        (Answer("It costs $5."), 4 * HOUR),
        (Answer("It ships in two days."), DAY),
        (Answer("Our policy allows it."), 7 * DAY),
        (Answer("It is blue."), 14 * DAY),
        (Answer("It is blue.", content="price"), 4 * HOUR),
    ],
)
def test_answers_expire_by_what_they_are_about(tmp_path: Path, answer: Answer, lives: float) -> None:
    """Answers expire by their content, for exact keys and by meaning. Expired ones are removed and counted."""
    time = Time()
    with opened(tmp_path, clock=time) as cache:
        cache.put("what about it", answer)
        time.now += lives - 1
        assert cache.get("what about it") is not None
        time.now += 2
        assert cache.get("what about it") is None
        assert cache.get("about it what") is None
        assert cache.stats()["invalidated"]["ttl"] == 1


def test_a_query_types_own_lifetime_is_a_limit(tmp_path: Path) -> None:
    """The shorter of content's and query type's lifetime counts. The type's own exclusions apply too."""
    kind = Kind("returns", ("a", "b", "c"), 0.9, ttl=60.0, exclude=("by whom",))
    time, context = Time(), AnswerScope(kind="returns")
    with opened(tmp_path, clock=time, settings=AnswerSettings(kinds={"returns": kind})) as cache:
        cache.put("what about it", "It is blue.", context=context)
        assert cache.get("what about it", context=context) is not None
        time.now += 61
        assert cache.get("what about it", context=context) is None
        assert cache.explain("returned by whom", context=context).how == "excluded"


def test_a_new_answer_is_not_kept_when_its_source_changed_meanwhile(tmp_path: Path) -> None:
    """An answer is not kept if its source is invalidated while it is made."""
    with opened(tmp_path) as cache:

        def answering(question: str) -> Answer:
            cache.invalidate("db:prices")
            return Answer("It is blue.", sources=(Source("db:prices"),))

        answered = cache.ask("what is it", answering)
        assert answered.text == "It is blue."
        assert answered.kept is not None
        assert "invalidated while" in answered.kept.reason
        assert cache.get("what is it") is None


def test_events_invalidate_their_own_answers_only(tmp_path: Path) -> None:
    """A source's name, a tenant, or everything can be invalidated, and only those answers go."""
    with opened(tmp_path) as cache:
        cache.put("one thing", Answer("1", sources=(Source("db:prices"),)))
        cache.put("another matter", Answer("2", sources=(Source("db:stock"),)))
        cache.put("a third", "3", context=AnswerScope(tenant="anna"))
        assert cache.invalidate("db:prices") == 1
        assert cache.get("one thing") is None
        assert cache.get("another matter") is not None
        assert cache.invalidate(tenant="anna") == 1
        assert cache.invalidate(everything=True) == 1
        assert cache.stats()["invalidated"]["event"] == 3
        with pytest.raises(ConfigError, match="what to invalidate"):
            cache.invalidate()


def test_the_decorator(tmp_path: Path) -> None:
    """Arguments after the question are part of the key. Coroutine functions work too, and streams are refused."""
    calls = Calls()
    with opened(tmp_path) as cache:

        @cache.cached()
        def answer(question: str, language: str = "en") -> str | Answer:
            """Answers."""
            return calls(f"{question} in {language}")

        @cache.cached(context=AnswerScope(tenant="anna"))
        async def later(question: str) -> str | Answer:
            return calls(question)

        assert answer("what is it") == answer("What is it?") == "answer to what is it in en"
        assert answer("what is it", language="de") == "answer to what is it in de"
        assert answer.__doc__ == "Answers."
        assert asyncio.run(later("what is it")) == asyncio.run(later("what is it")) == "answer to what is it"
        assert len(calls.asked) == 3
        with pytest.raises(ConfigError, match="context="):
            answer("what is it", language=object())
        with pytest.raises(ConfigError, match="streams"):
            cache.cached()(lambda question: (yield question))


def test_what_is_no_question_or_no_context_is_said(tmp_path: Path) -> None:
    """Each way to ask refuses the wrong type by a sentence that names it, before anything is asked or kept."""
    calls = Calls()
    with opened(tmp_path) as cache:
        ways: list[Callable[..., Any]] = [
            cache.get,
            partial(cache.put, answer="By post."),
            partial(cache.ask, answering=calls),
            lambda question, **more: asyncio.run(cache.aask(question, calls.later, **more)),
            cache.explain,
            cache.drop,
        ]
        for way in ways:
            with pytest.raises(ConfigError, match=r"question of AnswerCache\.\w+ must be a text, and 3 is not"):
                way(3)
            with pytest.raises(ConfigError, match=r"context of .* must be an AnswerScope, and 'anna' is not"):
                way("How long?", context="anna")
        with pytest.raises(ConfigError, match="aask"):
            cache.ask("How long?", calls.later)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="question"):
            cache.cached()(calls)(None)
        assert cache.store.count() == 0
    assert calls.asked == []


def test_every_decision_can_be_explained(tmp_path: Path) -> None:
    """An explanation has the rule, the candidates and their cosines, and is not counted."""
    with opened(tmp_path) as cache:
        cache.put("how do shoes go back", "By post.")
        cache.put("how do hats go out", "By air.")
        looked = cache.explain("how do shoes go back now")
        assert (looked.how, looked.rule) == ("semantic", "cosine")
        text = "\n".join(looked.lines())
        assert "how do shoes go back" in text
        assert "how do hats go out" in text
        assert "exact key" in "\n".join(cache.explain("How do shoes go back?").lines())
        assert cache.stats()["lookups"] == 0


def test_without_an_embedder_the_exact_question_is_found(tmp_path: Path) -> None:
    """Without an embedder only the exact question is found. With one later, the entries get vectors."""
    with opened(tmp_path, exact_only=True, embedder=None) as cache:
        cache.put("how do shoes go back", "By post.")
        assert cache.get("How do shoes go back?") is not None
        assert cache.get("shoes go back how do") is None
    with opened(tmp_path) as cache:
        cache.settle()
        assert cache.get("shoes go back how do") is not None


def test_a_changed_embedder_embeds_anew(tmp_path: Path) -> None:
    """Vectors of another embedder are never compared. The questions are embedded again in the background."""
    with opened(tmp_path) as cache:
        for number in range(70):
            cache.put(f"thing{number} of things", f"A{number}")
    embedder = Hashed("another", dimensions=48)
    with opened(tmp_path, embedder=embedder) as cache:
        cache.settle()
        for number in (0, 69):
            found = cache.get(f"of things thing{number}")
            assert found is not None
            assert found.text == f"A{number}"


def test_a_scope_that_outgrows_ram_goes_to_the_index_behind(tmp_path: Path) -> None:
    """A scope that outgrows RAM moves to the index in the background, and results stay the same."""
    with opened(tmp_path, settings=AnswerSettings(audit=0.0, checks=QUIET.checks, hot=20)) as cache:
        for number in range(40):
            cache.put(f"thing{number} of things", f"A{number}")
        assert cache.get("of things thing7") is not None
        cache.settle()
        assert (tmp_path / "index").is_dir()
        for number in (0, 7, 39):
            found = cache.get(f"of things thing{number}")
            assert found is not None
            assert found.text == f"A{number}"


def test_a_closed_cache_finds_nothing(tmp_path: Path) -> None:
    """A closed cache finds nothing. Closing twice is not an error."""
    cache = opened(tmp_path)
    cache.put("what is it", "This.")
    cache.close()
    cache.close()
    assert cache.get("what is it") is None
