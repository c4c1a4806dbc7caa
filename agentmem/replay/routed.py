"""Recorded sessions as rows of a ledger, so that the router's shadow mode can follow them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from agentmem.meter.ledger import Break, Row
from agentmem.replay.recordings import sessions, sources
from agentmem.replay.session import Exchange, RecordedSession, SkippedLine
from agentmem.replay.simulation import GRACE
from agentmem.replay.source import Spool
from agentmem.types import Usage

_LIFE = {"5m": 300.0, "1h": 3600.0}
_ASKING = 200
"""Tokens of the instruction with which a summary is asked for."""
_LEAST = 500
"""Tokens of a summary whose size is not recorded."""


def recorded_rows(paths: Iterable[Path]) -> tuple[list[Row], list[SkippedLine]]:
    """The requests of all recordings in ``paths`` that have usage, as rows in the order of their times.

    A compaction's request for a summary is in no log, so it is put back: it reads the context before it. Also returns
    what could not be read. Raises ConfigError for a path that is not there.
    """
    rows: list[Row] = []
    skipped: list[SkippedLine] = []
    with TemporaryDirectory() as folder:
        for source in sources(paths, Spool(Path(folder))):
            if isinstance(source, SkippedLine):
                skipped.append(source)
                continue
            for one in sessions(source):
                if isinstance(one, SkippedLine):
                    skipped.append(one)
                else:
                    rows += session_rows(one)
    return sorted(rows, key=lambda row: row.at), skipped


def session_rows(session: RecordedSession, *, agent: str = "agent") -> list[Row]:
    """The requests of one recorded session that have usage."""
    return list(_rows(session, agent, _LIFE[session.ttl] + GRACE))


def _rows(session: RecordedSession, agent: str, lifetime: float) -> Iterator[Row]:
    before: Exchange | None = None
    for exchange in session.exchanges:
        if exchange.usage is None or not exchange.usage.input_tokens:
            continue
        if exchange.cut is not None and exchange.cut.kind == "compaction" and before is not None:
            yield _summary(session, agent, before, exchange)
        yield _row(session, agent, exchange, _relation(before, exchange, lifetime))
        before = exchange


def _relation(before: Exchange | None, exchange: Exchange, lifetime: float) -> Break:
    if before is None or before.usage is None or exchange.usage is None:
        return "first"
    if exchange.cut is not None:
        return "cut" if exchange.cut.declared else "break"
    if exchange.usage.cache_read_tokens >= before.usage.input_tokens / 2:
        return "none"
    return "expiry" if exchange.at - before.at > lifetime else "break"


def _row(session: RecordedSession, agent: str, exchange: Exchange, relation: Break) -> Row:
    used = exchange.usage
    assert used is not None  # the caller looked
    usage = Usage(
        used.basis,
        used.uncached_tokens,
        used.cache_read_tokens,
        used.cache_write_5m_tokens,
        used.cache_write_1h_tokens,
        exchange.output,
    )
    return Row(
        thread=session.name,
        agent=agent,
        purpose="answer",
        model=f"{session.provider}:{exchange.model}",
        tier="cloud",
        usage=usage,
        at=exchange.at,
        seconds=max(0.0, exchange.answered - exchange.at),
        context_tokens=usage.input_tokens,
        message_id=exchange.known_by,
        break_=relation,
        extras=exchange.extras,
    )


def _summary(session: RecordedSession, agent: str, before: Exchange, after: Exchange) -> Row:
    """The request for the summary before a cut: through the prefix of the request before, while it is warm."""
    assert before.usage is not None and after.cut is not None  # the caller looked
    said = sum(frame.tokens for frame in after.cut.frames)
    usage = Usage(
        before.usage.basis,
        uncached_tokens=_ASKING,
        cache_read_tokens=before.usage.input_tokens,
        output_tokens=max(_LEAST, min(said, 4_000)),
    )
    return Row(
        thread=session.name,
        agent=agent,
        purpose="summary",
        model=f"{session.provider}:{before.model}",
        tier="cloud",
        usage=usage,
        at=max(before.at, after.at - 1.0),
        context_tokens=usage.input_tokens,
    )


def is_unattended(session: RecordedSession) -> bool:
    """True if a person said something at its start and then nothing more: nobody sat beside it."""
    said = (one.value for exchange in session.exchanges[1:] for one in exchange.arrived)
    return not any(one.get("type") == "text" and not str(one.get("text", "")).startswith("<") for one in said)


def first_words(session: RecordedSession) -> str:
    """What a person said first, in lower case; "" where a recording has no text."""
    frames: Sequence[object] = [frame.value.get("text") for frame in session.exchanges[0].arrived]
    return " ".join(text for text in frames if isinstance(text, str)).strip().lower()
