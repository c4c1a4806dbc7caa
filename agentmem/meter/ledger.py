"""The ledger: makes, writes and reads one row for every model request.

It has no table of its own. A row is an entry of kind "usage" in the thread's transcript, without a frame. It is
appended in the same transaction as the reply that it meters; so it cannot be lost or doubled, and is forgotten with its
thread.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, Literal

from agentmem.context.window import View
from agentmem.kvcache import frames
from agentmem.kvcache.breakpoints import TAIL
from agentmem.kvcache.rules import rules_for
from agentmem.meter.price_row import PriceRow, listed_rows, read_price_row
from agentmem.meter.prices import Cost, cost, rates_of
from agentmem.meter.routed import Routed, read_routed, routed_value
from agentmem.meter.sources import read_sources, sources_value
from agentmem.scrub import scrub
from agentmem.transcript.journal import Journal
from agentmem.types import (
    NO_EXTRAS,
    Basis,
    Draft,
    Entry,
    Extras,
    KvSources,
    ModelProfile,
    Rates,
    Reply,
    Request,
    Ttl,
    Usage,
)

Break = Literal["first", "none", "expiry", "cut", "break"]
"""The relation of a request to the thread's request before it.

first: there is none. none: it extends it. expiry: it extends it, but the cache entry was older than its lifetime.
cut: it does not extend it, and a compaction or a change of tools, system, model or options is between. break: it does
not extend it, and nothing declares why.
"""

_FREE_TEXT = 80
"""The most characters kept of a text that a provider or an error wrote."""
_WORD = re.compile(r"[a-z_]{1,30}")


@dataclass(frozen=True, slots=True)
class Row:
    """One model request, as metered.

    ``model`` is "provider:name"; ``estimate`` the input that we predicted, in tokens; ``at`` the start of the request;
    ``seconds`` and ``first_token_after`` count from there. ``cost_usd`` and ``cost_uncached_usd`` are None if the price
    is not known; ``priced_as`` names another model whose prices were used, which makes them estimates, and
    ``price_row`` the row of the price list that they came from. ``digest`` is
    the digest of the request's frames, ``bytes`` the length of their wire form, and ``extends`` the number of those
    bytes that the thread's previous request also sent. ``context_tokens`` and ``new_tokens`` are our counts of all
    frames, and of those that the thread never sent before. ``changed`` names the cause and the place where the request
    left the prefix of the one before, where that is known. ``stop_reason`` says why the reply ended, ``error`` why
    there was none; ``extras`` are the charges beside ``usage``. ``switch_usd`` is what it cost above a read to send to
    this model what another one had in its cache; None without a switch, or without a price. ``route`` says where it ran
    and why, if it was routed. ``sources`` say where a local engine had the prompt's KV state from.
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
    changed: str = ""
    stop_reason: str = ""
    error: str | None = None
    extras: Extras = NO_EXTRAS
    switch_usd: float | None = None
    route: Routed | None = None
    price_row: PriceRow | None = None
    sources: KvSources | None = None


# A row in its entry: (field, key, default that is left out). The thread is the entry's own.
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
    ("changed", "changed", ""),
    ("stop_reason", "stop", ""),
    ("error", "error", None),
    ("switch_usd", "switch", None),
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


def classify(
    *, first: bool, extends: bool, cut: bool, idle: float, lifetime: float, read: bool = False, edited: bool = False
) -> Break:
    """The relation of a request to the one before it, which it ``extends`` or not, with a ``cut`` between or not.

    ``idle`` is the time since that one began and ``lifetime`` the time that its cache entry lives, both in seconds: a
    read refreshes the entry, and the clock runs from the request's start (Anthropic, "Prompt caching"). If the entry
    was ``read`` after that time, it had not expired: another request may have refreshed it, and providers keep entries
    longer than they say. ``edited``: the provider itself took something out of the context, as it was asked to; that
    is a declared cut.
    """
    if first:
        return "first"
    if edited:
        return "cut"
    if extends:
        return "expiry" if idle > lifetime and not read else "none"
    return "cut" if cut else "break"


def encode(row: Row) -> bytes:
    """The row as canonical JSON, below 500 bytes unless names are long.

    Defaults are left out; free text is scrubbed and cut short.
    """
    return draft(row).data


def draft(row: Row) -> Draft:
    """The row as an entry to append."""
    given = value(row)
    text = _COMPACT.encode(given)
    data = text.encode("utf-8", "replace")
    return Draft("usage", data, given if data.decode() == text else None)


def value(row: Row) -> dict[str, Any]:
    """The row as JSON, as in its entry."""
    made: dict[str, Any] = {}
    for (name, key, default), given in zip(_FIELDS, _GIVEN(row), strict=True):
        if given != default and (said := _CLEANED[name](given) if name in _CLEANED else given) != default:
            made[key] = said
    if row.extras != NO_EXTRAS:
        made["extra"] = _extras_value(row.extras)
    if row.route is not None:
        made["route"] = routed_value(row.route)
    if row.price_row is not None:
        made["row"] = row.price_row.parts()
    if row.sources is not None:
        made["kv"] = sources_value(row.sources)
    made["basis"] = row.usage.basis
    return made | {key: count for (_, key), count in zip(_USAGE, _COUNTED(row.usage), strict=True) if count}


def decode(entry: Entry) -> Row:
    """The row in a "usage" entry. Keys of later versions are passed over."""
    return row_of(entry.thread, entry.value)


def row_of(thread: str, value: Mapping[str, Any]) -> Row:
    """The row of ``thread`` that ``value`` was made of. Keys of later versions are passed over."""
    usage = Usage(_basis(value["basis"]), *(int(value.get(key, 0)) for _, key in _USAGE))
    given: dict[str, Any] = {**_UNSAID, **{_NAMES[key]: said for key, said in value.items() if key in _NAMES}}
    extras, route = _extras(value.get("extra"), usage.basis), read_routed(value.get("route"))
    priced, sources = read_price_row(value.get("row")), read_sources(value.get("kv"))
    return Row(thread=thread, usage=usage, extras=extras, route=route, price_row=priced, sources=sources, **given)


def rows(journal: Journal, thread: str) -> Iterator[Row]:
    """The rows of a thread, oldest first: of the requests that it made itself, not those of the thread it forked from.

    ``journal`` is an agent's, or what `open_journal` opened. Where no such thread is there are none.
    """
    return map(decode, journal.own(thread, "usage"))


def _extras_value(extras: Extras) -> dict[str, Any]:
    others = [[model, *_COUNTED(usage)] for model, usage in extras.others]
    edits = {"edits": [list(one) for one in extras.edits]} if extras.edits else {}
    return {"speed": extras.speed, "searches": extras.web_searches, "others": others, **edits}


def _extras(value: Mapping[str, Any] | None, basis: Basis) -> Extras:
    if not value:
        return NO_EXTRAS
    others = tuple((str(model), Usage(basis, *counts)) for model, *counts in value.get("others", ()))
    edits = tuple((str(kind), int(tokens)) for kind, tokens in value.get("edits", ()))
    return Extras(value.get("speed", ""), value.get("searches", 0), others, edits)


def _short(text: str) -> str:
    """The text, scrubbed and cut. A plain word stays as it is, since it is not secret or long."""
    return text if _WORD.fullmatch(text) else scrub(text)[:_FREE_TEXT]


def _rounded(digits: int) -> Callable[[float], float]:
    return partial(round, ndigits=digits)


_CLEANED: Mapping[str, Callable[[Any], Any]] = {
    "at": _rounded(3),
    "first_token_after": _rounded(3),
    "seconds": _rounded(3),
    "cost_usd": _rounded(9),
    "cost_uncached_usd": _rounded(9),
    "switch_usd": _rounded(9),
    "provider_reason": _short,
    "stop_reason": _short,
    "error": _short,
    "changed": _short,
}
"""The form of fields that others wrote: scrubbed. All other fields come from the agent's own settings and counters."""
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _basis(value: str) -> Basis:
    known: dict[str, Basis] = {"measured": "measured", "simulated": "simulated", "estimated": "estimated"}
    return known[value]


def unpriced(rows: Iterable[Row]) -> Mapping[str, int]:
    """The number of metered requests without a price, by model."""
    return Counter(row.model for row in rows if row.cost_usd is None)


def listed(models: Mapping[str, int]) -> list[dict[str, Any]]:
    """The same as JSON."""
    return [{"model": model, "requests": requests} for model, requests in models.items()]


def price_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows of price lists that dollars came from, with the requests and dollars of each, as JSON."""
    found: dict[PriceRow, tuple[int, float]] = {}
    for row in rows:
        if row.price_row is not None and row.cost_usd is not None:
            requests, usd = found.get(row.price_row, (0, 0.0))
            found[row.price_row] = requests + 1, usd + row.cost_usd
    return listed_rows(found)


def missing_prices(models: Mapping[str, int], requests: int) -> str:
    """The same for people: "1 of 3 requests unpriced: my-local-model"; "" if all have a price."""
    count = sum(models.values())
    return f"{count:,} of {requests:,} requests unpriced: {', '.join(models)}" if count else ""


@dataclass(frozen=True, slots=True)
class RequestMeter:
    """Makes the rows of one agent: its name, its model, and the model whose prices count for it.

    Once it is ``on`` another model, ``price_as`` only ``lends`` that one prices, if it has none.
    """

    agent: str
    profile: ModelProfile
    price_as: str | None = None
    lends: bool = False

    def on(self, profile: ModelProfile) -> "RequestMeter":
        """The meter of the same agent on another model."""
        return self if profile == self.profile else replace(self, profile=profile, lends=True)

    @property
    def rates(self) -> Rates | None:
        """The prices that count for the model; None if none are known."""
        return rates_of(self.profile, self.price_as, lends=self.lends)

    def row(
        self, thread: str, request: Request, reply: Reply, view: View, sent: View | None, last: Row | None, at: float
    ) -> Row:
        """The row of an answered request. ``view`` was sent at ``at``; ``sent`` and ``last`` are the request before."""
        price = self._cost(reply.usage, at, reply.extras)
        shared = extension(sent, view) if sent and last and last.digest == sent.digest else 0
        return Row(
            thread=thread,
            agent=self.agent,
            purpose=request.purpose,
            model=f"{self.profile.provider}:{request.model}",
            tier=self.profile.tier,
            usage=reply.usage,
            at=at,
            estimate=request.estimate,
            first_token_after=reply.first_token_after,
            seconds=reply.seconds,
            cost_usd=price.usd,
            cost_uncached_usd=price.uncached_usd,
            priced_as=price.priced_as,
            price_row=price.row,
            digest=view.digest,
            extends=shared,
            bytes=view.size,
            new_tokens=_new(sent, view, shared),
            context_tokens=view.tokens,
            provider_reason=reply.provider_reason,
            message_id=reply.id,
            stop_reason=reply.stop_reason,
            break_=self._break(request, reply, view, sent, last, at, shared),
            extras=reply.extras,
            sources=reply.sources,
            switch_usd=self._switch_usd(request, reply.usage, last, at),
        )

    def _cost(self, usage: Usage, at: float, extras: Extras = NO_EXTRAS) -> Cost:
        return cost(self.profile, usage, price_as=self.price_as, at=at, extras=extras, lends=self.lends)

    def _break(
        self, request: Request, reply: Reply, view: View, sent: View | None, last: Row | None, at: float, shared: int
    ) -> Break:
        return classify(
            first=last is None,
            extends=bool(sent) and shared == (sent.size if sent else 0),
            cut=bool(sent and view.cuts > sent.cuts),
            idle=at - last.at if last else 0.0,
            lifetime=_lifetime(self.profile.provider, request),
            read=bool(last and sent and was_read(reply.usage, last.usage, sent)),
            edited=bool(reply.extras.edits),
        )

    def _switch_usd(self, request: Request, usage: Usage, last: Row | None, at: float) -> float | None:
        """Dollars above a read for what the request before had sent to another model, and this one had to take anew."""
        if last is None or last.model == f"{self.profile.provider}:{request.model}":
            return None
        unread = usage.input_tokens - usage.cache_read_tokens
        again = min(unread, last.usage.input_tokens)
        read = Usage(usage.basis, cache_read_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
        dear = self._cost(usage, at).usd
        cheap = self._cost(read, at).usd
        return None if dear is None or cheap is None else (dear - cheap) * again / unread if unread else 0.0

    def failure(self, thread: str, request: Request, error: Exception, view: View, at: float) -> Row:
        """The row of a request that was not answered."""
        return Row(
            thread=thread,
            agent=self.agent,
            purpose=request.purpose,
            model=f"{self.profile.provider}:{request.model}",
            tier=self.profile.tier,
            usage=Usage("estimated"),
            at=at,
            estimate=request.estimate,
            digest=view.digest,
            context_tokens=view.tokens,
            error=f"{type(error).__name__}: {error}",
        )


def _lifetime(provider: str, request: Request) -> float:
    """The seconds that the cache entries of the messages live after their last read."""
    lives = _lifetimes(provider, request.model)
    return max((lives[mark.ttl] for mark in request.marks if mark.segment == "message"), default=lives[TAIL])


@lru_cache(maxsize=16)
def _lifetimes(provider: str, model: str) -> Mapping[Ttl, float]:
    return rules_for(provider, model).lifetimes


def extension(before: View, after: View) -> int:
    """The number of bytes of ``before``'s wire form with which ``after`` begins, both views of one thread.

    Without a cut between them this costs almost nothing, since the window was only extended.
    """
    if _extended(before, after):
        return before.size
    common = 0
    for old, new in zip(before.frames, after.frames, strict=False):
        if old != new:
            break
        common += len(frames.encode(old))
    return common


def was_read(usage: Usage, before: Usage, sent: View) -> bool:
    """True if the messages of the request before were read from the cache.

    Tools and system live longer and may be read alone. So more must have been read than these and half of the rest.
    """
    head = sum(one.tokens for one in sent.prefix) / sent.tokens if sent.tokens else 0.0
    return usage.cache_read_tokens > before.input_tokens * (1 + min(1.0, head)) / 2


def _extended(before: View, after: View) -> bool:
    if before.cuts != after.cuts or before.prefix != after.prefix or len(before.turns) > len(after.turns):
        return False
    if not before.turns:
        return True
    old, new = before.turns[-1], after.turns[len(before.turns) - 1]
    return old.role == new.role and old.frames == new.frames[: len(old.frames)]


def _new(sent: View | None, view: View, shared: int) -> int:
    if sent is None:
        return view.tokens
    if shared == sent.size:
        return view.tokens - sent.tokens
    known = {(one.segment, one.role, one.data) for one in sent.frames}
    return sum(one.tokens for one in view.frames if (one.segment, one.role, one.data) not in known)
