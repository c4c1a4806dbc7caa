"""A kept answer: what is stored of it, and the checksum without which it is not served."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentmem.answers.values import Candidate, Source

COLUMNS = (
    "n",
    "scope",
    "tenant",
    "key",
    "kind",
    "content",
    "question",
    "answer",
    "created",
    "expires",
    "checked",
    "seconds",
    "usd",
    "digest",
)
_SUMMED = ("scope", "tenant", "key", "kind", "content", "question", "answer", "created", "expires")
"""What a digest is over: all that decides whether, to whom and for how long an answer is served."""


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """One kept answer.

    ``n`` numbers the entries in the order in which they came (0: not stored yet); a number is never given twice.
    ``checked`` is when the answer was last found to be still right. ``seconds`` and ``usd`` are what it cost to make.
    """

    scope: str
    tenant: str
    key: str
    kind: str
    content: str
    question: str
    answer: str
    created: float
    expires: float
    checked: float
    seconds: float | None = None
    usd: float | None = None
    n: int = 0
    sources: tuple[Source, ...] = field(default=(), compare=False)

    @property
    def id(self) -> str:
        """How an entry is named to people."""
        return str(self.n)

    @property
    def digest(self) -> str:
        """The checksum."""
        summed = hashlib.sha256()
        for name in _SUMMED:
            data = str(getattr(self, name)).encode("utf-8", "surrogatepass")
            summed.update(len(data).to_bytes(8, "big") + data)
        for one in sorted(self.sources, key=lambda one: one.name):
            summed.update(f"\0{one.name}\0{one.revision}\0{one.page}".encode("utf-8", "surrogatepass"))
        return summed.hexdigest()[:32]

    def candidate(self, similarity: float) -> Candidate:
        """The entry as a decision sees it."""
        return Candidate(self.id, self.question, self.answer, similarity, self.kind)

    def row(self) -> tuple[Any, ...]:
        """The values of its columns, without the number."""
        return tuple(getattr(self, name) for name in COLUMNS[1:])


def entry_of(row: Mapping[str, Any], sources: tuple[Source, ...]) -> KeptEntry | None:
    """The entry in a row; None where it is damaged: it does not match its checksum."""
    values = {name: row[name] for name in COLUMNS if name != "digest"}
    try:
        entry = KeptEntry(**values, sources=sources)
        return entry if entry.digest == row["digest"] else None
    except (TypeError, ValueError, UnicodeError):
        return None
