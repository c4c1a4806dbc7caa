"""Keeps checkpoints of runs: rows that tie a transcript's entry to the pages and the sandbox of that moment.

    checkpoints_of_runs(thread, number, seq, pages, plan, sandbox, label, taken)
    branches(origin, number, name)

``pages`` names a tree and ``plan`` a page among the blobs. Going back never deletes an entry: the thread continues as a
branch, which is a fork of it, and ``branches`` says which is the latest. All of it is forgotten with its thread.
"""

from dataclasses import dataclass, replace

from agentmem.errors import UnknownReference
from agentmem.transcript import blobs, kept_pages
from agentmem.transcript.storage import Row, Storage

_ROW = "SELECT thread, number, seq, label, pages, plan, sandbox, taken FROM checkpoints_of_runs WHERE"
_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run as it was: ``thread`` up to entry ``seq`` (-1: before the first), the pages and the sandbox.

        point = agent.checkpoints("main")[-1]
        agent.rollback(point)  # or by its name: agent.rollback("main@3")

    ``number`` counts the thread's checkpoints from 1. ``pages`` is the hash of the tree of all pages, None if they were
    too large to be kept without a request. ``plan`` is the hash of the thread's plan and ``sandbox`` the id of the
    sandbox's snapshot, None if there is none. ``taken`` is in seconds since the epoch.
    """

    thread: str
    number: int
    seq: int
    label: str
    pages: str | None
    plan: str | None
    sandbox: str | None
    taken: float = 0.0

    @property
    def id(self) -> str:
        """Its name for people: ``thread@number``."""
        return f"{self.thread}@{self.number}"

    def same_as(self, other: "Checkpoint | None") -> bool:
        """True if both hold the same state."""
        return other is not None and self._state == other._state

    @property
    def _state(self) -> tuple[str, int, str | None, str | None, str | None]:
        return self.thread, self.seq, self.pages, self.plan, self.sandbox


def add(storage: Storage, made: Checkpoint) -> Checkpoint:
    """Writes it as the thread's next checkpoint; returns it with its number and time. Call it in a transaction."""
    last = storage.run("SELECT max(number) FROM checkpoints_of_runs WHERE thread = ?", made.thread)[0][0]
    named = replace(made, number=(last or 0) + 1)
    rows = storage.run(
        "INSERT INTO checkpoints_of_runs (thread, number, seq, label, pages, plan, sandbox, taken)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, {now}) RETURNING taken",
        named.thread,
        named.number,
        named.seq,
        named.label,
        _raw(named.pages),
        _raw(named.plan),
        named.sandbox,
    )
    return replace(named, taken=rows[0][0])


def listed(storage: Storage, thread: str) -> tuple[Checkpoint, ...]:
    """The checkpoints of a thread, of its branches and of the threads that it was forked from, the oldest first."""
    origin = origin_of(storage, thread)
    spans = {**_lineage(storage, origin), **dict.fromkeys((origin, *branches(storage, origin)), _ALL)}
    found = [
        _checkpoint(row)
        for name, last in spans.items()
        for row in storage.run(f"{_ROW} thread = ? AND seq <= ? ORDER BY number", name, last)
    ]
    return tuple(sorted(found, key=lambda one: one.taken))  # within the clock's resolution ancestors come first


def find(storage: Storage, name: str) -> Checkpoint:
    """The checkpoint called ``thread@number``. Raises UnknownReference."""
    thread, _, number = name.rpartition("@")
    asked = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    rows = storage.run(f"{_ROW} thread = ? AND number = ?", thread, asked)
    if not rows:
        raise UnknownReference(
            f"There is no checkpoint {name!r}. A checkpoint is named THREAD@NUMBER, like main@3; "
            "`agentmem checkpoints THREAD` lists them."
        )
    return _checkpoint(rows[0])


def latest(storage: Storage, thread: str) -> Checkpoint | None:
    """The last checkpoint of the thread itself."""
    rows = storage.run(f"{_ROW} thread = ? ORDER BY number DESC LIMIT 1", thread)
    return _checkpoint(rows[0]) if rows else None


def branch(storage: Storage, origin: str, name: str) -> None:
    """Makes ``origin`` continue as ``name`` from now on. Call it in a transaction."""
    number = len(branches(storage, origin)) + 1
    storage.run("INSERT INTO branches (origin, number, name) VALUES (?, ?, ?)", origin, number, name)


def branches(storage: Storage, origin: str) -> tuple[str, ...]:
    """The branches of a thread, the oldest first. The thread continues as the last one."""
    rows = storage.run("SELECT name FROM branches WHERE origin = ? ORDER BY number", origin)
    return tuple(name for (name,) in rows)


def origin_of(storage: Storage, thread: str) -> str:
    """The thread whose branch this is, or the thread itself."""
    rows = storage.run("SELECT origin FROM branches WHERE name = ?", thread)
    return str(rows[0][0]) if rows else thread


def forget(storage: Storage, thread: str) -> int:
    """Deletes the rows of a thread and returns their number. `sweep` then deletes the bytes."""
    rows = storage.run("DELETE FROM checkpoints_of_runs WHERE thread = ? RETURNING number", thread)
    storage.run(
        "DELETE FROM branches WHERE name = ? OR (origin = ? AND NOT EXISTS"
        " (SELECT 1 FROM threads WHERE threads.name = branches.name))",
        thread,
        thread,
    )
    return len(rows)


def sweep(storage: Storage) -> list[tuple[str, bytes]]:
    """Deletes the bytes that no checkpoint and no page holds any more. Call it in a transaction.

    Returns what is kept elsewhere, to be deleted there after it: see `attachments.delete`.
    """
    blobs.hold(storage, alone=True)
    kept = kept_pages.revisions(storage)
    for pages, plan in storage.run("SELECT DISTINCT pages, plan FROM checkpoints_of_runs"):
        if pages is not None:
            blobs.reached(storage, pages.hex(), kept)
        if plan is not None:
            kept.add(plan.hex())
    return blobs.keep_only(storage, kept)


def _lineage(storage: Storage, thread: str) -> dict[str, int]:
    """The threads that a fork begins with, the oldest first, each with the last entry that belongs to the fork."""
    spans: dict[str, int] = {}
    last = _ALL
    query = "SELECT p.name, t.parent_seq FROM threads t JOIN threads p ON p.id = t.parent WHERE t.name = ?"
    while rows := storage.run(query, thread):
        thread, last = rows[0][0], min(last, rows[0][1])
        spans[thread] = last
    return dict(reversed(spans.items()))


def _raw(name: str | None) -> bytes | None:
    return None if name is None else bytes.fromhex(name)


def _checkpoint(row: Row) -> Checkpoint:
    thread, number, seq, label, pages, plan, sandbox, taken = row
    return Checkpoint(thread, number, seq, label, _hex(pages), _hex(plan), sandbox, taken)


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()
