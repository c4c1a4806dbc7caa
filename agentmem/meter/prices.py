"""The money: a model's prices from genai-prices' tables, which come with the package and need no network.

What is not in them has no price: its dollars are unknown (None), never zero.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from time import time

from agentmem.types import ModelProfile, Rates, Usage

# Ours -> genai-prices' keys, the most particular first: it too prices what has no price of its own as its kind.
_KEYS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("uncached", ("input_mtok",)),
    ("cache_read", ("cache_read_mtok", "input_mtok")),
    ("cache_write_5m", ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok")),
    ("cache_write_1h", ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok")),
    ("output", ("output_mtok",)),
)
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars for one request, and what it would have cost without a cache; None where the price is not known.

    ``priced_as`` names the model whose prices were used when it is not the one that answered.
    """

    usd: float | None = None
    uncached_usd: float | None = None
    priced_as: str = ""


def rates(provider: str, name: str, *, input_tokens: int = 0, at: float | None = None) -> Rates | None:
    """The prices of ``name`` at ``provider``, per token; None where they are not known.

    Where the price depends on the size of the request, that of a request of ``input_tokens`` (cached ones
    included, as genai-prices counts them): crossing a threshold reprices all of its tokens. Prices that changed
    over time are those of the moment ``at``, in seconds since the epoch; without it, of now.
    """
    found = _prices(provider, name, int((time() if at is None else at) // 60))
    prices = {ours: _first(found, keys, input_tokens) for ours, keys in _KEYS}
    known = {ours: float(price / _MILLION) for ours, price in prices.items() if price is not None}
    return Rates(**known) if len(known) == len(_KEYS) else None


@lru_cache(maxsize=256)
def _prices(provider: str, name: str, minute: int) -> object:
    """genai-prices' row, as of a minute since the epoch (some prices change with the hour); None for no row."""
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    when = datetime.fromtimestamp(minute * 60, UTC)
    try:
        return calc_price(Counted(), name, provider_id=provider, genai_request_timestamp=when).model_price
    except LookupError:
        return None


def cost(profile: ModelProfile, usage: Usage, *, price_as: str | None = None, at: float | None = None) -> Cost:
    """What ``usage`` costs on the model of ``profile``.

    A scripted or local model has no price; ``price_as``, a model named "provider:name", lends it one.
    """
    named = f"{profile.provider}:{profile.name}" if profile.tier == "cloud" else price_as
    provider, _, name = (named or "").partition(":")
    found = rates(provider, name, input_tokens=usage.input_tokens, at=at) if name else None
    if found is None:
        return Cost()
    lent = "" if profile.tier == "cloud" else f"{provider}:{name}"
    return Cost(found.cost(usage), found.cost_uncached(usage), lent)


def _first(prices: object, keys: tuple[str, ...], input_tokens: int) -> Decimal | None:
    given = (getattr(prices, key, None) for key in keys)
    return next((_at(price, input_tokens) for price in given if price is not None), None)


def _at(price: object, input_tokens: int) -> Decimal:
    """A flat price, or the highest tier whose start ``input_tokens`` exceeds."""
    from genai_prices.types import TieredPrices

    if isinstance(price, TieredPrices):
        reached = [tier.price for tier in price.tiers if input_tokens > tier.start]
        return reached[-1] if reached else price.base
    if not isinstance(price, Decimal):
        raise TypeError(f"genai-prices gave a price of an unknown kind: {price!r}")
    return price
