"""agentmem.routing.shadow, planning and where."""

import pytest

from agentmem.meter.ledger import Row, decode, draft
from agentmem.routing.planning import tables_at, tables_of
from agentmem.routing.routes import Routes
from agentmem.routing.rules import RouteRule
from agentmem.routing.shadow import compare
from agentmem.routing.where import page, where, why
from tests.meter.rows import entry
from tests.routing.rows import NOON, row, small

ALL = (RouteRule("all", ("small",)),)
AFTER = (RouteRule("long", ("small",), {"context": ("long",)}),)


def conversation(thread: str, requests: int, start: float = NOON, *, agent: str = "agent") -> list[Row]:
    """A warm conversation that grows by 2,000 tokens with each request."""
    first = row(start, thread, written=20_000, relation="first", agent=agent)
    return [
        first,
        *(row(start + 10 * n, thread, 18_000 + 2_000 * n, 2_000, agent=agent) for n in range(1, requests)),
    ]


def test_without_rules_routing_costs_what_was_billed() -> None:
    """Staying is the bill, to the cent, and a table without rules changes nothing."""
    rows = conversation("a", 20)
    total, routed = compare(rows, tables_at(0.2, ()))
    assert total.routed_usd == pytest.approx(total.stay_usd)
    assert total.stay_usd == pytest.approx(sum(one.cost_usd or 0.0 for one in rows))
    assert {one.decision.target for one in routed} == {"default"}


def test_a_sub_task_at_a_fifth_costs_a_fifth() -> None:
    """A conversation that begins at the small model is served as it was, at that model's prices."""
    total, _ = compare(conversation("a", 20), tables_at(0.2, ALL))
    assert total.share == pytest.approx(0.2)
    assert total.moves == 0


def test_a_move_writes_the_prefix_anew() -> None:
    """A router that ignores the price writes the prefix with every change; ours does not move without a ledger."""
    total, routed = compare(conversation("a", 8), tables_at(0.6, AFTER))
    assert total.moves == 0
    assert total.routed_usd == pytest.approx(total.stay_usd)
    assert total.naive_usd > total.stay_usd
    assert all(one.decision.kind in ("start", "same", "stay") for one in routed)


def test_a_known_ledger_moves_what_pays() -> None:
    """After enough conversations with long stretches the move is made, and it is cheaper in sum."""
    rows = [one for n in range(60) for one in conversation(f"t{n}", 60, NOON + 10_000 * n)]
    rows += [row(NOON + 10_000 * n + 5_000, f"t{n}", written=20_000, relation="expiry") for n in range(60)]
    total, routed = compare(sorted(rows, key=lambda one: one.at), tables_at(0.2, AFTER))
    assert total.moves > 10
    assert total.routed_usd < total.stay_usd
    assert any(one.decision.kind == "pays" for one in routed)


def test_own_routes_are_replayed() -> None:
    """Routes of one's own use their own targets."""
    total, routed = compare(conversation("a", 5), tables_of(Routes([small(0.2)], ALL)))
    assert {one.decision.target for one in routed} == {"small"}
    assert total.share == pytest.approx(0.2, rel=0.01)


def test_a_request_without_a_price_is_counted_and_left_out() -> None:
    """Unknown models are skipped, and the total says how many."""
    rows = [row(NOON, model="nobody:nothing-1"), *conversation("a", 3)]
    total, routed = compare(rows, tables_at(0.2, ALL))
    assert (total.skipped, len(routed)) == (1, 3)


def test_where_sums_by_label_and_tier_and_says_why() -> None:
    """The groups add up to the total, each request has its why, and a routed row survives its entry."""
    rows = [*conversation("a", 4), *conversation("b", 4, NOON + 50, agent="tester")]
    rules = (RouteRule("testers", ("small",), {"purpose": ("tester",)}),)
    routed = [one.routed for one in compare(rows, tables_at(0.2, rules))[1]]
    again = [decode(entry(draft(one).data, one.thread)) for one in routed]
    kept = [(one.route.target, one.route.rule, one.route.labels, one.route.why) for one in again if one.route]
    assert kept == [(one.route.target, one.route.rule, one.route.labels, one.route.why) for one in routed if one.route]
    found = where(again, "day")
    assert {(one["label"], one["target"]) for one in found["groups"]} == {("answer", "default"), ("tester", "small")}
    assert sum(one["requests"] for one in found["groups"]) == found["total"]["requests"] == 8
    tester = next(one["request"] for one in found["requests"] if one["label"] == "tester")
    assert "'testers'" in why(found, tester)
    assert found["total"]["cost_usd"] == pytest.approx(sum(one.cost_usd or 0 for one in routed))


def test_the_page_is_whole_and_shows_names_as_text() -> None:
    """The page fetches nothing, and a name with markup is text in it."""
    text = page(where([row(NOON, "<script>alert(1)</script>")], "<b>"))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "default-src 'none'" in text
