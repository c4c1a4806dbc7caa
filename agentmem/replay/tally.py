"""Adding up a policy's requests into the numbers that reports print.

input = uncached + read + writes      hit_rate = read / input         ratio = input / output
new   = first sent in this request    redo = input - read - new       redo_share = redo / input
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from agentmem.meter.ledger import listed
from agentmem.meter.price_row import PriceRow
from agentmem.meter.prices import extra_usd, rates
from agentmem.meter.prices import listed as listed_price
from agentmem.replay.session import Exchange, RecordedSession
from agentmem.replay.simulation import MeteredRequest
from agentmem.types import Rates, Usage


def price(provider: str, model: str, input_tokens: int, speed: str = "", at: float | None = None) -> Rates | None:
    """The prices of a request of that size; None where they are not known. ``at`` as in `agentmem.meter.prices`."""
    return rates(provider, model, input_tokens=input_tokens, speed=speed, at=at)


def billed(provider: str, exchange: Exchange) -> float | None:
    """What a request cost by what its provider reported, at its own model's prices of that day."""
    usage, extras = exchange.usage, exchange.extras
    if usage is None:
        return None
    rates = price(provider, exchange.model, usage.input_tokens, extras.speed, exchange.at)
    beside = extra_usd(provider, exchange.model, extras, at=exchange.at)
    return None if rates is None or beside is None else rates.cost(usage) + beside


def price_row(provider: str, exchange: Exchange) -> PriceRow | None:
    """The row of the price list that `billed` counts by; None where there is none."""
    tokens = exchange.usage.input_tokens if exchange.usage else 0
    found = listed_price(provider, exchange.model, input_tokens=tokens, speed=exchange.extras.speed, at=exchange.at)
    return found.row if found else None


@dataclass(slots=True)
class Tally:
    """The sums over a policy's requests.

    Dollars are sums of what is known; ``unpriced`` counts the requests of the policy without a price, by model, and
    where none has one its dollars are None. ``billed_usd`` is what the recording cost by its provider's own figures,
    ``by_session`` are the dollars of each session that was begun, None where none is known.
    """

    requests: int = 0
    summary_requests: int = 0
    usage: Usage = field(default_factory=lambda: Usage("simulated"))
    new_tokens: int = 0
    breaks: int = 0
    cuts: int = 0
    expiries: int = 0
    cost_usd: float = 0.0
    cost_uncached_usd: float = 0.0
    recalls_usd: float = 0.0
    lower_bound_usd: float | None = 0.0
    billed_usd: float | None = None
    unpriced: Counter[str] = field(default_factory=Counter)
    peak_context_tokens: int = 0
    needed: int = 0
    needed_near: int = 0
    seen: int = 0
    seen_near: int = 0
    reached: int = 0
    lines_seen: int = 0
    calls_far: int = 0
    calls_near: int = 0
    calls_old_lines_far: int = 0
    callable_far: int = 0
    callable_near: int = 0
    old_lines_far: int = 0
    acts_usd: float = 0.0
    floor_usd: float | None = 0.0
    text: bool = True
    by_session: list[float | None] = field(default_factory=list)

    def begin(self) -> None:
        """From now on requests are those of the next session."""
        self.by_session.append(None)

    def add(
        self,
        metered: MeteredRequest,
        output: int,
        rates: Rates | None,
        model: str,
        *,
        beside: float = 0.0,
        summary: bool = False,
    ) -> None:
        """One request of ``model`` and the tokens of its reply; ``beside`` is what else it was billed."""
        usage = replace(metered.usage, output_tokens=output)
        self.requests += 1
        self.summary_requests += summary
        self.usage += usage
        self.new_tokens += metered.new_tokens
        self.breaks += metered.broke
        self.cuts += metered.cut
        self.expiries += metered.expired
        self.peak_context_tokens = max(self.peak_context_tokens, usage.input_tokens)
        if rates is None:
            self.unpriced[model] += 1
            return
        cost = rates.cost(usage) + beside
        self.cost_usd += cost
        self.cost_uncached_usd += rates.cost_uncached(usage) + beside
        if self.by_session:
            self.by_session[-1] = (self.by_session[-1] or 0.0) + cost

    def call(self, *, far: bool, lines: bool, made: bool) -> None:
        """One call whose parts stood before, ``far`` or near; ``lines``: far ones to give verbatim are among them."""
        self.calls_far += far
        self.calls_near += not far
        self.calls_old_lines_far += lines
        self.callable_far += made and far
        self.callable_near += made and not far
        self.old_lines_far += made and lines

    def numbers(self) -> dict[str, Any]:
        """The USAGE columns and those of a policy."""
        priced = self.requests == 0 or self.unpriced.total() < self.requests
        cost = self.cost_usd if priced else None
        bound = self.lower_bound_usd if priced and self.text else None
        return {
            **self._usage(),
            "cost_usd": cost,
            "cost_uncached_usd": self.cost_uncached_usd if priced else None,
            "unpriced": listed(self.unpriced),
            "billed_usd": self.billed_usd,
            "peak_context_tokens": self.peak_context_tokens,
            "summary_requests": self.summary_requests,
            "lower_bound_usd": bound,
            "cost_over_bound": over(cost, bound),
            "cost_with_recalls_usd": plus(cost, self.recalls_usd) if self.text else None,
            "needed": self.needed if self.text else None,
            "visible": share(self.seen, self.needed),
            "visible_near": share(self.seen_near, self.needed_near),
            "visible_line": share(self.lines_seen, self.needed),
            "reachable": share(self.reached, self.needed),
            **self._calls(cost),
            "floor_usd": self.floor_usd if priced and self.text else None,
            "excess": None,
        }

    def _usage(self) -> dict[str, Any]:
        usage, total = self.usage, self.usage.input_tokens
        redo = total - usage.cache_read_tokens - self.new_tokens
        return {
            "basis": usage.basis,
            "requests": self.requests,
            "input_tokens": total,
            **outputs(usage.output_tokens, usage.basis, self.text),
            "uncached_tokens": usage.uncached_tokens,
            "cache_read_tokens": usage.cache_read_tokens,
            "cache_write_5m_tokens": usage.cache_write_5m_tokens,
            "cache_write_1h_tokens": usage.cache_write_1h_tokens,
            "new_tokens": self.new_tokens if self.text else None,
            "redo_tokens": redo if self.text else None,
            "hit_rate": share(usage.cache_read_tokens, total),
            "redo_share": share(redo, total) if self.text else None,
            "ratio": share(total, usage.output_tokens) if self.text else None,
            "breaks": self.breaks if self.text else None,
            "cuts": self.cuts,
            "expiries": self.expiries if self.text else None,
        }

    def _calls(self, cost: float | None) -> dict[str, Any]:
        """The columns of the calls that could be made."""
        made, every = self.callable_far + self.callable_near, self.calls_far + self.calls_near
        return {
            "calls": every if self.text else None,
            "calls_far": self.calls_far if self.text else None,
            "calls_near": self.calls_near if self.text else None,
            "calls_old_lines_far": self.calls_old_lines_far if self.text else None,
            "callable": share(made, every),
            "callable_far": share(self.callable_far, self.calls_far),
            "callable_near": share(self.callable_near, self.calls_near),
            "old_lines_far": share(self.old_lines_far, self.calls_old_lines_far),
            "dollars_to_act_usd": plus(cost, self.acts_usd) if self.text else None,
        }


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of several tallies; the peak is the highest."""
    sums: dict[str, Any] = defaultdict(list)
    for tally in tallies:
        for each in fields(Tally):
            sums[each.name].append(getattr(tally, each.name))
    merged = Tally()
    for name, values in sums.items():
        setattr(merged, name, _merged(name, values))
    return merged


def _merged(name: str, values: list[Any]) -> Any:
    if name == "peak_context_tokens":
        return max(values)
    if name == "text":
        return all(values)
    if name in ("billed_usd", "lower_bound_usd", "floor_usd"):
        known = [value for value in values if value is not None]
        return sum(known) if known else None
    whole = values[0]
    for value in values[1:]:
        whole = plus(whole, value)
    return whole


def plus(whole: Any, part: Any) -> Any:
    """The sum; None if either is not known."""
    return None if whole is None or part is None else whole + part


def share(part: int, whole: int) -> float | None:
    """A share, 0 to 1; None of nothing."""
    return part / whole if whole else None


def over(cost: float | None, bound: float | None) -> float | None:
    """How many times the bound a cost is."""
    return cost / bound if cost is not None and bound else None


def excesses(rows: Sequence[Mapping[str, Any]], peers: Collection[str]) -> dict[str, float | None]:
    """By policy, what it costs to act beyond the floor, as a share of what it takes the cheapest of ``peers``.

    None where no peer ran, or where one of the two ran on fewer chains than the other.
    """
    ran = [one for one in rows if one["dollars_to_act_usd"] is not None and one["floor_usd"] is not None]
    best = min((one for one in ran if one["policy"] in peers), key=lambda one: _beyond(one), default=None)
    least = best and _beyond(best)
    return {one["policy"]: _beyond(one) / least for one in ran if best and least and one["chains"] == best["chains"]}


def _beyond(row: Mapping[str, Any]) -> float:
    return float(row["dollars_to_act_usd"] - row["floor_usd"])


def outputs(tokens: int, basis: str, text: bool) -> dict[str, Any]:
    """The columns of output: what a log without text says of it may be partial, and is told apart."""
    if text:
        return {"output_tokens": tokens, "output_basis": basis, "logged_output_tokens": None}
    return {"output_tokens": None, "output_basis": "estimated", "logged_output_tokens": tokens}


def ledger_tally(session: RecordedSession, provider: str) -> Tally:
    """The sums over a ledger's requests. Nothing that needs text is in them; recorded outputs are unreliable."""
    tally = Tally(usage=Usage("measured"), text=False)
    tally.begin()
    for exchange in session.exchanges:
        if exchange.usage is None:
            continue
        metered = MeteredRequest(exchange.usage, 0, broke=False, cut=exchange.cut is not None, expired=False)
        rates = price(provider, exchange.model, exchange.usage.input_tokens, exchange.extras.speed)
        beside = extra_usd(provider, exchange.model, exchange.extras) or 0.0
        tally.add(metered, exchange.usage.output_tokens, rates, exchange.model, beside=beside)
        tally.billed_usd = plus(tally.billed_usd or 0.0, billed(provider, exchange) or 0.0)
    return tally
