"""The plan as one document."""

import json
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.kvcache.eviction import EVICTION
from agentmem.kvcache.tiers.plans import CHOICES, FleetTarget
from agentmem.replay.planner import PINS, PlanRequest, planned
from agentmem.replay.workloads import Workload, workload
from tests.replay.test_workloads import MOONCAKE, SESSION, written


def traffic(tmp_path: Path) -> Workload:
    return workload([written(tmp_path / "sessions.jsonl", [SESSION] * 9)])


def test_a_plan_has_every_part(tmp_path: Path) -> None:
    """It can be written as JSON; the curve ends without a limit; each routing and each rung is there."""
    made = planned(traffic(tmp_path), PlanRequest(target=FleetTarget(0.3, 5.0), compare=tuple(CHOICES)))
    assert json.loads(json.dumps(made)) == made
    assert made["curve"][-1]["capacity_tokens"] is None
    assert made["curve"][-1]["hit_rate"] == pytest.approx(1 / 3)
    assert made["curve"][0]["optimal_hit_rate"] >= made["curve"][0]["hit_rate"]
    assert made["best"]["meets_target"] and made["best"]["hit_rate"] >= 0.3
    assert [one["routing"] for one in made["routing"]] == ["random", "round-robin", "session", "prefix"]
    assert [(one["eviction"], one["pin_s"]) for one in made["evictions"]] == [
        *((name, 0.0) for name in EVICTION),
        *(("lru", pin) for pin in PINS),
    ]
    assert [one["name"] for one in made["choices"]] == ["now", "update", "buy", "wait"]


def test_a_target_out_of_reach_is_none(tmp_path: Path) -> None:
    """Then the settings are those of the fleet that finds most."""
    made = planned(traffic(tmp_path), PlanRequest(target=FleetTarget(0.9)))
    assert made["best"] is None
    assert made["settings"]["vLLM"]


def test_a_price_of_ones_own_is_used(tmp_path: Path) -> None:
    """Twice the price of a chip is twice the price of engines without memory behind them."""
    work = workload([written(tmp_path / "trace.jsonl", MOONCAKE)])
    cheap, dear = (planned(work, PlanRequest(usd_hour=usd))["fleets"][0]["usd_hour"] for usd in (1.0, 2.0))
    assert dear == 2 * cheap
    with pytest.raises(ConfigError, match="there are H100"):
        PlanRequest(chip="H1").engine()
    with pytest.raises(ConfigError, match="now, update, buy, wait"):
        PlanRequest(compare=("sell",)).engine()
    with pytest.raises(ConfigError, match="lru, lfu"):
        PlanRequest(eviction="fifo").engine()


def test_fleets_follow_the_eviction_that_is_asked_for(tmp_path: Path) -> None:
    """And its pins; without a request whose tool runs, no pins are compared."""
    made = planned(traffic(tmp_path), PlanRequest(eviction="value", pin=7.0))
    assert {(one["eviction"], one["pin_s"]) for one in made["fleets"]} == {("value", 7.0)}
    assert ("value", 7.0) in {(one["eviction"], one["pin_s"]) for one in made["evictions"]}
    silent = planned(workload([written(tmp_path / "trace.jsonl", MOONCAKE)]), PlanRequest())
    assert [one["eviction"] for one in silent["evictions"]] == list(EVICTION)
