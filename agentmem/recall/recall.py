"""Recall: the exact text behind a reference, and a search in what a thread has seen.

What left the window is searched in the archive, what came since in the journal, by words. Without an archive, or with
one that is damaged, the journal is searched for everything.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Protocol

from agentmem.errors import ArchiveError, UnknownReference
from agentmem.recall.pieces import KINDS, Piece, index_of, runs
from agentmem.tokens import count
from agentmem.transcript.delegates import works_for
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_blocks, read_message, read_result, readable
from agentmem.types import Entry, Found, Image, ToolResult

LINES = 40
"""Entries that are listed one by one. More are listed in runs of at most as many, so that two steps lead to each."""
RUNS = 30
"""Runs of a longer stretch, at least."""
_ABOUT = 50
"""Characters of a line's description."""
_NAMED = 2
"""Entries that stand for a run of them."""
_BEFORE = 20
"""Entries before a stretch in which the call of its first result is looked for."""
_LONG = 6_000
"""Characters from which a line says how long the entry is."""


def listing(journal: Journal, thread: str, first: int, last: int) -> str:
    """The entries ``first`` to ``last`` of a thread in at most some dozens of lines. Raises UnknownReference."""
    found = list(_read_entries(journal, thread, first, last))
    if not found:
        raise UnknownReference(f"Nothing was said or seen in {thread}/{first}-{last}.")
    if len(found) <= LINES:
        return "\n".join((f"[{thread}/{first}-{last}, entry by entry]", *(one.line(thread) for one in found)))
    size = min(LINES, -(-len(found) // RUNS))
    runs = (found[at : at + size] for at in range(0, len(found), size))
    return "\n".join((f"[{thread}/{first}-{last}, in runs of {size}]", *(_run(thread, run) for run in runs)))


@dataclass(frozen=True, slots=True)
class _Read:
    """One entry: its number, what it is and its text."""

    seq: int
    about: str
    text: str

    def line(self, thread: str) -> str:
        size = f" ({count(self.text):,} tokens)" if len(self.text) > _LONG else ""
        return f"- {thread}/{self.seq} {_short(self.about)}{size}"


def _read_entries(journal: Journal, thread: str, first: int, last: int) -> Iterator[_Read]:
    """Each message of a person and each result. The entries before a stretch may hold the call of its first result."""
    calls: dict[str, str] = {}
    for entry in journal.entries(thread, after=max(-1, first - _BEFORE)):
        if entry.seq > last:
            return
        if entry.kind == "assistant":
            calls.update((call.id, f"{call.name} {call.arguments}") for call in read_message(entry).calls)
        elif entry.kind == "user" and entry.seq >= first:
            text = readable(entry)
            yield _Read(entry.seq, f"the person: {text}", text)
        elif entry.kind == "tool_result" and entry.seq >= first:
            yield _Read(entry.seq, calls.get(read_result(entry).call_id, "a tool's result"), readable(entry))


def _run(thread: str, entries: Sequence[_Read]) -> str:
    """A run of entries as one line: where it begins and ends, and a few of what is in it."""
    step = max(1, len(entries) // _NAMED)
    named = "; ".join(_short(one.about, _ABOUT // 2) for one in entries[::step][:_NAMED])
    return f"- {thread}/{entries[0].seq}-{entries[-1].seq} {named}"


def _short(text: str, length: int = _ABOUT) -> str:
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


_STRETCH = re.compile(r"(.+)/(\d{1,9})-(\d{1,9})", re.ASCII | re.DOTALL)
_REFERENCE = re.compile(r"(.+)/(\d{1,9})(?:#(\d{1,9}))?", re.ASCII | re.DOTALL)
_SHARE = 3
"""Of so many results of the archive and one more, that one is what the journal has since."""


WEAK = 0.35
"""Below this ``fit`` hardly anything answers: six in ten questions on matters that were never spoken of find no better,
and one in ten of the others (`python -m tests.benchmarks.reworded --split tuning`)."""


def weak(found: Sequence[Found]) -> bool:
    """Whether nothing that left the window fits well. False where the words alone were compared."""
    fits = [one.fit for one in found if one.fit is not None]
    return bool(fits) and max(fits) < WEAK


class Searched(Protocol):
    """The archive, as far as recall needs it."""

    def left(self, thread: str) -> int: ...

    def search(self, thread: str, question: str, limit: int = 8) -> list[Piece]: ...


class JournalRecall:
    """Recall for one thread from the journal alone.

    Its ancestors' entries count as its own, and its delegates' can be read; others are refused.
    """

    def __init__(self, journal: Journal, thread: str) -> None:
        self.journal, self.thread = journal, thread

    def exact(self, reference: str) -> str:
        """The text of an entry, whole, or of one piece of it (``thread/seq#piece``); of a stretch (``thread/2-40``) a
        list of what is in it. Raises UnknownReference.
        """
        if other := self._delegate(reference):
            return other.exact(reference)
        if stretch := _STRETCH.fullmatch(reference):
            self._entry(f"{stretch[1]}/{stretch[2]}")
            return listing(self.journal, self.thread, int(stretch[2]), int(stretch[3]))
        entry, piece = self._entry(reference)
        text = readable(entry)
        if not text:
            raise UnknownReference(f"{reference} holds nothing that was said or seen: its kind is {entry.kind!r}.")
        if piece is None:
            return text
        parts = list(runs(text))
        if not 0 < piece <= len(parts):
            raise UnknownReference(f"{entry.reference} has the pieces 1 to {len(parts)}, and not {piece}.")
        return parts[piece - 1]

    def pictures(self, reference: str) -> list[Image]:
        """The pictures in an entry, in order; a piece of one has none, nor has a stretch. Raises UnknownReference."""
        if other := self._delegate(reference):
            return other.pictures(reference)
        if _STRETCH.fullmatch(reference):
            return []
        entry, piece = self._entry(reference)
        return list(pictures(entry)) if piece is None else []

    def search(self, question: str, limit: int = 8) -> list[Found]:
        """The passages that fit the words best, best first, at most one of each entry."""
        return index_of(self.journal, self.thread).search(self.journal, question, limit)

    def _delegate(self, reference: str) -> "JournalRecall | None":
        """Recall for the delegate of this thread that a reference names; None for any other reference."""
        thread = reference.rpartition("/")[0]
        return JournalRecall(self.journal, thread) if works_for(thread, self.thread) else None

    def _entry(self, reference: str) -> tuple[Entry, int | None]:
        """The entry, if it is this thread's or an ancestor's. Another thread's is said to be unknown."""
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise UnknownReference(f"{reference!r} is no reference. One looks like {self.thread}/12.")
        unknown = UnknownReference(f"Nothing is stored under {reference} in this conversation.")
        thread, number = found[1], int(found[2])
        try:
            mine = self.journal.entry(f"{self.thread}/{number}")
            if thread in (self.thread, mine.thread) or self.journal.entry(f"{thread}/{number}").sha256 == mine.sha256:
                return mine, None if found[3] is None else int(found[3])
        except UnknownReference as error:
            raise unknown from error
        raise unknown


class ArchiveRecall(JournalRecall):
    """Recall for one thread from its archive, and from the journal where the archive does not reach."""

    def __init__(self, journal: Journal, thread: str, archive: Searched) -> None:
        super().__init__(journal, thread)
        self._archive = archive

    def search(self, question: str, limit: int = 8) -> list[Found]:
        """What fits best, best first: what left the window, and after every third of it something seen since."""
        try:
            left = self._archive.left(self.thread)
            archived = (
                [found(piece) for piece in self._archive.search(self.thread, question, limit)] if left >= 0 else []
            )
        except ArchiveError:
            return super().search(question, limit)
        since = index_of(self.journal, self.thread, left).search(self.journal, question, limit)
        rows = (archived[at : at + _SHARE] for at in range(0, len(archived), _SHARE))
        mixed = (chain(row or (), (one,) if one else ()) for row, one in zip_longest(rows, since))
        return list(chain.from_iterable(mixed))[:limit]


def pictures(entry: Entry) -> Iterator[Image]:
    """The pictures that an entry holds, those of a result included."""
    for block in read_blocks(entry) if entry.kind in KINDS else ():
        inside = block.content if isinstance(block, ToolResult) else (block,)
        yield from (one for one in inside if isinstance(one, Image))


def found(piece: Piece) -> Found:
    """A piece as recall shows it."""
    part = f"#{piece.part + 1}" if piece.part else ""
    kind = KINDS[piece.kind] + (f" of {piece.about}" if piece.about else "")
    day = piece.day.removeprefix("Today is ").removesuffix(".")
    return Found(f"{piece.thread}/{piece.seq}{part}", kind, piece.text, piece.fit, day)
