"""The bounds on a counted error rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.answers.certificate import at_most, certify, interval, lower_bound, needed, upper_bound


def test_the_bounds_are_those_of_clopper_and_pearson() -> None:
    """Known values: 3 of 100 one-sided at 95 %, 0 of 373, and the rule of three."""
    assert upper_bound(3, 100) == pytest.approx(0.075711, abs=1e-5)
    assert lower_bound(3, 100) == pytest.approx(0.008226, abs=1e-5)
    assert upper_bound(0, 373) == pytest.approx(1 - 0.05 ** (1 / 373), abs=1e-9)


def test_a_limit_says_how_many_hits_it_takes() -> None:
    """0.8 % per hit takes 373 hits without an error, and more with one."""
    assert needed(0.008) == 373
    assert upper_bound(0, 372) > 0.008 >= upper_bound(0, 373)
    assert needed(0.008, wrong=1) > needed(0.008)


def test_without_a_hit_nothing_is_known() -> None:
    """The bound is 1 where nothing was counted, and counts that cannot be are refused."""
    assert certify(0, 0).upper == 1.0
    with pytest.raises(ValueError, match="wrong among"):
        upper_bound(3, 2)
    with pytest.raises(ValueError, match="limit"):
        needed(0)


@given(st.integers(1, 300).flatmap(lambda hits: st.tuples(st.integers(0, hits), st.just(hits))))
def test_the_interval_holds_the_share_and_covers_what_it_says(counted: tuple[int, int]) -> None:
    """The share lies inside; at the upper bound so few errors have a chance of 2.5 %."""
    wrong, hits = counted
    low, high = interval(wrong, hits)
    assert low <= wrong / hits <= high
    if wrong < hits:
        assert at_most(wrong, hits, high) == pytest.approx(0.025, abs=1e-6)
