"""agentmem.routing.moving."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.routing.moving import Ahead, Side, price_of_move
from agentmem.routing.targets import scaled
from tests.routing.rows import PRICES


def ahead(requests: int) -> Ahead:
    """The median request of real coding sessions, this many times."""
    return Ahead(requests, tokens=93_800, output=301.0, growth=608.0)


@pytest.mark.parametrize(("ratio", "times"), [(0.06, 0.62), (0.2, 2.05), (0.33, 3.4)])
def test_one_request_elsewhere_costs_its_whole_prefix(ratio: float, times: float) -> None:
    """One request moved to a cheaper model costs a multiple of staying, because the prefix is written there."""
    price = price_of_move(Side(PRICES, 93_192), Side(scaled(PRICES, ratio)), ahead(1))
    assert price.move_usd / price.stay_usd == pytest.approx(times, rel=0.02)


@pytest.mark.parametrize(("ratio", "requests"), [(0.2, 3), (0.33, 5), (0.6, 14)])
def test_a_move_pays_after_some_requests(ratio: float, requests: int) -> None:
    """The rewrite is paid back by the requests that follow, and not a request earlier."""
    here, there = Side(PRICES, 93_192), Side(scaled(PRICES, ratio))
    assert price_of_move(here, there, ahead(requests)).pays
    assert not price_of_move(here, there, ahead(requests - 1)).pays
    after = price_of_move(here, there, ahead(1)).pays_after
    assert after is not None
    assert requests - 1 < after <= requests


def test_a_cold_prefix_is_free_to_move() -> None:
    """If nothing is warm here, a cheaper place pays with the first request, and a dearer one never does."""
    cheap = Side(scaled(PRICES, 0.9))
    assert price_of_move(Side(PRICES), cheap, ahead(1)).pays
    assert price_of_move(cheap, Side(PRICES), ahead(1000)).pays_after is None


@given(st.floats(0.01, 0.99), st.integers(1, 200_000), st.integers(1, 400), st.floats(0, 2000), st.floats(0, 2000))
def test_both_ways_add_up(ratio: float, tokens: int, requests: int, output: float, growth: float) -> None:
    """A move pays exactly if all requests ahead, played one by one, cost less at the other place."""
    cheap = scaled(PRICES, ratio)
    price = price_of_move(Side(PRICES, tokens), Side(cheap), Ahead(requests, tokens, output, growth))
    stay = move = 0.0
    context = float(tokens)
    for number in range(requests):
        new = growth if number else 0.0
        for_reading = context * PRICES.cache_read + new * PRICES.cache_write_5m + output * PRICES.output
        first = tokens * cheap.cache_write_5m + output * cheap.output
        stay += for_reading
        move += first if not number else for_reading * ratio
        context += new
    difference = stay - move
    assert price.saving_usd - price.rewrite_usd == pytest.approx(difference, rel=1e-6, abs=1e-9)
