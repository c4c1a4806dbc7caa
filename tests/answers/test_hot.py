"""The hot tier finds the same entries as comparing all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.answers.hot import SHORTLIST, Hot
from agentmem.answers.store import Numbered
from agentmem.types import Vectors

DIMENSIONS = 384


def grouped(count: int, seed: int = 3) -> Vectors:
    """Vectors of unit length, in groups."""
    chance = np.random.default_rng(seed)
    middles = chance.standard_normal((max(1, count // 60), DIMENSIONS))
    rows = middles[chance.integers(0, len(middles), count)] + 0.5 * chance.standard_normal((count, DIMENSIONS))
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def numbered(vectors: Vectors, first: int = 1) -> Numbered:
    numbers = np.arange(first, first + len(vectors))
    return Numbered(numbers, numbers * 10, vectors.astype(np.float16))


@pytest.mark.parametrize("count", [1, 40, SHORTLIST, SHORTLIST + 1, 6000])
def test_the_nearest_are_those_of_comparing_all(count: int) -> None:
    """Few vectors are compared exactly. For many, the shortlist has all that are near."""
    vectors = grouped(count)
    moved = vectors[: -1 if count > 1 else None : max(1, count // 20)] + 0.03 * grouped(1, seed=4)
    asked = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    hot = Hot(DIMENSIONS)
    hot.add(numbered(vectors))
    halves = vectors.astype(np.float16).astype(np.float32)
    for question in (*asked, *vectors[:5]):
        found = hot.nearest(question, 8)
        best = np.sort(halves @ question)[::-1][:8]
        assert np.allclose([one.similarity for one in found], np.minimum(best, 1.0), atol=1e-5)


def test_numbers_and_order() -> None:
    """An entry's own number is returned, the most similar entry first."""
    vectors = grouped(3000)
    hot = Hot(DIMENSIONS)
    hot.add(numbered(vectors[:1000]))
    hot.add(numbered(vectors[1000:], first=1001))
    assert hot.last == 3000
    for at in (0, 999, 1000, 2999):
        assert hot.nearest(vectors[at], 1)[0].n == (at + 1) * 10


def test_what_is_dropped_is_not_found() -> None:
    """Removed entries are not found, with fewer vectors than the shortlist and with more."""
    for count in (50, 4000):
        vectors = grouped(count)
        hot = Hot(DIMENSIONS)
        hot.add(numbered(vectors))
        gone = {one.n for one in hot.nearest(vectors[7], 5)}
        hot.drop(gone)
        again = hot.nearest(vectors[7], 20)
        assert len(again) == 20
        assert not gone & {one.n for one in again}


@given(st.integers(1, 400), st.integers(1, 200))
def test_any_number_of_dimensions(dimensions: int, count: int) -> None:
    """Any number of dimensions works, although signs are stored in whole words."""
    rows = np.random.default_rng(dimensions).standard_normal((count, dimensions)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    hot = Hot(dimensions)
    hot.add(numbered(rows))
    assert hot.nearest(rows[-1], 3)[0].similarity == pytest.approx(1.0, abs=2e-3)
    assert hot.bytes > 0


def test_many_alike_are_cut_to_what_was_asked() -> None:
    """Of thousands of equal vectors only as many as asked for are returned."""
    vectors = np.repeat(grouped(1), 5000, axis=0)
    hot = Hot(DIMENSIONS)
    hot.add(numbered(vectors))
    assert len(hot.nearest(vectors[0], 8)) == 8
