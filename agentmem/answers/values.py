"""The values of the answer cache, and the Protocols at which its parts meet.

Similarities are cosines; times are seconds, points in time seconds since the epoch; money is US dollars.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agentmem.answers.questions import normalised
from agentmem.checking import FLAG, LIST, NOTHING, NUMBER, TEXT, TEXTS, Wanted, check_fields
from agentmem.types import Vectors

CANDIDATES = 8
"""Entries that a decision is given at most, most similar first."""
STRICT = 0.99
"""The threshold where nothing is tuned and certified: on Banking77's part "certify" 1 of 925 hits in small
caches was wrong, at most 0.51 % at 95 %, and 2 of 1,347 in a large one, at most 0.47 %:
`python -m tests.benchmarks.answers_defaults --data DIR`."""


@dataclass(frozen=True, slots=True)
class AnswerScope:
    """Who asks, and what besides the question an answer depends on. Answers never pass from one Context to another.

    ``system`` is the system prompt, ``conversation`` the messages before the question, ``kind`` the query type where
    the caller knows it (else it is told from the question).
    """

    tenant: str = ""
    model: str = ""
    system: str = ""
    conversation: tuple[str, ...] = ()
    kind: str | None = None

    def __post_init__(self) -> None:
        check_fields("AnswerScope", self, _CONTEXT)


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer was made from: a page of the workspace at a revision, or anything else that has a name."""

    name: str
    revision: str = ""
    page: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answering function gave, and what is to be known before it may be kept.

    ``content`` names what it is about (price, product, policy, faq): that sets how long it stays fresh. ``complete``
    is false for a stream that was cut short, ``effects`` names the tools that changed something on the way.
    ``seconds`` and ``usd`` are what it cost to make; None: not known.
    """

    text: str
    content: str | None = None
    sources: tuple[Source, ...] = ()
    complete: bool = True
    error: str | None = None
    effects: tuple[str, ...] = ()
    seconds: float | None = None
    usd: float | None = None

    def __post_init__(self) -> None:
        check_fields("Answer", self, _ANSWER)


_CONTEXT: Mapping[str, Wanted] = {
    "tenant": TEXT,
    "model": TEXT,
    "system": TEXT,
    "conversation": TEXTS,
    "kind": TEXT | NOTHING,
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
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kept entry that is near a question. ``kind`` is the query type of its own question."""

    id: str
    question: str
    answer: str
    vector_similarity: float
    kind: str = "faq"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was counted where a threshold was set: wrong answers among the hits, and the upper bound on their share.

    ``upper`` is Clopper and Pearson's (1934) one-sided bound at ``confidence``.
    """

    hits: int
    wrong: int
    upper: float
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class QueryPolicy:
    """How one query type is decided. Without a certificate the threshold is the strict one."""

    kind: str
    threshold: float
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A query type: a few questions of it, the threshold before any is tuned, how long its answers stay fresh at most
    (None: as their content says), and patterns of questions of it that are never answered from the cache.
    """

    name: str
    examples: tuple[str, ...]
    threshold: float
    ttl: float | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, and why. ``rule`` names what decided in a word or two, ``detail`` explains it to a person.

    ``candidate`` is the one that is served, or that came nearest to it. ``scores`` holds (id, score, remark) of each
    candidate that was looked at.
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
    """Two questions, and whether one's answer is right for the other: what calibration and tuning learn from.

    ``served`` is the answer that was kept for ``right``, ``fresh`` the one made anew for ``left``, where known.
    ``origin`` says who judged: "person" or "audit".
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
    """Tells the query type of a question from its vector."""

    def __call__(self, question: str, vector: Vectors) -> str: ...


class Decider(Protocol):
    """Decides whether one of the candidates' answers is served. Pure, and safe to call from several threads.

    ``vector`` is the question's, of unit length; ``candidates`` are most similar first, all of the same namespace,
    none expired; ``kind`` is the query type.
    """

    def __call__(self, question: str, vector: Vectors, candidates: Sequence[Candidate], kind: str) -> Verdict: ...


class Agrees(Protocol):
    """Whether two answers say the same."""

    def __call__(self, one: str, other: str) -> bool: ...


Kinds = Mapping[str, Kind]
"""The query types by name."""


LONGEST = 2_000
"""Characters of a question. A longer text is a task: it is excluded, so that no expression is searched for in it."""
_SPACE = re.compile(r"\s+")
_END = re.compile(r"(?<=[^\W\d_])[\s?.]+$")
_CAPITALISED = re.compile(r"(?<![\w'’./\\$@#-])[^\W\d_](?=[^\W\d_]+(?![\w./\\@#-]))")


def scope_of(context: AnswerScope) -> str:
    """The namespace: 40 hexadecimal digits. Answers are looked for within one only."""
    parts = ("scope", context.tenant, context.model, context.system, context.kind or "", *context.conversation)
    return _hashed(parts)


def key_of(scope: str, question: str) -> str:
    """The key of the exact question in a scope."""
    return _hashed(("key", scope, normalised(question)))


def former_key_of(scope: str, question: str) -> str:
    """The key that the question had in version 0.1: answers that were kept under it are found until they expire."""
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
