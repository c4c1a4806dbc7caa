"""A lower bound on what a conversation could cost, with perfect foresight.

    sum over requests i of  write5m * first-sent_i + read * (P + live_i) + output * out_i

P is the opening; live_i are the lines, in earlier entries, that first held a string which is needed at some j >= i: one
place is enough to have it. No lifetime, no summaries.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from agentmem.replay.needed import FAR, Needs, spoken, tokens
from agentmem.types import Frame, Rates

Entries = Sequence[tuple[Sequence[Frame], Sequence[Frame]]]
"""The new frames and the reply of each request."""


def lower_bound(
    entries: Entries, opening: int, needs: Needs, prices: Sequence[Rates | None], outputs: Sequence[int]
) -> float:
    """Dollars for requests whose new frames and replies are ``entries`` and whose replies took ``outputs`` tokens.

    Those without a price add nothing.
    """
    total = 0.0
    least = zip(bound_tokens(entries, opening, needs), prices, outputs, strict=True)
    for (first_sent, carried, _), rates, output in least:
        if rates is not None:
            total += rates.cache_write_5m * first_sent + rates.cache_read * carried + rates.output * output
    return total


def bound_tokens(entries: Entries, opening: int, needs: Needs) -> Iterator[tuple[int, int, int]]:
    """Of each request the tokens that are first sent, those that it has to carry along, and those of its output."""
    earlier = opening
    for (arrived, reply), held in zip(entries, live_tokens(len(entries), needs), strict=True):
        output = sum(one.tokens for one in reply)
        yield earlier + sum(one.tokens for one in arrived), opening + held, output
        earlier = output


def live_tokens(requests: int, needs: Needs) -> list[int]:
    """For each request the tokens of lines of earlier entries that are still needed at it or later."""
    sources: dict[int, tuple[int, Frame, dict[str, int]]] = {}
    for event in needs.events():
        if event.used - event.seen > FAR:
            _, _, last = sources.setdefault(id(event.source), (event.seen, event.source, {}))
            last[event.text] = max(last.get(event.text, -1), event.used)
    change = [0.0] * (requests + 1)
    for seen, source, last in sources.values():
        for held, until in _lines(source, last):
            change[seen + 1] += held
            change[until + 1] -= held
    return [round(held) for held in accumulate(change[:-1])]


def _lines(one: Frame, last: dict[str, int]) -> Iterator[tuple[float, int]]:
    """The lines of a frame that hold something needed: their share of its tokens, and until which request."""
    text = spoken(one)
    for line in text.splitlines():
        until = max((last[token] for token in tokens(line) if token in last), default=-1)
        if until >= 0:
            yield one.tokens * len(line) / len(text), until
