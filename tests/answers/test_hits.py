"""agentmem.answers.hits."""

from dataclasses import replace
from pathlib import Path

from agentmem.answers.hits import EACH, MOST, HitLog
from agentmem.answers.values import Answer, AnswerScope
from tests.answers.caches import Time, opened


def test_a_hit_says_what_was_asked_and_what_answered_it(tmp_path: Path) -> None:
    """The two questions, their similarity, the answer's age and what it had cost; the latest first."""
    time = Time()
    with opened(tmp_path, clock=time) as cache:
        scope = AnswerScope(tenant="acme")
        cache.put("How do I return shoes?", Answer("By post.", usd=0.02, seconds=3.0, tokens=4_100), context=scope)
        time.now += 120
        cache.get("How do I return shoes?", context=scope)
        cache.get("return shoes how do I", context=scope)
        cache.get("Where is the museum?", context=scope)
        meant, exact = cache.hits.latest()
    assert (exact.asked, exact.kept, exact.how, exact.similarity) == (*["How do I return shoes?"] * 2, "exact", 1.0)
    assert (meant.asked, meant.kept, meant.how) == ("return shoes how do I", "How do I return shoes?", "semantic")
    assert meant.similarity is not None and 0.7 < meant.similarity < 1
    assert (meant.tenant, meant.age, meant.tokens, meant.usd, meant.seconds) == ("acme", 120, 4_100, 0.02, 3.0)


def test_hits_stay_when_the_cache_is_closed_and_go_with_their_answer(tmp_path: Path) -> None:
    """Whoever has an answer removed leaves no question that it answered."""
    with opened(tmp_path) as cache:
        for question in ("How do I return shoes?", "Where is the museum?"):
            cache.put(question, "So.")
            cache.get(question)
    with opened(tmp_path) as cache:
        assert [one.asked for one in cache.hits.latest()] == ["Where is the museum?", "How do I return shoes?"]
        assert len(cache.hits.latest(1)) == 1
        cache.drop("Where is the museum?")
        assert [one.asked for one in cache.hits.latest()] == ["How do I return shoes?"]


def test_hits_are_written_in_batches_and_only_the_latest_stay(tmp_path: Path) -> None:
    """No hit waits for the disk by itself, and the file does not grow for ever."""
    with opened(tmp_path) as cache:
        cache.put("How do I return shoes?", "By post.")
        looked = cache.explain("How do I return shoes?")
        assert looked.entry is not None
        hits = HitLog(cache.store)
        for _ in range(EACH - 1):
            hits.add(looked, looked.entry)
        assert cache.store.served(10) == []
        for _ in range(MOST + EACH):
            hits.add(looked, looked.entry)
        assert len(hits.latest(10 * MOST)) == MOST


def test_a_full_disk_loses_no_hit(tmp_path: Path) -> None:
    """They wait for the next time."""
    with opened(tmp_path) as cache:
        cache.put("How do I return shoes?", "By post.")
        cache.get("How do I return shoes?")
        looked = cache.explain("How do I return shoes?")
        assert looked.entry is not None
        long = replace(looked, question="x" * 100_000)
        cache.hits.add(long, looked.entry)
        cache.store.database.run("PRAGMA max_page_count = 1")  # no page can be added
        cache.hits.flush()
        cache.store.database.run("PRAGMA max_page_count = 100000")
        assert len(cache.hits.latest()) == 2
