"""Targets: the places where a request can run, each a model with a tier, checked where it is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from agentmem.checking import COUNT, FLAG, NOTHING, NUMBER, TEXT, Wanted, among, check_fields, having
from agentmem.errors import ConfigError
from agentmem.kvcache.breakpoints import TAIL
from agentmem.kvcache.rules import rules_for
from agentmem.meter.price_names import OWN_MACHINES
from agentmem.meter.prices import PRICED, rates, window
from agentmem.models.hints import ENGINES, EngineName
from agentmem.types import Model, ModelProfile, Options, Rates

DEFAULT = "default"
"""The name of the target that an agent's own model is."""
Tier = Literal["cloud", "batch", "local", "edge", "prefill", "decode"]
TIERS: Mapping[str, str] = MappingProxyType(
    {
        "cloud": "a provider's interactive API",
        "batch": "a provider's batch API: half the price, an answer within a day",
        "local": "an engine on this machine",
        "edge": "an engine near the person: what is private may go there",
        "prefill": "a pool of engines for long prompts",
        "decode": "a pool of engines for long replies",
    }
)
"""Every tier, and what it is."""
OWN = frozenset({"local", "edge"})
"""The tiers that a private request may go to, unless a target says otherwise."""
BATCH_SHARE = 0.5
"""The price of a batch over the usual price (Anthropic's and OpenAI's price lists, November 2026)."""


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """A place where a request can run.

        RouteTarget("small", "anthropic:claude-haiku-4-5")
        RouteTarget("house", VLLM, tier="edge", private=True)

    ``model`` is a name or a Model. ``private``: what is private may go there; by default on the tiers local and edge.
    ``price`` are its rates; by default those of the price tables, and ``price_as`` ("provider:name") lends others.
    ``share`` multiplies the price, as for a contract; a batch target has half of it. ``per_minute`` is the most
    requests a minute. ``options`` are those of its requests, by default the agent's. ``hints`` names the kind of
    its server ("vllm", "sglang", "dynamo"), to tell it what only the agent knows. Raises ConfigError.
    """

    name: str
    model: "str | Model"
    tier: Tier = "cloud"
    private: bool | None = None
    price: Rates | None = None
    price_as: str | None = None
    share: float = 1.0
    per_minute: int | None = None
    images: bool = True
    options: Options | None = None
    hints: EngineName | None = None

    def __post_init__(self) -> None:
        check_fields(f"the target {self.name!r}", self, _WANTED)
        if not self.name.strip() or not (self.share > 0):
            raise ConfigError(f"the target {self.name!r} needs a name, and a share above 0")

    @property
    def takes_private(self) -> bool:
        """True if a private request may go there."""
        return self.tier in OWN if self.private is None else self.private

    @property
    def provider_and_name(self) -> tuple[str, str]:
        """The provider and the name of its model."""
        if isinstance(self.model, str):
            provider, _, name = self.model.partition(":")
            return provider, name
        return self.model.profile.provider, self.model.profile.name

    @property
    def rates(self) -> Rates | None:
        """Its prices in dollars per token; None if they are not known. An own machine without a price costs nothing."""
        found = self.price or _listed(self.price_as, *self.provider_and_name)
        if found is None:
            return None
        share = self.share * (BATCH_SHARE if self.tier == "batch" else 1.0)
        return found if share == 1 else scaled(found, share)

    @property
    def lifetime(self) -> float:
        """The seconds that its cache keeps the end of a conversation after a request."""
        return rules_for(*self.provider_and_name).lifetimes[TAIL]

    @property
    def window(self) -> int | None:
        """The tokens that its model takes at once; None if that is not known."""
        if not isinstance(self.model, str):
            return window(self.model.profile)
        provider, name = self.provider_and_name
        return None if provider in OWN_MACHINES else window(ModelProfile(provider, name, "cloud"))


def scaled(prices: Rates, share: float) -> Rates:
    """The prices times ``share``."""
    return Rates(
        prices.uncached * share,
        prices.cache_read * share,
        prices.cache_write_5m * share,
        prices.cache_write_1h * share,
        prices.output * share,
    )


FREE = Rates(0.0, 0.0, 0.0, 0.0, 0.0)


def _listed(price_as: str | None, provider: str, name: str) -> Rates | None:
    if price_as:
        lent = price_as.partition(":")
        return rates(lent[0], lent[2]) if lent[1] else rates("", lent[0])
    return FREE if provider in OWN_MACHINES else rates(provider, name)


def target_of(name: str, table: object) -> RouteTarget:
    """The target of a table ``[targets.NAME]``. Raises ConfigError for a setting that there is not."""
    known = ("model", "tier", "private", "price_as", "share", "per_minute", "images", "options", "hints")
    if not isinstance(table, Mapping) or "model" not in table:
        raise ConfigError(f'[targets.{name}] needs a model: write model = "anthropic:claude-haiku-4-5"')
    if unknown := sorted(set(table) - set(known)):
        raise ConfigError(f"[targets.{name}] has {', '.join(unknown)}; it may have {', '.join(known)}")
    if not isinstance(table["model"], str):
        raise ConfigError(f"model of [targets.{name}] must be a model's name, as in anthropic:claude-haiku-4-5")
    return RouteTarget(
        name, **{**table, **({"options": _options(name, table["options"])} if "options" in table else {})}
    )


def _options(name: str, table: object) -> Options:
    try:
        return Options(**table)  # type: ignore[arg-type]
    except TypeError as error:
        raise ConfigError(f"[targets.{name}.options] has a setting that requests do not have: {error}") from error


_WANTED: Mapping[str, Wanted] = {
    "name": TEXT,
    "model": TEXT | having("a Model", "stream", "close"),
    "tier": among(*TIERS),
    "private": FLAG | NOTHING,
    "price": Wanted("agentmem's Rates", lambda given: isinstance(given, Rates)) | NOTHING,
    "price_as": PRICED | NOTHING,
    "share": NUMBER,
    "per_minute": COUNT | NOTHING,
    "images": FLAG,
    "hints": among(*ENGINES) | NOTHING,
    "options": Wanted("agentmem.Options", lambda given: isinstance(given, Options)) | NOTHING,
}
