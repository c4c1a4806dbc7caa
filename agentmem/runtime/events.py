"""What a run tells whoever watches it, and what it ends with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from agentmem.meter.ledger import Row, missing_prices
from agentmem.types import TextDelta, ToolCall, ToolResult, Usage, Waiting

Status = Literal["done", "stopped", "waiting"]
"""done: the model has answered. stopped: a limit, or a reply that is no answer, ended the run. waiting: calls wait for
a person's approval."""


Author = Literal["model", "mechanical"]
"""Who wrote a summary."""


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model asked for a tool."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A tool gave its result, after ``seconds``."""

    name: str
    result: ToolResult
    seconds: float


@dataclass(frozen=True, slots=True)
class Metered:
    """A request was answered and written to the ledger."""

    row: Row


@dataclass(frozen=True, slots=True)
class Compacted:
    """The thread was compacted: entries up to ``last`` left the view, which had ``before`` tokens and has ``after``.

    ``reason`` is limit, growth, idle or asked. ``by`` says who wrote the summary: the model, after so many
    ``attempts``, or nobody ("mechanical"). ``row`` is the ledger's of the summary that was accepted.
    """

    thread: str
    reason: str
    last: int
    before: int
    after: int
    by: Author
    attempts: int
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """A limit, or a reply that is no answer, ended the run: ``reason`` says which."""

    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended.

    ``text`` is the model's last answer, and ``stop_reason`` why it ended, in Anthropic's words (end_turn, max_tokens,
    refusal ...; "" where it has not replied). ``reason`` says what stopped the run, or what it waits for; then
    ``pending`` are the calls to approve. ``turns`` and ``usage`` (one sum for each basis) count this run only;
    ``cost_usd`` is the sum of what is known, None where nothing is: ``unpriced`` counts the requests without a price,
    by model, ``priced`` the others, ``cost`` says it for people.
    """

    thread: str
    status: Status
    text: str
    reason: str = ""
    pending: tuple[ToolCall, ...] = ()
    turns: int = 0
    usage: tuple[Usage, ...] = ()
    cost_usd: float | None = None
    stop_reason: str = ""
    priced: int = 0
    unpriced: Mapping[str, int] = field(default_factory=dict)

    @property
    def cost(self) -> str:
        """ "$0.0310; 1 of 3 requests unpriced: my-local-model"."""
        known = "unknown" if self.cost_usd is None else f"${self.cost_usd:.4f}"
        missing = missing_prices(self.unpriced, self.priced + sum(self.unpriced.values()))
        return "; ".join(filter(None, (known, missing)))


@dataclass(frozen=True, slots=True)
class Done:
    """The last event of every run."""

    result: Result


Event = TextDelta | Waiting | ToolCalled | ToolReturned | Metered | Compacted | Stopped | Done


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's answer to a run that waits: yes or no to all its calls, or to each by its call id.

    ``reason`` is missing_prices to the model with a no.
    """

    allow: bool | Mapping[str, bool] = True
    reason: str = ""

    def allows(self, call: ToolCall) -> bool:
        return self.allow if isinstance(self.allow, bool) else self.allow.get(call.id, False)
