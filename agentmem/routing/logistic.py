"""Logistic regression with a ridge, by iteratively reweighted least squares (le Cessie and van Houwelingen, 1992).

Columns of features are used as they are: how far each may matter is said by its scale beside the penalty.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

STEPS = 25
"""The most steps of Newton's method; about six are enough."""
CLOSE = 1e-6
"""The change of the coefficients below which they are found."""
_FREE = 1e-6  # of the penalty: what the constant has, so that a column of equal answers has a solution too


def fitted(features: Numbers, answers: Numbers, penalty: float) -> Numbers:
    """The coefficients for ``answers`` of 0 and 1, one a row of ``features``: a constant first, then one a column.

    Half of ``penalty`` times the sum of their squares is added to the loss, the constant's left out.
    """
    rows, ridge = _with_constant(features), np.full(features.shape[1] + 1, penalty)
    ridge[0] = _FREE * penalty
    found = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        chance = _logistic(rows @ found)
        spread = chance * (1 - chance) + 1e-9
        slope = rows.T @ (answers - chance) - ridge * found
        step = np.linalg.solve((rows * spread[:, None]).T @ rows + np.diag(ridge), slope)
        found += step
        if float(np.abs(step).max()) < CLOSE:
            break
    return found


def chances(features: Numbers, coefficients: Numbers) -> Numbers:
    """The chance of a 1 for each row of ``features``."""
    return _logistic(_with_constant(features) @ coefficients)


def _with_constant(features: Numbers) -> Numbers:
    return np.column_stack([np.ones(len(features)), features])


def _logistic(values: Numbers) -> Numbers:
    chance: Numbers = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
    return chance
