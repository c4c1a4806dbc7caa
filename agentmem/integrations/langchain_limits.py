"""LangChain's own ways to say when a context is compacted and what stays: the tuples of its summariser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from agentmem.checking import LIST, POSITIVE, shown
from agentmem.compaction.when import Compaction
from agentmem.context.offload import FULL
from agentmem.errors import ConfigError
from agentmem.integrations.langchain_prefix import Prefix
from agentmem.meter import prices
from agentmem.models.langchain_blocks import message_blocks
from agentmem.tokens import value_tokens
from agentmem.types import ModelProfile

if TYPE_CHECKING:
    from agentmem.integrations.langchain_state import FoldedState

Unit = Literal["tokens", "messages", "fraction"]
Keep = tuple[Unit, float]
"""``("messages", 20)``, ``("tokens", 3_000)`` or ``("fraction", 0.1)`` of the model's window."""
Trigger = Keep | Mapping[str, float]
"""A tuple as in `Keep`, or several limits that must all be reached: ``{"tokens": 4_000, "messages": 10}``."""
_UNITS = ("tokens", "messages", "fraction")
_HOW = '("tokens", 80_000), ("messages", 50) or ("fraction", 0.8)'


@dataclass(frozen=True, slots=True)
class Triggers:
    """Clauses, of which one must be reached: each holds limits that must all be."""

    clauses: tuple[Mapping[str, float], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.clauses)

    def hold(self, tokens: int, messages: int, profile: ModelProfile) -> bool:
        """True if a context of so many tokens and messages is to be compacted."""
        window = prices.window(profile) or 0
        have = {"tokens": tokens, "messages": messages, "fraction": tokens / window if window else 0.0}
        return any(all(have[unit] >= limit for unit, limit in clause.items()) for clause in self.clauses)


def read_triggers(given: Trigger | Sequence[Trigger] | None) -> Triggers:
    """The triggers in any of LangChain's forms. Raises ConfigError."""
    if given is None:
        return Triggers()
    single = isinstance(given, Mapping) or (isinstance(given, tuple) and given and isinstance(given[0], str))
    if not single and not LIST.fits(given):
        raise ConfigError(f"trigger takes {_HOW}, and {shown(given)} is none of them")
    each: Sequence[Any] = (given,) if single else given  # type: ignore[assignment]
    return Triggers(tuple(_clause(one, "trigger") for one in each))


def _clause(given: Any, what: str) -> Mapping[str, float]:
    try:
        clause = dict(given) if isinstance(given, Mapping) else dict((given,))
        fits = clause and all(unit in _UNITS and POSITIVE.fits(limit) for unit, limit in clause.items())
    except (TypeError, ValueError):
        fits = False
    if not fits or clause.get("fraction", 1) > 1:
        raise ConfigError(f"{what} takes {_HOW}, and {given!r} is none of them")
    return clause


def read_keep(given: Keep | None, budget: int) -> Keep | None:
    """What stays at the end, if it can stay below ``budget``. Raises ConfigError."""
    if given is None:
        return None
    clause = _clause(given, "keep")
    if len(clause) != 1 or clause.get("tokens", 0) >= budget:
        raise ConfigError(f"keep is {given!r}, and it must be one limit that leaves room below {budget:,} tokens")
    return given


def kept_tail(
    settings: Compaction, keep: Keep | None, folded: "FoldedState", prefix: Prefix, budget: int
) -> Compaction:
    """The settings with ``keep`` as the size of the tail. Raises ConfigError for another form."""
    if keep is None:
        return settings
    ((unit, limit),) = _clause(keep, "keep").items()
    if unit == "messages":
        newest = folded.messages[-round(limit) :]
        tokens = sum(value_tokens(block.wire()) for message in newest for block in message_blocks(message))
    else:
        tokens = round(limit * (prices.window(prefix.profile) or budget)) if unit == "fraction" else round(limit)
    share = min(1.0, budget / FULL)  # the sizes of a small budget are scaled down
    return replace(settings, tail=round(tokens / share))
