"""When a run must stop, though the model would go on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agentmem.checking import NOTHING, NUMBER, WHOLE, Wanted, check_fields
from agentmem.errors import ConfigError
from agentmem.runtime.session import RunSpent


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one run may use: model turns, dollars, seconds of wall time. None: no limit.

    With ``max_usd`` a request whose price is unknown ends the run, since nobody could tell the cost: ``price_as``
    lends its model a price.
    """

    max_turns: int | None = 100
    max_usd: float | None = None
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        check_fields("Limits", self, _WANTED)
        for name in ("max_turns", "max_usd", "max_seconds"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigError(f"{name} must be above 0, and {value} is not; None means no limit")


_WANTED: Mapping[str, Wanted] = {
    "max_turns": WHOLE | NOTHING,
    "max_usd": NUMBER | NOTHING,
    "max_seconds": NUMBER | NOTHING,
}


def _turns(limits: Limits, spent: RunSpent, seconds: float) -> str | None:
    over = limits.max_turns is not None and spent.turns >= limits.max_turns
    return f"max_turns: {spent.turns} turns were made and the limit is {limits.max_turns}" if over else None


def _usd(limits: Limits, spent: RunSpent, seconds: float) -> str | None:
    if limits.max_usd is None or not spent.turns:
        return None
    if spent.unpriced or spent.usd is None:
        models = ", ".join(spent.unpriced) or "this model"
        return f"max_usd: the price of {models} is unknown, so the limit in dollars cannot be kept; price_as lends one"
    over = spent.usd >= limits.max_usd
    return f"max_usd: ${spent.usd:.4f} were spent and the limit is ${limits.max_usd:.4f}" if over else None


def _seconds(limits: Limits, spent: RunSpent, seconds: float) -> str | None:
    over = limits.max_seconds is not None and seconds >= limits.max_seconds
    return f"max_seconds: {seconds:.1f} s have passed and the limit is {limits.max_seconds} s" if over else None


_RULES: tuple[Callable[[Limits, RunSpent, float], str | None], ...] = (_turns, _usd, _seconds)
"""The stop rules; the first that holds names the reason."""


def reached(limits: Limits, spent: RunSpent, seconds: float) -> str | None:
    """The limit that a run has reached, as a sentence, or None. ``seconds`` is how long it has run."""
    return next((reason for rule in _RULES if (reason := rule(limits, spent, seconds))), None)
