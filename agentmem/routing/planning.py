"""Tables for shadow mode: what a price list, or a ratio of prices, makes of one's routes for each recorded model."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from agentmem.meter.price_names import OWN_MACHINES
from agentmem.routing.router import RouteTable
from agentmem.routing.routes import Routes
from agentmem.routing.rules import RouteRule
from agentmem.routing.shadow import Tables
from agentmem.routing.targets import DEFAULT, RouteTarget

RATIOS = (0.06, 0.2, 0.33, 0.6)
"""The prices of a small model over those of the large one, as they are usual (November 2026)."""
SMALL, BATCH, SMALL_BATCH = "small", "batch", "small batch"
PLAIN: tuple[RouteRule, ...] = (
    RouteRule("sub-tasks that can wait", (SMALL_BATCH,), {"urgency": ("batch",), "size": ("small",)}),
    RouteRule("what can wait", (BATCH,), {"urgency": ("batch",)}),
    RouteRule("sub-tasks", (SMALL,), {"size": ("small",)}),
    RouteRule("long conversations", (SMALL,), {"context": ("long",)}),
)
"""The rules of a shadow run without rules of one's own."""


def tables_at(ratio: float, rules: Sequence[RouteRule] = PLAIN) -> Tables:
    """Tables with a target "small" at ``ratio`` times the price of each recorded model, and a batch of either."""

    def make(model: str, default: RouteTarget) -> RouteTable:
        small = RouteTarget(SMALL, model, share=ratio, price_as=default.price_as)
        batch = RouteTarget(BATCH, model, "batch", price_as=default.price_as)
        both = RouteTarget(SMALL_BATCH, model, "batch", share=ratio, price_as=default.price_as)
        return RouteTable({DEFAULT: default, SMALL: small, BATCH: batch, SMALL_BATCH: both}, rules)

    return _cached(make)


def tables_of(routes: Routes) -> Tables:
    """Tables with one's own routes, each recorded model as the default."""
    return _cached(lambda model, default: routes.table(default))


def _cached(make: Callable[[str, RouteTarget], RouteTable]) -> Tables:
    @lru_cache(maxsize=256)
    def find(model: str) -> RouteTable | None:
        provider, _, name = model.partition(":")
        if not name or provider in OWN_MACHINES:
            return None
        default = RouteTarget(DEFAULT, model)
        return None if default.rates is None else make(model, default)

    return find
