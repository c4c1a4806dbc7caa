"""Our own runs, from the journal that they are kept in: one conversation for each thread."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from agentmem.context.window import View, extend
from agentmem.errors import JournalError, TranscriptError
from agentmem.meter.ledger import Row, decode
from agentmem.replay.formats.message_list import Growth
from agentmem.replay.session import Exchange, RecordedSession, SkippedLine, lifetime
from agentmem.replay.source import RecordingSource, Spool
from agentmem.transcript.journal import open_journal
from agentmem.types import Entry, Frame

_SQLITE = b"SQLite format 3\0"


class Runs:
    """Reads a journal in SQLite. A run's requests are its rows of the ledger."""

    name = "runs"

    def accepts(self, first: Any) -> bool:
        """The first bytes of a database file."""
        return isinstance(first, bytes) and first.startswith(_SQLITE)

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """One source for each thread."""
        if not _is_journal(path):
            yield SkippedLine(str(path), 0, "a database, but no journal of agentmem's")
            return
        try:
            with open_journal(path) as journal:
                for thread in journal.threads():
                    yield RecordingSource(self.name, str(path), 0, str(path), name=thread.name)
        except JournalError as error:
            yield SkippedLine(str(path), 0, str(error))

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The thread's conversation."""
        reading = _Reading()
        try:
            with open_journal(source.file) as journal:
                for entry in journal.entries(source.name):
                    reading.add(entry)
        except (JournalError, TranscriptError) as error:
            yield SkippedLine(source.path, 0, f"thread {source.name}: {error}")
        if reading.growth.exchanges:
            exchanges = tuple(reading.growth.exchanges)
            yield RecordedSession(source.name, source.path, exchanges, head=reading.head, ttl=lifetime(exchanges))


def _is_journal(path: Path) -> bool:
    """Whether a database has a journal's entries: opening one as a journal makes its tables, in anybody's file."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            return database.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchone() is not None
    except sqlite3.Error:
        return True  # what is wrong with it, the journal says better


class _Reading:
    """A thread while it is read: the view so far, and the request whose row or reply is still to come."""

    def __init__(self) -> None:
        self.growth = Growth()
        self.head: tuple[Frame, ...] = ()
        self._view = View()
        self._asked: View | None = None
        self._row: Row | None = None

    def add(self, entry: Entry) -> None:
        """Take the next entry."""
        if entry.kind == "usage":
            row = decode(entry)
            self._row = row if row.purpose != "summary" else None  # asked beside the conversation
        before, self._view = self._view, extend(self._view, entry)
        if entry.kind == "assistant":
            self._asked = before
        if self._row is not None and (self._asked is not None or self._row.error):
            self._finish(self._row)

    def _finish(self, row: Row) -> None:
        view, self._asked, self._row = self._asked, None, None
        if view is None:
            return
        head = tuple(one for one in view.prefix if one.segment in ("tool", "system"))
        self.head = self.head or head
        reply = self._view.turns[-1].frames if self._view.turns and self._view.turns[-1].role == "assistant" else ()
        exchange = Exchange(
            at=row.at,
            answered=row.at + row.first_token_after,
            model=row.model,
            arrived=(),
            reply=reply,
            usage=row.usage if row.usage.input_tokens else None,
            head=None if head == self.head else head,
            identity=row.message_id,
            extras=row.extras,
        )
        frames = [one for turn in view.turns for one in turn.frames]
        self.growth.add(frames, exchange, declared=True)
