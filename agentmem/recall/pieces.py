"""Pieces: an entry's text in runs of a few lines, each with what it is about. They are what is searched and shown."""

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from weakref import WeakKeyDictionary

from agentmem.errors import UnknownReference
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_blocks, read_message, read_source, readable
from agentmem.types import Entry, Found, ToolCall, ToolResult

SIZE = 800
"""Characters of a piece, about: what the embedder reads whole."""
ABOUT = 160
"""Characters of a call that are repeated over each piece of its result."""
AROUND = 400
"""Characters of what came before, at most, that are embedded with a short piece."""

KINDS: Mapping[str, str] = {
    "user": "said by the user",
    "assistant": "said by you",
    "tool_result": "a tool's result",
    "note": "a note",
}
"""The kinds of entry that are searched, in words."""
SAID = "user"
"""The kind of what people say."""

_SPEAKER = re.compile(r"([^\W\d_][\w.'-]{0,19}(?: [^\W\d_][\w.'-]{0,19}){0,2}):\s")
_ITSELF = "recall"  # its own results only repeat what was found before
_DATE = "date"  # what a note about the day is about


@dataclass(frozen=True, slots=True)
class Piece:
    """Part ``part`` (from 0) of the entry ``thread/seq``: its exact text, the day and what it is about.

    ``about`` of a tool's result is its call; of anything else it is empty.
    """

    thread: str
    seq: int
    part: int
    sha256: str
    kind: str
    day: str
    about: str
    text: str
    fit: float | None = field(default=None, compare=False)
    """How near its meaning is to that of the question which found it: a cosine. None without an embedder."""

    @property
    def key(self) -> str:
        """Its name: ``thread/seq/part``."""
        return f"{self.thread}/{self.seq}/{self.part}"

    @property
    def lead(self) -> str:
        """What stands over the text where it is searched."""
        return "".join(f"{line}\n" for line in (self.day, self.about) if line)


@dataclass(slots=True)
class Cutter:
    """Cuts entries, given in order, into pieces. It knows the ``day`` and the calls that it has seen."""

    day: str = ""
    _calls: dict[str, ToolCall] = field(default_factory=dict)

    def cut(self, entries: Iterable[Entry]) -> Iterator[Piece]:
        """The pieces of all entries that hold something said or seen."""
        for entry in entries:
            if entry.kind == "assistant":
                self._calls.update((call.id, call) for call in read_message(entry).calls)
            if entry.kind == "note" and entry.value["about"] == _DATE:
                self.day = readable(entry).removeprefix("[Note] ")
            elif entry.kind in KINDS:
                yield from self._pieces(entry)

    def _pieces(self, entry: Entry) -> Iterator[Piece]:
        call = self._call(entry)
        if call and call.name == _ITSELF:
            return
        came = f" ({source})" if (source := read_source(entry)) else ""
        about = f"{call.name}{came} {call.arguments}"[:ABOUT] if call else ""
        made = partial(Piece, sha256=entry.sha256, kind=entry.kind, day=self.day, about=about)
        for part, text in enumerate(runs(readable(entry))):
            yield made(entry.thread, entry.seq, part, text=text)

    def _call(self, entry: Entry) -> ToolCall | None:
        """The call that a result answers."""
        if entry.kind != "tool_result":
            return None
        return next((self._calls.get(one.call_id) for one in read_blocks(entry) if isinstance(one, ToolResult)), None)


def runs(text: str, size: int = SIZE) -> Iterator[str]:
    """A text in runs of whole lines of about ``size`` characters. A longer line is cut, after a blank where it can be.

    Joined they are the text, but for runs of blanks, which are left out.
    """
    run = ""
    for piece in _short(text.splitlines(keepends=True), size):
        if run and len(run) + len(piece) > size:
            if run.strip():
                yield run
            run = ""
        run += piece
    if run.strip():
        yield run


def _short(lines: Iterable[str], size: int) -> Iterator[str]:
    for line in lines:
        while len(line) > size:
            cut = line.rfind(" ", size // 2, size) + 1 or size
            yield line[:cut]
            line = line[cut:]
        yield line


def context(piece: Piece, before: Piece | None) -> str:
    """What the embedder is given: a piece under its call, and a short one after the end of what was said before it."""
    room = min(AROUND, SIZE - len(piece.text))
    near = before.text[-room:] + "\n" if before and before.day == piece.day and room > 0 else ""
    return f"{piece.about}\n{near}{piece.text}".lstrip()


def speaker(text: str) -> str:
    """Who speaks in a text that begins ``Name: ...``; "" when it does not."""
    found = _SPEAKER.match(text)
    return found[1] if found else ""


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
        came = f" from {source}" if (source := read_source(entry)) else ""
        for text in runs(readable(entry)):
            yield text, entry.reference, KINDS[entry.kind] + came

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
