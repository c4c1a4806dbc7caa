"""A conversation as the router sees it: where it is, what is warm where, and how it grows. A fold over its requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from agentmem.meter.ledger import Row
from agentmem.routing.targets import DEFAULT

NEWS = 0.2
"""The weight of a request in the means of output and growth: about its last five requests count."""


BEFORE = "an earlier request of it was"
NOTHING: Mapping[str, str] = MappingProxyType({})


class Warm(NamedTuple):
    """The prefix that a place was sent: its tokens, and when it was sent."""

    tokens: int
    at: float


@dataclass(frozen=True, slots=True)
class RoutedConversation:
    """``target`` is where it is ("": nowhere yet), ``places`` what each place was sent, ``made`` the requests since its
    last free moment, ``cut`` true if a cut lies behind its last request. ``output`` and ``growth`` are means in tokens.
    ``private`` says why it is private, and ``size`` how large a model it began with: neither leaves a conversation.
    ``lent`` says why it is at a place that no rule wants: the wanted one had failed, and is tried again from
    ``lent_until`` on.
    """

    target: str = ""
    places: Mapping[str, Warm] = field(default_factory=dict)
    made: int = 0
    cut: bool = False
    tokens: int = 0
    output: float = 0.0
    growth: float = 0.0
    private: str = ""
    size: str = ""
    lent: str = ""
    lent_until: float = 0.0

    def warm_at(self, place: str, at: float, lifetime: float) -> int:
        """The tokens that are warm at a place whose cache lives ``lifetime`` seconds."""
        known = self.places.get(place)
        return known.tokens if known and at - known.at <= lifetime else 0

    def free(self, at: float, lifetime: float) -> str:
        """Why a move is free now, in a few words; "" if it is not."""
        if self.cut:
            return "a cut lies before it"
        known = self.places.get(self.target)
        if known is None:
            return "nothing of it is cached"
        return f"its cache has expired after {at - known.at:,.0f} s" if at - known.at > lifetime else ""

    @property
    def kept(self) -> dict[str, str]:
        """What a compaction must keep of it, since the rows before it are not read again."""
        return {name: said for name, said in (("private", self.private), ("size", self.size)) if said}

    def after_cut(self, kept: int) -> "RoutedConversation":
        """After a compaction: of the prefix, ``kept`` tokens are the same as before."""
        return replace(self.capped(kept), cut=True, tokens=0)

    def compacted(self, kept: Mapping[str, str] = NOTHING) -> "RoutedConversation":
        """After a compaction that has ``kept`` this of it. Its prefix is measured later: see `capped`."""
        private, size = kept.get("private", self.private), kept.get("size", self.size)
        return replace(self, cut=True, tokens=0, private=private, size=size)

    def capped(self, tokens: int) -> "RoutedConversation":
        """With at most so many tokens warm anywhere: after a cut, those of the prefix that stays."""
        places = {name: Warm(min(tokens, warm.tokens), warm.at) for name, warm in self.places.items()}
        return replace(self, places=places)

    def after_row(self, row: Row) -> "RoutedConversation":
        """After an answered request, as its row of the ledger tells it."""
        labels = dict(row.route.labels) if row.route else {}
        private = self.private or (BEFORE if labels.get("privacy") == "private" else "")
        made = replace(self, private=private, size=self.size or labels.get("size", ""))
        if row.purpose == "summary":
            return made
        target = row.route.target if row.route else DEFAULT
        used = row.usage
        return made.after(
            target, used.input_tokens, used.output_tokens, row.at, anew=row.break_ not in ("none", "first")
        )

    def after(self, target: str, tokens: int, output: int, at: float, *, anew: bool = False) -> "RoutedConversation":
        """After a request of ``tokens`` at ``target``. ``anew``: it began a stretch, because its prefix was written."""
        grown = max(0, tokens - self.tokens) if self.tokens and not anew else None
        begins = anew or self.cut or not self.target
        return replace(
            self,
            target=target,
            places={**self.places, target: Warm(tokens, at)},
            made=1 if begins else self.made + 1,
            cut=False,
            tokens=tokens,
            output=_mean(self.output, output),
            growth=self.growth if grown is None else _mean(self.growth, grown),
        )


def _mean(before: float, value: float) -> float:
    return value if not before else (1 - NEWS) * before + NEWS * value
