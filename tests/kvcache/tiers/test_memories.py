"""What engines hold in tiers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.kvcache.eviction import EVICTION
from agentmem.kvcache.tiers.memories import PolicyMemory, memories
from tests.kvcache.tiers.workloads import chains, requests

ROOMS = (3, 10, 40)


@given(chains())
def test_lru_by_the_table_is_the_stack(blocks: list[list[int]]) -> None:
    """Tier by tier: pinning what never calls a tool changes nothing, and is played piece by piece."""
    work = requests(blocks)
    stack, played = (memories(work, 4, "lru", pins=pins)(ROOMS) for pins in (False, True))
    assert isinstance(played, PolicyMemory)
    for at, one in enumerate(work):
        assert stack.leading(one.runs) == played.leading(one.runs)
        assert stack.use(one, at, one.at) == played.use(one, at, one.at)


@given(chains(), st.sampled_from(sorted(EVICTION)))
def test_tiers_hold_what_leads_a_prompt(blocks: list[list[int]], name: str) -> None:
    """No row finds a block twice, and none finds more than the prompt has."""
    work = requests(blocks)
    memory = memories(work, 4, name, pins=False)(ROOMS)
    for at, one in enumerate(work):
        assert sum(memory.use(one, at, one.at)) <= one.blocks


def test_an_unknown_row_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(ConfigError, match="lru, lfu"):
        memories([], 4, "fifo", pins=False)
