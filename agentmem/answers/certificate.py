"""How sure a counted error rate is: Clopper and Pearson's exact bounds (Biometrika 26, 1934), in plain Python."""

import math
from collections.abc import Callable
from itertools import count

from agentmem.answers.values import Certificate

CONFIDENCE = 0.95
_HALVINGS = 60


def upper_bound(wrong: int, hits: int, confidence: float = CONFIDENCE) -> float:
    """The share of wrong hits that is exceeded with a chance of at most 1 - ``confidence``; 1 without a hit."""
    _check(wrong, hits)
    if wrong == hits:
        return 1.0
    return _bisect(lambda p: at_most(wrong, hits, p) > 1 - confidence)


def lower_bound(wrong: int, hits: int, confidence: float = CONFIDENCE) -> float:
    """The share that is undershot with a chance of at most 1 - ``confidence``; 0 without a wrong hit."""
    _check(wrong, hits)
    if not wrong:
        return 0.0
    return _bisect(lambda p: 1 - at_most(wrong - 1, hits, p) < 1 - confidence)


def interval(wrong: int, hits: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Both bounds, each with half of what is left of ``confidence``."""
    side = (1 + confidence) / 2
    return lower_bound(wrong, hits, side), upper_bound(wrong, hits, side)


def certify(wrong: int, hits: int, confidence: float = CONFIDENCE) -> Certificate:
    """The certificate of what was counted."""
    return Certificate(hits, wrong, upper_bound(wrong, hits, confidence), confidence)


def needed(limit: float, wrong: int = 0, confidence: float = CONFIDENCE) -> int:
    """Hits that must be counted, ``wrong`` of them wrong, before the bound is at or below ``limit``: 373 for .008."""
    if not 0 < limit < 1:
        raise ValueError(f"a limit of {limit!r}: it must lie between 0 and 1")
    high = next(
        wrong + (1 << power) for power in count() if upper_bound(wrong, wrong + (1 << power), confidence) <= limit
    )
    low = wrong
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if upper_bound(wrong, middle, confidence) <= limit else (middle, high)
    return high


def at_most(wrong: int, hits: int, share: float) -> float:
    """The chance of ``wrong`` or fewer among ``hits`` when each is wrong with the chance ``share``."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return float(wrong >= hits)
    whole = math.lgamma(hits + 1)
    log_share, log_rest = math.log(share), math.log1p(-share)
    terms = (
        whole - math.lgamma(k + 1) - math.lgamma(hits - k + 1) + k * log_share + (hits - k) * log_rest
        for k in range(wrong + 1)
    )
    return min(1.0, math.fsum(map(math.exp, terms)))


def _bisect(above: Callable[[float], bool]) -> float:
    """The share at which ``above`` turns false."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return high


def _check(wrong: int, hits: int) -> None:
    if not 0 <= wrong <= hits:
        raise ValueError(f"{wrong} wrong among {hits} hits: the first must lie between 0 and the second")
