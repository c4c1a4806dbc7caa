"""Reads and writes the rows of threads and of their entries. The journal puts them together in transactions.

A transcript consists of spans of several threads: a fork's begins with the rows of the threads that it continues.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentmem.errors import JournalCorrupt, UnknownReference
from agentmem.transcript.storage import Row, Storage
from agentmem.types import Draft, Entry, EntryKind

NAME_LENGTH = 200
"""The most characters of a thread's name."""

CHUNK = 128
"""Rows read at a time, so that a long transcript does not hold the connection while it is used."""

_LANGGRAPH = frozenset({"checkpoints", "writes", "checkpoint_blobs", "checkpoint_writes"})
"""LangGraph's own tables: the first two in SQLite, all except the second in Postgres."""

_THREAD = "SELECT id, name, head, tip, parent, parent_seq FROM threads WHERE"
_ENTRY = "SELECT seq, parent, kind, bytes, sha256 FROM entries WHERE thread = ?"


@dataclass(frozen=True, slots=True)
class Thread:
    """A row of ``threads``: ``tip`` is the hash of entry ``head``; a fork continues ``parent`` after ``parent_seq``."""

    id: int
    name: str
    head: int
    tip: bytes
    parent: int | None
    parent_seq: int | None


@dataclass(frozen=True, slots=True)
class ThreadSpan:
    """Entries ``first`` to ``last`` of a transcript, all in the rows of one thread."""

    thread: Thread
    first: int
    last: int


def entry_hash(parent: str, kind: str, data: bytes) -> str:
    """An entry's hash, in hex: sha256 over ``PARENT \\n KIND \\n DATA``, without the spaces.

    PARENT is the hash of the entry before in hex, "" for the first; DATA the entry's bytes.
    """
    hashed = hashlib.sha256(f"{parent}\n{kind}\n".encode())
    hashed.update(data)
    return hashed.hexdigest()


def chained(thread: str, parent: str, seq: int, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
    """The entries of ``drafts``: the first of them gets ``seq`` and follows the hash ``parent``."""
    entries = []
    for place, draft in enumerate(drafts, seq):
        sha256 = entry_hash(parent, draft.kind, draft.data)
        entries.append(Entry(thread, place, parent, draft.kind, draft.data, sha256, draft.known))
        parent = sha256
    return tuple(entries)


def is_name(text: str) -> bool:
    """True if a thread may have this name. Other text is not even looked up, since some databases refuse it."""
    return 0 < len(text) <= NAME_LENGTH and text.isprintable()


def find_thread(storage: Storage, name: str, lock: str = "") -> Thread | None:
    """The thread, or None."""
    found = storage.run(f"{_THREAD} name = ?{lock}", name) if is_name(name) else []
    return Thread(*found[0]) if found else None


def lock_thread(storage: Storage, name: str, owner: str | None = None) -> Thread | None:
    """The thread, or None. Other writers of it wait until the transaction ends.

    With the ``owner`` of a lease it is None too if the lease is another's: the answer is true until the end.
    """
    if owner is None:
        return find_thread(storage, name, "{for_update}")
    found = storage.run(
        "SELECT t.id, t.name, t.head, t.tip, t.parent, t.parent_seq FROM threads t JOIN leases l ON l.thread = t.name"
        " WHERE t.name = ? AND l.owner = ?{for_append}",
        name,
        owner,
    )
    return Thread(*found[0]) if found else None


def add_thread(storage: Storage, name: str, head: int = -1, tip: bytes = b"", parent: int | None = None) -> None:
    """Adds a thread, unless another writer was first. With ``parent`` it is a fork at ``head``."""
    storage.run(
        "INSERT INTO threads (name, head, tip, parent, parent_seq, created, updated)"
        " VALUES (?, ?, ?, ?, ?, {now}, {now}) ON CONFLICT (name) DO NOTHING",
        name,
        head,
        tip,
        parent,
        None if parent is None else head,
    )


def add_entries(storage: Storage, thread: Thread, entries: Sequence[Entry]) -> None:
    """Write entries after the thread's head and move the head."""
    storage.run_many(
        "INSERT INTO entries (thread, seq, parent, kind, bytes, sha256) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (thread.id, one.seq, bytes.fromhex(one.parent), one.kind, one.data, bytes.fromhex(one.sha256))
            for one in entries
        ],
    )
    storage.run(
        "UPDATE threads SET head = ?, tip = ?, updated = {now} WHERE id = ?",
        entries[-1].seq,
        bytes.fromhex(entries[-1].sha256),
        thread.id,
    )


def family(storage: Storage, thread: Thread) -> list[Thread]:
    """The thread, its forks and their forks, ancestors first."""
    members = [thread]
    for member in members:
        rows = storage.run(f"{_THREAD} parent = ? ORDER BY id", member.id)
        members.extend(Thread(*row) for row in rows)
    return members


def read(storage: Storage, thread: Thread, after: int = -1) -> Iterator[Entry]:
    """The thread's entries after ``after``, with those of its ancestors. Raises JournalCorrupt if one is missing."""
    for span in _spans(storage, thread):
        seq = max(span.first, after + 1) - 1
        while seq < span.last:
            rows = storage.run(
                f"{_ENTRY} AND seq > ? AND seq <= ? ORDER BY seq LIMIT {CHUNK}", span.thread.id, seq, span.last
            )
            for row in rows:
                seq += 1
                if row[0] != seq:
                    break
                yield _entry(span.thread.name, row)
            if not rows or rows[-1][0] != seq:
                raise JournalCorrupt(f"entry {span.thread.name}/{seq + bool(not rows)} is missing in {storage.address}")


def read_one(storage: Storage, thread: Thread, seq: int) -> Entry:
    """One entry of the thread's transcript. Raises UnknownReference if there is no such number."""
    if not 0 <= seq <= thread.head:
        raise UnknownReference(
            f"Nothing is stored under '{thread.name}/{seq}': thread {thread.name!r} has the entries 0 to {thread.head}."
        )
    span = next(span for span in _spans(storage, thread) if seq <= span.last)
    rows = storage.run(f"{_ENTRY} AND seq = ?", span.thread.id, seq)
    if not rows:
        raise JournalCorrupt(f"entry {span.thread.name}/{seq} is missing in {storage.address}")
    return _entry(span.thread.name, rows[0])


def read_own(storage: Storage, thread: Thread, kind: EntryKind) -> Iterator[Entry]:
    """The thread's own entries of one kind, found by their index."""
    query, seq = f"{_ENTRY} AND kind = ? AND seq > ? ORDER BY seq LIMIT {CHUNK}", -1
    while rows := storage.run(query, thread.id, kind, seq):
        yield from (_entry(thread.name, row) for row in rows)
        seq = rows[-1][0]


def read_last(storage: Storage, thread: Thread, kind: EntryKind) -> Entry | None:
    """The last entry of one kind in the transcript of the thread and its ancestors, found by the index."""
    for span in reversed(_spans(storage, thread)):
        query = f"{_ENTRY} AND kind = ? AND seq >= ? AND seq <= ? ORDER BY seq DESC LIMIT 1"
        if rows := storage.run(query, span.thread.id, kind, span.first, span.last):
            return _entry(span.thread.name, rows[0])
    return None


def delete(storage: Storage, thread: Thread) -> int:
    """Delete a thread that has no forks; returns the number of its own entries."""
    own = storage.run("DELETE FROM entries WHERE thread = ? RETURNING seq", thread.id)
    storage.run("DELETE FROM threads WHERE id = ?", thread.id)
    return len(own)


def delete_elsewhere(storage: Storage, name: str) -> int:
    """Delete the thread's rows in LangGraph's tables, by their column ``thread_id``; returns their number."""
    tables = [table for (table,) in storage.run("{tables_of_threads}") if table in _LANGGRAPH]
    return sum(len(storage.run(f"DELETE FROM {table} WHERE thread_id = ? RETURNING 1", name)) for table in tables)


def _spans(storage: Storage, thread: Thread) -> list[ThreadSpan]:
    """The spans of a transcript, the oldest first."""
    spans, last = [], thread.head
    while True:
        first = 0 if thread.parent_seq is None else thread.parent_seq + 1
        if first <= last:
            spans.append(ThreadSpan(thread, first, last))
        if thread.parent is None:
            return spans[::-1]
        last = min(last, first - 1)
        thread = Thread(*storage.run(f"{_THREAD} id = ?", thread.parent)[0])


def _entry(thread: str, row: Row) -> Entry:
    seq, parent, kind, data, sha256 = row
    entry = Entry(thread, seq, parent.hex(), kind, data, sha256.hex())
    if entry_hash(entry.parent, kind, data) != entry.sha256:
        raise JournalCorrupt(f"entry {entry.reference} does not match its hash: the database was changed from outside")
    return entry
