"""The floor: the least that a conversation costs anybody who is shown what arrives in it, once, and answers it.

    sum over requests i of  first * new_i + read * again_i + output * out_i

new_i are the tokens of what is new in request i: what has arrived, of a long tool result what offload leaves of
it, and the reply before where the request goes on from it, at the cheapest price of what no cache has yet.
again_i are tools and system from the second request on, and what is read by anybody: texts that were sent before, what
a session found in the cache, replies that a provider keeps. out_i is the reply. Nothing else is carried, summarised
or expires. A cache that matches tokens may know the beginning of what a new context begins with: that is read too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from agentmem.context.offload import FULL, Offload
from agentmem.kvcache.rules import PROVIDERS, rules
from agentmem.kvcache.simulated.simulators import token_ids
from agentmem.types import Frame, Rates

LONG, LEFT = Offload().limit, Offload().ends
"""Tokens of a result above which it is offloaded, and what is left of it at least; less under small budgets."""
THOUGHTS = frozenset({"thinking", "redacted_thinking"})
"""Blocks of a reply that some servers strip from what is sent again."""


@dataclass(frozen=True, slots=True)
class FloorRequest:
    """What one request has at least: the frames that have ``arrived``, its ``reply`` with ``output`` tokens.

    ``goes_on``: it extends the request before. ``warm`` are tokens that were in the cache at its start, ``beside``
    dollars that it was billed beside its tokens.
    """

    arrived: Sequence[Frame]
    reply: Sequence[Frame]
    output: int
    rates: Rates | None
    goes_on: bool = True
    warm: int = 0
    beside: float = 0.0


@dataclass(frozen=True, slots=True)
class FloorTerms:
    """What holds for all requests: how ``long`` a tool result may be and what is ``left`` of a longer one; how the
    provider counts a frame's tokens, whether it keeps its replies, and whether it matches parts of frames.
    """

    long: int = LONG
    left: int = LEFT
    count: Callable[[Frame], int] = lambda frame: frame.tokens
    keeps_reply: bool = False
    partial: bool = False


def terms_of(provider: str, model: str, budget: int = FULL) -> FloorTerms:
    """The terms of a provider; of one whose rules are not known, those that cost most."""
    sizes = Offload().sized(budget)
    found = rules(model, provider) if provider in PROVIDERS else None
    if found is None or found.matching == "breakpoints":
        return FloorTerms(sizes.limit, sizes.ends)
    counted = FloorTerms(sizes.limit, sizes.ends, lambda frame: len(token_ids((frame,))))
    return replace(counted, keeps_reply=found.keeps_reply, partial=True)


def floor_usd(requests: Sequence[FloorRequest], head: int, terms: FloorTerms) -> float | None:
    """Dollars for a conversation behind ``head`` tokens of tools and system. Requests without a price add nothing; None
    where none has one.
    """
    if not any(one.rates for one in requests):
        return None
    tokens = zip(requests, _tokens(requests, head, terms), strict=True)
    return sum(_usd(one, new, again) for one, (new, again) in tokens)


def _usd(one: FloorRequest, new: int, again: int) -> float:
    if one.rates is None:
        return 0.0
    first = first_price(one.rates)
    return first * new + min(one.rates.cache_read, first) * again + one.rates.output * one.output + one.beside


def first_price(rates: Rates) -> float:
    """The cheapest way to send tokens that no cache has yet."""
    return min(rates.uncached, rates.cache_write_5m, rates.cache_write_1h)


def _tokens(requests: Sequence[FloorRequest], head: int, terms: FloorTerms) -> Iterator[tuple[int, int]]:
    """Of each request the tokens that are sent first, and those that are read."""
    sent: set[bytes] = set()
    before: Sequence[Frame] = ()
    for at, one in enumerate(requests):
        new, again = (0, head) if at else (head, 0)
        known = terms.partial and not one.goes_on
        for frame in (*(before if one.goes_on else ()), *one.arrived):
            tokens = _left(frame, terms)
            read = known or frame.data in sent or (terms.keeps_reply and frame.role == "assistant")
            new, again = (new, again + tokens) if read else (new + tokens, again)
            sent.add(frame.data)
        found = min(new, one.warm)
        yield new - found, again + found
        before = one.reply


def _left(frame: Frame, terms: FloorTerms) -> int:
    """The tokens that every policy shows of a new frame."""
    if frame.value.get("type") in THOUGHTS:
        return 0
    tokens = terms.count(frame)
    long = frame.value.get("type") == "tool_result" and frame.tokens > terms.long
    return round(tokens * terms.left / frame.tokens) if long else tokens
