"""Remembers under which key a task was submitted, so that no task is started twice, on any host.

    submissions(key, thread, run, task, submitted)

The row is written in the transaction that appends the task to its thread: there is never one without the other.
"""

from dataclasses import dataclass

from agentmem.errors import KeyTaken
from agentmem.transcript.storage import Storage


@dataclass(frozen=True, slots=True)
class Submission:
    """A task under its key: the thread and the name of the run that works on it, and the task's sha256 in hex."""

    key: str
    thread: str
    run: str
    task: str


def find(storage: Storage, key: str) -> Submission | None:
    """The task that was started under the key, or None."""
    rows = storage.run("SELECT key, thread, run, task FROM submissions WHERE key = ?", key)
    return next((Submission(name, thread, run, task.hex()) for name, thread, run, task in rows), None)


def add(storage: Storage, made: Submission) -> None:
    """Writes the row; a repeated call is safe. Call it in a transaction. Raises KeyTaken."""
    added = storage.run(
        "INSERT INTO submissions (key, thread, run, task, submitted) VALUES (?, ?, ?, ?, {now})"
        " ON CONFLICT (key) DO NOTHING RETURNING key",
        made.key,
        made.thread,
        made.run,
        bytes.fromhex(made.task),
    )
    if not added:
        known = find(storage, made.key)
        if known != made:
            raise taken(made.key, known.thread if known else "another")


def taken(key: str, thread: str) -> KeyTaken:
    """The error for a key under which something else was submitted to ``thread``."""
    return KeyTaken(
        f"another task was submitted under the key {key!r}, to thread {thread!r}: nothing was started. A key names one "
        "task for ever: give each task a key of its own, such as a hash of its content"
    )


def forget(storage: Storage, thread: str) -> int:
    """Deletes the rows of a thread; returns their number. Its keys are free again."""
    return len(storage.run("DELETE FROM submissions WHERE thread = ? RETURNING key", thread))
