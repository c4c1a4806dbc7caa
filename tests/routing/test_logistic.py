"""Logistic regression: its coefficients are those of the least loss, also where answers can be told apart wholly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.routing.logistic import chances, fitted


@given(st.integers(0, 10_000), st.floats(0.1, 20))
def test_no_other_coefficients_have_a_smaller_loss(seed: int, penalty: float) -> None:
    """The slope of the loss, with its penalty, is flat at what is found."""
    draw = np.random.default_rng(seed)
    features, answers = draw.normal(size=(30, 4)), draw.integers(0, 2, 30).astype(float)
    found = fitted(features, answers, penalty)
    slope = features.T @ (answers - chances(features, found)) - penalty * found[1:]
    assert np.abs(slope).max() < 1e-3


def test_answers_that_a_column_tells_apart() -> None:
    """The ridge keeps the coefficients finite, and the chances are on the right sides."""
    features = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    found = fitted(features, np.array([0.0, 0.0, 1.0, 1.0]), 0.5)
    low, high = chances(np.array([[-1.0], [1.0]]), found)
    assert np.isfinite(found).all() and low < 0.3 < 0.7 < high


def test_answers_that_are_all_alike() -> None:
    """The chance is that answer's, wherever a question lies, and nothing overflows."""
    draw = np.random.default_rng(1)
    features = draw.normal(size=(50, 3))
    found = fitted(features, np.ones(50), 1.0)
    assert chances(features, found).min() > 0.99


def test_a_penalty_beyond_measure_leaves_the_mean() -> None:
    """Then the columns do not matter."""
    draw = np.random.default_rng(2)
    features, answers = draw.normal(size=(200, 3)), np.repeat([0.0, 1.0], [150, 50])
    assert chances(features, fitted(features, answers, 1e4)) == pytest.approx(0.25, abs=0.03)
