"""The lower bound: by hand, and beneath every row of a replay."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.kvcache.frames import frame
from agentmem.kvcache.rules import PROVIDERS, rules
from agentmem.replay.bound import LAST, SHOWN, WHOLE, first_price, lower_bound, read_price
from agentmem.replay.floor import terms_of
from agentmem.replay.ours import OURS
from agentmem.replay.peers import PEERS
from agentmem.replay.policies import POLICIES
from agentmem.replay.registry import maker
from agentmem.replay.run import Chain, chain, replay
from agentmem.types import Frame, Rates
from tests.replay.logs import Log, call, text

RATES = Rates(uncached=1.0, cache_read=0.1, cache_write_5m=1.25, cache_write_1h=2.0, output=5.0)
MODELS = {
    "anthropic": "claude-opus-4-6",
    "openai": "gpt-5.5",
    "google_genai": "gemini-2.5-pro",
    "deepseek": "deepseek-chat",
}
"""A priced model of each provider that is simulated and has prices; the rest have a bound of None."""
ALL = (*POLICIES, *OURS)


def said(words: str, role: Any = "user") -> Frame:
    return frame("message", {"type": "text", "text": words}, role)


def test_the_bound_is_that_of_the_formula() -> None:
    """First sends at the cheapest price, the last blocks only and long ones by their ends; the opening; the replies."""
    short, long = said("a few words"), said("many words " * 2_000)
    reply = said("an answer", "assistant")
    assert short.tokens <= WHOLE < long.tokens
    others = [said(f"word {at} of a few") for at in range(LAST)]
    entries = [([short], [reply]), ([said("left out"), *others], [reply]), ([long], [])]
    shown = short.tokens + sum(one.tokens for one in others) + SHOWN
    outputs = [reply.tokens, reply.tokens, 0]
    found = lower_bound(entries, 1_000, [RATES] * 3, outputs)
    assert found == pytest.approx(1.0 * shown + 0.1 * 3_000 + 5.0 * 2 * reply.tokens)
    unpriced = lower_bound(entries, 1_000, [RATES, None, RATES], outputs)
    assert unpriced == pytest.approx(1.0 * (short.tokens + SHOWN) + 0.1 * 2_000 + 5.0 * reply.tokens)


def test_tokens_are_those_that_the_provider_counts() -> None:
    """A cache of tokens sees texts without their envelopes; it may know what was sent before, and one block more."""
    one, two = said("a few words"), said("other words in another block")
    terms = terms_of("deepseek", "deepseek-chat")
    assert terms.count(one) < one.tokens and terms.partial
    found = lower_bound([([one, two], []), ([one, two], [])], 0, [RATES] * 2, [0, 0], terms)
    first, second = terms.count(one), terms.count(two)
    assert found == pytest.approx(0.1 * first + 1.0 * second + 0.1 * (first + second))
    whole = lower_bound([([one, two], []), ([two], [])], 0, [RATES] * 2, [0, 0])
    assert whole == pytest.approx(1.0 * (one.tokens + two.tokens) + 0.1 * two.tokens)


@given(st.lists(st.floats(0, 10), min_size=5, max_size=5))
def test_the_prices_are_the_cheapest(prices: list[float]) -> None:
    """Whatever a provider asks for writes or reads."""
    rates = Rates(*prices)
    assert first_price(rates) == min(rates.uncached, rates.cache_write_5m, rates.cache_write_1h)
    assert read_price(rates) <= first_price(rates) and read_price(rates) <= rates.cache_read


steps = st.fixed_dictionaries(
    {
        "results": st.lists(st.sampled_from((1, 40, 400, 2_500)), max_size=5),
        "pause": st.sampled_from((1, 30, 400, 4_000)),
        "words": st.sampled_from((2, 60, 800)),
    }
)


def written(given_steps: list[dict[str, Any]], model: str) -> Log:
    """A conversation of these steps: calls in parallel and their results, or words of a person."""
    log, number = Log(model), 0
    log.prompt("Please look at the work. " * 3)
    for at, step in enumerate(given_steps):
        calls = [f"call_{number + one}" for one in range(len(step["results"]))]
        blocks = [call(name, path=f"src/part_{name}.py") for name in calls]
        log.reply(f"msg_{at}", text(f"word{at} " * step["words"]), *blocks)
        for name, lines in zip(calls, step["results"], strict=True):
            log.result(name, "".join(f"line {line} of src/part_{name}.py\n" for line in range(lines)))
        number += len(calls)
        if not calls:
            log.prompt(f"And part {at}? " * step["words"])
        log.now += step["pause"]
    log.reply("msg_end", text("That is all."))
    return log


def rows(one: Chain, provider: str, budget: int, names: tuple[str, ...]) -> dict[str, float | None]:
    """The dollars of each policy's row."""

    def of(model: str) -> Any:
        return rules(model, provider)

    return {name: replay(one, maker(name), budget, of).numbers()["cost_usd"] for name in names}


@settings(max_examples=10)
@given(st.lists(steps, min_size=1, max_size=8), st.sampled_from(sorted(PROVIDERS)), st.just(40_000))
def test_no_row_lies_below_the_bound(made: list[dict[str, Any]], provider: str, budget: int) -> None:
    """Generated sessions with long and parallel results and pauses, every provider's simulator, every own policy."""
    model = MODELS.get(provider, "claude-opus-4-6")
    with TemporaryDirectory() as folder:
        session = written(made, model).session(Path(folder))
        one = chain([session], provider, model)
        costs = rows(one, provider, budget, ALL)
    if one.lower_bound_usd is None:
        assert not [cost for cost in costs.values() if cost is not None]
        return
    assert one.lower_bound_usd > 0
    assert not {name: cost for name, cost in costs.items() if cost is not None and cost < one.lower_bound_usd}


@pytest.mark.parametrize("name", [name for name in PEERS if not name.startswith("openhands")])
@pytest.mark.parametrize("results", [[9_000, 9_000], [400] * 5, [40]], ids=["long", "many", "short"])
def test_no_peer_lies_below_the_bound(tmp_path: Path, name: str, results: list[int]) -> None:
    """Their own code, which clears, summarises or offloads what has just arrived."""
    pytest.importorskip("deepagents")
    steps = [{"results": results, "pause": 400, "words": 60}] * 8
    one = chain([written(steps, MODELS["anthropic"]).session(tmp_path)], "anthropic")
    [cost] = rows(one, "anthropic", 40_000, (name,)).values()
    assert cost is not None and one.lower_bound_usd is not None and 0 < one.lower_bound_usd <= cost
