"""The ledger: one row for every model request.

It is no table of its own. A row is an entry of kind "usage" in the thread's transcript, without a frame, appended in
the same transaction as the reply it meters; so it can be neither lost nor doubled, and is forgotten with its thread.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Literal

from agentmem.scrub import scrub
from agentmem.transcript.journal import Journal
from agentmem.types import NO_EXTRAS, Basis, Draft, Entry, Extras, Usage

Break = Literal["first", "none", "expiry", "cut", "break"]
"""How a request stands to the thread's request before it.

first: there is none. none: it extends it. expiry: it extends it, but the cache entry had outlived its lifetime.
cut: it does not, and a compaction or a change of tools, system, model or options lies between. break: it does not,
and nothing declares why.
"""

_FREE_TEXT = 80
"""Characters kept of any text that a provider or an error wrote."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model request, as metered.

    ``model`` is "provider:name"; ``estimate`` the input we predicted; ``at`` when the request began; ``seconds`` and
    ``first_token_after`` count from there. ``cost_usd`` and ``cost_uncached_usd`` are None where the price is not
    known; ``priced_as`` names the model whose prices stand in for one that has none, which makes them estimates.
    ``digest`` is that of the request's frames, ``bytes`` the length of their wire form and ``extends`` how many of
    those bytes the thread's previous request sent already. ``context_tokens`` and ``new_tokens`` are counts of
    frames, of all of them and of those that the thread never sent before. ``stop_reason`` says why the reply ended,
    ``error`` why there was none; ``extras`` are what was billed beside ``usage``.
    """

    thread: str
    agent: str
    purpose: str
    model: str
    tier: str
    usage: Usage
    at: float
    estimate: int = 0
    first_token_after: float = 0.0
    seconds: float = 0.0
    cost_usd: float | None = None
    cost_uncached_usd: float | None = None
    priced_as: str = ""
    digest: str = ""
    extends: int = 0
    bytes: int = 0
    new_tokens: int = 0
    context_tokens: int = 0
    provider_reason: str | None = None
    message_id: str = ""
    break_: Break = "none"
    stop_reason: str = ""
    error: str | None = None
    extras: Extras = NO_EXTRAS


# What a row is called in its entry: (field, key, value that goes without saying). The thread is the entry's own.
_FIELDS: tuple[tuple[str, str, object], ...] = (
    ("agent", "agent", None),
    ("purpose", "for", None),
    ("model", "model", None),
    ("tier", "tier", None),
    ("at", "at", None),
    ("estimate", "est", 0),
    ("first_token_after", "first", 0.0),
    ("seconds", "secs", 0.0),
    ("cost_usd", "usd", None),
    ("cost_uncached_usd", "usd0", None),
    ("priced_as", "as", ""),
    ("digest", "digest", ""),
    ("extends", "ext", 0),
    ("bytes", "bytes", 0),
    ("new_tokens", "new", 0),
    ("context_tokens", "ctx", 0),
    ("provider_reason", "why", None),
    ("message_id", "id", ""),
    ("break_", "break", "none"),
    ("stop_reason", "stop", ""),
    ("error", "error", None),
)
_USAGE: tuple[tuple[str, str], ...] = (
    ("uncached_tokens", "in"),
    ("cache_read_tokens", "read"),
    ("cache_write_5m_tokens", "w5m"),
    ("cache_write_1h_tokens", "w1h"),
    ("output_tokens", "out"),
)
_UNSAID = {name: default for name, _, default in _FIELDS}
_NAMES = {key: name for name, key, _ in _FIELDS}
_GIVEN = attrgetter(*_UNSAID)
_COUNTED = attrgetter(*(name for name, _ in _USAGE))


def classify(*, first: bool, extends: bool, cut: bool, idle: float, lifetime: float, read: bool = False) -> Break:
    """How a request stands to the one before: ``extends`` it whole or not, with a ``cut`` between or not.

    ``idle`` is the time since that one began and ``lifetime`` its cache entry's, both in seconds: a read refreshes
    the entry, and the clock runs from the request's start (Anthropic, "Prompt caching"). What was ``read`` all the
    same had not expired: others may have refreshed it, and providers keep entries longer than they say.
    """
    if first:
        return "first"
    if extends:
        return "expiry" if idle > lifetime and not read else "none"
    return "cut" if cut else "break"


def encode(row: Row) -> bytes:
    """The row as canonical JSON, below 500 bytes unless names are long.

    What goes without saying is left out, free text is scrubbed and cut short.
    """
    return draft(row).data


def draft(row: Row) -> Draft:
    """The row as an entry that is still to be appended."""
    value = _value(row)
    text = _COMPACT.encode(value)
    data = text.encode("utf-8", "replace")
    return Draft("usage", data, value if data.decode() == text else None)


def _value(row: Row) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for (name, key, default), given in zip(_FIELDS, _GIVEN(row), strict=True):
        if given != default and (said := _CLEANED[name](given) if name in _CLEANED else given) != default:
            value[key] = said
    if row.extras != NO_EXTRAS:
        value["extra"] = _told(row.extras)
    value["basis"] = row.usage.basis
    return value | {key: count for (_, key), count in zip(_USAGE, _COUNTED(row.usage), strict=True) if count}


def decode(entry: Entry) -> Row:
    """The row that a "usage" entry holds. Keys that a later version wrote are passed over."""
    value = entry.value
    usage = Usage(_basis(value["basis"]), *(int(value.get(key, 0)) for _, key in _USAGE))
    given: dict[str, Any] = {**_UNSAID, **{_NAMES[key]: said for key, said in value.items() if key in _NAMES}}
    return Row(thread=entry.thread, usage=usage, extras=_extras(value.get("extra") or {}, usage.basis), **given)


def rows(journal: Journal, thread: str) -> Iterator[Row]:
    """The rows of a thread, oldest first: of the requests that it made itself, not those of the thread it forked from.

    ``journal`` is an agent's, or what `open_journal` opened. Where no such thread is there are none.
    """
    return map(decode, journal.own(thread, "usage"))


def _told(extras: Extras) -> dict[str, Any]:
    others = [[model, *_COUNTED(usage)] for model, usage in extras.others]
    return {"speed": extras.speed, "searches": extras.web_searches, "others": others}


def _extras(told: Mapping[str, Any], basis: Basis) -> Extras:
    others = tuple((str(model), Usage(basis, *counts)) for model, *counts in told.get("others", ()))
    return Extras(told.get("speed", ""), told.get("searches", 0), others)


def _short(text: str) -> str:
    return scrub(text)[:_FREE_TEXT]


def _rounded(digits: int) -> Callable[[float], float]:
    return partial(round, ndigits=digits)


_CLEANED: Mapping[str, Callable[[Any], Any]] = {
    "at": _rounded(3),
    "first_token_after": _rounded(3),
    "seconds": _rounded(3),
    "cost_usd": _rounded(9),
    "cost_uncached_usd": _rounded(9),
    "provider_reason": _short,
    "stop_reason": _short,
    "error": _short,
}
"""How a field is written. What others wrote is scrubbed; all else comes from the agent's own settings and counters."""
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _basis(value: str) -> Basis:
    known: dict[str, Basis] = {"measured": "measured", "simulated": "simulated", "estimated": "estimated"}
    return known[value]
