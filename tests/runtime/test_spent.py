"""What a run has spent: sums of what is known, and names of what is not."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.meter.ledger import decode, draft
from agentmem.meter.report import summarise
from agentmem.runtime.stops import RunSpent
from agentmem.types import NO_EXTRAS, Entry, Extras, Usage
from tests.meter.rows import ROW, row

COSTS = st.lists(st.none() | st.floats(0, 10))


@given(COSTS)
def test_dollars_are_the_sum_of_what_is_known(costs: list[float | None]) -> None:
    """No request without a price takes away the others, whatever their order; and all are counted."""
    rows = [row(cost_usd=usd, cost_uncached_usd=usd, model=f"x:{number % 2}") for number, usd in enumerate(costs)]
    spent = RunSpent()
    for one in rows:
        spent = spent.plus(one)
    known = [usd for usd in costs if usd is not None]
    assert spent.usd == (sum(known) if known else None)
    assert spent.priced == len(known)
    assert sum(spent.unpriced.values()) == len(costs) - len(known)
    summary = summarise(rows)
    assert summary["cost_usd"] == (sum(known) if known or not costs else None)
    assert {one["model"]: one["requests"] for one in summary["unpriced"]} == dict(spent.unpriced)


@given(st.sampled_from(["", "fast", "flex"]), st.integers(0, 9), st.lists(st.integers(0, 10**6)))
def test_the_ledger_keeps_what_is_billed_beside(speed: str, searches: int, counts: list[int]) -> None:
    """A row reads back as it was written, and its sums are those that were reported."""
    others = tuple((f"m{at}", Usage("measured", count, 1, 2, 3, 4)) for at, count in enumerate(counts))
    made = row(extras=Extras(speed, searches, others))
    written = draft(made)
    read = decode(Entry(ROW.thread, 1, "", "usage", written.data, ""))
    assert (read.extras, read.usage) == (made.extras, made.usage)
    assert decode(Entry(ROW.thread, 1, "", "usage", draft(ROW).data, "")).extras == NO_EXTRAS
