"""The price of a move: what a conversation's warm prefix is worth, beside what the other model would save.

A request at the place where the prefix is warm reads it; at any other place the whole prefix is written first. So one
request moved to a model at a fifth of the price costs about twice as much as staying, and the move pays only if enough
requests follow. The sums are those of a simulated conversation that grows evenly, over the expected requests.
"""

from dataclasses import dataclass

from agentmem.types import Rates


@dataclass(frozen=True, slots=True)
class Side:
    """A place as a conversation sees it: its prices per token, and the tokens of the context that are warm there."""

    rates: Rates
    warm: int = 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """The requests ahead: ``requests`` of them, this one included; its context of ``tokens``; tokens of output of
    each, and the tokens by which the context grows with each.
    """

    requests: float
    tokens: int
    output: float = 0.0
    growth: float = 0.0


@dataclass(frozen=True, slots=True)
class MovePrice:
    """The dollars of both ways. ``stay_usd`` and ``move_usd`` are this request's; ``rewrite_usd`` is what the move
    costs at once beyond staying, ``saving_usd`` what it saves over the requests after this one. ``pays_after`` is the
    number of requests after which it has paid, None for never.
    """

    stay_usd: float
    move_usd: float
    rewrite_usd: float
    saving_usd: float
    pays_after: float | None

    @property
    def pays(self) -> bool:
        """True if the expected saving exceeds the rewrite."""
        return self.saving_usd > self.rewrite_usd


def price_of_move(here: Side, there: Side, ahead: Ahead) -> MovePrice:
    """The price of moving a conversation from ``here`` to ``there``, over the requests ``ahead``.

    price = price_of_move(Side(large, warm=93_192), Side(small), Ahead(12, 93_800, output=300, growth=608))
    print(price.pays, price.pays_after)
    """
    stay, move = _now(here, ahead), _now(there, ahead)
    after = max(0.0, ahead.requests - 1)
    saving = _later(here.rates, ahead, after) - _later(there.rates, ahead, after)
    one = _later(here.rates, ahead, 1.0) - _later(there.rates, ahead, 1.0)
    rewrite = move - stay
    pays_after = 1.0 if rewrite <= 0 else 1 + rewrite / one if one > 0 else None
    return MovePrice(stay, move, rewrite, saving, pays_after)


def _now(side: Side, ahead: Ahead) -> float:
    """Dollars of this request: what is warm is read, the rest is written."""
    warm = min(side.warm, ahead.tokens)
    return (
        warm * side.rates.cache_read
        + (ahead.tokens - warm) * side.rates.cache_write_5m
        + ahead.output * side.rates.output
    )


def _later(rates: Rates, ahead: Ahead, requests: float) -> float:
    """Dollars of the requests after this one: each reads the context before it and writes what is new."""
    read = requests * ahead.tokens + ahead.growth * requests * max(0.0, requests - 1) / 2
    written = requests * ahead.growth
    return read * rates.cache_read + written * rates.cache_write_5m + requests * ahead.output * rates.output
