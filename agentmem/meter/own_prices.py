"""Prices of one's own, from agentmem.toml: for a gateway's names, a contract's terms, a machine's cost.

    [prices."my-gateway-sonnet"]                       # in dollars per million tokens
    input = 2.40
    cache_read = 0.24
    cache_write = 3.00
    output = 12.00
    dated = 2026-11-01

    [prices."litellm:prod-*"]                          # or those of another model
    price_as = "anthropic:claude-sonnet-4-5"

They win over every table. Nothing here reads a file: `use` says which prices count in this process from now on.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Any

from agentmem.errors import ConfigError
from agentmem.types import Rates

TABLE = "agentmem.toml"
_TOKENS = ("input", "cache_read", "cache_write", "cache_write_1h", "output")
_TIERS = ("fast", "flex", "batch", "priority")
_KNOWN = (*_TOKENS, "web_search", "dated", "price_as", "tiers")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """What one table of the file says of the models that ``pattern`` names: "provider:name" or a name, ``*`` for any.

    Either ``rates``, in dollars per token, or ``price_as``, the model whose prices count. ``web_search`` is in dollars
    apiece, ``dated`` an ISO day or "", ``tiers`` the factors of speeds on the usual price.
    """

    pattern: str
    rates: Rates | None = None
    price_as: str = ""
    web_search: float | None = None
    dated: str = ""
    tiers: Mapping[str, float] = field(default_factory=dict)

    def fits(self, provider: str, name: str) -> bool:
        """Whether a model is one of those."""
        return fnmatchcase(name, self.pattern) or fnmatchcase(f"{provider}:{name}", self.pattern)


class OwnPrices:
    """All of a file's, in its order: the first that fits counts. Two are equal only if they are the same object."""

    def __init__(self, rows: tuple[OwnPrice, ...] = ()) -> None:
        self.rows = rows

    @property
    def digest(self) -> str:
        """The same for the same prices, in every process; "" for none."""
        text = json.dumps([asdict(row) for row in self.rows])
        return blake2b(text.encode(), digest_size=8).hexdigest() if self.rows else ""

    def find(self, provider: str, name: str) -> OwnPrice | None:
        """What counts for a model; None for those that the file does not name."""
        return next((one for one in self.rows if one.fits(provider, name)), None)


_NONE = OwnPrices()
_in_use = _NONE


def use(own: OwnPrices = _NONE) -> None:
    """From now on these prices count, in this process; without an argument none do."""
    global _in_use
    _in_use = own


def in_use() -> OwnPrices:
    """The prices that count now."""
    return _in_use


def own_prices(table: Mapping[str, Any]) -> OwnPrices:
    """The prices in `Config.prices`. Raises ConfigError that says what to write."""
    return OwnPrices(tuple(_price(str(pattern), value) for pattern, value in table.items())) if table else _NONE


def _price(pattern: str, value: object) -> OwnPrice:
    where = f'prices."{pattern}" in {TABLE}'
    if not isinstance(value, Mapping):
        raise ConfigError(f'{where} is no table: write input = 3.0, output = 15.0 and so on below [prices."{pattern}"]')
    for name in value:
        if name not in _KNOWN:
            raise ConfigError(f"{where} has {name!r}, which is no price; it knows {', '.join(_KNOWN)}")
    lent, rates = value.get("price_as", ""), _rates(where, value)
    if (rates is None) == (not lent) or not isinstance(lent, str):
        raise ConfigError(
            f'{where} needs input and output, in dollars per million tokens, or price_as = "PROVIDER:NAME"'
        )
    search = value.get("web_search")
    return OwnPrice(
        pattern,
        rates,
        lent,
        None if search is None else _amount(where, "web_search", search),
        _day(where, value.get("dated", "")),
        _tiers(where, value.get("tiers", {})),
    )


def _rates(where: str, value: Mapping[str, Any]) -> Rates | None:
    """What is left out of the cache's prices costs what input costs; an hour what five minutes do."""
    given = {name: _amount(where, name, value[name]) / _MILLION for name in _TOKENS if name in value}
    if not given:
        return None
    if missing := [name for name in ("input", "output") if name not in given]:
        raise ConfigError(f"{where} lacks {' and '.join(missing)}, in dollars per million tokens")
    written = given.get("cache_write", given["input"])
    return Rates(
        uncached=given["input"],
        cache_read=given.get("cache_read", given["input"]),
        cache_write_5m=written,
        cache_write_1h=given.get("cache_write_1h", written),
        output=given["output"],
    )


def _tiers(where: str, value: object) -> dict[str, float]:
    if not isinstance(value, Mapping) or not set(value) <= set(_TIERS):
        raise ConfigError(f"tiers of {where} are factors on the usual price: tiers = {{batch = 0.5, priority = 2.0}}")
    return {str(name): _amount(where, f"tiers.{name}", factor) for name, factor in value.items()}


def _amount(where: str, name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise ConfigError(f"{name} of {where} is {value!r}; it must be a number, 0 at least")
    return float(value)


def _day(where: str, value: object) -> str:
    if value == "" or type(value) is date:
        return str(value)
    raise ConfigError(f"dated of {where} is {value!r}; it must be a day without quotation marks, as 2026-11-30")
