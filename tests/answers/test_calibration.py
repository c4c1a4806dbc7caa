"""The calibrated score."""

import numpy as np
import pytest

from agentmem.answers import features
from agentmem.answers.calibration import correction, fit, provenance, shipped, sigmoid


def test_a_fit_finds_the_coefficients_that_made_the_data() -> None:
    """On rows drawn from a known regression the chances come out within a few points."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(6000, 2))
    truth = 1 / (1 + np.exp(-(0.5 + rows @ np.array([2.0, -1.0]))))
    model = fit(rows, (random.random(6000) < truth).astype(float), np.ones(6000), penalty=0.01)
    assert (model.bias, *model.weights) == pytest.approx((0.5, 2.0, -1.0), abs=0.15)


def test_a_weight_that_may_not_be_negative_is_left_out() -> None:
    """A floor of zero on a column that would count against keeps it out."""
    random = np.random.default_rng(2)
    rows = random.normal(size=(2000, 2))
    right = (rows[:, 0] - rows[:, 1] > 0).astype(float)
    model = fit(rows, right, np.ones(2000), prior=np.array([0.0, 0.0]))
    assert model.weights[0] > 0
    assert model.weights[1] == 0


def test_the_correction_moves_towards_what_was_seen_and_no_farther_than_it_is_sure() -> None:
    """Errors lower the odds, successes hardly raise what was high, and one case moves little."""
    assert correction([3.0] * 50, [True] * 25 + [False] * 25) == pytest.approx(-3, abs=0.6)
    assert -1.0 < correction([3.0], [False]) < 0
    assert correction([], []) == 0


def test_the_shipped_models_fit_their_features_and_say_how_they_were_made() -> None:
    """A weight for each feature, monotone where it must be, and a command that makes them anew."""
    models = shipped()
    for model, names in (
        (models.alone, features.ALONE),
        (models.plain, features.PLAIN),
        (models.among, features.AMONG),
    ):
        assert len(model.weights) == len(names)
        assert all(model.weights[names.index(name)] >= 0 for name in ("similarity", "margin"))
    made = provenance()["made"]
    assert isinstance(made, dict)
    assert made["command"].startswith("python -m tests.benchmarks.answers_fit")


def test_chances_lie_between_nought_and_one() -> None:
    """However large the logit."""
    assert 0 < sigmoid(-1e6) < 1e-6
    assert 1 - 1e-6 < sigmoid(1e6) <= 1
    assert sigmoid(0) == 0.5
