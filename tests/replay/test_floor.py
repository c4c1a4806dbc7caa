"""The floor: by hand, by a plain second way, and beneath every row of a replay."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.kvcache.frames import frame
from agentmem.kvcache.rules import PROVIDERS, rules
from agentmem.replay.floor import LEFT, LONG, FloorRequest, FloorTerms, floor_usd
from agentmem.replay.peers import PEERS, missing
from agentmem.replay.registry import maker
from agentmem.replay.run import Chain, chain, floor, replay
from agentmem.types import Frame, Rates
from tests.replay import reference
from tests.replay.logs import working
from tests.replay.test_bound import ALL, MODELS, steps, written

RATES = Rates(uncached=1.0, cache_read=0.1, cache_write_5m=1.25, cache_write_1h=2.0, output=5.0)


def said(words: str, role: Any = "user") -> Frame:
    return frame("message", {"type": "text", "text": words}, role)


def result(words: str) -> Frame:
    return frame("message", {"type": "tool_result", "tool_use_id": "c", "content": words}, "user")


def test_the_floor_is_that_of_the_formula() -> None:
    """What is new once, at the plain price; long results as offload leaves them; the head, read but once; replies."""
    asked, answer, long = said("a few words"), said("an answer", "assistant"), result("many words " * 10_000)
    assert long.tokens > LONG
    made = [FloorRequest([asked], [answer], 7, RATES), FloorRequest([long], [], 11, RATES)]
    new = 1_000 + asked.tokens + answer.tokens + LEFT
    assert floor_usd(made, 1_000, FloorTerms()) == pytest.approx(1.0 * new + 0.1 * 1_000 + 5.0 * 18)


def test_what_was_sent_before_or_was_warm_is_read() -> None:
    """A repeated text costs a read; so does what a session found in the cache, and a cut leaves the reply behind."""
    asked, answer = said("a few words"), said("an answer", "assistant")
    again = [FloorRequest([asked], [answer], 0, RATES), FloorRequest([asked], [], 0, RATES, goes_on=False)]
    assert floor_usd(again, 0, FloorTerms()) == pytest.approx(1.1 * asked.tokens)
    warm = [FloorRequest([asked], [], 0, RATES, warm=1_002)]
    assert floor_usd(warm, 1_000, FloorTerms()) == pytest.approx(asked.tokens - 2 + 0.1 * 1_002)
    assert floor_usd([FloorRequest([asked], [], 0, None)], 0, FloorTerms()) is None


@settings(max_examples=10)
@given(st.lists(steps, min_size=1, max_size=8), st.sampled_from(sorted(PROVIDERS)), st.sampled_from((30_000, 40_000)))
def test_no_policy_lies_below_the_floor(made: list[dict[str, Any]], provider: str, budget: int) -> None:
    """Generated sessions, joined twice, on every provider's simulator, under every policy of our own."""
    model = MODELS.get(provider, "claude-opus-4-6")
    with TemporaryDirectory() as folder:
        session = written(made, model).session(Path(folder))
        one = chain([session, working(2, model=model).session(Path(folder))], provider, model)
        least = floor(one, budget)
        if provider == "anthropic":
            assert least == pytest.approx(plain(one, budget))
        for name in ALL:
            found = replay(one, maker(name), budget, lambda model: rules(model, provider)).numbers()
            assert found["floor_usd"] == least
            assert least is None or (name, found["cost_usd"]) >= (name, least)


def plain(one: Chain, budget: int) -> float | None:
    """The floor of a chain, by the reference."""
    each = [(two.arrived, two.reply, two.output, one.rates(two, 0), two.cut is None) for two in one.exchanges]
    warm = [one.begins.get(at, 0) for at in range(len(each))]
    return reference.floor(each, warm, one.head, budget)


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("results", [[9_000, 9_000], [400] * 5, [40]], ids=["long", "many", "short"])
def test_no_peer_lies_below_the_floor(tmp_path: Path, name: str, results: list[int]) -> None:
    """Their own code, which clears, summarises or offloads what has just arrived."""
    if missing(name):
        pytest.skip(f"{name}: {missing(name)}")
    steps = [{"results": results, "pause": 400, "words": 60}] * 8
    one = chain([written(steps, MODELS["anthropic"]).session(tmp_path)], "anthropic")
    found = replay(one, maker(name), 40_000, rules).numbers()
    assert 0 < found["floor_usd"] <= found["cost_usd"]
