"""Finds a model's prices in genai-prices' tables, which come with the package and need no network.

A model that is not in them has no price: its dollars are unknown (None), never zero. Clouds, gateways and clients call
one model by many names; tables here say where to look for each.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from time import time
from types import MappingProxyType

from agentmem.kvcache.claude import claude_name
from agentmem.types import NO_EXTRAS, Extras, ModelProfile, Rates, Usage

OWN_MACHINES = frozenset(
    {"scripted", "local", "ollama", "llama.cpp", "llamacpp", "vllm", "sglang", "lmcache", "lmstudio", "lm_studio"}
)
"""Providers without bills: the price of a model of the same name elsewhere does not count for them."""

CLOUDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("bedrock", "bedrock_converse", "amazon_bedrock", "anthropic_bedrock", "amazon"), "aws"),
        **dict.fromkeys(("vertex_ai", "vertexai", "google_vertexai", "google_genai", "gemini", "vertex"), "google"),
        **dict.fromkeys(("google_anthropic_vertex", "google_ai_studio"), "google"),
        **dict.fromkeys(("azure_openai", "azure_ai", "azureopenai"), "azure"),
        "xai": "x-ai",
        "mistralai": "mistral",
        "fireworks_ai": "fireworks",
        "together_ai": "together",
        "moonshot": "moonshotai",
        "meta-llama": "meta",
    }
)
"""Names of providers that LangChain, LiteLLM and gateways use, as the price tables have them."""

_BEDROCK = re.compile(r"^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|cohere|deepseek|openai|qwen|moonshotai)\.")
_VARIANT = re.compile(r":(?:nitro|floor|online|beta|exacto|thinking)$")
"""Endings that OpenRouter allows after a name, without a price of their own."""


def places(provider: str, name: str) -> Iterator[tuple[str | None, str]]:
    """Pairs of provider and name to look up in the price tables, the most specific first.

    A provider of None means any maker of a model of that name. Engines on one's own machine give no pairs.
    """
    if provider in OWN_MACHINES or not name:
        return
    yield CLOUDS.get(provider, provider), name
    bare = name.rsplit("/", 1)[-1] if name.startswith("arn:") else _VARIANT.sub("", name)
    yield CLOUDS.get(provider, provider), bare
    while True:
        if _BEDROCK.match(bare):
            yield "aws", bare
        maker, slash, rest = bare.partition("/")
        if not slash:
            break
        yield CLOUDS.get(maker, maker), rest
        bare = rest
    yield None, bare
    if claude := claude_name(bare):
        yield "anthropic", _claude(*claude)


def _claude(family: str, version: tuple[int, int]) -> str:
    """Anthropic's name for a model: before version 4, the version stood in front of the family."""
    number = "-".join(str(part) for part in version if part or part == version[0])
    return f"claude-{family}-{number}" if version >= (4, 0) else f"claude-{number}-{family}"


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
"""The price of a service tier over the usual price, for every model that has it (OpenAI's and Anthropic's price lists,
November 2026). A fast mode has a row of its own in the price tables, and priority differs by model."""

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
(openai.com/api-priority-processing, November 2026). For other models it is not known."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars for one request, with and without the cache; None if the price is not known.

    ``priced_as`` names the model whose prices were used, if it is another one than the model that answered.
    """

    usd: float | None = None
    uncached_usd: float | None = None
    priced_as: str = ""


def rates(provider: str, name: str, *, input_tokens: int = 0, at: float | None = None, speed: str = "") -> Rates | None:
    """The prices of ``name`` at ``provider``, in dollars per token; None if they are not known.

        rates("anthropic", "claude-sonnet-5-5").cost(usage)

    If prices depend on the size of the request, they are those for ``input_tokens``, with cached ones (as genai-prices
    counts): above a threshold all tokens of the request cost more. ``at`` is the moment of the prices, in seconds since
    the epoch; None: now. ``speed`` names a price list of its own: see Extras.
    """
    minute = int((time() if at is None else at) // 60)
    factor = _factor(name, speed, minute)
    found = (_rates(_prices(*place, minute), input_tokens) for place in places(provider, name))
    usual = next((one for one in found if one is not None), None)
    if usual is None or factor is None:
        return None
    return usual if factor == 1 else Rates(*(factor * price for price in astuple(usual)))


def whose(profile: ModelProfile, price_as: str | None = None) -> tuple[str, str] | None:
    """Provider and name of the model whose prices count: its own if they are known, else those of ``price_as``.

    ``price_as`` is "provider:name", or a name alone. None if neither has a price.
    """
    lent = (price_as or "").partition(":")
    own = (profile.provider, profile.name if profile.tier == "cloud" else "")
    pairs = (own, (lent[0], lent[2]) if lent[1] else ("", lent[0]))
    return next((pair for pair in pairs if pair[1] and rates(*pair) is not None), None)


@cache
def rates_of(profile: ModelProfile, price_as: str | None = None) -> Rates | None:
    """The model's prices, or those that ``price_as`` lends; None if neither has any."""
    pair = whose(profile, price_as)
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
        fee = _search_fee(provider, name, int((time() if at is None else at) // 60))
        if fee is None:
            return None
        total += fee * extras.web_searches
    return total


def _search_fee(provider: str, name: str, minute: int) -> float | None:
    """Dollars for one web search."""
    fees = (getattr(_prices(*place, minute), "web_searches_kcount", None) for place in places(provider, name))
    return next((float(_at(fee, 0) / 1000) for fee in fees if fee is not None), None)


def _factor(name: str, speed: str, minute: int) -> float | None:
    """The factor of a speed on the usual price; None if it is not known."""
    if speed == "priority":
        return next((times for start, times in PRIORITY if name.startswith(start)), None)
    if speed != "fast":
        return FACTORS.get(speed)
    fast, usual = (_rates(_prices("openrouter", f"anthropic/{_dotted(name)}{end}", minute), 0) for end in ("-fast", ""))
    return fast.uncached / usual.uncached if fast and usual else None


def _dotted(name: str) -> str:
    """A Claude model's name as OpenRouter writes it. Only its table has fast modes."""
    family, version = claude_name(name) or ("", (0, 0))
    return f"claude-{family}-{'.'.join(str(part) for part in version if part)}"


def _rates(found: object, input_tokens: int) -> Rates | None:
    prices = {ours: _first(found, keys, input_tokens) for ours, keys in _KEYS}
    per_token = {ours: float(price / _MILLION) for ours, price in prices.items() if price is not None}
    return Rates(**per_token) if len(per_token) == len(_KEYS) else None


@lru_cache(maxsize=1024)
def _prices(provider: str | None, name: str, minute: int) -> object:
    """genai-prices' row, as of a minute since the epoch (some prices change with the hour); None for no row."""
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    when = datetime.fromtimestamp(minute * 60, UTC)
    try:
        return calc_price(Counted(), name, provider_id=provider, genai_request_timestamp=when).model_price
    except LookupError:
        return None


def cost(
    profile: ModelProfile,
    usage: Usage,
    *,
    price_as: str | None = None,
    at: float | None = None,
    extras: Extras = NO_EXTRAS,
) -> Cost:
    """The cost of ``usage`` and ``extras`` on the model of ``profile``, in dollars.

    ``price_as``, a model named "provider:name", lends its prices to a model without prices: a scripted or local one,
    or a cloud's that the tables do not know. ``at`` as in `rates`.
    """
    pair = whose(profile, price_as)
    if pair is None:
        return Cost()
    found = rates(*pair, input_tokens=usage.input_tokens, at=at, speed=extras.speed)
    beside = extra_usd(*pair, extras, at=at)
    if found is None or beside is None:
        return Cost()
    own = profile.tier == "cloud" and pair == (profile.provider, profile.name)
    lent = "" if own else ":".join(filter(None, pair))
    return Cost(found.cost(usage) + beside, found.cost_uncached(usage) + beside, lent)


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
