"""Forgetting a thread: everything that the workspace and its database hold of it, caches and pages included."""

from pathlib import Path

from agentmem.menu import planning
from agentmem.runtime import originals
from agentmem.transcript.journal import Journal
from agentmem.types import Archive


def forget(
    journal: Journal, root: Path, thread: str, *, with_forks: bool = False, archive: Archive | None = None
) -> int:
    """Removes a thread for good: its transcript, ledger, checkpoints, plan, archive and the pages of long results.

    Pages of the workspace that the thread wrote stay. Gives the number of entries removed. Raises ThreadNotFound,
    ThreadBusy, or ThreadHasForks unless the threads that begin in it go ``with_forks``.
    """
    before = {one.name for one in journal.threads()}
    count = journal.forget(thread, with_forks=with_forks)
    for gone in sorted((before | {thread}) - {one.name for one in journal.threads()}):
        originals.forget(gone, root)
        planning.forget(gone, root)
        if archive:
            archive.forget(gone)
    return count
