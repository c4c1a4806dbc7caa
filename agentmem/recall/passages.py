"""A thread's passages in memory, ranked by BM25 (SQLite's full-text search): what is searched without an archive."""

import re
import sqlite3
import threading
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from agentmem.errors import UnknownReference
from agentmem.recall.pieces import KINDS, runs
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_blocks, read_message, readable
from agentmem.types import Entry, Found, ToolResult

_ITSELF = "recall"  # its own results only repeat what was found before
_WORD = re.compile(r"\w+")


class PassageIndex:
    """The passages of one thread's entries after ``after``. It grows with the thread: an entry is read once."""

    def __init__(self, thread: str, after: int = -1) -> None:
        self._thread, self.after = thread, after
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
        self._last, self._hash = self.after, ""
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
            return not self._hash or journal.entry(f"{self._thread}/{self._last}").sha256 == self._hash
        except UnknownReference:
            return False

    def _passages(self, entry: Entry) -> Iterator[tuple[str, str, str]]:
        if entry.kind == "assistant":
            self._skipped.update(call.id for call in read_message(entry).calls if call.name == _ITSELF)
        if entry.kind not in KINDS or (entry.kind == "tool_result" and self._repeats(entry)):
            return
        for text in runs(readable(entry)):
            yield text, entry.reference, KINDS[entry.kind]

    def _repeats(self, entry: Entry) -> bool:
        return any(isinstance(one, ToolResult) and one.call_id in self._skipped for one in read_blocks(entry))


_MOST = 8  # threads of a journal whose passages are kept
_indexes: "WeakKeyDictionary[Journal, dict[tuple[str, bool], PassageIndex]]" = WeakKeyDictionary()
_lock = threading.Lock()


def index_of(journal: Journal, thread: str, after: int = -1) -> PassageIndex:
    """The index of a thread's entries after ``after``, kept for the threads that were searched last."""
    with _lock:
        known = _indexes.setdefault(journal, {})
        key = (thread, after < 0)
        index = known.pop(key, None)
        if index is None or index.after != after:
            index = PassageIndex(thread, after)
        known[key] = index
        if len(known) > _MOST:
            del known[next(iter(known))]
        return index
