"""The rule of vCache (Schroeder et al., "vCache: Verified Semantic Prompt Caching", 2025), as its paper gives it.

Each kept question has its own observations: the cosine of a question that was asked near it, and whether its answer was
right for that one. A logistic curve P(right | s) = 1 / (1 + exp(-g (s - t))) is fitted to them. With t' the upper end
of a band that holds t with 1 - e, a = (1 - e) P(right | s; t', g) is a lower bound on the chance of being right. The
question is answered anew with probability min over e of (1 - d - a) / (1 - a), so that at most d of all served answers
are wrong. An answer that was made anew is compared with the kept one, which gives the next observation; if they differ
it is kept as well. With fewer than LEAST observations the question is answered anew.
"""

import math
from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray

LEAST = 6
"""Observations before a curve is fitted."""
BANDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""The e that are tried."""
_PENALTY, _STEPS = 0.01, 25

Floats = NDArray[np.float64]


@dataclass
class Kept:
    """The observations of one kept question; a cosine of 1 that was right is known from the start."""

    cosines: list[float] = field(default_factory=lambda: [1.0])
    right: list[bool] = field(default_factory=lambda: [True])

    def anew(self, cosine: float, most_wrong: float) -> float:
        """The probability with which a question at this cosine is answered anew."""
        if len(self.cosines) < LEAST:
            return 1.0
        fitted = _fitted(np.array(self.cosines), np.array(self.right, float))
        if fitted is None:
            return 1.0
        steep, middle, spread = fitted
        found = 1.0
        for band in BANDS:
            above = middle + _quantile(1 - band) * spread
            least = (1 - band) / (1 + math.exp(-min(max(steep * (cosine - above), -50.0), 50.0)))
            found = min(found, (1 - most_wrong - least) / (1 - least))
        return max(found, 0.0)


def _fitted(cosines: Floats, right: Floats) -> tuple[float, float, float] | None:
    """(g, t, standard error of t) by Newton's method, with a small ridge; None if the curve does not rise."""
    rows = np.stack([cosines, np.ones_like(cosines)], axis=1)
    weights = np.zeros(2)
    hessian = np.eye(2)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        hessian = rows.T @ (rows * (chance * (1 - chance))[:, None]) + _PENALTY * np.eye(2)
        weights = weights + np.linalg.solve(hessian, rows.T @ (right - chance) - _PENALTY * weights)
    steep, offset = map(float, weights)
    if steep <= 0:
        return None
    slope = np.array([offset / steep**2, -1 / steep])  # the derivatives of t = -offset / steep
    return steep, -offset / steep, float(np.sqrt(slope @ np.linalg.inv(hessian) @ slope))


def _quantile(share: float) -> float:
    """A quantile of the normal distribution."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


class VCache:
    """The cache over a stream whose right answers are known by a name. ``most_wrong`` is d."""

    def __init__(self, dimensions: int, room: int, most_wrong: float, seed: int) -> None:
        self._rows = np.zeros((room, dimensions), np.float32)
        self._answers: list[str] = []
        self._kept: list[Kept] = []
        self._most_wrong, self._random = most_wrong, Random(seed)

    def asked(self, vector: NDArray[np.float32], answer: str) -> str | None:
        """The answer that is served; None if it is made anew."""
        if not self._answers:
            self._keep(vector, answer)
            return None
        cosines = self._rows[: len(self._answers)] @ vector
        at = int(np.argmax(cosines))
        if self._random.random() > self._kept[at].anew(float(cosines[at]), self._most_wrong):
            return self._answers[at]
        same = self._answers[at] == answer
        self._kept[at].cosines.append(float(cosines[at]))
        self._kept[at].right.append(same)
        if not same:
            self._keep(vector, answer)
        return None

    def _keep(self, vector: NDArray[np.float32], answer: str) -> None:
        self._rows[len(self._answers)] = vector
        self._answers.append(answer)
        self._kept.append(Kept())
