"""Where the KV state of a prompt came from: a value that models give, the ledger keeps and a warehouse adds up."""

from dataclasses import dataclass, fields
from operator import add, attrgetter


@dataclass(frozen=True, slots=True)
class KvSources:
    """Where a local engine had the KV state of a request's prompt from, in tokens.

    ``slot`` is the engine's own memory; ``ram``, ``disk`` and ``far`` are tiers of a warehouse, and ``computed`` is all
    that was in none of them. ``seconds_saved`` are those that the engine would have needed for the tokens of the tiers,
    at the speed of this request, without the seconds that it took to bring them.
    """

    slot: int = 0
    ram: int = 0
    disk: int = 0
    far: int = 0
    computed: int = 0
    seconds_saved: float = 0.0

    def __add__(self, other: "KvSources") -> "KvSources":
        return KvSources(*map(add, _SOURCES(self), _SOURCES(other)))


_SOURCES = attrgetter(*(one.name for one in fields(KvSources)))
