"""The calibrated score: logistic regressions over the features, fitted with numpy alone.

``coefficients.json`` ships with the package. It holds weights and how they were made, no data;
``python -m tests.benchmarks.answers_fit`` makes it anew.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from agentmem.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEPS, _ENOUGH = 50, 1e-9
_MOST = 30.0


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(right) = 1 / (1 + exp(-(bias + weights · features))), as far as it was calibrated."""

    bias: float
    weights: tuple[float, ...]

    def logit(self, features: Sequence[float]) -> float:
        """The log of the odds."""
        return self.bias + sum(weight * value for weight, value in zip(self.weights, features, strict=True))

    def probability(self, features: Sequence[float]) -> float:
        """From 0 to 1."""
        return sigmoid(self.logit(features))

    def shifted(self, bias: float, slope: float = 1.0) -> "Logistic":
        """The same with its logit times ``slope`` plus ``bias``."""
        return Logistic(self.bias * slope + bias, tuple(weight * slope for weight in self.weights))


@dataclass(frozen=True, slots=True)
class Models:
    """One regression for each situation: see `agentmem.answers.features`. ``same`` is the chance that two
    questions of the same words have the same answer.
    """

    alone: Logistic
    plain: Logistic
    among: Logistic
    same: float

    def shifted(self, bias: float, slope: float = 1.0) -> "Models":
        """The models for questions on their own, corrected; where others stand around, as it was."""
        return replace(self, alone=self.alone.shifted(bias, slope), plain=self.plain.shifted(bias, slope))


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), for any logit."""
    return 1 / (1 + math.exp(-min(max(logit, -_MOST), _MOST)))


def fit(
    features: "Floats", right: "Floats", weights: "Floats", penalty: float = 3.0, prior: "Floats | None" = None
) -> Logistic:
    """The regression of ``right`` (0 or 1) on ``features`` (rows, columns), rows weighted, by Newton's method.

    ``penalty`` pulls each standardised weight towards 0 (ridge); ``prior`` is such a weight's least value, by column.
    """
    import numpy as np

    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    rows = np.column_stack([np.ones(len(features)), (features - mean) / spread])
    found = _newton(rows, right, weights, penalty)
    if prior is not None and len(low := np.flatnonzero(found[1:] < prior)):
        kept = np.setdiff1d(np.arange(features.shape[1]), low)
        found[1 + low] = 0.0
        found[np.r_[0, 1 + kept]] = _newton(rows[:, np.r_[0, 1 + kept]], right, weights, penalty)
    plain = found[1:] / spread
    return Logistic(float(found[0] - plain @ mean), tuple(map(float, plain)))


def correction(logits: Sequence[float], right: Sequence[bool], penalty: float = 1.0) -> float:
    """What to add to the logits so that they fit what was seen, held near 0 by a normal prior of variance 1/penalty."""
    low, high = -_MOST, _MOST
    while high - low > _ENOUGH:
        shift = (low + high) / 2
        excess = sum(sigmoid(logit + shift) - yes for logit, yes in zip(logits, right, strict=True))
        low, high = (low, shift) if excess + penalty * shift > 0 else (shift, high)
    return high if right else 0.0


@cache
def shipped() -> Models:
    """The models that come with the package. Raises ConfigError where the file cannot be read."""
    return models_of(provenance())


def fitted_to() -> str:
    """The name of the embedder whose cosines the shipped coefficients were fitted to."""
    made = provenance().get("made")
    return str(made["embedder"]) if isinstance(made, Mapping) else ""


@cache
def provenance() -> Mapping[str, object]:
    """The whole of ``coefficients.json``: the weights, and on what they were fitted and measured."""
    try:
        text = (files("agentmem.answers") / "coefficients.json").read_text(encoding="utf-8")
        parsed: Mapping[str, object] = json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the answer cache's coefficients cannot be read: {error}. Install agentmem again."
        ) from error
    return parsed


def models_of(record: Mapping[str, object]) -> Models:
    """The models in a parsed ``coefficients.json``."""
    found = record["models"]
    if not isinstance(found, Mapping):
        raise ConfigError("the answer cache's coefficients hold no models. Install agentmem again.")
    alone, plain, among = (_logistic(found[name]) for name in ("alone", "plain", "among"))
    return Models(alone, plain, among, share(int(found["same"]["right"]), int(found["same"]["of"])))


def share(right: int, of: int) -> float:
    """The chance of what was right so often: the mean under Jeffreys' prior."""
    return (right + 0.5) / (of + 1)


def _logistic(record: Mapping[str, object]) -> Logistic:
    weights = record["weights"]
    if not isinstance(weights, Mapping):
        raise ConfigError("the answer cache's coefficients hold no weights. Install agentmem again.")
    return Logistic(float(str(record["bias"])), tuple(float(value) for value in weights.values()))


def _newton(rows: "Floats", right: "Floats", weights: "Floats", penalty: float) -> "Floats":
    import numpy as np

    found = np.zeros(rows.shape[1])
    ridge = np.diag([1e-6, *[penalty] * (rows.shape[1] - 1)])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ found, -_MOST, _MOST)))
        slope = rows.T @ (weights * (chance - right)) + ridge @ found
        bend = (rows * (weights * chance * (1 - chance))[:, None]).T @ rows + ridge
        step = np.linalg.solve(bend, slope)
        found = found - step
        if float(np.abs(step).max()) < _ENOUGH:
            break
    return found
