"""Checkpoints of runs: rows that tie a transcript's entry to the pages and the sandbox as they were then.

    checkpoints_of_runs(thread, number, seq, pages, plan, sandbox, label, taken)
    branches(origin, number, name)

``pages`` names a tree and ``plan`` a page among the blobs. Going back never deletes an entry: the thread goes on as a
branch, a fork of it, and ``branches`` says which is the latest. All of it is forgotten with its thread.
"""

from dataclasses import dataclass, replace

from agentmem.errors import UnknownReference
from agentmem.transcript import blobs
from agentmem.transcript.storage import Row, Storage

_ROW = "SELECT thread, number, seq, label, pages, plan, sandbox, taken FROM checkpoints_of_runs WHERE"
_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One object for a run as it was: ``thread`` up to entry ``seq`` (-1: nothing was said yet), pages and sandbox.

    ``number`` counts the thread's checkpoints from 1. ``pages`` is the hash of the tree of all pages, None where they
    were too large to be kept unasked; ``plan`` the hash of the thread's plan, ``sandbox`` the id of the sandbox's
    snapshot, None where there is none. ``taken`` is in seconds since the epoch.
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
        """How it is named to people: ``thread@number``."""
        return f"{self.thread}@{self.number}"

    def same_as(self, other: "Checkpoint | None") -> bool:
        """Whether both hold the same state."""
        return other is not None and self._state == other._state

    @property
    def _state(self) -> tuple[str, int, str | None, str | None, str | None]:
        return self.thread, self.seq, self.pages, self.plan, self.sandbox


def add(storage: Storage, made: Checkpoint) -> Checkpoint:
    """Writes it as the thread's next one, and gives it with its number and time. Call it in a transaction."""
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
    """Those of a thread and of all its branches, and of what a fork began with, oldest first."""
    origin = origin_of(storage, thread)
    spans = {**_lineage(storage, origin), **dict.fromkeys((origin, *branches(storage, origin)), _ALL)}
    found = [
        _checkpoint(row)
        for name, last in spans.items()
        for row in storage.run(f"{_ROW} thread = ? AND seq <= ? ORDER BY number", name, last)
    ]
    return tuple(sorted(found, key=lambda one: one.taken))  # within the clock's resolution ancestors come first


def find(storage: Storage, name: str) -> Checkpoint:
    """The one called ``thread@number``. Raises UnknownReference."""
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
    """The thread's own last one."""
    rows = storage.run(f"{_ROW} thread = ? ORDER BY number DESC LIMIT 1", thread)
    return _checkpoint(rows[0]) if rows else None


def branch(storage: Storage, origin: str, name: str) -> None:
    """From now on ``origin`` goes on as ``name``. Call it in a transaction."""
    number = len(branches(storage, origin)) + 1
    storage.run("INSERT INTO branches (origin, number, name) VALUES (?, ?, ?)", origin, number, name)


def branches(storage: Storage, origin: str) -> tuple[str, ...]:
    """The branches of a thread, oldest first: it goes on as the last."""
    rows = storage.run("SELECT name FROM branches WHERE origin = ? ORDER BY number", origin)
    return tuple(name for (name,) in rows)


def origin_of(storage: Storage, thread: str) -> str:
    """The thread whose branch this is; itself where it is none."""
    rows = storage.run("SELECT origin FROM branches WHERE name = ?", thread)
    return str(rows[0][0]) if rows else thread


def forget(storage: Storage, thread: str) -> int:
    """Deletes what is kept of a thread; gives the number of rows. `sweep` then deletes the bytes."""
    rows = storage.run("DELETE FROM checkpoints_of_runs WHERE thread = ? RETURNING number", thread)
    storage.run(
        "DELETE FROM branches WHERE name = ? OR (origin = ? AND NOT EXISTS"
        " (SELECT 1 FROM threads WHERE threads.name = branches.name))",
        thread,
        thread,
    )
    return len(rows)


def sweep(storage: Storage) -> None:
    """Deletes the bytes that no checkpoint holds any more. Call it in a transaction."""
    kept: set[str] = set()
    for pages, plan in storage.run("SELECT DISTINCT pages, plan FROM checkpoints_of_runs"):
        if pages is not None:
            blobs.reached(storage, pages.hex(), kept)
        if plan is not None:
            kept.add(plan.hex())
    blobs.keep_only(storage, kept)


def _lineage(storage: Storage, thread: str) -> dict[str, int]:
    """The threads that a fork begins with, oldest first, and the last entry that it has of each."""
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
