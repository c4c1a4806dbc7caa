"""Reads usage as providers report it: the usage objects of Anthropic's and OpenAI's APIs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from agentmem.checking import shown
from agentmem.types import Basis, Extras, Ttl, Usage

INCLUDED = frozenset({"message", "fallback_message"})
"""Kinds of iterations whose tokens are part of the whole reply's counts. Those of other kinds are added."""

TIERS = frozenset({"batch"})
"""Anthropic's service tiers with prices of their own. (Its priority tier is paid in advance.)"""


MOST = 10**12
"""Tokens that no request has: a count above it is a mistake, and not worth a bill."""


def tokens_of(value: Any) -> int:
    """A count of tokens as a log has it: nothing, and what is below zero, are none.

    Raises ValueError for what is no count.
    """
    try:
        found = int(value or 0)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{shown(value)} is no count of tokens") from None
    if found > MOST:
        raise ValueError(f"{shown(value)} is no count of tokens: it is more than {MOST:,}")
    return max(0, found)


def merged(*reports: Mapping[str, Any]) -> dict[str, Any]:
    """One report from the reports of a reply's parts: the highest value of every count.

    Each part tells what is known so far. A stream's first event may count nothing, and its last only the rest.
    """
    whole: dict[str, Any] = {}
    for report in reports:
        for name, value in report.items():
            known = whole.get(name)
            if isinstance(value, Mapping):
                whole[name] = merged(known if isinstance(known, Mapping) else {}, value)
            elif _is_count(value):
                whole[name] = max(value, known) if _is_count(known) else value
            elif value is not None:
                whole[name] = value
    return whole


def read_usage(report: Mapping[str, Any], basis: Basis = "measured", undivided: Ttl = "5m") -> Usage:
    """The tokens of a report. Cache writes without a stated lifetime count under ``undivided``."""
    details = _details(report, "input", "prompt")
    if details or "prompt_tokens" in report or "completion_tokens" in report:
        return _openai(report, details, basis, undivided)
    split = report.get("cache_creation") or {}
    short, long = _count(split, "ephemeral_5m_input_tokens"), _count(split, "ephemeral_1h_input_tokens")
    rest = max(0, _count(report, "cache_creation_input_tokens") - short - long)
    return Usage(
        basis,
        uncached_tokens=_count(report, "input_tokens"),
        cache_read_tokens=_count(report, "cache_read_input_tokens"),
        cache_write_5m_tokens=short + (rest if undivided == "5m" else 0),
        cache_write_1h_tokens=long + (rest if undivided == "1h" else 0),
        output_tokens=_count(report, "output_tokens"),
    )


def read_extras(report: Mapping[str, Any], basis: Basis = "measured") -> Extras:
    """Items that are billed besides these tokens, or at other prices."""
    tier, speed = report.get("service_tier"), report.get("speed")
    beside = [one for one in report.get("iterations") or () if one.get("type") not in INCLUDED]
    return Extras(
        speed=str(speed) if speed and speed != "standard" else str(tier) if tier in TIERS else "",
        web_searches=_count(report.get("server_tool_use") or {}, "web_search_requests"),
        others=tuple((str(one.get("model") or ""), read_usage(one, basis)) for one in beside),
        edits=tuple(_edits(report)),
    )


def response_extras(response: Mapping[str, Any], basis: Basis = "measured") -> Extras:
    """The same of a whole response of either API: OpenAI names the tier and lists searches beside the usage."""
    found, tier = read_extras(response.get("usage") or {}, basis), response.get("service_tier")
    items = response.get("output") if isinstance(response.get("output"), list) else ()
    searches = sum(isinstance(one, Mapping) and one.get("type") == SEARCH for one in items or ())
    speed = found.speed or (str(tier) if tier in OPENAI_TIERS else "")
    return replace(found, speed=speed, web_searches=found.web_searches + searches)


SEARCH = "web_search_call"
"""The type of an item of OpenAI's responses that is billed as one web search."""
OPENAI_TIERS = frozenset({"flex", "priority", "batch"})
"""OpenAI's service tiers with prices of their own."""


EDITS = "applied_edits"
"""The key of a report under which the edits that the provider made in the context stand."""


def _edits(report: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """What the provider took out of the context: cleared calls and thoughts, and compactions by what they read."""
    for one in report.get(EDITS) or ():
        yield str(one.get("type")), _count(one, "cleared_input_tokens")
    for one in report.get("iterations") or ():
        if one.get("type") == "compaction":
            yield "compaction", read_usage(one).input_tokens


def _openai(report: Mapping[str, Any], details: Mapping[str, Any], basis: Basis, undivided: Ttl) -> Usage:
    """OpenAI's input count includes the tokens that were read from the cache and written to it."""
    whole = _count(report, "prompt_tokens") or _count(report, "input_tokens")
    cached = _count(details, "cached_tokens") or _count(report, "prompt_cache_hit_tokens")  # the second is DeepSeek's
    read, written = min(whole, cached), _count(details, "cache_write_tokens")
    output = _count(report, "completion_tokens") or _count(report, "output_tokens")
    short, long = (written, 0) if undivided == "5m" else (0, written)
    return Usage(basis, max(0, whole - read - written), read, short, long, output)


def _details(report: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found = (report.get(f"{name}_tokens_details") for name in names)
    return next((one for one in found if isinstance(one, Mapping)), {})


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(report: Mapping[str, Any], name: str) -> int:
    return tokens_of(report.get(name))
