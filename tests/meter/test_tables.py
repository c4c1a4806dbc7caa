"""agentmem.meter.tables."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from agentmem.meter.ledger import Row
from agentmem.meter.report import report, summarise
from agentmem.meter.tables import advice, dollars, show, show_runs
from agentmem.types import Usage
from tests.meter.rows import ROW, row

SIMULATED = row(usage=Usage("simulated", 500), agent="tester", purpose="check")


def printed(rows: list[Row], run: str | None = "run-1") -> str:
    console = Console(file=io.StringIO(), width=80)
    show(report(rows, run), console)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_a_report_shows_what_was_asked_of_it() -> None:
    """Ratio, hit rate, redo share, both costs, peak context and basis stand in the table, by run and by agent."""
    text = printed([ROW])
    for shown in ("run-1", "agent agent", "20.0 : 1", "89.0%", "$0.0017", "$0.0050", "1,000", "measured"):
        assert shown in text


def test_several_purposes_have_a_table_of_their_own() -> None:
    """With one purpose it would only repeat the run."""
    assert "to answer" not in printed([ROW])
    assert "to summarise" in printed([ROW, row(purpose="summarise")])


def test_every_basis_is_named() -> None:
    """A mixed report shows a column for each meter and warns not to add them up."""
    text = printed([ROW, SIMULATED])
    assert "measured simulated" in text
    assert "never add them up" in text


def test_unknown_dollars_are_called_unknown() -> None:
    """They are not shown as zero."""
    text = printed([row(cost_usd=None, cost_uncached_usd=None)])
    assert "unknown" in text
    assert "$0.00" not in text


def test_lent_prices_are_named() -> None:
    """Whoever reads estimated dollars learns whose prices they are."""
    assert "at the prices of anthropic:claude-opus-5-5" in printed([row(priced_as="anthropic:claude-opus-5-5")])


def test_names_are_not_markup() -> None:
    """A thread or agent may be called anything."""
    assert "[bold]x" in printed([row(agent="[bold]x")], "[/red]")


def test_an_empty_run_says_what_to_do() -> None:
    """There is no table of zeros."""
    assert printed([]).startswith("Nothing has been sent yet")


def test_runs_are_listed() -> None:
    """One line a run, with its numbers."""
    console = Console(file=io.StringIO(), width=100)
    show_runs([("one", summarise([ROW])), ("two", summarise([SIMULATED]))], console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "one" in text
    assert "simulated" in text


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ROW, row(break_="break")], "1 of 2 requests changed text that had been sent before"),
        ([ROW, row(error="overloaded")], "run the thread again"),
        ([row(break_="expiry", usage=Usage("measured", 900, 100))], "expired before 1 of 1 requests"),
        ([row(usage=Usage("measured", 900), context_tokens=0, new_tokens=900)] * 2, "Nothing was read from a cache"),
        ([row(usage=Usage("measured", 900, 100), new_tokens=0)] * 2, "90% of the input was processed again"),
        ([row(usage=Usage("measured", 900), new_tokens=1_000)], "One request fills the cache"),
        ([ROW, ROW], "The cache served 89% of the input"),
    ],
)
def test_the_advice_fits_the_numbers(rows: list[Row], said: str) -> None:
    """The first thing that is wrong is what the sentence speaks of."""
    assert said in advice(report(rows, "run-1"))


KNOWN: dict[str, Any] = report([ROW, row(break_="break")], "run-1")


@given(st.sets(st.sampled_from(sorted(name for name, value in KNOWN.items() if isinstance(value, int | float)))))
def test_there_is_advice_whatever_is_unknown(unknown: set[str]) -> None:
    """Numbers that a log does not tell are None in a report; any of them, and any several."""
    counted = {"requests", "failed", "breaks", "cuts", "expiries", "schema"}
    told = {**KNOWN, **dict.fromkeys(unknown - counted)}
    assert advice(told).endswith(".")
    for breaks, expiries in ((0, 0), (0, 1)):
        assert "None" not in advice({**told, "breaks": breaks, "expiries": expiries})


@pytest.mark.parametrize(
    ("amount", "text"), [(None, "unknown"), (0.0, "$0.0000"), (0.00123, "$0.0012"), (1234.5, "$1,234.50")]
)
def test_dollars_are_legible(amount: float | None, text: str) -> None:
    """Small sums keep four digits, large ones cents."""
    assert dollars(amount) == text
