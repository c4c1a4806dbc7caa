"""A fleet of engines: where tokens were found, and how long the first took."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.kvcache.eviction import EVICTION
from agentmem.kvcache.tiers.fleet import ROUTERS, FleetPlan, dram, shared, simulate_fleet, ssd
from agentmem.kvcache.tiers.hardware import CHIPS, MODELS, EngineSpec
from agentmem.kvcache.tiers.runs import BlockRequest
from tests.kvcache.tiers.workloads import chains, requests

SMALL = EngineSpec(
    replace(CHIPS["H100"], memory_gb=0.002), replace(MODELS["llama-3.1-8b"], params_b=0.0, kv_bytes=10_000)
)
"""An engine whose own memory has room for 180 tokens."""
GB_OF_TOKEN = 10_000 / 1e9


@given(chains(), st.sampled_from(sorted(ROUTERS)), st.sampled_from(sorted(EVICTION)), st.integers(1, 4), st.booleans())
def test_every_token_was_somewhere(
    blocks: list[list[int]], routing: str, eviction: str, engines: int, behind: bool
) -> None:
    """Tokens found in tiers and computed ones are all tokens of the prompts; the last of each is computed."""
    work = requests(blocks)
    tiers = (dram(40 * GB_OF_TOKEN), ssd(80 * GB_OF_TOKEN))
    plan = FleetPlan(SMALL, engines, tiers, shared(400 * GB_OF_TOKEN) if behind else None, routing, eviction)
    result = simulate_fleet(work, 4, plan, 20.0)
    assert sum(result.found.values()) + result.computed == sum(one.tokens for one in work)
    assert result.computed >= sum(1 for one in work if one.tokens)
    assert result.output == 5 * len(work)
    assert len(result.ttft) == result.requests == len(work)
    assert 0 <= result.hit_rate < 1
    assert 0 <= result.load <= 1.000001
    assert result == simulate_fleet(work, 4, plan, 20.0)


def test_what_leaves_a_tier_is_in_the_next() -> None:
    """A prompt that comes back after others is found in the memory behind, and without that it is computed."""
    first, others = BlockRequest(0.0, ((0, 40),), 160), BlockRequest(1.0, ((100, 140),), 160)
    again = BlockRequest(2.0, ((0, 40),), 160)
    plan = FleetPlan(SMALL, 1, (dram(400 * GB_OF_TOKEN),))
    result = simulate_fleet([first, others, again], 4, plan, 160.0)
    assert result.found == {"HBM": 4 * 5, "DRAM": 159 - 4 * 5}
    alone = simulate_fleet([first, others, again], 4, FleetPlan(SMALL, 1), 160.0)
    assert alone.found == {"HBM": 20}
    assert alone.computed > result.computed


def test_a_store_serves_what_another_engine_computed() -> None:
    """In turn, two engines see a prompt once each: only the store behind both has it the second time."""
    twice = [BlockRequest(0.0, ((0, 10),), 40), BlockRequest(9.0, ((0, 10),), 40)]
    alone = simulate_fleet(twice, 4, FleetPlan(SMALL, 2, routing="round-robin"), 40.0)
    behind = simulate_fleet(twice, 4, FleetPlan(SMALL, 2, (), shared(1.0), "round-robin"), 40.0)
    assert alone.hit_rate == 0.0
    assert behind.found == {"HBM": 0, "shared": 39}
    assert behind.gain > alone.gain == 1.0


def test_routers_that_look_find_more() -> None:
    """Conversations on four engines: by session and by prefix they find what in turn they do not."""
    work = [
        BlockRequest(float(at), ((100 * (at % 3), 100 * (at % 3) + 10 + at // 3),), 4 * (10 + at // 3), 1, at % 3)
        for at in range(60)
    ]
    rates = {
        name: simulate_fleet(work, 4, FleetPlan(SMALL, 4, (dram(1.0),), None, name), 80.0).hit_rate for name in ROUTERS
    }
    assert rates["prefix"] == rates["session"] > max(rates["round-robin"], rates["random"])


def test_waiting_is_part_of_the_first_token() -> None:
    """Two prompts at once on one engine: the second waits for the first, on two engines none waits."""
    engine = replace(SMALL, model=MODELS["llama-3.1-8b"], chip=CHIPS["H100"])
    both = [BlockRequest(0.0, ((0, 100),), 6_400), BlockRequest(0.0, ((200, 300),), 6_400)]
    one, two = (simulate_fleet(both, 64, FleetPlan(engine, engines), 6_400.0) for engines in (1, 2))
    assert one.first_token(0.99) == pytest.approx(2 * two.first_token(0.99))
    assert one.usd == pytest.approx(one.plan.usd_hour * one.seconds / 3600)
    assert one.busy == pytest.approx(two.busy)


def test_a_conversation_is_pinned_while_its_tool_runs() -> None:
    """Others come meanwhile: its blocks are there for the result and its first token comes sooner."""
    first = BlockRequest(0.0, ((0, 40),), 160, tool=True)
    crowd = [BlockRequest(float(at), ((100 * at, 100 * at + 20),), 80) for at in range(1, 5)]
    back = BlockRequest(9.0, ((0, 40),), 160)
    found = {}
    for pin in (0.0, 2.0, 60.0):
        plan = FleetPlan(SMALL, 1, (dram(70 * GB_OF_TOKEN),), pin=pin)
        found[pin] = simulate_fleet([first, *crowd, back], 4, plan, 160.0)
    assert found[60.0].hit_rate > found[2.0].hit_rate == found[0.0].hit_rate
    assert found[60.0].ttft[-1] <= found[0.0].ttft[-1]
    assert sum(found[60.0].ttft) < sum(found[0.0].ttft)


def test_a_pin_ends_with_the_result() -> None:
    """A conversation that goes on without a tool, or on another engine, keeps nothing from those that come after it."""
    agent = BlockRequest(0.0, ((0, 40),), 160, session="a", tool=True)
    told = BlockRequest(1.0, ((0, 40),), 160, session="a")
    crowd = [BlockRequest(float(at), ((100, 140),), 160, session="b") for at in (2, 3)]
    found = {}
    for pin in (0.0, 60.0):
        plan = FleetPlan(SMALL, 1, (dram(40 * GB_OF_TOKEN),), routing="session", pin=pin)
        found[pin] = simulate_fleet([agent, told, *crowd], 4, plan, 160.0)
    assert found[60.0].found == found[0.0].found


def test_a_plan_that_cannot_be_is_refused() -> None:
    """No engine, or a routing or an eviction that there is not."""
    for plan in (FleetPlan(SMALL, 0), FleetPlan(SMALL, 1, routing="luck"), FleetPlan(SMALL, 1, eviction="luck")):
        with pytest.raises(ConfigError, match=r"at least one engine|there are random|there are lru"):
            simulate_fleet([], 4, plan, 1.0)
    assert simulate_fleet([], 4, FleetPlan(SMALL), 1.0).first_token(0.5) == 0.0
