"""Tokens and money: what a request used, what a model asks for it, and what is billed beside it."""

from dataclasses import dataclass, fields
from operator import add, attrgetter
from typing import Literal

Basis = Literal["measured", "simulated", "estimated"]
"""Where a number comes from: a provider's or engine's own counters, our model of them, or our token counts."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request used, in tokens, and where the numbers come from."""

    basis: Basis
    uncached_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0

    @property
    def input_tokens(self) -> int:
        """All input: uncached + read + written."""
        return self.uncached_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """The sum. Measured and simulated numbers are two meters and are never added up."""
        if self.basis != other.basis:
            raise ValueError(f"{self.basis} and {other.basis} usage are different meters and cannot be added up")
        return Usage(self.basis, *map(add, _COUNTS(self), _COUNTS(other)))


_COUNTS = attrgetter(*(counted.name for counted in fields(Usage)[1:]))


@dataclass(frozen=True, slots=True)
class Rates:
    """A model's prices, in dollars per token."""

    uncached: float
    cache_read: float
    cache_write_5m: float
    cache_write_1h: float
    output: float

    def cost(self, usage: Usage) -> float:
        """Dollars for ``usage``."""
        return (
            usage.uncached_tokens * self.uncached
            + usage.cache_read_tokens * self.cache_read
            + usage.cache_write_5m_tokens * self.cache_write_5m
            + usage.cache_write_1h_tokens * self.cache_write_1h
            + usage.output_tokens * self.output
        )

    def cost_uncached(self, usage: Usage) -> float:
        """Dollars for the same tokens had there been no cache at all."""
        return usage.input_tokens * self.uncached + usage.output_tokens * self.output


@dataclass(frozen=True, slots=True)
class Extras:
    """What a request is billed for beside its model's tokens at their usual price.

    ``speed`` names a price list of its own ("fast", "flex", "priority", "batch"; "" is the usual one);
    ``web_searches`` are paid by the piece; ``others`` are tokens that other models used on its behalf, by model ("":
    the same), and no part of the request's usage.
    """

    speed: str = ""
    web_searches: int = 0
    others: tuple[tuple[str, Usage], ...] = ()


NO_EXTRAS = Extras()
