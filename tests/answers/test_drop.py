"""Dropping a wrong hit: neither the question nor its like gets that answer again, and the right ones still do."""

from pathlib import Path

from agentmem.answers.cache import AnswerCache
from agentmem.answers.values import AnswerScope
from agentmem.recall.embedder import MiniLM
from tests.answers.caches import Time, opened

KEPT = "What does the stove weigh?"
WRONG = "What does a stove weigh?"
LIKE = "what does a stove weigh usually"
ALIKE = "How much does the stove weigh?"


def opened_real(folder: Path) -> AnswerCache:
    """A cache with the real embedder and the product's own decision."""
    return opened(folder, embedder=MiniLM(), decide=None, clock=Time())


def test_a_dropped_answer_is_served_neither_to_the_question_nor_to_its_like(tmp_path: Path) -> None:
    """The kept question and its own wordings still have it, also after the cache was opened again."""
    with opened_real(tmp_path) as cache:
        cache.put(KEPT, "One kilogram.")
        assert cache.get(WRONG) is not None
        assert cache.drop(WRONG) == "One kilogram."
    with opened_real(tmp_path) as cache:
        assert cache.get(WRONG) is None
        assert cache.get(LIKE) is None
        assert cache.explain(WRONG).rule == "dropped"
        for question in (KEPT, ALIKE):
            found = cache.get(question)
            assert found is not None, question
            assert found.text == "One kilogram."


def test_a_dropped_exact_answer_is_removed(tmp_path: Path) -> None:
    """If the question itself is kept, its answer is wrong and goes."""
    with opened_real(tmp_path) as cache:
        cache.put(KEPT, "One ton.")
        assert cache.drop(KEPT) == "One ton."
        assert cache.get(KEPT) is None
        assert cache.store.count() == 0


def test_the_kept_answer_can_go_as_well(tmp_path: Path) -> None:
    """With ``entry`` the kept answer is removed for everybody."""
    with opened_real(tmp_path) as cache:
        cache.put(KEPT, "One ton.")
        cache.drop(WRONG, entry=True)
        assert cache.get(KEPT) is None


def test_a_drop_of_what_is_not_served_says_so_and_stays_in_its_tenant(tmp_path: Path) -> None:
    """Nothing is dropped where nothing is served, and one tenant's drop is not another's."""
    anna, ben = AnswerScope("anna"), AnswerScope("ben")
    with opened_real(tmp_path) as cache:
        assert cache.drop(WRONG) == ""
        for context in (anna, ben):
            cache.put(KEPT, "One kilogram.", context=context)
        cache.drop(WRONG, context=anna)
        assert cache.get(WRONG, context=anna) is None
        assert cache.get(WRONG, context=ben) is not None
