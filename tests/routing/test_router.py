"""agentmem.routing.router."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError, RouteRefused
from agentmem.routing.conversations import RoutedConversation, Warm
from agentmem.routing.history import RouteHistory
from agentmem.routing.labels import RequestFacts
from agentmem.routing.router import RouteTable, decide, without_price
from agentmem.routing.rules import RouteRule
from agentmem.routing.targets import RouteTarget
from tests.routing.rows import LARGE, NOON, known, small, table, warm

MEDIAN = RequestFacts(tokens=93_800)


def test_a_sub_task_is_routed_at_its_start() -> None:
    """A new conversation goes where the rules want it, and the why names the rule."""
    found = decide(table(), RequestFacts("summary", 5_000), RoutedConversation(), RouteHistory(), NOON)
    assert (found.target, found.kind, found.rule, found.moved) == ("small", "start", "all", False)
    assert "'all'" in found.why


def test_without_a_rule_the_default_is_asked() -> None:
    """What no rule names goes to the default target."""
    found = decide(table(rules=()), MEDIAN, RoutedConversation(), RouteHistory(), NOON)
    assert (found.target, found.rule) == ("default", "")


@pytest.mark.parametrize(("remaining", "target", "kind"), [(2, "default", "stay"), (4, "small", "pays")])
def test_a_warm_conversation_moves_only_if_that_pays(remaining: int, target: str, kind: str) -> None:
    """It stays unless the expected saving over its expected requests exceeds the rewrite of its prefix."""
    found = decide(table(0.2), MEDIAN, warm(), known(remaining), NOON + 10)
    assert (found.target, found.kind) == (target, kind)
    assert found.price is not None
    assert found.lost_tokens == (93_192 if kind == "pays" else 0)


def test_nothing_is_promised_without_a_ledger() -> None:
    """A ledger that knows too few conversations expects no more requests, so a warm conversation stays."""
    assert decide(table(0.2), MEDIAN, warm(), known(50, of=3), NOON + 10).kind == "stay"


def test_a_compaction_is_the_free_moment() -> None:
    """After a cut, and after an expiry, the prefix is written anyway, so the rules' target is taken."""
    cut = decide(table(0.6), RequestFacts(tokens=20_000), warm().after_cut(9_000), RouteHistory(), NOON + 10)
    expired = decide(table(0.6), MEDIAN, warm(), RouteHistory(), NOON + 1_000)
    assert (cut.target, cut.kind) == (expired.target, expired.kind) == ("small", "free")
    assert "cut" in cut.why
    assert "expired" in expired.why


def test_a_pause_moves_nothing_to_a_dearer_place() -> None:
    """Where the rules want a dearer target, an expired cache is no reason to go there; a cut is."""
    low = replace(warm(), target="small", places={"small": Warm(93_192, NOON)})
    dear = RouteTable({"default": replace(LARGE, name="default"), "small": small(0.2)}, ())
    assert decide(dear, MEDIAN, low, RouteHistory(), NOON + 1_000).kind == "stay"
    assert decide(dear, MEDIAN, low.after_cut(9_000), RouteHistory(), NOON + 10).kind == "free"


def test_it_comes_back_down_when_that_pays() -> None:
    """A conversation that sits at a dearer place than the rules want returns once that pays, not before."""
    up = RoutedConversation("small", {"small": Warm(93_192, NOON)}, 10, tokens=93_192, output=300, growth=608)
    dear = RouteTable({"default": small(0.2, "default"), "small": replace(LARGE, name="small")}, ())
    assert decide(dear, MEDIAN, up, known(1), NOON + 10).kind == "stay"
    assert decide(dear, MEDIAN, up, known(30), NOON + 10).kind == "pays"


def test_a_rule_may_move_at_once() -> None:
    """``now`` ignores the price, and so does every rule of a router that does not know it."""
    now = table(rules=[RouteRule("up", ("small",), now=True)])
    assert decide(now, MEDIAN, warm(), RouteHistory(), NOON + 10).kind == "now"
    assert decide(without_price(table()), MEDIAN, warm(), RouteHistory(), NOON + 10).kind == "now"


def test_a_closed_target_is_passed_over() -> None:
    """The next target of the rule is taken, then the default; a conversation leaves a place that is closed."""
    two = table(rules=[RouteRule("all", ("small", "other"))], other=small(0.3, "other"))
    closed = {"small": "small rests"}
    assert decide(two, MEDIAN, RoutedConversation(), RouteHistory(), NOON, closed).target == "other"
    both = {**closed, "other": "other rests"}
    assert decide(two, MEDIAN, RoutedConversation(), RouteHistory(), NOON, both).target == "default"
    there = RoutedConversation("small", {"small": Warm(93_192, NOON)}, 10)
    left = decide(two, MEDIAN, there, RouteHistory(), NOON + 10, closed)
    assert (left.target, left.kind) == ("other", "leave")


def test_a_private_request_fails_closed() -> None:
    """Without a target that takes it, a private request is refused; a rule cannot send it out."""
    private = RequestFacts(tokens=100, private="the thread client-7 fits client-*")
    with pytest.raises(RouteRefused, match=r"client-7.*not sent|not sent.*client-7"):
        decide(table(), private, RoutedConversation(), RouteHistory(), NOON)
    house = RouteTarget("house", "ollama:qwen", "edge")
    with_house = table(rules=[RouteRule("all", ("small",))], house=house)
    assert decide(with_house, private, RoutedConversation(), RouteHistory(), NOON).target == "house"
    assert decide(with_house, private, warm(), RouteHistory(), NOON + 10).kind == "leave"
    with pytest.raises(RouteRefused, match="house rests"):
        decide(with_house, private, RoutedConversation(), RouteHistory(), NOON, {"house": "house rests"})


@given(
    st.lists(st.sampled_from(["default", "small", "house", "batch"]), min_size=1, max_size=3),
    st.sampled_from(["answer", "summary", "audit"]),
    st.sets(st.sampled_from(["default", "small", "house", "batch"])),
    st.booleans(),
    st.integers(0, 150_000),
)
def test_no_private_request_ever_leaves(to: list[str], purpose: str, resting: set[str], now: bool, tokens: int) -> None:
    """Whatever the rules, the health of targets and the conversation: a private request stays or is refused."""
    places = {"house": RouteTarget("house", "ollama:qwen", "local"), "batch": small(0.5, "batch", "batch")}
    rules = [RouteRule("some", tuple(to), now=now)]
    closed = {name: f"{name} rests" for name in resting}
    facts = RequestFacts(purpose, tokens, private="said so")
    for conversation in (RoutedConversation(), warm()):
        try:
            found = decide(
                RouteTable({**table().targets, **places}, rules), facts, conversation, known(50), NOON + 10, closed
            )
        except RouteRefused:
            assert "house" in resting
        else:
            assert found.target == "house"


def test_a_batch_is_only_for_what_can_wait() -> None:
    """A request that somebody waits for never goes to a batch target; an audit does."""
    rules = [RouteRule("cheap", ("batch",))]
    batch = small(0.5, "batch", "batch")
    assert (
        decide(table(rules=rules, batch=batch), MEDIAN, RoutedConversation(), RouteHistory(), NOON).target == "default"
    )
    audit = decide(
        table(rules=rules, batch=batch), RequestFacts("audit", 9_000), RoutedConversation(), RouteHistory(), NOON
    )
    assert audit.target == "batch"


def test_a_picture_and_a_long_context_need_a_target_that_takes_them() -> None:
    """A target without pictures, or with too small a window, is passed over."""
    blind = RouteTarget("small", "anthropic:claude-haiku-4-5", images=False)
    rules = [RouteRule("all", ("small",))]
    blind_table = RouteTable({"default": LARGE, "small": blind}, rules)
    assert decide(blind_table, RequestFacts(image=True), RoutedConversation(), RouteHistory(), NOON).target == "default"
    narrow = RouteTable(
        {"default": RouteTarget("default", "anthropic:claude-3-opus-20240229"), "small": small(0.2)}, ()
    )
    with pytest.raises(RouteRefused, match="it has 900,000 tokens"):
        decide(narrow, RequestFacts(tokens=900_000), RoutedConversation(), RouteHistory(), NOON)


def test_a_shared_head_counts_at_the_start() -> None:
    """A new conversation begins at the default if its tools are warm there and a cold start elsewhere costs more."""
    shared = RoutedConversation(places={"default": Warm(40_000, NOON)})
    facts = RequestFacts(tokens=40_500)
    assert decide(table(0.6), facts, shared, RouteHistory(), NOON + 5).target == "default"
    assert decide(table(0.6), facts, shared, RouteHistory(stretches={200: 50}), NOON + 5).target == "small"


def test_an_unknown_default_is_refused() -> None:
    """A table without its default target is a ConfigError."""
    with pytest.raises(ConfigError, match="did you mean 'small'"):
        RouteTable({"small": small(0.2)}, (), "smal")
