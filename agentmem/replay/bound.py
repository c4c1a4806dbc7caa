"""A lower bound on what a conversation could cost, whatever the policy: no row of a replay lies below it.

    sum over requests i of  first * shown_i + read * P + output * out_i

P is the opening, which every request carries, at the price of a cache read. shown_i is what every policy sends of what
has just arrived, at the cheapest price for tokens that no cache has yet: the last three blocks, of a long one its ends.
out_i is the reply. Blocks that were sent before cost a read at least. What a policy may leave out, earlier entries and
long results, is in no bound: it is in `needed`.
"""

from collections.abc import Iterator, Sequence

from agentmem.replay.floor import FloorTerms
from agentmem.types import Frame, Rates

LAST = 3
"""Blocks of an arrival that every policy sends: peers clear or summarise what stands before them."""
WHOLE, SHOWN = 500, 200
"""A block of more than so many tokens may be shortened on arrival, to not less than so many."""

BY_BREAKPOINTS = FloorTerms()
"""The terms of providers that match whole blocks, as we count them."""

Entries = Sequence[tuple[Sequence[Frame], Sequence[Frame]]]
"""The new frames and the reply of each request."""


def lower_bound(
    entries: Entries,
    opening: int,
    prices: Sequence[Rates | None],
    outputs: Sequence[int],
    terms: FloorTerms = BY_BREAKPOINTS,
) -> float | None:
    """Dollars for requests whose new frames and replies are ``entries`` and whose replies took ``outputs`` tokens, with
    a provider that counts and matches as ``terms`` say.

    Those without a price add nothing; None where none has one.
    """
    if not any(prices):
        return None
    total = 0.0
    for (shown, carried, _), rates, output in zip(bound_tokens(entries, opening, terms), prices, outputs, strict=True):
        if rates is not None:
            total += first_price(rates) * shown + read_price(rates) * carried + rates.output * output
    return total


def bound_tokens(entries: Entries, opening: int, terms: FloorTerms = BY_BREAKPOINTS) -> Iterator[tuple[int, int, int]]:
    """Of each request the tokens that are first sent, those that are read at least, and those of its output.

    Read are the opening and blocks that were sent before. A cache that matches parts of blocks may also know the
    beginning of the first block that is new, behind a prefix that it shares with an earlier request.
    """
    sent: set[bytes] = set()
    for arrived, reply in entries:
        shown, carried, partial = 0, opening, terms.partial
        for one in arrived[-LAST:]:
            tokens = _least(one, terms)
            again = one.data in sent
            read = again or partial
            partial = partial and again
            shown, carried = (shown, carried + tokens) if read else (shown + tokens, carried)
        sent.update(one.data for one in (*arrived, *reply))
        yield shown, carried, sum(one.tokens for one in reply)


def _least(one: Frame, terms: FloorTerms) -> int:
    """The tokens that every policy sends of a block, as the provider counts them."""
    tokens = terms.count(one)
    return tokens if one.tokens <= WHOLE else min(SHOWN, tokens)


def first_price(rates: Rates) -> float:
    """The cheapest way to send tokens that no cache has yet."""
    return min(rates.uncached, rates.cache_write_5m, rates.cache_write_1h)


def read_price(rates: Rates) -> float:
    """The cheapest way to send tokens again."""
    return min(rates.cache_read, first_price(rates))
