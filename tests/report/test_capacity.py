"""A plan as a page."""

from pathlib import Path

from agentmem.kvcache.tiers.plans import FleetTarget
from agentmem.replay.planner import PlanRequest, planned
from agentmem.replay.workloads import workload
from agentmem.report.capacity import about, capacity_page, verdict, winner
from tests.replay.test_workloads import AZURE, SESSION, written


def test_the_page_shows_the_plan_and_fetches_nothing(tmp_path: Path) -> None:
    """Every part is there, texts are escaped, and the policy allows no script and no request."""
    plan = planned(workload([written(tmp_path / "s.jsonl", [SESSION] * 9)]), PlanRequest(compare=("update", "wait")))
    page = capacity_page({**plan, "assumptions": ["<script>alert(1)</script>"]})
    assert "default-src 'none'" in page
    assert "<script" not in page
    for part in ("Capacity and what it finds", "<polyline", "Fleets", "Update, buy or wait", "Claim:", "LMCACHE_CHUNK"):
        assert part in page


def test_it_says_which_eviction_finds_most(tmp_path: Path) -> None:
    """Of those that a cache could follow; where all find the same, that."""
    plan = planned(workload([written(tmp_path / "s.jsonl", [SESSION] * 9)]), PlanRequest())
    assert winner(plan) == "Here it makes no difference what leaves first."
    rows = [
        {**one, "hit_rate": 0.2 + 0.1 * (one["eviction"] != "lfu")} for one in plan["evictions"] if not one["pin_s"]
    ]
    assert winner({"evictions": rows}) == (
        "Of those that do not know the future lru and leaf-first and value find most: 30.0%."
    )
    assert winner({"evictions": [*rows[1:2], {**rows[0], "hit_rate": 0.5}]}).endswith("lru finds most: 50.0%.")


def test_sentences_say_what_was_asked(tmp_path: Path) -> None:
    """The workload and the engine in one, what the target takes in another, and that nothing reached it."""
    work = workload([written(tmp_path / "s.jsonl", [SESSION] * 9)])
    plan = planned(work, PlanRequest(target=FleetTarget(0.3, 5.0)))
    assert "18 requests" in about(plan) and "2 x H100" in about(plan)
    assert "lengths" not in about(plan)
    arrivals = tmp_path / "arrivals.csv"
    arrivals.write_text(AZURE, encoding="utf-8")
    apart = about(planned(workload([arrivals]), PlanRequest()))
    assert apart.startswith("2 requests in 0.0 minutes") and apart.endswith("only lengths count.")
    assert verdict(plan).startswith("The cheapest that reaches 30% found and the first token within 5 s")
    assert verdict(planned(work, PlanRequest(target=FleetTarget(0.9)))) == "No fleet that was tried reaches 90% found."
