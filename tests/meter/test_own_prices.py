"""agentmem.meter.own_prices: what the file may say (what it does to dollars: test_prices)."""

import pickle
from datetime import date
from typing import Any

import pytest

from agentmem.errors import ConfigError
from agentmem.meter.own_prices import own_prices


def test_the_first_that_fits_counts() -> None:
    """A name alone fits at every provider; with a provider only there; a star stands for any letters."""
    price = {"input": 1, "output": 2}
    own = own_prices({"a:*-mini": {**price, "input": 7}, "big": price, "*": {"price_as": "anthropic:claude-opus-5"}})
    found = {name: own.find(*name.split(":")) for name in ("a:x-mini", "b:x-mini", "b:big")}
    patterns = {name: one.pattern if one else None for name, one in found.items()}
    assert patterns == {"a:x-mini": "a:*-mini", "b:x-mini": "*", "b:big": "big"}
    assert own_prices({}).find("a", "b") is None


def test_an_hour_costs_what_five_minutes_do_unless_it_is_said() -> None:
    """And a read what input does."""
    one, two = own_prices(
        {
            "a": {"input": 1, "output": 2, "cache_write": 1.5},
            "b": {"input": 1, "output": 2, "cache_read": 0, "cache_write_1h": 3, "dated": date(2026, 1, 2)},
        }
    ).rows
    assert one.rates is not None and two.rates is not None
    assert [1e6 * price for price in (one.rates.cache_read, one.rates.cache_write_1h)] == pytest.approx([1, 1.5])
    assert [1e6 * price for price in (two.rates.cache_read, two.rates.cache_write_1h)] == pytest.approx([0, 3])
    assert two.dated == "2026-01-02"


def test_other_processes_count_the_same() -> None:
    """The prices can be sent to a worker."""
    own = own_prices({"a": {"input": 1, "output": 2, "tiers": {"batch": 0.5}}})
    assert pickle.loads(pickle.dumps(own)).rows == own.rows


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (3.0, "is no table"),
        ({"input": 1, "outptu": 2}, "it knows input, cache_read"),
        ({"input": 1}, "lacks output"),
        ({}, "needs input and output"),
        ({"input": 1, "output": 2, "price_as": "a:b"}, "needs input and output"),
        ({"input": -1, "output": 2}, "0 at least"),
        ({"input": "1", "output": 2}, "0 at least"),
        ({"input": True, "output": 2}, "0 at least"),
        ({"input": float("nan"), "output": 2}, "0 at least"),
        ({"input": 1, "output": 2, "dated": "yesterday"}, "a day without quotation marks"),
        ({"input": 1, "output": 2, "tiers": {"warp": 2}}, "factors on the usual price"),
        ({"input": 1, "output": 2, "web_search": "free"}, "0 at least"),
    ],
)
def test_a_mistake_is_named_with_its_place(value: Any, says: str) -> None:
    """The error names the table in the file and what to write."""
    with pytest.raises(ConfigError, match=says) as refused:
        own_prices({"my-model": value})
    assert 'prices."my-model" in agentmem.toml' in str(refused.value)
