"""The part of a ledger's row that says where a local engine had the KV state of a prompt from, and its sums."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from functools import reduce
from operator import add
from typing import Any

from agentmem.types import KvSources

_NAMES = tuple(one.name for one in fields(KvSources))
_SHORT = {"seconds_saved": "saved"}


def sources_value(one: KvSources) -> dict[str, Any]:
    """The part as JSON, without zeros."""
    return {_SHORT.get(name, name): value for name, value in asdict(one).items() if value}


def read_sources(value: Mapping[str, Any] | None) -> KvSources | None:
    """The part from JSON; None if the row has none. Keys of later versions are passed over."""
    if value is None:
        return None
    return KvSources(**{name: value.get(_SHORT.get(name, name), 0) for name in _NAMES})


def sum_of_sources(parts: Iterable[KvSources | None]) -> dict[str, Any] | None:
    """Tokens by where they came from, and the seconds saved; None if no request says."""
    known = [one for one in parts if one is not None]
    if not known:
        return None
    total = asdict(reduce(add, known))
    seconds = round(total.pop("seconds_saved"), 3)
    return {f"{name}_tokens": tokens for name, tokens in total.items()} | {"seconds_saved": seconds}
