"""agentmem.meter.price_row."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.meter.price_row import PriceRow, listed_rows, read_price_row


@given(st.builds(PriceRow, st.text(), st.text(), st.text(), st.text()))
def test_a_row_reads_back(row: PriceRow) -> None:
    """What a ledger keeps is the row; what later versions add to it is passed over."""
    assert read_price_row(row.parts()) == read_price_row([*row.parts(), "more"]) == row


def test_rows_are_listed_by_dollars() -> None:
    """The dearest first, with their requests; what is not said is null. For people they are one line."""
    one, two = PriceRow("t 1", "a:b"), PriceRow("t 1", "a:c", "2026-11-30", "batch")
    assert read_price_row(None) is None
    assert [row["usd"] for row in listed_rows({one: (1, 0.5), two: (2, 0.75)})] == [0.75, 0.5]
    assert listed_rows({one: (1, 0.5)}) == [
        {"table": "t 1", "model": "a:b", "dated": None, "tier": None, "requests": 1, "usd": 0.5}
    ]
    assert (str(one), str(two)) == ("a:b (t 1)", "a:c at batch (t 1, 2026-11-30)")
