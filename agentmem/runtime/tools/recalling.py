"""Recall from the journal: the exact text behind a reference, and a search in what a thread has seen.

The ranking is BM25 by SQLite's full-text search, over passages of the thread's entries, in memory.
"""

import re
import sqlite3
import threading
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from agentmem.context.journal import Journal
from agentmem.context.transcript import read_blocks, read_message, readable
from agentmem.errors import UnknownReference
from agentmem.runtime.tools.context import Found
from agentmem.types import Entry, ToolResult

PASSAGE = 800
"""Characters of a passage, about: what is ranked, and shown of an entry."""

_KINDS = {"user": "said by the user", "assistant": "said by you", "tool_result": "a tool's result", "note": "a note"}
_ITSELF = "recall"  # its own results only repeat what was found before
_WORD = re.compile(r"\w+")


class JournalRecall:
    """Recall for one thread. Its ancestors' entries count as its own; other threads' are refused."""

    def __init__(self, journal: Journal, thread: str) -> None:
        self._journal, self._thread = journal, thread

    def exact(self, reference: str) -> str:
        """The text of an entry, whole. Raises UnknownReference."""
        entry = self._entry(reference)
        if text := readable(entry):
            return text
        raise UnknownReference(f"{reference} holds nothing that was said or seen: its kind is {entry.kind!r}.")

    def search(self, question: str, limit: int = 8) -> list[Found]:
        """The passages that fit the words best, best first, at most one of each entry."""
        return _index_of(self._journal, self._thread).search(self._journal, question, limit)

    def _entry(self, reference: str) -> Entry:
        """The entry, if it is this thread's or an ancestor's. Another thread's is said to be unknown."""
        unknown = UnknownReference(f"Nothing is stored under {reference} in this conversation.")
        thread, _, number = reference.rpartition("/")
        if not thread or not number.isascii() or not number.isdigit():
            raise UnknownReference(f"{reference!r} is no reference. One looks like {self._thread}/12.")
        try:
            mine = self._journal.entry(f"{self._thread}/{int(number)}")
            if thread in (self._thread, mine.thread) or self._journal.entry(reference).sha256 == mine.sha256:
                return mine
        except UnknownReference as error:
            raise unknown from error
        raise unknown


class _Index:
    """The passages of one thread. It grows with the thread: an entry is read once."""

    def __init__(self, thread: str) -> None:
        self._thread = thread
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._begin()

    def __del__(self) -> None:
        self._database.close()

    def search(self, journal: Journal, question: str, limit: int) -> list[Found]:
        words = dict.fromkeys(word.lower() for word in _WORD.findall(question))
        with self._lock:
            self._read_on(journal)
            if not words:
                return []
            asked = " OR ".join(f'"{word}"' for word in words)
            rows = self._database.execute(
                "SELECT reference, kind, text FROM passages WHERE passages MATCH ? ORDER BY rank, rowid DESC LIMIT ?",
                (asked, limit * 8),
            ).fetchall()
        best: dict[str, Found] = {}
        for reference, kind, text in rows:
            best.setdefault(reference, Found(reference, kind, text))
        return list(best.values())[:limit]

    def _begin(self) -> None:
        self._last, self._hash = -1, ""
        self._skipped: set[str] = set()
        self._database.execute("DROP TABLE IF EXISTS passages")
        self._database.execute(
            "CREATE VIRTUAL TABLE passages USING fts5"
            "(text, reference UNINDEXED, kind UNINDEXED, tokenize = 'porter unicode61')"
        )

    def _read_on(self, journal: Journal) -> None:
        if not self._goes_on(journal):
            self._begin()
        for entry in journal.entries(self._thread, after=self._last):
            self._last, self._hash = entry.seq, entry.sha256
            self._database.executemany("INSERT INTO passages VALUES (?, ?, ?)", self._passages(entry))

    def _goes_on(self, journal: Journal) -> bool:
        """Whether the journal still has what was read: a thread can be forgotten and its name used again."""
        try:
            return self._last < 0 or journal.entry(f"{self._thread}/{self._last}").sha256 == self._hash
        except UnknownReference:
            return False

    def _passages(self, entry: Entry) -> Iterator[tuple[str, str, str]]:
        if entry.kind == "assistant":
            self._skipped.update(call.id for call in read_message(entry).calls if call.name == _ITSELF)
        if entry.kind not in _KINDS or (entry.kind == "tool_result" and self._repeats(entry)):
            return
        for text in passages(readable(entry)):
            yield text, entry.reference, _KINDS[entry.kind]

    def _repeats(self, entry: Entry) -> bool:
        return any(isinstance(one, ToolResult) and one.call_id in self._skipped for one in read_blocks(entry))


def passages(text: str) -> Iterator[str]:
    """A text in runs of whole lines of about PASSAGE characters; a longer line is cut."""
    run = ""
    for line in text.splitlines(keepends=True):
        if run and len(run) + len(line) > PASSAGE:
            yield run
            run = ""
        run += line
        while len(run) > PASSAGE:
            yield run[:PASSAGE]
            run = run[PASSAGE:]
    if run.strip():
        yield run


_MOST = 8  # threads of a journal whose passages are kept
_indexes: "WeakKeyDictionary[Journal, dict[str, _Index]]" = WeakKeyDictionary()
_lock = threading.Lock()


def _index_of(journal: Journal, thread: str) -> _Index:
    """The index of a thread, kept for the threads that were searched last."""
    with _lock:
        known = _indexes.setdefault(journal, {})
        known[thread] = index = known.pop(thread, None) or _Index(thread)
        if len(known) > _MOST:
            del known[next(iter(known))]
        return index
