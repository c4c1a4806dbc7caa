"""Reads an agent's requests for the diagnosis: from a wire log, or from one of our own runs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from pathlib import Path

from agentmem.context.view import request as view_request
from agentmem.context.window import View, extend
from agentmem.kvcache.frames import Frames, Make, frame
from agentmem.kvcache.prompts import body_prompt, request_prompt
from agentmem.kvcache.reported import read_usage, response_extras
from agentmem.kvcache.rules import ALIASES, ANTHROPIC, PROVIDERS, UNKNOWN, CacheRules, rules, rules_for
from agentmem.kvcache.shared_blocks import LineReader
from agentmem.kvcache.simulated.openai_bodies import is_openai, messages_body
from agentmem.kvcache.why.observed import ObservedRequest, simulated
from agentmem.meter import ledger
from agentmem.meter.ledger import Row
from agentmem.meter.prices import rates
from agentmem.replay.formats.wire_log import LineClock
from agentmem.transcript.journal import Journal
from agentmem.types import Basis, Entry, Json, Rates, Usage


@lru_cache(maxsize=1_024)
def known_rules(provider: str, model: str) -> CacheRules:
    """The cache rules of a request. If it is not known which settings a cache depends on, all of them count."""
    known = rules_for(provider, model)
    found = rules(model) if known is UNKNOWN else known
    return found if found.invalidates else replace(found, invalidates=ANTHROPIC.invalidates)


@dataclass(frozen=True, slots=True)
class SkippedRequest:
    """A line of a log that could not be read: its number, from 1, and the reason."""

    line: int
    reason: str


def read_wirelog(path: Path) -> tuple[list[ObservedRequest], list[SkippedRequest]]:
    """The requests of a wire log that `wirelog.record` or `agentmem watch` wrote, and the lines that could not be read.

    If a provider reported no usage at all, its requests get simulated usage.
    """
    observed: list[ObservedRequest] = []
    skipped: list[SkippedRequest] = []
    make, reader, clock = Frames(), LineReader(), LineClock()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                whole = reader.whole(json.loads(line))
                observed.append(observe({**whole, "at": clock.moment(whole)}, number, make))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                skipped.append(SkippedRequest(number, f"{type(error).__name__}: {error}"[:200]))
    return completed(observed), skipped


def completed(observed: Iterable[ObservedRequest]) -> list[ObservedRequest]:
    """The requests in the order of time, with simulated usage if their provider reported none at all."""
    ordered = sorted(observed, key=lambda one: one.at)
    reported = {one.rules.provider for one in ordered if one.usage}
    silent = [one for one in ordered if one.rules.provider not in reported]
    return sorted([*(one for one in ordered if one not in silent), *simulated(silent)], key=lambda one: one.at)


def observe(line: Json, number: int, make: Make = frame) -> ObservedRequest:
    """The request on a line of a wire log. Raises ValueError, KeyError, TypeError or AttributeError for other lines."""
    body, response = line.get("request") or line["body"], line.get("response") or {}
    provider = "openai" if is_openai(body, line.get("path", "")) else "anthropic"
    prompt = body_prompt(messages_body(body) if provider == "openai" else body, make)
    at, seconds = float(line["at"]), float(line.get("seconds") or 0.0)
    usage = reported_usage(response.get("usage"), line.get("basis", "measured"))
    begun = at + float(line.get("first_byte_after") or seconds)
    return ObservedRequest(
        number=number,
        at=at,
        prompt=prompt,
        rules=known_rules(provider, body["model"]),
        usage=usage,
        begun=begun,
        ended=max(begun, at + seconds),
        rates=_rates(provider, body["model"], usage.input_tokens if usage else 0, at, response_extras(response).speed),
        provider_reason=((response.get("diagnostics") or {}).get("cache_miss_reason") or {}).get("type"),
        session=str(line.get("session") or ""),
    )


def reported_usage(usage: Json | None, basis: Basis = "measured") -> Usage | None:
    """The usage in the usage object of any API; None if there is none."""
    return read_usage(usage, basis) if usage else None


def _rates(provider: str, model: str, input_tokens: int, at: float, speed: str = "") -> Rates | None:
    return rates(provider, model, input_tokens=input_tokens, at=at, speed=speed)


def read_run(journal: Journal, thread: str) -> list[ObservedRequest]:
    """The requests of one of our own runs and its ancestors, rebuilt from the entries."""
    return completed(_replayed(journal.entries(thread), thread))


def _replayed(entries: Iterable[Entry], thread: str) -> Iterator[ObservedRequest]:
    """Folds the entries again. A row of the ledger belongs to the latest view with its digest."""
    view, sent = View(), View()
    numbers = count(1)
    for entry in entries:
        if entry.kind == "usage":
            row, number = ledger.decode(entry), next(numbers)
            matching = next((one for one in (sent, view) if one.digest == row.digest and one.ready), None)
            if matching and not row.error:
                yield _of_row(number, row, matching, thread)
        sent = view if entry.kind == "assistant" else sent
        view = extend(view, entry)


def _of_row(number: int, row: Row, view: View, thread: str) -> ObservedRequest:
    provider, _, name = row.model.partition(":")
    lent, _, lent_name = row.priced_as.partition(":")
    engine = ALIASES.get(provider, provider)
    prompt = request_prompt(view_request(view, estimate=0, limit=1, thread=thread))
    cached = row.usage.cache_read_tokens + row.usage.cache_write_5m_tokens + row.usage.cache_write_1h_tokens
    return ObservedRequest(
        number=number,
        at=row.at,
        prompt=prompt,
        rules=known_rules(engine if engine in PROVIDERS else lent, lent_name or name),
        usage=row.usage if row.usage.basis != "estimated" or cached else None,
        begun=row.at + row.first_token_after,
        ended=row.at + row.seconds,
        thread=thread,
        cuts=view.cuts,
        compaction=view.cut.last if view.cut else None,
        pages={len(view.settings.system) + at: page.page for at, page in enumerate(view.settings.pinned)},
        rates=_rates(lent or provider, lent_name or name, row.usage.input_tokens, row.at, row.extras.speed),
        provider_reason=row.provider_reason,
    )
