"""A lower bound on what a conversation could cost, whatever the policy: no row of a replay lies below it.

    sum over requests i of  first * shown_i + read * P + output * out_i

P is the opening, which every request carries, at the price of a cache read. shown_i is what every policy sends of what
has just arrived, at the cheapest price for tokens that no cache has yet: the last three blocks, of a long one its ends.
out_i is the reply. What a policy may leave out, earlier entries and long results, is in no bound: it is in `needed`.
"""

from collections.abc import Iterator, Sequence

from agentmem.types import Frame, Rates

LAST = 3
"""Blocks of an arrival that every policy sends: peers clear or summarise what stands before them."""
WHOLE, SHOWN = 500, 200
"""A block of more than so many tokens may be shortened on arrival, to not less than so many."""

Entries = Sequence[tuple[Sequence[Frame], Sequence[Frame]]]
"""The new frames and the reply of each request."""


def lower_bound(entries: Entries, opening: int, prices: Sequence[Rates | None], outputs: Sequence[int]) -> float | None:
    """Dollars for requests whose new frames and replies are ``entries`` and whose replies took ``outputs`` tokens.

    Those without a price add nothing; None where none has one.
    """
    if not any(prices):
        return None
    total = 0.0
    for (shown, carried, _), rates, output in zip(bound_tokens(entries, opening), prices, outputs, strict=True):
        if rates is not None:
            total += first_price(rates) * shown + read_price(rates) * carried + rates.output * output
    return total


def bound_tokens(entries: Entries, opening: int) -> Iterator[tuple[int, int, int]]:
    """Of each request the tokens that are first sent, those that it has to carry along, and those of its output."""
    for arrived, reply in entries:
        shown = sum(one.tokens if one.tokens <= WHOLE else SHOWN for one in arrived[-LAST:])
        yield shown, opening, sum(one.tokens for one in reply)


def first_price(rates: Rates) -> float:
    """The cheapest way to send tokens that no cache has yet."""
    return min(rates.uncached, rates.cache_write_5m, rates.cache_write_1h)


def read_price(rates: Rates) -> float:
    """The cheapest way to send tokens again."""
    return min(rates.cache_read, first_price(rates))
