"""What the provider billed for a recording, as far as its requests say so: never mixed with what is simulated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentmem.meter.price_row import PriceRow, listed_rows
from agentmem.replay.session import RecordedSession
from agentmem.replay.tally import billed as billed_request
from agentmem.replay.tally import outputs, price_row, share
from agentmem.types import Usage


@dataclass(frozen=True, slots=True)
class Bill:
    """One session's: ``reported`` of its ``requests`` have usage, ``priced`` of those a price. ``usd`` is the sum over
    these, None where there is none; without ``text`` what they say of output is not measured. ``simulated`` is what
    each policy would have cost, by its name; ``prices`` are the rows of price lists that the dollars came from, each
    with its requests and dollars.
    """

    session: str
    path: str
    line: int
    requests: int
    reported: int = 0
    priced: int = 0
    usage: Usage = field(default_factory=lambda: Usage("measured"))
    usd: float | None = None
    text: bool = True
    simulated: dict[str, float | None] = field(default_factory=dict)
    prices: Mapping[PriceRow, tuple[int, float]] = field(default_factory=dict)

    def numbers(self) -> dict[str, Any]:
        """The object in `sessions` of `agentmem replay --json`."""
        where = {"session": self.session, "path": self.path, "line": self.line}
        return {**where, **_numbers(self), "simulated_usd": dict(self.simulated)}


def bill(session: RecordedSession, path: str, line: int) -> Bill:
    """Add up what a session's requests report."""
    usage, usd, reported, priced = Usage("measured"), None, 0, 0
    prices: dict[PriceRow, tuple[int, float]] = {}
    for exchange in session.exchanges:
        one = exchange.usage
        if one is None or one.basis != "measured" or not one.input_tokens + one.output_tokens:
            continue
        reported += 1
        usage += one
        cost = billed_request(session.provider, exchange)
        if cost is not None:
            priced += 1
            usd = (usd or 0.0) + cost
            _count(prices, price_row(session.provider, exchange), 1, cost)
    whole = (len(session.exchanges), reported, priced, usage, usd, session.text)
    return Bill(session.name, path, line, *whole, prices=prices)


def _count(prices: dict[PriceRow, tuple[int, float]], row: PriceRow | None, requests: int, usd: float) -> None:
    if row is not None:
        known = prices.get(row, (0, 0.0))
        prices[row] = known[0] + requests, known[1] + usd


def billed(bills: Iterable[Bill]) -> dict[str, Any]:
    """The sum over several sessions: the object `billed` of `agentmem replay --json`."""
    every = list(bills)
    prices: dict[PriceRow, tuple[int, float]] = {}
    for one in every:
        for row, counted in one.prices.items():
            _count(prices, row, *counted)
    whole = Bill(
        "",
        "",
        0,
        requests=sum(one.requests for one in every),
        reported=sum(one.reported for one in every),
        priced=sum(one.priced for one in every),
        usage=sum((one.usage for one in every), Usage("measured")),
        usd=billed_usd(every),
        text=all(one.text for one in every),
        prices=prices,
    )
    return _numbers(whole)


def billed_usd(bills: Sequence[Bill]) -> float | None:
    """Dollars of all sessions that have any; None where none has."""
    known = [one.usd for one in bills if one.usd is not None]
    return sum(known) if known else None


def _numbers(one: Bill) -> dict[str, Any]:
    usage = one.usage
    known = one.reported > 0
    counts = {
        "input_tokens": usage.input_tokens,
        **outputs(usage.output_tokens, "measured", one.text),
        "uncached_tokens": usage.uncached_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_5m_tokens": usage.cache_write_5m_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
    }
    return {
        "schema": 1,
        "basis": "measured",
        "requests": one.requests,
        "billed_requests": one.priced,
        "reported_requests": one.reported,
        **{name: count if known else None for name, count in counts.items()},
        "hit_rate": share(usage.cache_read_tokens, usage.input_tokens) if known else None,
        "billed_usd": one.usd,
        "prices": listed_rows(one.prices),
    }
