"""When a context is compacted: the triggers, the sizes, and what cannot work."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.compaction.when import (
    IDLE_SHARE,
    LAMBDAS,
    Compaction,
    ContextState,
    Quality,
    best_growth,
    check_budget,
    due,
    room_behind,
    state,
)
from agentmem.errors import ConfigError
from agentmem.types import Rates
from tests.compaction.conversations import BUDGET, conversation, view_of

SONNET = Rates(3e-6, 3e-7, 3.75e-6, 6e-6, 15e-6)
FRESH = ContextState(
    context=60_000,
    prefix=10_000,
    least=26_000,
    growth=900.0,
    since=40_000,
    budget=120_000,
    gain=6_000,
    asking=2_300,
    quality=1,
    output=2_500,
    rates=SONNET,
)


def test_the_best_growth_is_the_economic_order_quantity() -> None:
    """ΔC* = √(2·F·g / r), with F = r·C + o·S + (w − r)·(K − P) in units of the plain price."""
    fixed = 0.1 * 60_000 + 5 * 2_500 + 1.15 * 16_000
    assert best_growth(FRESH) == pytest.approx(math.sqrt(2 * fixed * 900 / 0.1))


@given(st.sampled_from([1, 2, 3]), st.integers(0, 200_000))
def test_growth_triggers_at_lambda_times_the_best(quality: Quality, since: int) -> None:
    """Each quality waits its own multiple, and never for a gain below the least."""
    now = replace(FRESH, quality=quality, since=since)
    assert due(now) == ("growth" if since >= LAMBDAS[quality] * best_growth(now) else None)
    assert due(replace(now, least=55_000)) is None


def test_the_budget_triggers_whatever_it_costs() -> None:
    """Above 97 % of the budget a context is compacted even when it does not pay."""
    assert due(replace(FRESH, context=116_401, since=0)) == "limit"
    assert due(replace(FRESH, context=116_400, since=0)) is None
    assert due(replace(FRESH, context=116_000, since=0, asking=5_000)) == "limit"


def test_a_pause_triggers_at_a_share_of_the_best_growth() -> None:
    """Before the cache expires it pays earlier."""
    least = math.ceil(IDLE_SHARE * best_growth(FRESH))
    assert due(replace(FRESH, since=least), pause=True) == "idle"
    assert due(replace(FRESH, since=least - 1), pause=True) is None
    assert due(replace(FRESH, since=least)) is None


@given(st.floats(1e-9, 1e-3), st.floats(0.01, 1.0), st.floats(1.0, 3.0), st.floats(1.0, 10.0))
def test_only_proportions_of_prices_count(plain: float, read: float, write: float, output: float) -> None:
    """The same model priced in another currency compacts at the same moment."""
    rates = Rates(plain, plain * read, plain * write, plain * 2, plain * output)
    scaled = Rates(1.0, read, write, 2.0, output)
    assert best_growth(replace(FRESH, rates=rates)) == pytest.approx(best_growth(replace(FRESH, rates=scaled)))


def test_a_free_cache_never_pays_for_a_compaction() -> None:
    """Where reading costs nothing, only the budget triggers."""
    free = replace(FRESH, rates=Rates(0.0, 0.0, 0.0, 0.0, 0.0), since=10**9)
    assert due(free) is None


def test_growth_is_counted_from_the_first_request_and_averaged() -> None:
    """The first request sets the base; each later one moves the average by three hundredths of its growth."""
    view = view_of(conversation(6))
    now = state(view, Compaction(), BUDGET)
    assert view.pace.base is not None
    assert now.since == view.tokens - view.pace.base > 0
    assert 0 < now.growth < 900
    assert state(view_of(conversation(6)[:2]), Compaction(), BUDGET).since == 0


def test_a_state_is_in_the_providers_tokens() -> None:
    """Where the provider counts half as many again, so does every figure."""
    view = view_of(conversation(6))
    ours, theirs = (state(view, Compaction(), BUDGET, None, estimate) for estimate in (0, view.tokens * 3 // 2))
    for figure in ("context", "prefix", "least", "since"):
        assert getattr(theirs, figure) == pytest.approx(1.5 * getattr(ours, figure), rel=0.02)


@pytest.mark.parametrize(
    "settings", [{"quality": 4}, {"tail": -1}, {"retained": -1}, {"lead": 300.0}, {"attempts": -1}]
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, int]) -> None:
    """Each names the setting that is wrong."""
    with pytest.raises(ConfigError, match=next(iter(settings))):
        Compaction(**settings)  # type: ignore[arg-type]  # the wrong value is the test


def test_a_budget_without_room_is_refused_at_the_start() -> None:
    """K + 10k must fit, else a thread would do nothing but compact; the error says what would do."""
    view = view_of(conversation(1))
    check_budget(view, Compaction(), 60_000)
    wide = Compaction(tail=50_000)
    with pytest.raises(ConfigError, match="Raise the budget to"):
        check_budget(view, wide, 60_000)


def test_small_budgets_get_small_sizes() -> None:
    """Below the full budget all sizes shrink in proportion; then they stand; a wide one gets a larger index."""
    assert Compaction(quality=3).kept_results == 8_000
    small = Compaction().sized(6_000)
    assert (small.paths, small.kept_results, small.summary, small.kept_lines) == (50, 0, 40, 600)
    assert Compaction(1).sized(6_000).kept_lines == 250 and Compaction(1, files=6_000).sized(6_000).kept_lines == 600
    assert Compaction().sized(60_000) == Compaction().sized(120_000) == Compaction()
    wide = Compaction(fresh=1_000).sized(240_000)
    assert (wide.paths, wide.summary, wide.index, wide.fresh) == (500, 400, 400, 4_000)


def test_a_wide_budget_waits_longer() -> None:
    """Whoever gives twice the room compacts at four times the growth."""
    wide = replace(FRESH, budget=240_000, context=200_000)
    least = math.ceil(4 * LAMBDAS[wide.quality] * best_growth(wide))
    assert due(replace(wide, since=least)) == "growth"
    assert due(replace(wide, since=least - 1)) is None


def test_the_room_behind_a_reply() -> None:
    """It is what the budget leaves beside the prefix and what a cut keeps."""
    settings = Compaction(tail=300, users=200, user=60, summary=300, index=200, names=200, paths=200, files=200)
    bare = room_behind(0, settings, 60_000)
    assert 0 < room_behind(10_000, settings, 60_000) == bare - 10_000 < 60_000


def test_lines_of_files_give_way() -> None:
    """What must stand gets the room that it needs, then the trail up to half of the rest; the sum stays."""
    sizes = Compaction(standing=100, trail=100, files=1_000)
    assert sizes.giving_way(50, 80) == sizes
    wider = sizes.giving_way(300, 200)
    assert (wider.standing, wider.trail, wider.files) == (300, 200, 700) and wider.least == sizes.least
    most = sizes.giving_way(400, 9_000)
    assert (most.standing, most.trail, most.files) == (400, 450, 350)
    assert sizes.giving_way(9_000, 9_000).files == 0
