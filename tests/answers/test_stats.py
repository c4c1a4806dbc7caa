"""What the cache did, as numbers that scripts read."""

from pathlib import Path

import pytest

from agentmem.answers.agreement import Errors
from agentmem.answers.stats import EACH, Counters, report
from agentmem.answers.store import AnswerStore
from agentmem.answers.tuning import upper_bound
from agentmem.meter.answers import lines
from tests.answers.caches import Time

COUNTS = {
    ("exact", "faq"): 30.0,
    ("semantic", "faq"): 10.0,
    ("semantic", "support"): 10.0,
    ("miss", "faq"): 40.0,
    ("excluded", ""): 10.0,
    ("audited", "faq"): 20.0,
    ("mismatch", "faq"): 1.0,
    ("saved_usd", "faq"): 0.5,
    ("invalidated.page", ""): 3.0,
}


def test_shares_are_of_what_they_say() -> None:
    """Wrong answers per hit from the audits; per lookup by the share of hits."""
    found = report(COUNTS)
    assert (found["lookups"], found["hits"], found["misses"]) == (100, {"exact": 30, "semantic": 20}, 40)
    assert found["hit_rate"] == 0.5
    assert found["wrong_per_hit"] == pytest.approx(0.05)
    assert found["wrong_per_hit_upper95"] == pytest.approx(upper_bound(1, 20))
    assert found["wrong_per_lookup"] == pytest.approx(0.025)
    assert found["invalidated"] == {"ttl": 0, "page": 3, "event": 0, "audit": 0}
    assert found["by_type"]["support"]["hits"] == {"exact": 0, "semantic": 10}
    assert found["by_type"]["support"]["wrong_per_hit"] is None


def test_sentences_for_people() -> None:
    """The bound stands beside the share; without audits nobody knows."""
    said = " ".join(lines({**report(COUNTS), "entries": 7}))
    assert "Of 20 audited hits 1 were wrong: 5.00% of the hits" in said
    assert "at 95 % confidence" in said
    assert "nobody knows" in " ".join(lines({**report({}), "entries": 0}))


def test_the_judges_own_errors_stand_beside_what_it_found() -> None:
    """And the share of wrong hits without them; without labels there is neither."""
    found = report(COUNTS, Errors(different=40, missed=4, same=100, alarmed=3))
    assert found["judge"]["missed"] == 4
    assert found["judge"]["missed_upper95"] > 0.1
    assert found["wrong_per_hit_corrected"] == pytest.approx((0.05 - 0.03) / (0.9 - 0.03))
    said = " ".join(lines({**found, "entries": 7}))
    assert "took 4 of 40 different ones for the same" in said
    assert "Corrected for that, 2.30% of the hits are wrong." in said
    assert report(COUNTS)["judge"] is None
    assert report(COUNTS)["wrong_per_hit_corrected"] is None


def test_counts_are_written_in_batches(tmp_path: Path) -> None:
    """No lookup waits for the disk; two processes' counts add up."""
    one, other = AnswerStore(tmp_path, Time()), AnswerStore(tmp_path, Time())
    counters, others = Counters(one), Counters(other)
    for _ in range(EACH - 1):
        counters.add("exact", "faq")
    assert one.counts() == {}
    counters.add("exact", "faq")
    others.add("exact", "faq")
    others.flush()
    assert one.counts() == {("exact", "faq"): EACH + 1.0}
    one.close()
    counters.add("exact", "faq")
    counters.flush()  # the database is closed: the count is kept for the next time
    other.close()
