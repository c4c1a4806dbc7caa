"""What must be known of all sessions before any is replayed: when each began, how big it is, what it repeats."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from agentmem.replay.recordings import sessions
from agentmem.replay.session import Exchange, RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource
from agentmem.types import Frame


@dataclass(frozen=True, slots=True)
class IndexedSession:
    """One session: where it is, when it began, its tokens of text, and the ids of its replies."""

    source: RecordingSource
    name: str
    started: float
    tokens: int
    requests: int
    text: bool
    identities: frozenset[int]
    provider: str = "anthropic"


@dataclass(frozen=True, slots=True)
class Indexed:
    """What one source holds."""

    entries: tuple[IndexedSession, ...]
    skipped: tuple[SkippedLine, ...]


def index(source: RecordingSource) -> Indexed:
    """Look through one source."""
    entries: list[IndexedSession] = []
    skipped: list[SkippedLine] = []
    try:
        for one in sessions(source):
            if isinstance(one, SkippedLine):
                skipped.append(one)
            else:
                entries.append(_entry(source, one))
    except Exception as error:  # whatever a stranger's recording is like, the others are read
        skipped.append(SkippedLine(source.path, source.line, f"it cannot be read: {type(error).__name__}: {error}"))
    return Indexed(tuple(entries), tuple(skipped))


def chains(entries: Sequence[IndexedSession], limit: int) -> list[list[IndexedSession]]:
    """Sessions by when they began, joined until a chain has ``limit`` tokens; each by itself where that is 0.

    Those of different providers are never joined.
    """
    providers = sorted({entry.provider for entry in entries})
    if len(providers) > 1:
        kinds = ([entry for entry in entries if entry.provider == one] for one in providers)
        return [joined for kind in kinds for joined in chains(kind, limit)]
    ordered = sorted(entries, key=lambda entry: (entry.started, entry.name))
    if not limit:
        return [[entry] for entry in ordered]
    joined: list[list[IndexedSession]] = []
    room = 0
    for entry in ordered:
        if room <= 0:
            joined.append([])
            room = limit
        joined[-1].append(entry)
        room -= entry.tokens
    return joined


def repeated(entries: Iterable[IndexedSession]) -> dict[str, frozenset[int]]:
    """By session, the ids of replies that an earlier session has already: a resumed log begins with a copy."""
    seen: set[int] = set()
    found: dict[str, frozenset[int]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.started, entry.name)):
        again = entry.identities & seen
        if again:
            found[_key(entry.source, entry.name)] = frozenset(again)
        seen |= entry.identities
    return found


def load(entry: IndexedSession, again: frozenset[int] = frozenset()) -> RecordedSession | None:
    """The session itself, without the requests that another one has already; what they said came before."""
    session = next(one for one in sessions(entry.source) if isinstance(one, RecordedSession) and one.name == entry.name)
    if not again:
        return session
    kept = tuple(_without(session.exchanges, again))
    return replace(session, exchanges=kept) if kept else None


def key(entry: IndexedSession) -> str:
    """What `repeated` calls an entry."""
    return _key(entry.source, entry.name)


def _key(source: RecordingSource, name: str) -> str:
    return f"{source.path}:{source.line}:{source.start}:{name}"


def _without(exchanges: Sequence[Exchange], again: frozenset[int]) -> list[Exchange]:
    kept: list[Exchange] = []
    before: list[Frame] = []
    for exchange in exchanges:
        if _id(exchange.known_by) in again:
            before = [*before, *exchange.arrived, *exchange.reply]
        else:
            kept.append(replace(exchange, arrived=(*before, *exchange.arrived)) if before else exchange)
            before = []
    return kept


def _id(identity: str) -> int:
    """A reply's id as a number that is the same in every process."""
    return int.from_bytes(blake2b(identity.encode(), digest_size=8).digest())


def _entry(source: RecordingSource, session: RecordedSession) -> IndexedSession:
    frames = (frame for one in session.exchanges for frame in (*one.arrived, *one.reply))
    return IndexedSession(
        source=source,
        name=session.name,
        started=session.started,
        tokens=sum(frame.tokens for frame in frames),
        requests=len(session.exchanges),
        text=session.text,
        identities=frozenset(_id(one.known_by) for one in session.exchanges if one.identity),
        provider=session.provider,
    )
