"""What a team may spend, and what it has spent: both roles' requests, from the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agentmem.checking import NOTHING, NUMBER, WHOLE, Wanted, check_fields
from agentmem.errors import ConfigError
from agentmem.meter.ledger import Row, rows
from agentmem.transcript.journal import Journal


@dataclass(frozen=True, slots=True)
class TeamSpent:
    """Answered requests, their tokens (input and output), and dollars: the sum of what is known, None where nothing is.

    ``unpriced`` counts the requests whose price is not known, by model.
    """

    requests: int = 0
    tokens: int = 0
    usd: float | None = 0.0
    unpriced: Mapping[str, int] = field(default_factory=dict)

    def plus(self, row: Row) -> "TeamSpent":
        if row.error:
            return self
        tokens = self.tokens + row.usage.input_tokens + row.usage.output_tokens
        if row.cost_usd is None:
            unpriced = {**self.unpriced, row.model: self.unpriced.get(row.model, 0) + 1}
            return TeamSpent(self.requests + 1, tokens, self.usd if self._priced else None, unpriced)
        return TeamSpent(self.requests + 1, tokens, (self.usd or 0.0) + row.cost_usd, self.unpriced)

    @property
    def _priced(self) -> int:
        return self.requests - sum(self.unpriced.values())


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a team may spend on one task, both roles together: tokens in and out, dollars. None: no limit.

    It is looked at after each request, so the last one may pass it. With ``usd``, a model whose price is unknown ends
    the work after its first request.
    """

    tokens: int | None = None
    usd: float | None = None

    def __post_init__(self) -> None:
        check_fields("Budget", self, _WANTED)
        for name in ("tokens", "usd"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"a team's budget of {name} must be above 0, and {value} is not; None means no limit")

    def reached(self, spent: TeamSpent) -> str | None:
        """The limit that is reached, as a sentence; None while there is room."""
        if self.tokens is not None and spent.tokens >= self.tokens:
            return f"{spent.tokens:,} tokens were used and the budget is {self.tokens:,}"
        if self.usd is None or not spent.requests:
            return None
        if spent.unpriced or spent.usd is None:
            models = ", ".join(spent.unpriced) or "a model"
            return f"the price of {models} is unknown, so a budget in dollars cannot be kept; price_as lends one"
        return f"${spent.usd:.4f} were spent and the budget is ${self.usd:.4f}" if spent.usd >= self.usd else None


_WANTED: Mapping[str, Wanted] = {"tokens": WHOLE | NOTHING, "usd": NUMBER | NOTHING}

UNLIMITED = Budget()


def spent_by(journal: Journal, threads: Iterable[str]) -> TeamSpent:
    """What the ledger holds of these threads."""
    total = TeamSpent()
    for thread in threads:
        for row in rows(journal, thread):
            total = total.plus(row)
    return total
