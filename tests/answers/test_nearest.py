"""Candidates from RAM, and from LanceDB where a scope is too large for it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from agentmem.answers import nearest as module
from agentmem.answers.nearest import Nearest
from agentmem.answers.store import AnswerStore, KeptEntry, Numbered
from agentmem.answers.values import key_of
from agentmem.recall.tables import FLAT
from agentmem.types import Vectors
from tests.answers.caches import Time
from tests.recall.threads import Hashed

EMBEDDER = Hashed()


@dataclass(frozen=True)
class Random:
    """Stands for an embedder of so many dimensions, whose vectors are there already."""

    dimensions: int
    name: str = "random"

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError("nothing is embedded here")


def entry(number: int, scope: str = "s", lives: float = 100.0) -> KeptEntry:
    question = f"word{number} word{number} of {number % 7} kinds"
    now = Time().now
    return KeptEntry(scope, "t", key_of(scope, question), "faq", "faq", question, f"A{number}", now, now + lives, now)


def filled(folder: Path, count: int, scope: str = "s") -> AnswerStore:
    store = AnswerStore(folder, Time())
    entries = [entry(number, scope) for number in range(count)]
    store.put_many(entries, EMBEDDER.name, EMBEDDER.embed([one.question for one in entries]))
    return store


def answers(near: Nearest, number: int, scope: str = "s", most: int = 4) -> list[str]:
    vector = EMBEDDER.embed([entry(number).question])[0]
    return [one.answer for one, _ in near.find(scope, vector, most)]


def exact(store: AnswerStore, number: int, most: int) -> list[float]:
    """The best cosines, by comparing all."""
    vector = EMBEDDER.embed([entry(number).question])[0]
    every = store.vectors(EMBEDDER.name, "s", 0).vectors.astype(np.float32) @ vector
    return [float(one) for one in np.sort(every)[::-1][:most]]


@pytest.mark.parametrize("hot", [1000, 50])
def test_ram_and_index_find_the_same(tmp_path: Path, hot: int) -> None:
    """Whether a scope is wholly in RAM, or in LanceDB with a tail in RAM."""
    store = filled(tmp_path, 300)
    near = Nearest(store, EMBEDDER, hot=hot)
    answers(near, 1)
    assert near.lagging() is (hot < 300)
    if near.lagging():
        assert near.catch_up() == 300
        answers(near, 1)
        assert not near.lagging()
    later = [entry(number) for number in range(300, 320)]
    store.put_many(later, EMBEDDER.name, EMBEDDER.embed([one.question for one in later]))
    for number in (0, 7, 299, 300, 319):
        vector = EMBEDDER.embed([entry(number).question])[0]
        found = near.find("s", vector, 4)
        assert f"A{number}" in [one.answer for one, _ in found]
        assert [similarity for _, similarity in found] == pytest.approx(exact(store, number, 4), abs=2e-3)
    store.close()


def test_a_large_scope_is_read_behind(tmp_path: Path) -> None:
    """Until then LanceDB finds its entries; afterwards RAM holds them all, those that came meanwhile as well."""
    store = filled(tmp_path, 200)
    Nearest(store, EMBEDDER).index.fill()
    near = Nearest(store, EMBEDDER, hot=1000, at_once=100)
    assert "A7" in answers(near, 7)
    assert near.lagging()
    assert near.scopes["s"].size == 0
    later = [entry(number) for number in range(200, 210)]
    store.put_many(later, EMBEDDER.name, EMBEDDER.embed([one.question for one in later]))
    assert near.catch_up() == 10
    assert not near.lagging()
    for number in (7, 205):
        assert f"A{number}" in answers(near, number)
    assert near.scopes["s"].size == 210
    store.close()


def test_what_was_removed_is_not_found_in_the_index(tmp_path: Path) -> None:
    """At once, though its row is still there; and the row leaves with the next filling."""
    store = filled(tmp_path, 200)
    near = Nearest(store, EMBEDDER, hot=20)
    near.index.fill()
    kept = store.by_key(entry(5).key)
    assert kept is not None
    store.evict([kept.n])
    assert "A5" not in answers(near, 5, most=8)
    near.index.fill()
    assert store.database.run("SELECT COUNT(*) FROM gone") == [(0,)]
    assert "A5" not in answers(near, 5, most=8)
    store.close()


@pytest.mark.parametrize("dimensions", [32, 20])
def test_an_index_of_any_dimensions(tmp_path: Path, dimensions: int) -> None:
    """More entries than LanceDB compares one by one: their vectors are compressed where that can be done."""
    rows = np.random.default_rng(3).standard_normal((FLAT + 500, dimensions)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    store = AnswerStore(tmp_path, Time())
    store.put_many([entry(number) for number in range(len(rows))], "random", rows)
    near = Nearest(store, Random(dimensions), hot=100)
    assert near.catch_up() == len(rows)
    for number in range(0, len(rows), 1000):
        (found, similarity), *_ = near.find("s", rows[number], 4)
        assert found.answer == f"A{number}"
        assert similarity == pytest.approx(1.0, abs=2e-3)
    store.close()


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    """Nothing is found until it is filled again; nothing wrong is, and no error comes through."""
    store = filled(tmp_path, 200)
    Nearest(store, EMBEDDER, hot=20).index.fill()
    for one in (tmp_path / "index").rglob("*"):
        if one.is_file():
            one.write_bytes(b"damaged")
    near = Nearest(store, EMBEDDER, hot=20)
    assert answers(near, 5) == []
    assert near.index.fill() == 200
    assert "A5" in answers(near, 5)
    store.close()


def test_a_deleted_index_is_filled_again(tmp_path: Path) -> None:
    """The database is the truth."""
    store = filled(tmp_path, 60)
    near = Nearest(store, EMBEDDER, hot=20)
    near.index.fill()
    near.index.reset()
    again = Nearest(store, EMBEDDER, hot=20)
    assert again.index.fill() == 60
    assert "A5" in answers(again, 5)
    store.close()


def test_the_least_recently_used_scope_leaves_ram(tmp_path: Path) -> None:
    """And comes back when it is asked again."""
    store = filled(tmp_path, 40, "s")
    more = [entry(number, "other") for number in range(40)]
    store.put_many(more, EMBEDDER.name, EMBEDDER.embed([one.question for one in more]))
    near = Nearest(store, EMBEDDER, hot=50)
    for scope in ("s", "other", "s"):
        assert "A7" in answers(near, 7, scope)
        assert list(near.scopes) == [scope]
    store.close()


def test_a_batch_is_read_in_parts(tmp_path: Path) -> None:
    """More vectors than are read at once."""
    store = filled(tmp_path, 30)
    near = Nearest(store, EMBEDDER)
    assert module.FILLED > 30
    assert "A29" in answers(near, 29)
    store.close()


class Waiting(AnswerStore):
    """A store that reads one scope's vectors only when it is let."""

    def __init__(self, folder: Path, slow: str) -> None:
        super().__init__(folder, Time())
        self.slow, self.asked, self.let = slow, threading.Event(), threading.Event()

    def vectors(self, embedder: str, scope: str, after: int, most: int = -1) -> Numbered:
        if scope == self.slow:
            self.asked.set()
            self.let.wait(20)
        return super().vectors(embedder, scope, after, most)


def test_no_scope_waits_for_the_reading_of_another(tmp_path: Path) -> None:
    """One tenant finds, forgets and tells what lags while another's entries are still being read."""
    for scope in ("big", "small"):
        filled(tmp_path, 20, scope).close()
    store = Waiting(tmp_path, "big")
    near = Nearest(store, EMBEDDER)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.extend(answers(near, 1, "big")))
    reader.start()
    assert store.asked.wait(20)
    small = answers(near, 1, "small")
    store.evict([one.n for one, _ in near.find("small", EMBEDDER.embed([entry(1).question])[0], 1)])
    after = answers(near, 1, "small")
    assert not near.lagging() and near.bytes > 0 and reader.is_alive()
    store.let.set()
    reader.join(20)
    assert small == found and small[0] == "A1" and after[0] != "A1"
    store.close()
