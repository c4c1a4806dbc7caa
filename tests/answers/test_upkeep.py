"""Background work of a cache: failed or dropped work does not prevent other work."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.answers.freshness import Checks
from agentmem.answers.settings import AnswerSettings
from agentmem.answers.upkeep import MOST, BackgroundTasks
from agentmem.types import Vectors
from tests.answers.caches import Time, opened
from tests.recall.threads import Hashed


@contextmanager
def held(background: BackgroundTasks) -> Iterator[None]:
    """Keeps the thread busy until the end."""
    begun, gate = threading.Event(), threading.Event()
    background.add(begun.set)
    background.add(lambda: gate.wait(20))
    begun.wait(20)
    yield
    gate.set()


ERRORS = (RuntimeError, ValueError, KeyboardInterrupt, SystemExit, MemoryError)


@settings(max_examples=30)
@given(st.lists(st.none() | st.sampled_from(ERRORS), min_size=1, max_size=10))
def test_every_piece_is_done_whatever_others_raise(raised: list[type[BaseException] | None]) -> None:
    """Every task runs even if others raise. The first error is raised once, to whoever waits."""
    background, done = BackgroundTasks(), list[int]()

    def piece(at: int, error: type[BaseException] | None) -> None:
        done.append(at)
        if error is not None:
            raise error(str(at))

    with held(background):
        for at, error in enumerate(raised):
            background.add(lambda at=at, error=error: piece(at, error))  # type: ignore[misc]
    wrong = [at for at, error in enumerate(raised) if error is not None]
    if wrong:
        with pytest.raises(raised[wrong[0]] or Exception, match=f"^{wrong[0]}$"):
            background.settle()
    background.settle()
    assert done == list(range(len(raised)))
    background.end()


def test_what_has_a_name_is_never_left_out_and_waits_once() -> None:
    """Named work is never dropped, and waits at most once. It may be added again once it has begun."""
    background, done = BackgroundTasks(), list[str]()

    def again() -> None:
        done.append("again")
        if len(done) < 3:
            background.once("named", again)

    with held(background):
        for _ in range(MOST + 5):
            background.add(lambda: None)
        background.once("named", again)
        background.once("named", again)
    background.settle()
    assert done == ["again"] * 3
    background.end()


def test_an_index_that_was_not_filled_is_filled_later(tmp_path: Path) -> None:
    """An index is filled later if the queue was full or a filling failed."""
    with opened(tmp_path, settings=AnswerSettings(audit=0.0, hot=20, checks=Checks(most=0))) as cache:
        with held(cache.background):
            for _ in range(MOST):
                cache.background.add(lambda: None)
            for number in range(60):
                cache.put(f"word{number} of another kind", "A")
                cache.get(f"word{number} of what kind")
            assert cache._nearest is not None and cache._nearest.lagging()
        cache.settle()
        cache.get("word1 of what kind")
        cache.settle()
        assert cache._nearest.index.until > 0


class Choosy(Hashed):
    """An embedder that fails for some questions."""

    def __init__(self, refused: set[str]) -> None:
        super().__init__("choosy")
        self.refused = refused

    def embed(self, texts: Sequence[str]) -> Vectors:
        if self.refused & set(texts):
            raise ValueError("no vector for this")
        return super().embed(texts)


def test_a_question_without_a_vector_keeps_none_from_the_others(tmp_path: Path) -> None:
    """With a new embedder, questions that it cannot embed do not stop the others."""
    questions = [f"word{number} of the many" for number in range(200)]
    with opened(tmp_path) as cache:
        for question in questions:
            cache.put(question, "A")
    refused = {questions[0], questions[70], questions[199]}
    with opened(tmp_path, embedder=Choosy(refused)) as cache:
        with pytest.raises(ValueError, match="no vector"):
            cache.settle()
        left = {one.question for one in cache.store.without_vector("choosy", 500)}
    assert left == refused


def test_an_entry_that_cannot_be_made_again_keeps_no_other_from_its_check(tmp_path: Path) -> None:
    """If an entry cannot be made again, the others are still checked, and then the error is raised."""
    time = Time()
    asked: list[str] = []

    def answering(question: str) -> str:
        asked.append(question)
        if "two" in question:
            raise RuntimeError("the model is away")
        return "A"

    with opened(tmp_path, clock=time) as cache:
        for name in ("one", "two", "three"):
            cache.put(f"what is the number {name}", "A")
        time.now += 10
        with pytest.raises(RuntimeError, match="away"):
            cache.check(answering)
    assert len(asked) == 3
