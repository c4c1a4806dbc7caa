"""agentmem.team.proof.tolerances: which tolerances make all values alike."""

import math
from decimal import Decimal
from typing import Any

import pytest

from agentmem.team.proof.tolerances import is_all, is_wide


@pytest.mark.parametrize(
    ("tolerance", "expected", "wide"),
    [(1e-6, 0, False), (0.5, 7, False), (5, 7, True), (0.2, 0, True), (math.inf, 7, True), (5, [100, -200], False)],
)
def test_a_tolerance_is_wide_by_what_is_expected(tolerance: Any, expected: Any, wide: bool) -> None:
    """More than a part of what is expected, or of one."""
    assert is_wide(tolerance, expected) is wide


def test_what_is_no_number_is_no_end_of_all() -> None:
    """Infinite and undefined ones make all alike."""
    assert [is_all(one) for one in (math.inf, math.nan, Decimal("inf"), 3, None, "x")] == [True] * 3 + [False] * 3
