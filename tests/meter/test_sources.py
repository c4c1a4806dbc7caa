"""agentmem.meter.sources."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from agentmem.meter.ledger import decode, draft
from agentmem.meter.report import report, summarise
from agentmem.meter.sources import read_sources, sources_value, sum_of_sources
from agentmem.meter.tables import show
from agentmem.types import Entry, KvSources
from tests.meter.rows import row

COUNT = st.integers(0, 10**6)
SOURCES = st.builds(KvSources, COUNT, COUNT, COUNT, COUNT, COUNT, st.integers(-999, 999).map(lambda one: one / 8))


@given(SOURCES)
def test_a_row_keeps_where_its_prompt_came_from(sources: KvSources) -> None:
    """In its entry, without zeros; a row of before has none."""
    made = draft(row(sources=sources))
    assert decode(Entry("main", 1, "", "usage", made.data, "")).sources == sources
    assert 0 not in sources_value(sources).values()
    assert decode(Entry("main", 1, "", "usage", draft(row()).data, "")).sources is None


@given(st.lists(SOURCES, min_size=1, max_size=5))
def test_a_report_adds_them_up(parts: list[KvSources]) -> None:
    """Over the requests that say; None if none does."""
    made = summarise([row(), *(row(sources=one) for one in parts)])["kv"]
    assert made["disk_tokens"] == sum(one.disk for one in parts)
    assert made["computed_tokens"] == sum(one.computed for one in parts)
    assert made["seconds_saved"] == sum(one.seconds_saved for one in parts)
    assert summarise([row()])["kv"] is None
    assert sum_of_sources([]) is None


def test_keys_of_later_versions_are_passed_over() -> None:
    """And what is not said is zero."""
    assert read_sources({"ram": 3, "tape": 9}) == KvSources(ram=3)
    assert read_sources({}) == KvSources()
    assert read_sources(None) is None


def test_the_table_shows_the_tiers_where_there_are_any() -> None:
    """A run without a warehouse has no line for it."""
    for sources, shown in ((KvSources(ram=10, disk=20, seconds_saved=1.5), True), (None, False)):
        printed = io.StringIO()
        show(report([row(sources=sources)], "main"), Console(file=printed, width=120))
        assert ("10, 20, 0" in printed.getvalue()) is shown
