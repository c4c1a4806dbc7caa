"""The part of a ledger's row that says where a request ran and why: label, rule, tier, and what else it could cost."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from agentmem.scrub import scrub

_FREE_TEXT = 240
"""The most characters kept of a sentence."""


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a request ran, and why.

    ``target`` and ``tier`` name the place, ``rule`` the rule that chose it ("" for none) and ``why`` is one sentence.
    ``labels`` are pairs of name and value. ``stay_usd`` is what this request would have cost where the conversation
    was, ``move_usd`` what it would have cost at the place that the rule named, both estimates made before it was sent;
    None if a price is not known. ``lost_tokens`` were warm in the cache that the request left behind.
    """

    target: str
    tier: str
    rule: str = ""
    why: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    stay_usd: float | None = None
    move_usd: float | None = None
    lost_tokens: int = 0

    @property
    def label(self) -> str:
        """The labels in one short text, as in "summary prefill long"."""
        return " ".join(value for _, value in self.labels)


_KEYS: Mapping[str, str] = {
    "target": "to",
    "tier": "tier",
    "rule": "rule",
    "why": "why",
    "labels": "labels",
    "stay_usd": "stay",
    "move_usd": "move",
    "lost_tokens": "lost",
}
_DEFAULTS = {one.name: one.default for one in fields(Routed)}


def routed_value(one: Routed) -> dict[str, Any]:
    """The part as JSON; defaults are left out and the sentence is scrubbed and cut short."""
    given: dict[str, Any] = {name: getattr(one, name) for name in _KEYS}
    given["why"] = scrub(one.why)[:_FREE_TEXT]
    given["labels"] = dict(one.labels)
    for name in ("stay_usd", "move_usd"):
        given[name] = None if given[name] is None else round(given[name], 9)
    return {_KEYS[name]: value for name, value in given.items() if value not in (_DEFAULTS[name], {})}


def read_routed(value: Mapping[str, Any] | None) -> Routed | None:
    """The part from JSON; None if the row has none. Keys of later versions are passed over."""
    if not value:
        return None
    given = {name: value[key] for name, key in _KEYS.items() if key in value}
    given["labels"] = tuple((str(name), str(said)) for name, said in value.get("labels", {}).items())
    return Routed(**given)
