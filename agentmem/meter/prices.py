"""What a request costs: by prices of one's own, or by genai-prices' tables, which need no network.

A model that is in neither has no price: its dollars are unknown (None), never zero. Each dollar names the row that it
came from.
"""

from dataclasses import dataclass
from functools import lru_cache
from time import time

from agentmem.checking import Wanted
from agentmem.meter.own_prices import TABLE, OwnPrice, OwnPrices, in_use
from agentmem.meter.price_names import places
from agentmem.meter.price_row import PriceRow
from agentmem.meter.price_table import QUARTER, changes_daily, steps, table_row, times
from agentmem.meter.price_table import ListedPrice as ListedPrice
from agentmem.types import NO_EXTRAS, Extras, ModelProfile, Rates, Usage

_LONG_AGO = 1_262_304_000.0
"""Before 2010 nothing was sent to a model: such a time stands in logs without times, which count at today's prices."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars for one request, with and without the cache; None if the price is not known.

    ``priced_as`` names the model whose prices were used, if it is another one than the model that answered; ``row`` is
    the row of the table that they came from.
    """

    usd: float | None = None
    uncached_usd: float | None = None
    priced_as: str = ""
    row: PriceRow | None = None


def listed(
    provider: str, name: str, *, input_tokens: int = 0, at: float | None = None, speed: str = ""
) -> ListedPrice | None:
    """The prices of ``name`` at ``provider`` and their row; None if they are not known.

    Prices of one's own come first. If prices depend on the size of the request, they are those for ``input_tokens``,
    with cached ones (as genai-prices counts): above a threshold all tokens of the request cost more. ``at`` is the
    moment of the prices, in seconds since the epoch; None: now. ``speed`` names a price list of its own: see Extras.
    """
    moment = time() if at is None or at < _LONG_AGO else at
    grain = _grain(provider, name)
    steps = _steps(provider, name, int(moment // grain) * grain // QUARTER, speed, in_use())
    return next((price for above, price in reversed(steps) if input_tokens > above), None)


def rates(provider: str, name: str, *, input_tokens: int = 0, at: float | None = None, speed: str = "") -> Rates | None:
    """The prices of ``name`` at ``provider``, in dollars per token; None if they are not known. See `listed`.

    rates("anthropic", "claude-sonnet-5-5").cost(usage)
    """
    found = listed(provider, name, input_tokens=input_tokens, at=at, speed=speed)
    return found.rates if found else None


@lru_cache(maxsize=4096)
def _grain(provider: str, name: str) -> int:
    """Seconds within which a model's prices stay as they are: a day, but for those that cost less at night."""
    return QUARTER if any(changes_daily(*place) for place in places(provider, name)) else 24 * 3600


@lru_cache(maxsize=8192)
def _steps(provider: str, name: str, quarter: int, speed: str, own: OwnPrices) -> tuple[tuple[int, ListedPrice], ...]:
    """The sizes of requests above which prices differ, from -1, with the prices above each; none if none are known."""
    mine = own.find(provider, name)
    if mine is not None and mine.rates is not None:
        return _own_steps(mine, name, speed)
    if mine is not None:
        lender, _, lent = mine.price_as.rpartition(":")
        return _steps(lender, lent, quarter, speed, _NOBODY)
    found = next((one for place in places(provider, name) if (one := table_row(*place, quarter)) and one.whole), None)
    return tuple(steps(found, name, speed)) if found else ()


def _own_steps(mine: OwnPrice, name: str, speed: str) -> tuple[tuple[int, ListedPrice], ...]:
    factor = 1.0 if not speed else mine.tiers.get(speed)
    if mine.rates is None or factor is None:
        return ()
    row = PriceRow(TABLE, mine.pattern, mine.dated, speed)
    return ((-1, ListedPrice(times(mine.rates, factor), row, mine.web_search)),)


_NOBODY = OwnPrices()


def whose(profile: ModelProfile, price_as: str | None = None, *, lends: bool = False) -> tuple[str, str] | None:
    """Provider and name of the model whose prices count: those of ``price_as`` if it has a price, else its own.

    ``price_as`` is "provider:name", or a name alone. If it only ``lends``, the model's own prices come first. None if
    neither has a price.
    """
    lent = (price_as or "").partition(":")
    named = profile.tier == "cloud" or in_use().find(profile.provider, profile.name) is not None
    own = (profile.provider, profile.name if named else "")
    other = (lent[0], lent[2]) if lent[1] else ("", lent[0])
    pairs = (own, other) if lends else (other, own)
    return next((pair for pair in pairs if pair[1] and rates(*pair) is not None), None)


def is_priced(price_as: object) -> bool:
    """True if ``price_as`` names a model whose price is known."""
    if not isinstance(price_as, str):
        return False
    provider, colon, name = price_as.partition(":")
    return rates(*((provider, name) if colon else ("", provider))) is not None


PRICED = Wanted('the name of a model with a known price, such as "anthropic:claude-sonnet-5-5"', is_priced)


def rates_of(profile: ModelProfile, price_as: str | None = None, *, lends: bool = False) -> Rates | None:
    """The prices that ``price_as`` names, or else the model's own; None if neither has any. See `whose`."""
    pair = whose(profile, price_as, lends=lends)
    return rates(*pair) if pair else None


def extra_usd(provider: str, name: str, extras: Extras, *, at: float | None = None) -> float | None:
    """Dollars for the charges beside a request's tokens; None if one of their prices is not known."""
    total = 0.0
    for model, usage in extras.others:
        found = rates(provider, model or name, input_tokens=usage.input_tokens, at=at)
        if found is None:
            return None
        total += found.cost(usage)
    if extras.web_searches:
        fee = _search_fee(provider, name, at)
        if fee is None:
            return None
        total += fee * extras.web_searches
    return total


def _search_fee(provider: str, name: str, at: float | None) -> float | None:
    """Dollars for one web search: a gateway's row may lack what the maker's has."""
    found = listed(provider, name, at=at)
    if found is None or found.web_search is not None:
        return found.web_search if found else None
    quarter = int((time() if at is None or at < _LONG_AGO else at) // QUARTER)
    rows = (table_row(*place, quarter) for place in places(provider, name))
    return next((row.fee for row in rows if row is not None and row.fee is not None), None)


def cost(
    profile: ModelProfile,
    usage: Usage,
    *,
    price_as: str | None = None,
    at: float | None = None,
    extras: Extras = NO_EXTRAS,
    lends: bool = False,
) -> Cost:
    """The cost of ``usage`` and ``extras`` on the model of ``profile``, in dollars.

    ``price_as``, a model named "provider:name", gives its prices to any model: a scripted or local one, a gateway's, or
    one whose bill is another's; if it only ``lends``, to those without any. ``at`` as in `listed`.
    """
    pair = whose(profile, price_as, lends=lends)
    if pair is None:
        return Cost()
    found = listed(*pair, input_tokens=usage.input_tokens, at=at, speed=extras.speed)
    beside = extra_usd(*pair, extras, at=at)
    if found is None or beside is None:
        return Cost()
    lent = "" if pair == (profile.provider, profile.name) else ":".join(filter(None, pair))
    own = found.rates
    return Cost(own.cost(usage) + beside, own.cost_uncached(usage) + beside, lent, found.row)


REPLY_SHARE = 4
"""A reply may take at most a quarter of the window, so that a model with a small window can be used at all."""


def window(profile: ModelProfile) -> int | None:
    """The tokens of input and reply that the model takes at once: by its profile, else by the price table."""
    if profile.window is not None or profile.tier != "cloud":
        return profile.window
    return _listed(profile.provider, profile.name)


def room(profile: ModelProfile, max_tokens: int) -> int | None:
    """The tokens of context that fit beside a reply of ``max_tokens``; None if the window is not known."""
    whole = window(profile)
    return None if whole is None else whole - min(max_tokens, whole // REPLY_SHARE)


@lru_cache(maxsize=256)
def _listed(provider: str, name: str) -> int | None:
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    try:
        found = calc_price(Counted(), name, provider_id=provider).model.context_window
    except LookupError:
        return None
    return int(found) if found else None
