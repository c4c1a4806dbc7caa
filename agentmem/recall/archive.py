"""The archive: what left the window, to be searched by words and meaning. It follows the journal, and runs behind it.

The words of a transcript are written in batches, its vectors by one thread behind; until it has all of them, it is
searched by words alone. Everything here can be made again from the journal.
"""

import threading
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path

from agentmem.errors import UnknownReference
from agentmem.recall.background import BackgroundThread, each
from agentmem.recall.embedder import MiniLM, installed
from agentmem.recall.pieces import Cutter, Piece
from agentmem.recall.places import TablesPlace, placed
from agentmem.recall.ranking import search
from agentmem.recall.recall import ArchiveRecall
from agentmem.recall.reranker import default_reranker
from agentmem.recall.scope import Scope, scope
from agentmem.recall.shelf import Shelf, ShelfSpan
from agentmem.retrieval import Reranker
from agentmem.transcript.journal import Journal
from agentmem.types import Embedder, Entry

FOLDER = "archive"
"""The archive's folder, in the workspace's own."""
HELD = 4
"""Threads whose pieces are held in memory: those that were searched last."""


def archive_in(where: Path | str, journal: Journal) -> "LanceArchive":
    """The archive in a folder or at ``s3://bucket/prefix``, with the default embedder and reranker where those are
    installed.

    It costs nothing until something leaves a window, or what has left is searched: then LanceDB is imported.
    """
    return LanceArchive(journal, where, MiniLM() if installed() else None, default_reranker())


@dataclass(frozen=True, slots=True)
class Written:
    """How far a transcript is written: up to entry ``seq``, whose hash is given; the day then, and the next place."""

    seq: int = -1
    sha256: str = ""
    day: str = ""
    place: int = 0


class LanceArchive:
    """The Archive in a folder or at ``s3://bucket/prefix``, for the threads of one journal.

    Several processes may use a folder at once, and several hosts an address: whoever holds a lease in the journal's
    database looks after it. Without an ``embedder`` it searches by words only; with a ``reranker`` the first that are
    found are read once more. Its methods raise ArchiveError when the
    place is damaged or cannot be used; ConfigError if the address cannot be.
    """

    def __init__(
        self,
        journal: Journal,
        where: Path | str | TablesPlace,
        embedder: Embedder | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self.journal, self.reranker = journal, reranker
        self.shelf = Shelf(placed(where, journal.lease), embedder)
        self._writing = threading.RLock()
        self._asked: dict[str, int] = {}
        self._left: dict[str, int] = {}  # as the journal had it when it was first asked; later ones are asked for
        self._written: dict[str, Written] = {}
        self._scopes: dict[str, tuple[str, Scope]] = {}
        work = weakref.WeakMethod(self._catch_up)
        self._behind = BackgroundThread(lambda: (work() or _nothing)())
        weakref.finalize(self, self._behind.end)

    # Taking in.

    def keep(self, thread: str, last: int) -> None:
        """Take in the thread's entries up to ``last``, behind. Returns at once; safe to ask again."""
        self._asked[thread] = max(last, self._asked.get(thread, -1))
        self._behind.wake()

    def settle(self) -> None:
        """Wait until all that was asked for is written and embedded. Raises what kept it from being so."""
        self._behind.wake()
        self._behind.wait()

    def rebuild(self) -> int:
        """Make the archive anew from the journal: of each thread what has left its window. Gives the pieces."""
        with self._writing:
            self.shelf.clear()
            self._left.clear()
            self._written.clear()
            self._scopes.clear()
            each(partial(self._write_anew, info.name) for info in self.journal.threads())
            pieces = self.shelf.count()
        self._behind.wake()
        return pieces

    def _write_anew(self, thread: str) -> None:
        self.write(thread, self.left(thread))

    def left(self, thread: str) -> int:
        """The last entry of the thread that has left the window; -1 when none has."""
        if thread not in self._left:
            self._left[thread] = max(self._cuts(thread), default=-1)
        return min(max(self._left[thread], self._asked.get(thread, -1)), self.journal.head(thread))

    def write(self, thread: str, last: int) -> None:
        """Write the words of the thread's entries up to ``last``, but for what is there already."""
        before = self._written.get(thread)
        if before and before.seq >= last and self._stands(thread, before.seq, before.sha256):
            return  # nobody waits for the writing of another thread
        with self._writing:
            known = self._known(thread)
            if known.seq >= last:
                return
            cutter, place = Cutter(known.day), known.place
            entries = takewhile(lambda entry: entry.seq <= last, self.journal.entries(thread, after=known.seq))
            seen: list[Entry] = []
            place = self.shelf.add(cutter.cut(_noting(entries, seen)), place)
            if seen:
                self._written[thread] = Written(seen[-1].seq, seen[-1].sha256, cutter.day, place)

    def forget(self, thread: str) -> None:
        """Delete for good all that the thread itself wrote."""
        with self._writing:
            self._asked.pop(thread, None)
            self._left.clear()
            self._written.clear()
            self._scopes.clear()
            self.shelf.forget(thread)

    def close(self) -> None:
        """End the work behind; what is left of it is done when the archive is next used. May be called twice."""
        self._behind.end()
        self.shelf.tables.close()

    # Searching.

    def recall(self, thread: str) -> ArchiveRecall:
        """What brings back what this thread has seen."""
        return ArchiveRecall(self.journal, thread, self)

    def search(self, thread: str, question: str, limit: int = 8) -> list[Piece]:
        """What left the thread's window and fits the question best, best first."""
        self.write(thread, self.left(thread))
        return search(self._scope(thread), question, limit, self.reranker)

    def spans(self, thread: str) -> list[ShelfSpan]:
        """What the thread's transcript is made of, ancestors first."""
        spans, info = [ShelfSpan(thread, -1)], self.journal.thread(thread)
        if info:
            spans = [ShelfSpan(thread, info.head)]
        while info and info.parent:
            name, at = info.parent
            spans.append(ShelfSpan(name, min(spans[-1].last, at)))
            info = self.journal.thread(name)
        return spans[::-1]

    def _cuts(self, thread: str) -> Iterator[int]:
        """The last entry that each compaction of the transcript covers."""
        for span in self.spans(thread):
            cuts = (entry for entry in self.journal.own(span.thread, "compaction") if entry.seq <= span.last)
            yield from (entry.value["last"] for entry in cuts)

    def _scope(self, thread: str) -> Scope:
        """What is searched, remembered once all that is written has its vectors. Asks for those that lack."""
        written = self._known(thread)
        last = written.seq + 1  # after a kill of a writer a part of that entry may be there
        *before, _ = self.spans(thread)
        spans = (*(ShelfSpan(span.thread, min(span.last, last)) for span in before), ShelfSpan(thread, last))
        at, known = self._scopes.pop(thread, ("", None))
        if known is None or at != written.sha256 or known.spans != spans:
            known = scope(self.shelf, spans)
        if known.whole:
            self._scopes[thread] = written.sha256, known
            for oldest in list(self._scopes)[:-HELD]:
                self._scopes.pop(oldest, None)
        else:
            self._behind.wake()
        return known

    def _known(self, thread: str) -> Written:
        """How far the transcript is written, as remembered, or as the tables have it."""
        known = self._written.get(thread)
        if known is None or not self._stands(thread, known.seq, known.sha256):
            known = self._written[thread] = self._found(thread)
        return known

    def _found(self, thread: str) -> Written:
        """How far the tables say that it is written. The last entry is written again: a kill may have parted it."""
        while (end := self.shelf.end(self.spans(thread))) is not None:
            if self._stands(end.thread, end.seq, end.sha256):
                return Written(end.seq - 1, self._hash(thread, end.seq - 1), end.day, end.place)
            self.shelf.forget(end.thread)  # another thread of that name was forgotten meanwhile
        return Written()

    def _stands(self, thread: str, seq: int, sha256: str) -> bool:
        return self._hash(thread, seq) == sha256

    def _hash(self, thread: str, seq: int) -> str:
        try:
            return self.journal.entry(f"{thread}/{seq}").sha256 if seq >= 0 else ""
        except UnknownReference:
            return "-"

    def _catch_up(self) -> None:
        """The work behind: words first, then vectors and maintenance, which one process does for all."""
        each((*(partial(self.write, *asked) for asked in list(self._asked.items())), self._embed))

    def _embed(self) -> None:
        with self.shelf.tables.owned() as mine:
            if mine:
                try:
                    while not self._behind.ending and self.shelf.embed_some(lambda: self._behind.ending):
                        pass
                finally:
                    if not self._behind.ending:
                        self.shelf.maintain()


def _noting(entries: Iterable[Entry], seen: list[Entry]) -> Iterator[Entry]:
    """The entries, of which the last is left in ``seen``."""
    for entry in entries:
        seen[:] = [entry]
        yield entry


def _nothing() -> None:
    """What is left to do of an archive that is gone."""
