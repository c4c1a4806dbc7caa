"""How well the simulated cache predicts what a provider reported, session by session.

A prediction uses the text, times, models and settings of the log and the first request's usage, and no later usage.
Beside the rules it expects a small loss: providers drop some entries early, and clients change a prompt's beginning
without logging it. How often was counted on half of the recorded sessions, by sha256 of their name.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean, pstdev
from typing import Any

from agentmem.kvcache.rules import CacheRules, rules
from agentmem.replay.layout import Layout, Strip, setting
from agentmem.replay.policies import RecordedContext
from agentmem.replay.session import Exchange, RecordedSession, opening
from agentmem.replay.simulation import SimulatedRequests
from agentmem.replay.tally import price
from agentmem.tokens import Calibration
from agentmem.types import Usage

LOST_AT_PROMPT = 0.039
"""Share of user turns whose messages were not read from the cache though all that is logged says they could be: 11 of
284 in the half of the sessions that this was counted on."""
LOST_AT_STEP = 0.0012
"""The same for requests that only bring tool results: 5 of 4,253."""

Rules = Callable[[str], CacheRules]


@dataclass(frozen=True, slots=True)
class Compared:
    """One session: what was recorded, and what was predicted, by request. ``alone`` is the prediction by rules only."""

    name: str
    models: tuple[str, ...]
    recorded: tuple[Usage, ...]
    predicted: tuple[Usage, ...]
    alone: tuple[Usage, ...]
    provider: str = "anthropic"


def compare(session: RecordedSession, find: Rules | None = None) -> Compared | None:
    """Predict a session's usage; None where it has no text, or no usage of its own. Rules are its provider's."""
    recorded = tuple(one.usage for one in session.exchanges if one.usage is not None)
    if not session.text or len(recorded) < len(session.exchanges):
        return None
    found = find or partial(rules, provider=session.provider)
    alone, expected = zip(*predict(session, found), strict=True)
    models = tuple(one.model for one in session.exchanges)
    return Compared(session.name, models, recorded, expected, alone, session.provider)


def predict(session: RecordedSession, find: Rules = rules) -> Iterator[tuple[Usage, Usage]]:
    """Each request's input usage by the rules alone, and with the loss that is to be expected beside them."""
    begun = opening(session)
    context, simulation, head = RecordedContext(begun), SimulatedRequests(find, session.ttl), Strip(begun.head)
    scale = _scale(session)
    for number, exchange in enumerate(session.exchanges):
        layout = _layout(exchange, head, context.send(exchange.arrived, exchange.cut))
        metered = simulation.send(
            layout, exchange.at, exchange.answered, cut=exchange.cut is not None, marks=exchange.marks
        )
        usage = exchange.usage if number == 0 and exchange.usage else _scaled(metered.usage, scale)
        yield usage, usage if number == 0 else _expected(usage, exchange, round(scale * head.tokens[-1]))
        after = context.reply(exchange.reply)
        if session.background and exchange.ends_turn:
            simulation.aside(_layout(exchange, head, after), exchange.answered)


def _layout(exchange: Exchange, head: Strip, messages: Sequence[Any]) -> Layout:
    own = head if exchange.head is None else Strip(exchange.head)
    return Layout(exchange.model, len(own), setting(exchange.settings), (own.run(), *messages))


def _scale(session: RecordedSession) -> float:
    """The provider's tokens over ours in the first request, where all of that request is recorded."""
    first = session.exchanges[0]
    if session.head is None or first.usage is None:
        return 1.0
    shown = first.cut.frames if first.cut else first.arrived
    return Calibration().observe(sum(one.tokens for one in (*session.head, *shown)), first.usage.input_tokens).ratio


def _scaled(usage: Usage, scale: float) -> Usage:
    if scale == 1.0:
        return usage
    return replace(
        usage,
        uncached_tokens=round(scale * usage.uncached_tokens),
        cache_read_tokens=round(scale * usage.cache_read_tokens),
        cache_write_5m_tokens=round(scale * usage.cache_write_5m_tokens),
        cache_write_1h_tokens=round(scale * usage.cache_write_1h_tokens),
    )


def _expected(usage: Usage, exchange: Exchange, head: int) -> Usage:
    """``usage`` less the expected loss: what is not read beyond the head is written again."""
    prompted = any(one.value.get("type") == "text" for one in exchange.arrived)
    lost = round((LOST_AT_PROMPT if prompted else LOST_AT_STEP) * max(0, usage.cache_read_tokens - head))
    long = bool(usage.cache_write_1h_tokens)
    return replace(
        usage,
        cache_read_tokens=usage.cache_read_tokens - lost,
        cache_write_5m_tokens=usage.cache_write_5m_tokens + (0 if long else lost),
        cache_write_1h_tokens=usage.cache_write_1h_tokens + (lost if long else 0),
    )


def verification(compared: Sequence[Compared]) -> dict[str, Any]:
    """The object that `agentmem replay --verify --json` prints. Errors of hit rates are in points, simulated less
    recorded; those of tokens and dollars are shares of what was recorded, None where a price is not known.
    """
    rows = [_row(one) for one in compared]
    points = [100 * (row["hit_rate_simulated"] - row["hit_rate_recorded"]) for row in rows]
    alone = [100 * (_hit_rate(one.alone) - _hit_rate(one.recorded)) for one in compared]
    return {
        "schema": 1,
        "basis": "simulated",
        "sessions": rows,
        **_spread("hit_rate_error", points),
        "input_tokens_error": _error(rows, "input_tokens"),
        "input_usd_error": _error(rows, "input_usd"),
        "by_rules_alone": _spread("hit_rate_error", alone),
    }


def _spread(name: str, points: Sequence[float]) -> dict[str, float | None]:
    return {
        f"{name}_mean": fmean(points) if points else None,
        f"{name}_sd": pstdev(points) if points else None,
        f"{name}_abs_mean": fmean(map(abs, points)) if points else None,
    }


def _row(one: Compared) -> dict[str, Any]:
    return {
        "session": one.name,
        "requests": len(one.recorded),
        "hit_rate_recorded": _hit_rate(one.recorded),
        "hit_rate_simulated": _hit_rate(one.predicted),
        "input_tokens_recorded": sum(usage.input_tokens for usage in one.recorded),
        "input_tokens_simulated": sum(usage.input_tokens for usage in one.predicted),
        "input_usd_recorded": _dollars(one, one.recorded),
        "input_usd_simulated": _dollars(one, one.predicted),
    }


def _hit_rate(usages: Sequence[Usage]) -> float:
    total = sum(usage.input_tokens for usage in usages)
    return sum(usage.cache_read_tokens for usage in usages) / total if total else 0.0


def _dollars(one: Compared, usages: Sequence[Usage]) -> float | None:
    """Dollars for the input alone, of the requests with a price; recorded counts of output may be partial."""
    total, priced = 0.0, not usages
    for model, usage in zip(one.models, usages, strict=True):
        rates = price(one.provider, model, usage.input_tokens)
        if rates is not None:
            total, priced = total + rates.cost(replace(usage, output_tokens=0)), True
    return total if priced else None


def _error(rows: Sequence[dict[str, Any]], name: str) -> float | None:
    recorded = [row[f"{name}_recorded"] for row in rows]
    simulated = [row[f"{name}_simulated"] for row in rows]
    if None in recorded or None in simulated or not sum(recorded):
        return None
    return float(sum(simulated) / sum(recorded) - 1)
