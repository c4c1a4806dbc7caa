"""Adds up rows of the ledger: the numbers of a run, by agent and by purpose, as JSON objects.

The formulas, so that two people compute the same number:

    input     = uncached + cache read + cache writes
    hit_rate  = read / input          redo = input - read - new
    ratio     = input / output        redo_share = redo / input

``new`` are the tokens that no earlier request of the thread sent. They are counted in frames, by our own counter; so
they are scaled to the provider's count of the whole request, and cannot exceed the tokens that were not read. The
shares of hits, redo and new tokens sum to 1.

Rows of different basis are different meters and are never added up. Shares are 0..1; None: cannot be computed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from agentmem.meter.ledger import Row, listed, price_rows, unpriced
from agentmem.meter.sources import sum_of_sources
from agentmem.types import Basis, Usage

Summary = dict[str, Any]

_COUNTED = (
    "uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)
_METERED = (
    "input_tokens",
    "output_tokens",
    "uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
)


def summarise(rows: Iterable[Row]) -> Summary:
    """The USAGE object over ``rows``.

        summarise(rows(agent.journal, "main"))["hit_rate"]

    If they have several bases, ``basis`` and all numbers of a meter are None: see ``by_basis`` in ``report``. Dollars
    are the sum of the known ones, None if none is known; ``unpriced`` names the models of the other requests, and
    ``prices`` the rows of price lists that the dollars came from. Lent prices are named in ``priced_as`` and make
    ``cost_basis`` "estimated". ``requests`` includes the ``failed`` ones; those without a reply were not metered, so
    their basis and dollars do not count. ``switch_usd`` is what of the dollars switches of the model cost, None without
    one. ``kv`` are tokens of prompts by where a local engine had their KV state from, and the seconds that its
    warehouse saved; None if there was none.
    """
    rows = tuple(rows)
    metered = tuple(row for row in rows if _metered(row))
    bases = list(dict.fromkeys(row.usage.basis for row in metered))
    mixed = len(bases) > 1
    summary: Summary = {"schema": 1, "basis": bases[0] if len(bases) == 1 else None, "requests": len(rows)}
    summary |= dict.fromkeys(_numbers(())) if mixed else _numbers(metered)
    summary |= {
        "breaks": _count(rows, "break"),
        "cuts": _count(rows, "cut"),
        "expiries": _count(rows, "expiry"),
        "cost_usd": None if mixed else _dollars(row.cost_usd for row in metered),
        "cost_uncached_usd": None if mixed else _dollars(row.cost_uncached_usd for row in metered),
        "unpriced": listed(unpriced(metered)),
        "prices": price_rows(metered),
        "cost_basis": "estimated" if any(row.priced_as for row in rows) else summary["basis"],
        "priced_as": ", ".join(sorted({row.priced_as for row in rows if row.priced_as})) or None,
        "peak_context_tokens": None if mixed else max(map(_context, rows), default=0),
        "failed": sum(row.error is not None for row in rows),
        "switch_usd": _switches(rows),
        "kv": sum_of_sources(row.sources for row in rows),
    }
    return summary


def report(rows: Iterable[Row], run: str | None = None) -> Summary:
    """The report on one run (None: on several): its USAGE, and the same by basis, agent and purpose.

    An agent with several bases has an object for each.
    """
    rows = tuple(rows)
    return {
        "run": run,
        **summarise(rows),
        "by_basis": _grouped(rows, None, lambda row: ""),
        "by_agent": _grouped(rows, "agent", lambda row: row.agent),
        "by_purpose": _grouped(rows, "purpose", lambda row: row.purpose),
    }


def new_tokens(row: Row) -> int:
    """The request's new tokens, in the provider's tokens."""
    unread = row.usage.input_tokens - row.usage.cache_read_tokens
    if not row.context_tokens:
        return min(row.new_tokens, unread)
    return min(round(row.new_tokens * row.usage.input_tokens / row.context_tokens), unread)


def _numbers(rows: Sequence[Row]) -> Summary:
    counts = {name: sum(getattr(row.usage, name) for row in rows) for name in _COUNTED}
    total = Usage(rows[0].usage.basis if rows else "measured", **counts)
    new = sum(map(new_tokens, rows))
    redo = total.input_tokens - total.cache_read_tokens - new
    return {name: getattr(total, name) for name in _METERED} | {
        "new_tokens": new,
        "redo_tokens": redo,
        "hit_rate": _share(total.cache_read_tokens, total.input_tokens),
        "redo_share": _share(redo, total.input_tokens),
        "ratio": _share(total.input_tokens, total.output_tokens),
    }


def _grouped(rows: Sequence[Row], name: str | None, key: Callable[[Row], str]) -> list[Summary]:
    """One USAGE for each key and basis, in order of first use. Rows without a meter join their key's first basis."""
    bases: dict[str, Basis] = {}
    for row in rows:
        if _metered(row):
            bases.setdefault(key(row), row.usage.basis)
    groups: dict[tuple[str, Basis], list[Row]] = {}
    for row in rows:
        basis = row.usage.basis if _metered(row) else bases.get(key(row), row.usage.basis)
        groups.setdefault((key(row), basis), []).append(row)
    return [({name: named} if name else {}) | summarise(group) for (named, _), group in groups.items()]


def _metered(row: Row) -> bool:
    """True for every reply, and for a failed request that has tokens."""
    return row.error is None or bool(row.usage.input_tokens or row.usage.output_tokens)


def _switches(rows: Iterable[Row]) -> float | None:
    """Dollars above reads for prefixes that a switch of the model sent anew; None without a switch."""
    paid = [row.switch_usd for row in rows if row.switch_usd is not None]
    return sum(paid) if paid else None


def _count(rows: Iterable[Row], kind: str) -> int:
    return sum(row.break_ == kind for row in rows)


def _context(row: Row) -> int:
    return row.usage.input_tokens or row.context_tokens


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _dollars(amounts: Iterable[float | None]) -> float | None:
    """The sum of the known amounts; None if there are amounts and none is known."""
    given = tuple(amounts)
    known = [amount for amount in given if amount is not None]
    return sum(known) if known or not given else None
