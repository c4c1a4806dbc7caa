"""agentmem.meter.report."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.meter.ledger import Break, Row
from agentmem.meter.report import new_tokens, report, summarise
from agentmem.meter.tables import cost_of
from agentmem.types import Usage
from tests.meter.rows import ROW, row

USAGE = {
    *("requests", "input_tokens", "output_tokens", "uncached_tokens", "cache_read_tokens", "cache_write_5m_tokens"),
    *("cache_write_1h_tokens", "new_tokens", "redo_tokens", "hit_rate", "redo_share", "ratio", "breaks", "cuts"),
    *("expiries", "cost_usd", "cost_uncached_usd", "peak_context_tokens", "schema", "basis"),
}
COUNTS = st.integers(0, 1_000_000)
ROWS = st.lists(
    st.builds(
        lambda usage, new, context, agent, kind: row(
            usage=usage, new_tokens=min(new, context), context_tokens=context, agent=agent, break_=kind
        ),
        st.builds(Usage, st.just("measured"), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS),
        COUNTS,
        COUNTS,
        st.sampled_from("abc"),
        st.sampled_from(get_args(Break)),
    ),
    max_size=8,
)


def test_the_numbers_of_a_run() -> None:
    """Two requests, counted by hand with the published formulas."""
    first = row(
        usage=Usage("measured", 20, 0, 980, 0, 100),
        new_tokens=950,
        context_tokens=950,
        cost_usd=0.01,
        cost_uncached_usd=0.02,
        break_="first",
    )
    second = row(
        usage=Usage("measured", 100, 900, 300, 200, 50),
        new_tokens=400,
        context_tokens=1_500,
        cost_usd=0.005,
        cost_uncached_usd=0.03,
        break_="break",
    )
    assert report([first, second], "run-1") == {
        "run": "run-1",
        **(numbers := summarise([first, second])),
        "by_basis": [numbers],
        "by_agent": [{"agent": "agent", **numbers}],
        "by_purpose": [{"purpose": "answer", **numbers}],
    }
    assert numbers == {
        "schema": 1,
        "basis": "measured",
        "requests": 2,
        "input_tokens": 2_500,
        "output_tokens": 150,
        "uncached_tokens": 120,
        "cache_read_tokens": 900,
        "cache_write_5m_tokens": 1_280,
        "cache_write_1h_tokens": 200,
        "new_tokens": 1_400,
        "redo_tokens": 200,
        "hit_rate": 0.36,
        "redo_share": 0.08,
        "ratio": 2_500 / 150,
        "breaks": 1,
        "cuts": 0,
        "expiries": 0,
        "cost_usd": 0.015,
        "cost_uncached_usd": 0.05,
        "unpriced": [],
        "prices": [],
        "cost_basis": "measured",
        "priced_as": None,
        "peak_context_tokens": 1_500,
        "failed": 0,
        "switch_usd": None,
        "kv": None,
    }


@given(ROWS)
def test_hit_redo_and_new_make_the_whole(rows: list[Row]) -> None:
    """No token of the input is missing or counted twice, and no share leaves 0..1."""
    numbers = summarise(rows)
    assert numbers["cache_read_tokens"] + numbers["redo_tokens"] + numbers["new_tokens"] == numbers["input_tokens"]
    assert numbers["redo_tokens"] >= 0
    for share in (numbers["hit_rate"], numbers["redo_share"]):
        assert share is None if not numbers["input_tokens"] else 0 <= share <= 1


@given(ROWS)
def test_agents_sum_to_the_run(rows: list[Row]) -> None:
    """What the run used is what its agents used."""
    whole = report(rows, "run-1")
    for name in (
        "requests",
        "input_tokens",
        "output_tokens",
        "new_tokens",
        "redo_tokens",
        "breaks",
        "cuts",
        "expiries",
    ):
        assert sum(part[name] for part in whole["by_agent"]) == whole[name]


@given(ROWS)
def test_a_report_is_json_with_every_key(rows: list[Row]) -> None:
    """Every object of a report has the whole USAGE, and JSON can carry it."""
    whole = json.loads(json.dumps(report(rows, "run-1"), allow_nan=False))
    for part in (whole, *whole["by_agent"], *whole["by_purpose"], *whole["by_basis"]):
        assert set(part) >= USAGE


def test_an_empty_run_has_no_shares() -> None:
    """Nothing sent: zero tokens and dollars, unknown shares."""
    numbers = summarise([])
    assert (numbers["requests"], numbers["input_tokens"], numbers["cost_usd"]) == (0, 0, 0)
    assert numbers["hit_rate"] is numbers["redo_share"] is numbers["ratio"] is numbers["basis"] is None


def test_one_unknown_price_does_not_blank_the_rest() -> None:
    """What is known is added up, and what is missing is named; where nothing is known there is no sum."""
    unknown = row(cost_usd=None, cost_uncached_usd=None, model="openai:my-local-model")
    numbers = summarise([ROW, unknown, ROW])
    assert numbers["cost_usd"] == pytest.approx(2 * (ROW.cost_usd or 0))
    assert numbers["unpriced"] == [{"model": "openai:my-local-model", "requests": 1}]
    assert cost_of(numbers).endswith("; 1 of 3 requests unpriced: openai:my-local-model")
    assert summarise([unknown])["cost_usd"] is summarise([unknown])["cost_uncached_usd"] is None
    assert summarise([ROW])["unpriced"] == []


def test_different_meters_are_never_added_up() -> None:
    """Measured and simulated requests have an object each; the sum over both is unknown."""
    simulated = row(usage=Usage("simulated", 500))
    whole = report([ROW, simulated, ROW], "run-1")
    assert whole["requests"] == 3
    assert all(whole[name] is None for name in ("basis", "input_tokens", "hit_rate", "cost_usd", "peak_context_tokens"))
    assert [(part["basis"], part["input_tokens"]) for part in whole["by_basis"]] == [
        ("measured", 2_000),
        ("simulated", 500),
    ]
    assert [(part["agent"], part["basis"]) for part in whole["by_agent"]] == [
        ("agent", "measured"),
        ("agent", "simulated"),
    ]


def test_lent_prices_are_estimates() -> None:
    """Dollars at another model's prices say so, though the tokens were measured."""
    numbers = summarise([row(priced_as="anthropic:claude-opus-5-5")])
    assert (numbers["basis"], numbers["cost_basis"]) == ("measured", "estimated")
    assert numbers["priced_as"] == "anthropic:claude-opus-5-5"


def test_a_failed_request_is_counted() -> None:
    """It is among the requests, and among the failed ones."""
    numbers = summarise([ROW, row(error="overloaded", usage=Usage("measured"))])
    assert (numbers["requests"], numbers["failed"]) == (2, 1)


def test_a_failed_request_leaves_the_numbers_known() -> None:
    """Nothing metered it: it makes neither the basis mixed nor the dollars unknown."""
    failed = row(error="overloaded", usage=Usage("estimated"), cost_usd=None, cost_uncached_usd=None)
    whole = report([failed, ROW], "run-1")
    assert (whole["basis"], whole["cost_usd"]) == ("measured", ROW.cost_usd)
    assert [part["requests"] for part in whole["by_agent"]] == [2]


def test_a_run_of_failures_has_no_basis() -> None:
    """Only failures: no tokens, no dollars, unknown shares."""
    failed = row(error="overloaded", usage=Usage("estimated"), cost_usd=None, cost_uncached_usd=None)
    numbers = summarise([failed])
    assert (numbers["requests"], numbers["failed"], numbers["input_tokens"], numbers["basis"]) == (1, 1, 0, None)


@pytest.mark.parametrize(
    ("usage", "new", "context", "expected"),
    [
        (Usage("measured", 1_000), 900, 900, 1_000),
        (Usage("measured", 200, 800), 90, 900, 100),
        (Usage("measured", 50, 950), 90, 900, 50),
        (Usage("measured", 50, 950), 90, 0, 50),
        (Usage("measured"), 90, 900, 0),
    ],
)
def test_new_tokens_are_the_providers(usage: Usage, new: int, context: int, expected: int) -> None:
    """Our count is scaled to the provider's, and never exceeds what was not read."""
    assert new_tokens(row(usage=usage, new_tokens=new, context_tokens=context)) == expected
