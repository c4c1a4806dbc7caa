"""Keeps the pages of a workspace beside the journal, as they are at its last entry, for other hosts.

    workspaces(id, version)                                        a workspace, and the number of its last change
    workspace_pages(workspace, name, revision, mode, version)      a page, a blob by its hash; revision NULL: deleted
    workspaces_of_threads(thread, workspace)                       where a thread works

A page costs a row, and each of its contents a blob, once, as in checkpoints. All of it goes with the last thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agentmem.pages.snapshot import KeptPage
from agentmem.transcript import blobs
from agentmem.transcript.storage import Storage


@dataclass(frozen=True, slots=True)
class KeptAt:
    """A page in the database, or None where one was deleted, and the number of the change."""

    page: KeptPage | None
    version: int


def workspace_of(storage: Storage, thread: str) -> str | None:
    """The workspace in which a thread works, or None."""
    rows = storage.run("SELECT workspace FROM workspaces_of_threads WHERE thread = ?", thread)
    return str(rows[0][0]) if rows else None


def version_of(storage: Storage, workspace: str) -> int:
    """The number of a workspace's last change; 0 if the database does not have it."""
    rows = storage.run("SELECT version FROM workspaces WHERE id = ?", workspace)
    return int(rows[0][0]) if rows else 0


def read(storage: Storage, workspace: str, after: int = 0) -> dict[str, KeptAt]:
    """The pages of a workspace that changed after a version, by name."""
    rows = storage.run(
        "SELECT name, revision, mode, version FROM workspace_pages WHERE workspace = ? AND version > ?",
        workspace,
        after,
    )
    return {
        name: KeptAt(None if revision is None else KeptPage(revision.hex(), mode), version)
        for name, revision, mode, version in rows
    }


def work_in(storage: Storage, thread: str, workspace: str) -> None:
    """Notes where a thread works from now on. Call it in a transaction."""
    storage.run("INSERT INTO workspaces (id, version) VALUES (?, 0) ON CONFLICT (id) DO NOTHING", workspace)
    storage.run(
        "INSERT INTO workspaces_of_threads (thread, workspace) VALUES (?, ?)"
        " ON CONFLICT (thread) DO UPDATE SET workspace = excluded.workspace",
        thread,
        workspace,
    )


def write(
    storage: Storage,
    workspace: str,
    pages: Mapping[str, KeptPage | None],
    data: Mapping[str, bytes],
    rows: Mapping[str, bytes] = MappingProxyType({}),
) -> int:
    """Writes changed pages, None for deleted ones; ``data`` has contents by revision. Call it in a transaction.

    ``rows`` are those of `blobs.ahead`. Returns the number of the change. The last write of a page counts; the contents
    before stay among the blobs.
    """
    blobs.hold(storage)
    there = blobs.present(storage, data)
    for revision in sorted(data.keys() - there):
        blobs.put(storage, data[revision], rows)
    changes = storage.run(
        "INSERT INTO workspaces (id, version) VALUES (?, 1)"
        " ON CONFLICT (id) DO UPDATE SET version = workspaces.version + 1 RETURNING version",
        workspace,
    )
    number = int(changes[0][0])
    storage.run_many(
        "INSERT INTO workspace_pages (workspace, name, revision, mode, version) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (workspace, name) DO UPDATE"
        " SET revision = excluded.revision, mode = excluded.mode, version = excluded.version",
        [
            (workspace, name, bytes.fromhex(page.revision) if page else None, page.mode if page else 0, number)
            for name, page in sorted(pages.items())
        ],
    )
    return number


def forget(storage: Storage, thread: str) -> None:
    """Forgets where a thread worked, and the pages of that workspace if no thread is left in it. In a transaction."""
    rows = storage.run("DELETE FROM workspaces_of_threads WHERE thread = ? RETURNING workspace", thread)
    for (workspace,) in rows:
        if not storage.run("SELECT 1 FROM workspaces_of_threads WHERE workspace = ? LIMIT 1", workspace):
            storage.run("DELETE FROM workspace_pages WHERE workspace = ?", workspace)
            storage.run("DELETE FROM workspaces WHERE id = ?", workspace)


def revisions(storage: Storage) -> set[str]:
    """The contents that pages hold."""
    rows = storage.run("SELECT DISTINCT revision FROM workspace_pages WHERE revision IS NOT NULL")
    return {revision.hex() for (revision,) in rows}
