"""The smallest fleet for a target, and what to do next."""

import pytest

from agentmem.errors import ConfigError
from agentmem.kvcache.tiers.fleet import FleetPlan
from agentmem.kvcache.tiers.hardware import EngineSpec
from agentmem.kvcache.tiers.plans import (
    LADDER,
    LOAD,
    FleetTarget,
    Outlook,
    PlannedWork,
    choices,
    engines_for,
    ladder,
    rungs,
    smallest,
)
from agentmem.kvcache.tiers.runs import BlockRequest

ENGINE = EngineSpec.named("H100", "llama-3.3-70b")


def growing(conversations: int, turns: int = 8) -> PlannedWork:
    """Conversations of ever longer prompts, side by side, a turn every ten seconds."""
    made = []
    for turn in range(turns):
        for at in range(conversations):
            blocks = 200 + 20 * turn
            made.append(
                BlockRequest(
                    10.0 * turn + at / conversations, ((10_000 * at, 10_000 * at + blocks),), 64 * blocks, 50, at
                )
            )
    tokens = sum(one.tokens for one in made)
    return PlannedWork(made, 64, tokens / len(made))


@pytest.mark.parametrize("text", ["", "hit", "hit=x", "hit=2", "ttft=-1", "cost=3", "hit=.9;ttft=2"])
def test_a_target_that_is_none_is_refused(text: str) -> None:
    """The error shows the form."""
    with pytest.raises(ConfigError, match=r"hit=\.95,ttft=2s"):
        FleetTarget.parsed(text)


def test_a_target_is_read() -> None:
    """With a unit and spaces, or without."""
    assert FleetTarget.parsed("hit=.95, ttft=2s") == FleetTarget(0.95, 2.0)
    assert FleetTarget.parsed("ttft=3") == FleetTarget(None, 3.0)


def test_the_smallest_fleet_meets_the_target() -> None:
    """It finds what was asked for in time, on engines with time to spare, and none that is cheaper does."""
    work, target = growing(30), FleetTarget(0.8, 20.0)
    fleets = ladder(work, FleetPlan(ENGINE), target)
    best = smallest(fleets, target)
    assert best is not None
    assert best.hit_rate >= 0.8 and best.first_token(0.99) <= 20.0 and best.load <= LOAD
    assert len(fleets) == len(LADDER) == len(list(rungs()))
    assert smallest(fleets, FleetTarget(0.999)) is None


def test_more_engines_are_no_use_where_one_prompt_is_slow() -> None:
    """A first token that cannot come in time ends the search."""
    fleets = ladder(growing(2, 2), FleetPlan(ENGINE), FleetTarget(None, 0.01))
    assert all(one.plan.engines < 20 for one in fleets)


def test_the_choices_say_what_they_assume() -> None:
    """An update needs fewer engines than now; each choice has assumptions, and what makers say is apart."""
    work = growing(40)
    now, update, buy, wait = choices(work, FleetPlan(ENGINE, 4), Outlook())
    assert (now.name, update.name, buy.name, wait.name) == ("now", "update", "buy", "wait")
    assert update.engines < now.engines
    assert all(one.assumptions and one.claims for one in (now, update, buy, wait))
    late = choices(work, FleetPlan(ENGINE, 4), Outlook(months=6, wait_months=9))
    assert late[3].usd == pytest.approx(late[0].usd)


def test_one_request_needs_one_engine() -> None:
    """There is no time in which it came."""
    assert engines_for(PlannedWork([BlockRequest(0.0, ((0, 1),), 64)], 64, 64.0), FleetPlan(ENGINE)) == 1
