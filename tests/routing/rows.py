"""Rows and tables for tests of the router."""

from collections.abc import Mapping, Sequence

from agentmem.meter.ledger import Break, Row
from agentmem.routing.conversations import RoutedConversation, Warm
from agentmem.routing.history import RouteHistory
from agentmem.routing.router import RouteTable
from agentmem.routing.rules import RouteRule
from agentmem.routing.targets import RouteTarget, Tier, scaled
from agentmem.types import Rates, Usage

NOON = 1_764_504_000.0
"""A Sunday, 30 November 2025, at noon in UTC."""
PRICES = Rates(5e-6, 0.5e-6, 6.25e-6, 10e-6, 25e-6)
"""The shape of Claude's prices: a read is a tenth of plain input, a write a quarter more."""
LARGE = RouteTarget("default", "anthropic:claude-opus-4-5", price=PRICES)


def small(ratio: float, name: str = "small", tier: Tier = "cloud") -> RouteTarget:
    """A target at ``ratio`` times the price of LARGE."""
    return RouteTarget(name, "anthropic:claude-haiku-4-5", tier, price=scaled(PRICES, ratio))


def table(
    ratio: float = 0.2, rules: Sequence[RouteRule] = (RouteRule("all", ("small",)),), **more: RouteTarget
) -> RouteTable:
    """LARGE as the default, a small target, and rules."""
    return RouteTable({"default": LARGE, "small": small(ratio), **more}, rules)


def warm(tokens: int = 93_192, at: float = NOON, made: int = 10) -> RoutedConversation:
    """A conversation on LARGE, as the median of real ones is: warm, with 300 tokens of output and 608 new a request."""
    return RoutedConversation("default", {"default": Warm(tokens, at)}, made, tokens=tokens, output=300, growth=608)


def known(remaining: int, of: int = 100) -> RouteHistory:
    """A history in which conversations of 10 requests have ``remaining`` more, this one included."""
    return RouteHistory(stretches={10 + remaining: of})


def row(
    at: float,
    thread: str = "main",
    read: int = 0,
    written: int = 0,
    output: int = 300,
    *,
    purpose: str = "answer",
    agent: str = "agent",
    relation: Break = "none",
    model: str = "anthropic:claude-opus-4-5",
    more: Mapping[str, object] | None = None,
) -> Row:
    """A metered row."""
    usage = Usage("measured", 0, read, written, 0, output)
    usd = PRICES.cost(usage)
    return Row(thread, agent, purpose, model, "cloud", usage, at, cost_usd=usd, break_=relation)
