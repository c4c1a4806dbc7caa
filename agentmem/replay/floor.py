"""The floor: the least that a conversation costs anybody who is shown what arrives in it, once, and answers it.

    sum over requests i of  first * new_i + read * head_i + output * out_i

new_i are the tokens of what is new in request i: what has arrived, of a tool's result over LONG tokens what offload
leaves of it, and the reply before where the request goes on from it, at the cheapest price of what no cache has yet.
head_i are tools and system: sent first in the first request, read from the cache in all others. out_i is the reply.
Nothing else is carried, nothing is summarised, and nothing expires. What was sent before counts as read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentmem.types import Frame, Rates

LONG, LEFT = 8_000, 900
"""A result of more than LONG tokens is left with so many: the sizes of offload."""
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


def floor_usd(requests: Sequence[FloorRequest], head: int) -> float | None:
    """Dollars for a conversation behind ``head`` tokens of tools and system. Requests without a price add nothing; None
    where none has one.
    """
    if not any(one.rates for one in requests):
        return None
    return sum(_usd(one, new, read) for one, (new, read) in zip(requests, _tokens(requests, head), strict=True))


def _usd(one: FloorRequest, new: int, read: int) -> float:
    if one.rates is None:
        return 0.0
    first = first_price(one.rates)
    return first * new + min(one.rates.cache_read, first) * read + one.rates.output * one.output + one.beside


def first_price(rates: Rates) -> float:
    """The cheapest way to send tokens that no cache has yet."""
    return min(rates.uncached, rates.cache_write_5m, rates.cache_write_1h)


def _tokens(requests: Sequence[FloorRequest], head: int) -> Iterator[tuple[int, int]]:
    """Of each request the tokens that are sent first, and those that are read."""
    sent: set[bytes] = set()
    before: Sequence[Frame] = ()
    for at, one in enumerate(requests):
        new = again = 0
        for frame in (*(before if one.goes_on else ()), *one.arrived):
            tokens = 0 if frame.value.get("type") in THOUGHTS else _left(frame)
            new += 0 if frame.data in sent else tokens
            again += tokens if frame.data in sent else 0
            sent.add(frame.data)
        first = new if at else new + head
        found = min(first, one.warm)
        yield first - found, again + found + (head if at else 0)
        before = one.reply


def _left(frame: Frame) -> int:
    return LEFT if frame.value.get("type") == "tool_result" and frame.tokens > LONG else frame.tokens
