"""Checks an agent's requests in a test: each must extend the one before, and they may cost only so much.

`pytest_plugin` imports this module only when a test asks for a fixture, so that pytest stays fast everywhere else.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from agentmem.integrations.watching import ClientWatch, names
from agentmem.kvcache.rules import Setting
from agentmem.kvcache.why.causes import CauseCase, explain, fix
from agentmem.kvcache.why.differences import byte, differences, location, texts
from agentmem.kvcache.why.lineage import RequestPair, predecessor
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.kvcache.why.texts import excerpts, one_line
from agentmem.meter.prices import rates
from agentmem.types import Rates, Usage

_NOT_SENT: tuple[Setting | None, ...] = ("images", "web_search", "citations")
"""Settings that a cache derives from the blocks, so they have no bytes of their own."""


class PrefixGuard:
    """Fails a test in which a request is not a byte extension of the one before.

        def test_agent(prefix_guard):  # the fixture of the pytest plugin
            client = prefix_guard.watch(anthropic.Anthropic())
            run_my_agent(client)

    Each call of ``watch`` watches one conversation, unless ``many`` is set. A compaction may break the prefix if it is
    declared: call ``declare_compaction()`` before it, or set ``allow_compactions`` to accept each request that looks
    like one (a summary in place of a good part of the conversation).
    """

    def __init__(self) -> None:
        self.allow_compactions = False
        self._watch = ClientWatch()
        self._watched = 0
        self._many: set[str] = set()

    def watch(self, target: Any, *, many: bool = False) -> Any:
        """Watch the requests of ``target`` and return it.

        ``target`` is an Anthropic, OpenAI or httpx client, a LangChain chat model or a ScriptedModel. Set ``many`` if
        it serves several conversations at once; they are told apart by their common beginnings. Raises ConfigError if
        ``target`` cannot be watched.
        """
        self._watched += 1
        name = f"watched {self._watched}"
        self._many |= {name} if many else set()
        self._watch.add(target, name)
        return target

    def declare_compaction(self) -> None:
        """Allow the next request to differ from those before it."""
        self._watch.cuts += 1

    @property
    def breaks(self) -> list[str]:
        """A text for each request that does not extend the one before: where it differs, and the likely cause."""
        pairs = [pair for name in names(self._watch.requests) for pair in self._pairs(name)]
        return [said for pair in pairs if (said := self._said(pair))]

    def said(self) -> str:
        """The first break in full, and the number of others."""
        first, *more = self.breaks or ["every request extends the one before"]
        return first + (f"\n({len(more)} more requests do not extend the one before them)" if more else "")

    def check(self) -> None:
        """Raises AssertionError with the difference if a request did not extend the one before."""
        __tracebackhide__ = True
        if self.breaks:
            raise AssertionError(self.said())

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def _pairs(self, name: str) -> Iterator[RequestPair]:
        requests = [one for one in self._watch.requests if one.thread == name]
        if name not in self._many:
            yield from (RequestPair(before, now) for before, now in pairwise(requests))
            return
        free = [replace(one, thread="") for one in requests]
        found = (predecessor(one, free[:at]) for at, one in enumerate(free))
        yield from (pair for pair in found if pair and pair.relation != "branches")

    def _said(self, pair: RequestPair) -> str | None:
        found = next((one for one in differences(pair) if one.setting not in _NOT_SENT), None)
        declared = pair.now.cuts > pair.before.cuts or (self.allow_compactions and pair.compacted)
        if found is None or declared:
            return None
        segment, block = location(found, pair.now)
        before, after = excerpts(*texts(found))
        return "\n".join(
            (
                f"request {pair.now.number} does not extend request {pair.before.number}: it differs in {segment}"
                + ("" if block is None else f", block {block}")
                + f", at byte {byte(found, pair.now):,}",
                f"  - {one_line(before)}",
                f"  + {one_line(after)}",
                *(f"  {cause.name}: {fix(cause, pair)}" for cause in explain(CauseCase(pair, found))[:1]),
            )
        )


class CacheMeter:
    """Counts tokens, cache hits and dollars of the watched requests, and asserts limits on them.

        def test_agent(simulation):  # the fixture of the pytest plugin
            client = simulation.watch(anthropic.Anthropic())
            run_my_agent(client)
            simulation.assert_hit_rate(0.9)
            simulation.assert_cost(0.05)

    If the provider reported no usage, it is simulated by the provider's published rules. Set ``price_as``
    ("provider:model") to lend a price to models that have none. Every assertion raises AssertionError, also if no
    request was seen.
    """

    def __init__(self) -> None:
        self.price_as: str | None = None
        self._watch = ClientWatch()

    def watch(self, target: Any) -> Any:
        """Watch the requests of ``target`` and return it: see `PrefixGuard.watch`. Raises ConfigError."""
        self._watch.add(target)
        return target

    @property
    def requests(self) -> int:
        """The number of answered requests."""
        return len(self._watch.requests)

    @property
    def usage(self) -> Usage:
        """All tokens. Raises ValueError if some are measured and some simulated: they cannot be added up."""
        used = [one.used for one in self._watch.requests]
        return sum(used[1:], start=used[0]) if used else Usage("measured")

    @property
    def hit_rate(self) -> float:
        """Tokens read from the cache over all input tokens; 0 before the first request."""
        return self.usage.cache_read_tokens / max(1, self.usage.input_tokens)

    @property
    def ratio(self) -> float | None:
        """Input tokens over output tokens; None if no output was counted."""
        return self.usage.input_tokens / self.usage.output_tokens if self.usage.output_tokens else None

    @property
    def cost_usd(self) -> float | None:
        """The cost in dollars; None if a price is not known."""
        priced = [(self._rates(one), one.used) for one in self._watch.requests]
        costs = [found.cost(used) for found, used in priced if found]
        return sum(costs) if len(costs) == len(priced) else None

    def assert_hit_rate(self, at_least: float) -> None:
        """Assert that at least this share (0 to 1) of the input tokens was read from the cache."""
        __tracebackhide__ = True
        self._need_requests()
        if self.hit_rate < at_least:
            raise AssertionError(f"hit rate {self.hit_rate:.1%} is below {at_least:.1%} {self._said()}")

    def assert_cost(self, at_most: float) -> None:
        """Assert that all requests together cost at most this many dollars."""
        __tracebackhide__ = True
        self._need_requests()
        if self.cost_usd is None:
            models = sorted({one.prompt.model for one in self._watch.requests if not self._rates(one)})
            raise AssertionError(f"no price is known for {', '.join(models)}: set simulation.price_as")
        if self.cost_usd > at_most:
            raise AssertionError(f"cost ${self.cost_usd:.6f} is above ${at_most:.6f} {self._said()}")

    def assert_ratio(self, at_most: float) -> None:
        """Assert that there were at most this many input tokens for each output token."""
        __tracebackhide__ = True
        self._need_requests()
        if self.ratio is None:
            raise AssertionError(f"no output tokens were counted, so there is no ratio {self._said()}")
        if self.ratio > at_most:
            raise AssertionError(f"ratio {self.ratio:.1f} is above {at_most:.1f} {self._said()}")

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def _need_requests(self) -> None:
        __tracebackhide__ = True
        if not self.requests:
            raise AssertionError("no request was seen: watch the client that the agent uses")

    def _said(self) -> str:
        used = self.usage
        return (
            f"({self.requests} requests, {used.basis}: {used.input_tokens:,} input tokens, of which "
            f"{used.cache_read_tokens:,} read from the cache; {used.output_tokens:,} output)"
        )

    def _rates(self, request: ObservedRequest) -> Rates | None:
        provider, _, model = (self.price_as or "").partition(":")
        return rates(provider, model, input_tokens=request.used.input_tokens) if model else request.rates
