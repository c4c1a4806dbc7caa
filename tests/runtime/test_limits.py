"""A run stops at the first limit it reaches, and says which."""

import pytest

from agentmem.errors import ConfigError
from agentmem.runtime.limits import Limits, reached
from agentmem.runtime.session import RunSpent


@pytest.mark.parametrize(
    ("limits", "spent", "seconds", "says"),
    [
        (Limits(max_turns=3), RunSpent(turns=2), 0, None),
        (Limits(max_turns=3), RunSpent(turns=3), 0, "max_turns: 3 turns"),
        (Limits(max_usd=0.5), RunSpent(turns=1, usd=0.49), 0, None),
        (Limits(max_usd=0.5), RunSpent(turns=1, usd=0.5), 0, "max_usd: $0.5000"),
        (Limits(max_usd=0.5), RunSpent(turns=0, usd=None), 0, None),
        (Limits(max_usd=0.5), RunSpent(turns=1, usd=None), 0, "price of this model is unknown"),
        (Limits(max_usd=0.5), RunSpent(turns=2, usd=0.1, priced=1, unpriced={"x:y": 1}), 0, "price of x:y is unknown"),
        (Limits(max_seconds=10), RunSpent(), 9.9, None),
        (Limits(max_seconds=10), RunSpent(), 10, "max_seconds: 10.0 s"),
        (Limits(None, None, None), RunSpent(turns=10**6), 10**9, None),
    ],
)
def test_each_limit_names_itself(limits: Limits, spent: RunSpent, seconds: float, says: str | None) -> None:
    """Below a limit nothing stops; at it, the reason names it and the numbers."""
    reason = reached(limits, spent, seconds)
    assert reason is None if says is None else says in (reason or "")


def test_turns_are_limited_by_default() -> None:
    """A run without any setting cannot go on for ever."""
    assert reached(Limits(), RunSpent(turns=10_000), 0)


@pytest.mark.parametrize("name", ["max_turns", "max_usd", "max_seconds"])
def test_a_limit_must_be_positive(name: str) -> None:
    """Zero or less is a mistake, told at once."""
    with pytest.raises(ConfigError, match=f"{name} must be above 0"):
        Limits(**{name: 0})
