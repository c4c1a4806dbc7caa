"""agentmem.kvcache.warehouse.playing."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.kvcache.eviction import EVICTION
from agentmem.kvcache.warehouse.blocks import shared
from agentmem.kvcache.warehouse.playing import EngineRates, PlayedDay, PlayedTurn, play_warehouse, play_without
from agentmem.kvcache.warehouse.warehouse import Warehouse
from tests.kvcache.warehouse.made import SEED, TOKEN_BYTES, known, state

RATES = EngineRates(0.01, 0.03, 0.0, 0.0, 0.0, 0.0, 0.0, 1)
PLENTY = 10**9

contexts = st.lists(st.integers(1, 2), min_size=1, max_size=3).map(lambda one: [t for t in one for _ in range(70)])
days = st.lists(contexts, min_size=1, max_size=8)


def turns_of(days: Sequence[Sequence[int]]) -> list[PlayedTurn]:
    return [PlayedTurn(tuple(one), (*one, 9)) for one in days]


def reused(day: PlayedDay) -> int:
    return sum(day.found.values())


@given(days)
def test_with_room_for_all_it_finds_what_was_computed(days: list[list[int]]) -> None:
    """Token for token what any turn before has computed, as soon as that is worth bringing."""
    turns = turns_of(days)
    best = 0
    for at, turn in enumerate(turns):
        most = max((shared(one.end, turn.prompt) for one in turns[:at]), default=0)
        best += min(len(turn.prompt) - 1, most)
    assert reused(play_warehouse(turns, RATES, PLENTY, 0, "lru", worth=1)) == best
    assert reused(play_warehouse(turns, RATES, 0, PLENTY, "lru", worth=1)) == best


@settings(max_examples=30)
@given(days)
def test_it_finds_what_the_warehouse_finds(days: list[list[int]]) -> None:
    """The real one, with the same contexts in the same order."""
    turns = turns_of(days)
    with Warehouse(ram=PLENTY) as warehouse:
        for at, turn in enumerate(turns):
            found = known(warehouse, turn.prompt)
            play = play_warehouse(turns[: at + 1], RATES, PLENTY, 0, "lru", worth=1)
            before = play_warehouse(turns[:at], RATES, PLENTY, 0, "lru", worth=1)
            assert reused(play) - reused(before) == min(found, len(turn.prompt) - 1)
            warehouse.put(SEED, turn.end, state(turn.end))
    assert TOKEN_BYTES == 16


@given(days, st.integers(0, 300), st.sampled_from(sorted(EVICTION)))
def test_every_token_is_counted_once(days: list[list[int]], room: int, eviction: str) -> None:
    """As found in one tier or as computed, in however little room; and no eviction beats room for all."""
    turns = turns_of(days)
    play = play_warehouse(turns, RATES, room, room, eviction)
    assert reused(play) + play.computed == sum(len(turn.prompt) for turn in turns)
    assert reused(play) <= reused(play_warehouse(turns, RATES, PLENTY, 0, "lru", worth=1))
    assert play.output == len(turns)


def test_without_a_warehouse_only_the_slot_is_known() -> None:
    """The last conversation."""
    turns = turns_of([[1] * 100, [2] * 100, [1] * 100, [1] * 120])
    play = play_without(turns, RATES)
    assert play.found == {"slot": 100, "ram": 0, "disk": 0}
    assert play.rate == pytest.approx(4 / play.engine_seconds)
    assert play.share == pytest.approx(100 / 420)


def test_the_work_beside_the_engine_is_counted() -> None:
    """By the rates: bytes brought, read, saved and cut."""
    rates = EngineRates(0.01, 0.03, 0.0, 1.0, 2.0, 3.0, 4.0, 1)
    turns = turns_of([[1] * 64, [2] * 64, [1] * 64])
    play = play_warehouse(turns, rates, 0, PLENTY, "lru")
    assert play.beside == 3 * 65 * 3 + 2 * 65 * 4 + 64 * (1.0 + 2.0)
    assert play.written_bytes == 130


def test_an_unknown_eviction_is_refused() -> None:
    """As everywhere."""
    with pytest.raises(ConfigError):
        play_warehouse([], RATES, 1, 1, "fifo")
