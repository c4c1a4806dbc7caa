"""Keeps the entries of every transcript in SQLite or Postgres, append-only. This table is the truth.

    entries(thread, seq, parent, kind, bytes, sha256)

The hashes chain (see rows.py); the database holds them as 32 raw bytes. A fork is a thread that begins after another
thread's entry. Nothing is copied: its transcript consists of spans of several threads. All times come from the
database's clock.
"""

from collections.abc import Callable, Iterator, Sequence
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
from agentmem.transcript import attachments, checkpoint, kept_pages, submissions
from agentmem.transcript.lease import Lease, over
from agentmem.transcript.postgres import open_postgres
from agentmem.transcript.rows import (
    NAME_LENGTH,
    Thread,
    add_entries,
    add_thread,
    chained,
    delete,
    delete_elsewhere,
    family,
    find_thread,
    is_name,
    lock_thread,
    read,
    read_last,
    read_one,
    read_own,
)
from agentmem.transcript.schema import migrate
from agentmem.transcript.sqlite import open_sqlite
from agentmem.transcript.storage import Storage, locate
from agentmem.transcript.submissions import Submission
from agentmem.types import Draft, Entry, EntryKind


def open_journal(url: str | Path) -> "Journal":
    """The journal in ``/path/run.db``, ``sqlite:///...``, ``:memory:`` or ``postgresql://...``.

        with open_journal("notes/.agentmem/agentmem.db") as journal:
            for entry in journal.entries("main"):
                print(entry.reference, entry.kind)

    A missing file or folder is made, and an older version's tables are upgraded. Raises ConfigError if the database
    cannot be used, SchemaTooNew if a later agentmem wrote it.
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
    """A thread as lists show it. Times are in seconds since the epoch; ``parent`` is the place where a fork began."""

    name: str
    head: int
    created: float
    updated: float
    parent: tuple[str, int] | None = None


class Journal(Closing):
    """All transcripts of one database: see `open_journal`.

    It may be used from several threads, and other processes may use the same database.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._leases: dict[str, Lease] = {}

    # Writing.

    def append(
        self,
        thread: str,
        drafts: Sequence[Draft],
        *,
        head: int,
        submission: Submission | None = None,
        also: Callable[[], None] = lambda: None,
    ) -> tuple[Entry, ...]:
        """Add ``drafts`` after entry ``head`` (-1: to a new thread), all or none, and return their entries.

        A repeated call is safe: if entries with the same kinds and bytes already stand there, they are returned and
        nothing is written. ``submission`` is the key of the task among them, and ``also``
        is done in the same transaction. Raises ThreadBusy if other entries stand
        there, or if this journal's lease was lost; KeyTaken, DatabaseAway.
        """
        if not drafts:
            return ()
        _check_name(thread)

        def written() -> tuple[Entry, ...]:
            found = self._locked(thread, head)
            if found.head != head:
                return self._standing(found, drafts, head)
            entries = chained(thread, found.tip.hex(), head + 1, drafts)
            add_entries(self.storage, found, entries)
            if submission:
                submissions.add(self.storage, submission)
            also()
            return entries

        return self.storage.together(written)

    def submission(self, key: str) -> Submission | None:
        """The task that was started under a key, or None."""
        return submissions.find(self.storage, key)

    def fork(self, thread: str, at: int, to: str) -> None:
        """Make the thread ``to``, whose entries 0 to ``at`` are those of ``thread``. A repeated call is safe.

        Raises ThreadNotFound, UnknownReference if there is no entry ``at``, JournalError if ``to`` exists.
        """
        _check_name(to)

        def forked() -> None:
            origin = lock_thread(self.storage, thread)
            if origin is None:
                raise ThreadNotFound(f"there is no thread {thread!r}")
            tip = read_one(self.storage, origin, at).sha256
            add_thread(self.storage, to, at, bytes.fromhex(tip), origin.id)
            made = find_thread(self.storage, to)
            if made is None or (made.parent, made.parent_seq, made.head) != (origin.id, at, at):
                raise JournalError(f"thread {to!r} exists already: choose another name for the fork")

        self.storage.together(forked)

    @contextmanager
    def lease(self, thread: str, *, ttl: float | None = None) -> Iterator[Lease]:
        """Hold ``thread`` as its only writer, in a ``with``. Raises ThreadBusy if anyone holds it, also this process.

        A heartbeat renews the lease every third of ``ttl`` seconds (None: the database URL's lease_seconds, by default
        30). A lease whose process is dead is taken over at once on the same host, and after ``ttl`` seconds on another.
        """
        _check_name(thread)
        held = self._leases[thread] = Lease(self.storage, thread, ttl or self.storage.address.sharing.lease)
        try:
            yield held
        finally:
            if self._leases.pop(thread, None):
                held.release()

    def confirm(self, thread: str) -> None:
        """Raises ThreadBusy if this journal's lease of the thread was lost while its process, or the database, slept.

        Only a lease that was not renewed in time is looked up, so it costs nothing else.
        """
        held = self._leases.get(thread)
        if held and held.is_doubtful:
            held.renew()
        if held and (held.lost or not held.is_here):
            raise ThreadBusy(f"this run lost its hold on thread {thread!r} to another run: start again from its head")

    def forget(self, thread: str, *, with_forks: bool = False) -> int:
        """Delete a thread for good, with LangGraph's checkpoints of it; returns the number of deleted entries.

        In SQLite the bytes are also overwritten in the file; in Postgres the server's vacuum reclaims them. Raises
        ThreadNotFound, ThreadBusy while a run holds it, ThreadHasForks unless ``with_forks`` deletes its forks too,
        ArchiveError if large contents could not be deleted from object storage.
        """
        with self.storage.transaction():
            found = lock_thread(self.storage, thread)
            members = family(self.storage, found) if found else []
            if len(members) > 1 and not with_forks:
                forks = ", ".join(repr(fork.name) for fork in members[1:])
                raise ThreadHasForks(f"threads begin in {thread!r}: {forks}. Forget those first, or all together")
            names = {thread, *(member.name for member in members)}
            count = sum(delete(self.storage, member) for member in reversed(members))
            others = sum(self._forget_elsewhere(name) for name in names)
            elsewhere = checkpoint.sweep(self.storage)
        if not (found or others):
            raise ThreadNotFound(f"there is no thread {thread!r}")
        self.storage.scrub()
        attachments.delete(elsewhere, self.storage.attachments)
        return count

    # Reading.

    def head(self, thread: str) -> int:
        """The seq of the thread's last entry; -1 if the thread does not exist yet."""
        found = find_thread(self.storage, thread)
        return found.head if found else -1

    def entries(self, thread: str, *, after: int = -1) -> Iterator[Entry]:
        """The entries after ``after``, in order, with those of a fork's ancestors; none if the thread does not exist.

        Raises JournalCorrupt if an entry is missing or its bytes do not match the chain of hashes.
        """
        found = find_thread(self.storage, thread)
        if found is None or after >= found.head:
            return
        parent = read_one(self.storage, found, after).sha256 if after >= 0 else ""
        for entry in read(self.storage, found, after):
            if entry.parent != parent:
                raise JournalCorrupt(f"entry {entry.reference} does not continue the entry before it")
            parent = entry.sha256
            yield entry
        if parent != found.tip.hex():
            raise JournalCorrupt(f"thread {thread!r} does not end with the entry that it should end with")

    def entry(self, reference: str) -> Entry:
        """The entry named ``thread/seq``, also one of a fork's ancestors. Raises UnknownReference."""
        thread, _, seq = reference.rpartition("/")
        if not (thread and seq.isascii() and seq.isdigit() and len(seq) < 10):
            raise UnknownReference(f"{reference!r} is not a reference. A reference reads THREAD/NUMBER, like main/12.")
        found = find_thread(self.storage, thread)
        if found is None:
            raise UnknownReference(f"Nothing is stored under {reference!r}: there is no thread {thread!r}.")
        return read_one(self.storage, found, int(seq))

    def own(self, thread: str, kind: EntryKind) -> Iterator[Entry]:
        """The entries of one kind that this thread itself wrote, without its ancestors', in order."""
        found = find_thread(self.storage, thread)
        return read_own(self.storage, found, kind) if found else iter(())

    def last(self, thread: str, kind: EntryKind) -> Entry | None:
        """The last entry of one kind in a transcript, with a fork's ancestors; None if there is none."""
        found = find_thread(self.storage, thread)
        return read_last(self.storage, found, kind) if found else None

    def threads(self, beginning: str = "") -> tuple[ThreadInfo, ...]:
        """All threads, or those whose names have this beginning, the oldest first."""
        if not beginning:
            return self._infos("TRUE")
        return self._infos("t.name {from} ? AND t.name {before} ?", beginning, f"{beginning}\U0010ffff")

    def thread(self, name: str) -> ThreadInfo | None:
        """One thread, or None."""
        found = self._infos("t.name = ?", name) if is_name(name) else ()
        return found[0] if found else None

    def family(self, thread: str) -> tuple[str, ...]:
        """The names of a thread, of its forks and of theirs; of the thread alone if it does not exist."""
        found = find_thread(self.storage, thread)
        return tuple(member.name for member in family(self.storage, found)) if found else (thread,)

    def close(self) -> None:
        """Release the leases and close the connection. May be called twice."""
        while self._leases:
            self._leases.popitem()[1].release()
        self.storage.close()

    def _infos(self, where: str, *values: object) -> tuple[ThreadInfo, ...]:
        found = self.storage.run(
            "SELECT t.name, t.head, t.created, t.updated, p.name, t.parent_seq"
            f" FROM threads t LEFT JOIN threads p ON p.id = t.parent WHERE {where} ORDER BY t.id",
            *values,
        )
        return tuple(
            ThreadInfo(name, head, created, updated, None if parent is None else (parent, at))
            for name, head, created, updated, parent, at in found
        )

    def _locked(self, name: str, head: int) -> Thread:
        """The thread, which is made if the caller begins it. Raises ThreadBusy if its lease is another's by now."""
        held = self._leases.get(name)
        found = lock_thread(self.storage, name, held.owner if held else None)
        if found is None and held:
            self._check_hold(held)
        if found is None and head == -1:
            add_thread(self.storage, name)
            found = lock_thread(self.storage, name)
        if found is None:
            raise ThreadNotFound(f"there is no thread {name!r} any more: it was forgotten meanwhile")
        return found

    def _check_hold(self, held: Lease) -> None:
        owned = self.storage.run("SELECT owner FROM leases WHERE thread = ?{for_update}", held.thread)
        if not held.is_here or owned != [(held.owner,)]:
            held.lost = True
            raise ThreadBusy(
                f"this run lost its hold on thread {held.thread!r} to another run: nothing of this was written. "
                "Start again from its head"
            )

    def _standing(self, thread: Thread, drafts: Sequence[Draft], head: int) -> tuple[Entry, ...]:
        """The entries after ``head`` if they are exactly these drafts: the caller repeats its call."""
        entries = tuple(islice(read(self.storage, thread, head), len(drafts)))
        if [(one.kind, one.data) for one in entries] != [(one.kind, one.data) for one in drafts]:
            raise ThreadBusy(
                f"thread {thread.name!r} ends with entry {thread.head}, and this run had seen up to {head}: "
                "another run wrote to it meanwhile. Start again from its head, or fork it"
            )
        return entries

    def _forget_elsewhere(self, name: str) -> int:
        over(self.storage, name)
        self.storage.run("DELETE FROM leases WHERE thread = ?", name)
        submissions.forget(self.storage, name)
        kept_pages.forget(self.storage, name)
        return delete_elsewhere(self.storage, name) + checkpoint.forget(self.storage, name)


def _check_name(thread: str) -> None:
    if not is_name(thread):
        raise ConfigError(f"a thread's name is 1 to {NAME_LENGTH} printable characters, and {thread!r:.100} is not")
