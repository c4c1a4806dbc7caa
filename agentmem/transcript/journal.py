"""The journal: every transcript's entries, in SQLite or Postgres, append-only. This table is the truth.

    entries(thread, seq, parent, kind, bytes, sha256)

The hashes chain (see rows.entry_hash); the database holds them as 32 raw bytes. A fork is a thread that begins
after another thread's entry; nothing is copied. All times come from the database's clock.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from agentmem.closing import Closing
from agentmem.errors import (
    ConfigError,
    JournalCorrupt,
    JournalError,
    ThreadBusy,
    ThreadHasForks,
    ThreadNotFound,
    UnknownReference,
)
from agentmem.transcript import checkpoint, rows
from agentmem.transcript.lease import Lease, over
from agentmem.transcript.postgres import open_postgres
from agentmem.transcript.schema import migrate
from agentmem.transcript.sqlite import open_sqlite
from agentmem.transcript.storage import Storage, locate
from agentmem.types import Draft, Entry, EntryKind


def open_journal(url: str | Path) -> "Journal":
    """The journal in ``/path/run.db``, ``sqlite:///...``, ``:memory:`` or ``postgresql://...``.

    The file and its folder are made where missing, an older version's tables are brought up to date. Raises
    ConfigError when the database cannot be used, SchemaTooNew when a later agentmem wrote it.
    """
    address = locate(url)
    storage = open_postgres(address) if address.kind == "postgres" else open_sqlite(address)
    try:
        migrate(storage)
    except BaseException:
        storage.close()
        raise
    return Journal(storage)


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """A thread as lists show it: times in seconds since the epoch, ``parent`` where a fork began."""

    name: str
    head: int
    created: float
    updated: float
    parent: tuple[str, int] | None = None


class Journal(Closing):
    """All threads of one database. May be used from several threads; other processes may use the same database."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._leases: dict[str, Lease] = {}

    # Writing.

    def append(self, thread: str, drafts: Sequence[Draft], *, head: int) -> tuple[Entry, ...]:
        """Add ``drafts`` after entry ``head`` (-1: to a new thread), all or none, and give the entries they became.

        Asking again is safe: entries that already stand there with the same kinds and bytes are given back and
        nothing is written. Raises ThreadBusy when something else stands there, or this journal's lease was lost.
        """
        if not drafts:
            return ()
        _check_name(thread)
        held = self._leases.get(thread)
        if held and held.lost:
            raise ThreadBusy(f"this run lost its hold on thread {thread!r} to another run: start again from its head")
        with self.storage.transaction():
            found = self._locked(thread, head)
            if found.head != head:
                return self._standing(found, drafts, head)
            entries = rows.chained(thread, found.tip.hex(), head + 1, drafts)
            rows.add_entries(self.storage, found, entries)
            return entries

    def fork(self, thread: str, at: int, to: str) -> None:
        """Make the thread ``to``, whose entries 0 to ``at`` are those of ``thread``. Safe to ask again.

        Raises ThreadNotFound, UnknownReference when there is no entry ``at``, JournalError when ``to`` exists.
        """
        _check_name(to)
        with self.storage.transaction():
            origin = rows.lock_thread(self.storage, thread)
            if origin is None:
                raise ThreadNotFound(f"there is no thread {thread!r}")
            tip = rows.read_one(self.storage, origin, at).sha256
            rows.add_thread(self.storage, to, at, bytes.fromhex(tip), origin.id)
            made = rows.find_thread(self.storage, to)
            if made is None or (made.parent, made.parent_seq, made.head) != (origin.id, at, at):
                raise JournalError(f"thread {to!r} exists already: choose another name for the fork")

    @contextmanager
    def lease(self, thread: str, *, ttl: float = 30.0) -> Iterator[Lease]:
        """Hold ``thread`` as its only writer. Raises ThreadBusy when anyone holds it, this process included.

        A heartbeat renews the lease every third of ``ttl`` seconds. One whose process is dead is taken over at once
        on the same host, and after ``ttl`` seconds from another.
        """
        _check_name(thread)
        held = self._leases[thread] = Lease(self.storage, thread, ttl)
        try:
            yield held
        finally:
            if self._leases.pop(thread, None):
                held.release()

    def forget(self, thread: str, *, with_forks: bool = False) -> int:
        """Delete a thread for good, LangGraph's checkpoints of it included; gives the number of entries deleted.

        In SQLite the bytes are overwritten in the file too; in Postgres the server's vacuum reclaims them. Raises
        ThreadNotFound, ThreadBusy while a run holds it, ThreadHasForks unless ``with_forks`` deletes those as well.
        """
        with self.storage.transaction():
            found = rows.lock_thread(self.storage, thread)
            family = rows.family(self.storage, found) if found else []
            if len(family) > 1 and not with_forks:
                forks = ", ".join(repr(fork.name) for fork in family[1:])
                raise ThreadHasForks(f"threads begin in {thread!r}: {forks}. Forget those first, or all together")
            names = {thread, *(member.name for member in family)}
            count = sum(rows.delete(self.storage, member) for member in reversed(family))
            others = sum(self._forget_elsewhere(name) for name in names)
            checkpoint.sweep(self.storage)
        if not (found or others):
            raise ThreadNotFound(f"there is no thread {thread!r}")
        self.storage.scrub()
        return count

    # Reading.

    def head(self, thread: str) -> int:
        """The seq of the thread's last entry; -1 when it does not exist yet."""
        found = rows.find_thread(self.storage, thread)
        return found.head if found else -1

    def entries(self, thread: str, *, after: int = -1) -> Iterator[Entry]:
        """The entries after ``after``, in order, a fork's ancestors included; none when the thread does not exist.

        Raises JournalCorrupt when an entry is missing or its bytes do not match the chain of hashes.
        """
        found = rows.find_thread(self.storage, thread)
        if found is None or after >= found.head:
            return
        parent = rows.read_one(self.storage, found, after).sha256 if after >= 0 else ""
        for entry in rows.read(self.storage, found, after):
            if entry.parent != parent:
                raise JournalCorrupt(f"entry {entry.reference} does not continue the entry before it")
            parent = entry.sha256
            yield entry
        if parent != found.tip.hex():
            raise JournalCorrupt(f"thread {thread!r} does not end with the entry that it should end with")

    def entry(self, reference: str) -> Entry:
        """The entry named ``thread/seq``; in a fork its ancestors' too. Raises UnknownReference."""
        thread, _, seq = reference.rpartition("/")
        if not (thread and seq.isascii() and seq.isdigit() and len(seq) < 10):
            raise UnknownReference(f"{reference!r} is no reference. A reference reads THREAD/NUMBER, like main/12.")
        found = rows.find_thread(self.storage, thread)
        if found is None:
            raise UnknownReference(f"Nothing is stored under {reference!r}: there is no thread {thread!r}.")
        return rows.read_one(self.storage, found, int(seq))

    def own(self, thread: str, kind: EntryKind) -> Iterator[Entry]:
        """The entries of one kind that this thread itself wrote, not its ancestors, in order."""
        found = rows.find_thread(self.storage, thread)
        return rows.read_own(self.storage, found, kind) if found else iter(())

    def last(self, thread: str, kind: EntryKind) -> Entry | None:
        """The last entry of one kind in a transcript, a fork's ancestors included; None where there is none."""
        found = rows.find_thread(self.storage, thread)
        return rows.read_last(self.storage, found, kind) if found else None

    def threads(self) -> tuple[ThreadInfo, ...]:
        """All threads, oldest first."""
        found = self.storage.run(
            "SELECT t.name, t.head, t.created, t.updated, p.name, t.parent_seq"
            " FROM threads t LEFT JOIN threads p ON p.id = t.parent ORDER BY t.id"
        )
        return tuple(
            ThreadInfo(name, head, created, updated, None if parent is None else (parent, at))
            for name, head, created, updated, parent, at in found
        )

    def close(self) -> None:
        """Release the leases and close the connection. May be called twice."""
        while self._leases:
            self._leases.popitem()[1].release()
        self.storage.close()

    def _locked(self, name: str, head: int) -> rows.Thread:
        """The thread, made when the caller means to begin it."""
        found = rows.lock_thread(self.storage, name)
        if found is None and head == -1:
            rows.add_thread(self.storage, name)
            found = rows.lock_thread(self.storage, name)
        if found is None:
            raise ThreadNotFound(f"there is no thread {name!r} any more: it was forgotten meanwhile")
        return found

    def _standing(self, thread: rows.Thread, drafts: Sequence[Draft], head: int) -> tuple[Entry, ...]:
        """The entries after ``head``, when they are just these drafts: the caller asks again for what it wrote."""
        entries = tuple(islice(rows.read(self.storage, thread, head), len(drafts)))
        if [(one.kind, one.data) for one in entries] != [(one.kind, one.data) for one in drafts]:
            raise ThreadBusy(
                f"thread {thread.name!r} ends with entry {thread.head}, and this run had seen up to {head}: "
                "another run wrote to it meanwhile. Start again from its head, or fork it"
            )
        return entries

    def _forget_elsewhere(self, name: str) -> int:
        over(self.storage, name)
        self.storage.run("DELETE FROM leases WHERE thread = ?", name)
        return rows.delete_elsewhere(self.storage, name) + checkpoint.forget(self.storage, name)


def _check_name(thread: str) -> None:
    if not rows.is_name(thread):
        raise ConfigError(
            f"a thread's name is 1 to {rows.NAME_LENGTH} printable characters, and {thread!r:.100} is not"
        )
