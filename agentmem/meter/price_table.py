"""The rows of genai-prices' tables, which come with the package and need no network: by name, day, speed and size."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from agentmem.kvcache.claude import claude_name
from agentmem.meter.price_row import PriceRow
from agentmem.types import Rates

# Ours -> genai-prices' keys, the most specific first: genai-prices too falls back from a kind to its more general one.
_KEYS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("uncached", ("input_mtok",)),
    ("cache_read", ("cache_read_mtok", "input_mtok")),
    ("cache_write_5m", ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok")),
    ("cache_write_1h", ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok")),
    ("output", ("output_mtok",)),
)
_MILLION = Decimal(1_000_000)

FACTORS: Mapping[str, float] = MappingProxyType({"": 1.0, "flex": 0.5, "batch": 0.5})
"""The price of a service tier over the usual price, for models whose row has none of its own (OpenAI's and Anthropic's
price lists, November 2026)."""

PRIORITY = (
    ("gpt-5.5", 2.5),
    ("gpt-5-mini", 1.8),
    ("gpt-5", 2.0),
    ("gpt-4.1", 1.75),
    ("gpt-4o-mini", 1.67),
    ("gpt-4o", 1.7),
    ("o4-mini", 1.82),
    ("o3", 1.75),
)
"""The price of OpenAI's priority over the usual price, by the beginning of a model's name, the first that fits
(openai.com/api-priority-processing, November 2026). For other models it is known only if their row has it."""

_CONTEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "batch": {"processing": "batch"},
        "flex": {"service_tier": "flex"},
        "priority": {"service_tier": "priority"},
        "fast": {"service_tier": "fast"},
    }
)
"""How genai-prices calls our speeds."""

QUARTER = 900
"""Seconds for which a price is looked up once: the finest steps in which providers change prices within a day."""


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A model's prices at one size of request, and where they stand. ``web_search`` is in dollars apiece."""

    rates: Rates
    row: PriceRow
    web_search: float | None = None


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of genai-prices as it holds at a time."""

    provider: str
    model: str
    info: Any
    prices: Any
    quarter: int
    dated: str
    table: str

    @property
    def whole(self) -> bool:
        """Whether it has a price for each kind of tokens."""
        return _rates(self.prices, 0, self.model) is not None

    @property
    def fee(self) -> float | None:
        """Dollars for one web search."""
        fee = getattr(self.prices, "web_searches_kcount", None)
        return None if fee is None else float(_at(fee, 0) / 1000)


def steps(row: TableRow, name: str, speed: str) -> Iterator[tuple[int, ListedPrice]]:
    """The steps of a row at a speed: the row's own prices for it, else a known factor on the usual ones."""
    variant, factor = _variant(row, speed), 1.0 if not speed else _factor(name, speed, row.quarter)
    if variant is None and factor is None:
        variant = _variant(row, speed, later=True)
    if variant is None and factor is None:
        return
    prices, dated = variant or (row.prices, row.dated)
    times_usual = 1.0 if variant or factor is None else factor
    for above in (-1, *_thresholds(prices)):
        rates = _rates(prices, above + 1, row.model)
        if rates is not None:
            at = PriceRow(row.table, f"{row.provider}:{row.model}", dated, speed)
            yield above, ListedPrice(times(rates, times_usual), at, row.fee)


def times(rates: Rates, factor: float) -> Rates:
    return rates if factor == 1 else Rates(*(factor * price for price in astuple(rates)))


def _variant(row: TableRow, speed: str, *, later: bool = False) -> tuple[Any, str] | None:
    """The prices that a row itself has for a speed, and the day from which; None if it has none.

    ``later``: also those that it only has for later days, where nothing else is known.
    """
    context, when = _CONTEXTS.get(speed), datetime.fromtimestamp(row.quarter * QUARTER, UTC)
    for one in (row.info.price_variants or ()) if context else ():
        starts = getattr(one.constraint, "start_date", None)
        begins = datetime.combine(starts, time(), UTC) if starts else when
        if one.when == context and (later or begins <= when):
            return row.info.get_prices(max(when, begins), context), str(starts or row.dated)
    return None


def _factor(name: str, speed: str, quarter: int) -> float | None:
    """The factor of a speed on the usual price; None if it is not known."""
    if speed == "priority":
        return next((times for start, times in PRIORITY if name.startswith(start)), None)
    if speed != "fast":
        return FACTORS.get(speed)
    rows = (table_row("openrouter", f"anthropic/{_dotted(name)}{end}", quarter) for end in ("-fast", ""))
    fast, usual = (_rates(row.prices, 0, name) if row else None for row in rows)
    return fast.uncached / usual.uncached if fast and usual else None


def _dotted(name: str) -> str:
    """A Claude model's name as OpenRouter writes it. Only its table has fast modes."""
    family, version = claude_name(name) or ("", (0, 0))
    return f"claude-{family}-{'.'.join(str(part) for part in version if part)}"


def _rates(found: Any, input_tokens: int, name: str) -> Rates | None:
    prices = {ours: _first(found, keys, input_tokens) for ours, keys in _KEYS}
    per_token = {ours: float(price / _MILLION) for ours, price in prices.items() if price is not None}
    made = Rates(**per_token) if len(per_token) == len(_KEYS) else None
    clouds = made is not None and getattr(found, "cache_write_1h_mtok", None) is None and claude_name(name)
    if made is None or not clouds or made.cache_write_5m == made.uncached:
        return made
    return replace(made, cache_write_1h=_HOUR * made.uncached)


_HOUR = 2.0
"""The price of a Claude model's write for an hour over plain input, where a cloud's row has only that for 5 minutes
(Anthropic, "Prompt caching": on every platform)."""


def table_row(provider: str | None, name: str, quarter: int) -> TableRow | None:
    """genai-prices' row, as of a quarter of an hour since the epoch; None for no row."""
    found = _model(provider, name)
    if found is None:
        return None
    maker, info, table, newest = found
    when = datetime.fromtimestamp(quarter * QUARTER, UTC)
    prices = info.get_prices(when)
    starts = [one for one in (info.prices if isinstance(info.prices, list) else ()) if one.prices is prices]
    day = getattr(starts[0].constraint, "start_date", None) if starts else None
    said = max(_DAY.findall(info.price_comments or ""), default="")
    return TableRow(maker, info.id, info, prices, quarter, max(str(day or ""), said) or newest, table)


def changes_daily(provider: str | None, name: str) -> bool:
    """Whether a model has other prices at other hours."""
    found = _model(provider, name)
    prices = found[1].prices if found else ()
    return isinstance(prices, list) and any(hasattr(one.constraint, "start_time") for one in prices)


_DAY = re.compile(r"(?:verified on|as of|checked on) (\d{4}-\d{2}-\d{2})")
"""How the table's comments say when somebody looked at the provider's own list."""


@lru_cache(maxsize=4096)
def _model(provider: str | None, name: str) -> tuple[str, Any, str, str] | None:
    """The provider, genai-prices' entry of a model, the table's name and its newest day; None for no entry."""
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    try:
        found = calc_price(Counted(), name, provider_id=provider)
    except LookupError:
        return None
    return found.provider.id, found.model, *_table()


def table_name() -> str:
    """The list and its version: "genai-prices 0.2.3"."""
    return f"genai-prices {version('genai-prices')}"


@cache
def _table() -> tuple[str, str]:
    """genai-prices with its version, and the newest day on which it says that a price was looked up."""
    from genai_prices.data import providers

    comments: list[str | None] = [maker.price_comments for maker in providers]
    comments += [model.price_comments for maker in providers for model in maker.models]
    days = (day for text in comments if text for day in _DAY.findall(text))
    return table_name(), max(days, default="")


def _first(prices: object, keys: tuple[str, ...], input_tokens: int) -> Decimal | None:
    given = (getattr(prices, key, None) for key in keys)
    return next((_at(price, input_tokens) for price in given if price is not None), None)


def _thresholds(prices: Any) -> list[int]:
    """The sizes of a request above which one of the prices is another."""
    given = (getattr(prices, key, None) for key in {key for _, keys in _KEYS for key in keys})
    return sorted({tier.start for price in given for tier in getattr(price, "tiers", ())})


def _at(price: object, input_tokens: int) -> Decimal:
    """A flat price, or the highest tier whose start ``input_tokens`` exceeds."""
    from genai_prices.types import TieredPrices

    if isinstance(price, TieredPrices):
        reached = [tier.price for tier in price.tiers if input_tokens > tier.start]
        return reached[-1] if reached else price.base
    if not isinstance(price, Decimal):
        raise TypeError(f"genai-prices gave a price of an unknown kind: {price!r}")
    return price
