"""The values of the answer cache, and the Protocols between its parts.

Similarities are cosines. Durations are seconds, points in time seconds since the epoch, and money is US dollars.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agentmem.answers.questions import normalised
from agentmem.checking import FLAG, LIST, NOTHING, NUMBER, TEXT, TEXTS, Wanted, check_fields
from agentmem.errors import ConfigError
from agentmem.types import READS, Vectors

CANDIDATES = 8
"""The most entries that a decision gets, most similar first."""
DEFAULT = 0.84
"""The cosine from which a query type serves before it is tuned."""
STRICT = 0.97
"""The threshold of a query type that nobody knows, or with an embedder whose cosines nobody measured: the highest of
the published ones."""


@dataclass(frozen=True, slots=True)
class AnswerScope:
    """The asker, and what an answer depends on besides the question. Answers never pass from one scope to another.

    Args:
        tenant: the customer or user whose answers these are.
        model: the model that answers.
        system: the system prompt.
        conversation: the messages before the question.
        kind: the query type, if the caller knows it; else it is found from the question.
        user: the user who asks. Answers from a user's records, and to questions about them, are kept for that user
            alone; without a user they are not kept. All other answers are the tenant's.

    Example:
        >>> cache.ask("What are your opening hours?", answering, context=AnswerScope(tenant="acme"))
    """

    tenant: str = ""
    model: str = ""
    system: str = ""
    conversation: tuple[str, ...] = ()
    kind: str | None = None
    user: str = ""

    def __post_init__(self) -> None:
        check_fields("AnswerScope", self, _CONTEXT)


@dataclass(frozen=True, slots=True)
class Source:
    """A source of an answer: a page of the workspace at a revision, or anything else that has a name."""

    name: str
    revision: str = ""
    page: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and what must be known before it may be kept.

    Args:
        text: the answer.
        content: the content type (price, product, policy, faq). It decides how long the answer stays fresh.
        sources: the pages and other things that it was made from.
        complete: false for a stream that was cut short.
        error: an error that occurred; such an answer is not kept.
        effects: the names of tools that changed something. Such an answer is not kept.
        reads: what it was made from besides its sources: "user" for a user's records, "clock", or "live" for data that
            changes by the minute. The first is kept for the asking user alone, the others are not kept.
        lasts: the seconds that it stays right, if that is known, as for a price with a date. It shortens the lifetime
            that the content has.
        seconds: the time that it took; None if not known.
        usd: its cost in dollars; None if not known.
        tokens: all input and output that it took, in the provider's tokens; None if not known.

    Example:
        >>> Answer("We open at nine.", content="policy", sources=(cache.page("hours.md"),))
    """

    text: str
    content: str | None = None
    sources: tuple[Source, ...] = ()
    complete: bool = True
    error: str | None = None
    effects: tuple[str, ...] = ()
    seconds: float | None = None
    usd: float | None = None
    reads: tuple[str, ...] = ()
    lasts: float | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        check_fields("Answer", self, _ANSWER)
        if unknown := sorted(set(self.reads) - READS):
            raise ConfigError(f"Answer.reads has {', '.join(unknown)}; it may have {', '.join(sorted(READS))}")


_CONTEXT: Mapping[str, Wanted] = {
    "tenant": TEXT,
    "model": TEXT,
    "system": TEXT,
    "conversation": TEXTS,
    "kind": TEXT | NOTHING,
    "user": TEXT,
}
_ANSWER: Mapping[str, Wanted] = {
    "text": TEXT,
    "content": TEXT | NOTHING,
    "sources": LIST,
    "complete": FLAG,
    "error": TEXT | NOTHING,
    "effects": TEXTS,
    "seconds": NUMBER | NOTHING,
    "usd": NUMBER | NOTHING,
    "reads": TEXTS,
    "lasts": NUMBER | NOTHING,
    "tokens": NUMBER | NOTHING,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kept entry that is near a question. ``kind`` is the query type of its own question.

    ``vector`` is its question's, if the decision needs it.
    """

    id: str
    question: str
    answer: str
    vector_similarity: float
    kind: str = "faq"
    vector: "Vectors | None" = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The counts behind a threshold: wrong answers among the hits, and the upper bound on their share.

    ``upper`` is Clopper and Pearson's (1934) one-sided bound at ``confidence``.
    """

    hits: int
    wrong: int
    upper: float
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class QueryPolicy:
    """The policy of one query type: the least cosine at which it serves.

    ``exact_only``: its log or its audits show too many errors at every threshold, so only exact keys are served.
    ``model`` names what was learned from the log, if the threshold was certified together with it.
    """

    kind: str
    threshold: float
    certificate: Certificate | None = None
    exact_only: bool = False
    model: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A query type.

    ``examples``: a few questions. ``threshold``: the least cosine, before it is tuned. ``ttl``: the most seconds that
    its answers stay fresh; None for what their content says. ``exclude``: patterns of its questions that are never
    cached.
    """

    name: str
    examples: tuple[str, ...]
    threshold: float
    ttl: float | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, and why. ``rule`` names in a word or two what decided; ``detail`` explains it to a person.

    ``candidate`` is the one that is served, or the one that came nearest. ``scores`` holds (id, score, remark) of each
    candidate that was examined.
    """

    serve: bool
    candidate: Candidate | None
    score: float | None
    threshold: float | None
    rule: str
    detail: str
    kind: str = "faq"
    scores: tuple[tuple[str, float | None, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled:
    """Two questions, and whether the answer to one is right for the other. Calibration and tuning learn from these.

    ``served`` is the answer that was kept for ``right``, ``fresh`` the new answer to ``left``, if known. ``origin`` is
    the judge: "person" or "audit".
    """

    left: str
    right: str
    same: bool
    kind: str = ""
    similarity: float | None = None
    served: str = ""
    fresh: str = ""
    origin: str = "person"


class Classifier(Protocol):
    """Finds the query type of a question from its vector."""

    def __call__(self, question: str, vector: Vectors) -> str: ...


class Decider(Protocol):
    """Decides whether one of the candidates' answers is served. It must have no side effects and be safe for threads.

    ``vector`` is the question's, of unit length. ``candidates`` are most similar first, all of one scope, and none has
    expired. ``kind`` is the query type.
    """

    def __call__(self, question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict: ...


class Agrees(Protocol):
    """Tells whether two answers say the same."""

    def __call__(self, one: str, other: str) -> bool: ...


Kinds = Mapping[str, Kind]
"""The query types by name."""


LONGEST = 2_000
"""Characters of a question. A longer text is a task and is excluded, so no pattern is searched for in it."""
_SPACE = re.compile(r"\s+")
_END = re.compile(r"(?<=[^\W\d_])[\s?.]+$")
_CAPITALISED = re.compile(r"(?<![\w'’./\\$@#-])[^\W\d_](?=[^\W\d_]+(?![\w./\\@#-]))")


def scope_of(context: AnswerScope) -> str:
    """The scope's key: 40 hexadecimal digits. Answers are searched only within one scope."""
    parts = ("scope", context.tenant, context.model, context.system, context.kind or "", *context.conversation)
    return _hashed(parts)


def own_scope(scope: str, user: str) -> str:
    """The key of the part of a scope that is one user's."""
    return _hashed(("user", scope, user))


def owner_of(tenant: str, user: str) -> str:
    """The key of a user of a tenant, so that the name itself is not kept."""
    return _hashed(("owner", tenant, user))


def key_of(scope: str, question: str) -> str:
    """The key of the exact question in a scope."""
    return _hashed(("key", scope, normalised(question)))


def former_key_of(scope: str, question: str) -> str:
    """The key that the question had in version 0.1. Answers under it are found until they expire."""
    return _hashed(("key", scope, _formerly(question)))


def _formerly(question: str) -> str:
    text = _SPACE.sub(" ", unicodedata.normalize("NFC", question)).strip()
    if len(text) > LONGEST:
        return text
    text = _END.sub("", text)
    return _CAPITALISED.sub(_lowered, text)


def _lowered(letter: re.Match[str]) -> str:
    rest = letter.string[letter.end() :]
    return letter[0].lower() if rest[:1].islower() else letter[0]


def _hashed(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:40]
