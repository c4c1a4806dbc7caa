"""The history of runs: checkpoints that tie conversation, pages and sandbox together; forking, going back, forgetting.

A checkpoint is taken before and after each run, if anything changed. Going back deletes nothing: the current state is
marked first, the pages and the sandbox are brought back, and the thread continues as a branch that forks at the
checkpoint. So every entry keeps its reference, and the branch's first request reads what the cache still has.
Forgetting deletes everything of a thread in the workspace and its database, with caches and pages of long results.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from agentmem.checking import shown
from agentmem.context import offload
from agentmem.errors import AgentmemError, ConfigError, ThreadHasForks, ThreadNotFound, UnknownReference, WorkspaceError
from agentmem.menu import planning
from agentmem.pages.files import Files
from agentmem.pages.snapshot import KeptPage, Snapshots
from agentmem.sandbox.ran import Snapshot
from agentmem.transcript import blobs, checkpoint
from agentmem.transcript.checkpoint import Checkpoint
from agentmem.transcript.delegates import below
from agentmem.transcript.journal import Journal
from agentmem.types import Archive

KEEP = 64_000_000
"""The most bytes of pages that an automatic checkpoint keeps; larger workspaces are kept only on request."""

KEEP_NAMES = 20_000
"""The most files of a workspace for an automatic checkpoint: checking them before and after a run must stay fast."""

_TRIES = 5
_log = logging.getLogger(__name__)


class Sandboxed(Protocol):
    """The methods of a sandbox that a checkpoint needs; agentmem.Sandbox has them."""

    def snapshot(self) -> Snapshot: ...

    def rollback(self, snapshot: Snapshot) -> None: ...

    def fork_again(self) -> "Sandboxed": ...


class History:
    """The checkpoints of one journal and the workspace in folder ``root``, with the agent's sandbox if it has one."""

    def __init__(self, journal: Journal, root: Path, sandbox: Sandboxed | None = None, keep: int = KEEP) -> None:
        self.journal, self.storage, self.sandbox, self.keep = journal, journal.storage, sandbox, keep
        self.pages = Snapshots(root)

    # Looking back.

    def current(self, thread: str) -> str:
        """The thread as which ``thread`` continues: its latest branch, or itself. Raises ConfigError for no text."""
        if not isinstance(thread, str):
            raise ConfigError(f"a thread is named by a text, and {shown(thread)} is not")
        names = checkpoint.branches(self.storage, thread)
        return names[-1] if names else thread

    def checkpoints(self, thread: str) -> tuple[Checkpoint, ...]:
        """The checkpoints of a thread, its branches and its ancestors, the oldest first. Raises ThreadNotFound."""
        found = checkpoint.listed(self.storage, thread)
        if not found and self.journal.head(thread) < 0:
            raise ThreadNotFound(f"there is no thread {thread!r}")
        return found

    def find(self, named: Checkpoint | str) -> Checkpoint:
        """The checkpoint of that name. Raises UnknownReference."""
        return checkpoint.find(self.storage, named.id if isinstance(named, Checkpoint) else named)

    def origin(self, at: Checkpoint | str) -> str:
        """The name by which people know a checkpoint's run: the thread that it is a branch of, or itself."""
        return checkpoint.origin_of(self.storage, self.find(at).thread)

    def pages_at(self, at: Checkpoint) -> Mapping[str, KeptPage]:
        """All pages of a checkpoint, by name. Raises UnknownReference if they were too large to be kept."""
        if at.pages is None:
            raise UnknownReference(
                f"Checkpoint {at.id} has no pages: more than {self.keep // 1_000_000} MB or {KEEP_NAMES:,} files are "
                "kept only when a checkpoint is asked for: `agentmem checkpoints THREAD --mark LABEL`, or "
                "agent.checkpoint(thread)."
            )
        return blobs.read_tree(self.storage, at.pages)

    # Marking.

    def mark(self, thread: str, label: str, *, unasked: bool = False) -> Checkpoint:
        """A checkpoint of the thread as it is now, or the last one if nothing has changed since.

        Raises WorkspaceError if other programs keep changing pages while they are read.
        """
        snapshot = self.sandbox.snapshot() if self.sandbox else None
        for _ in range(_TRIES):
            pages = self.pages.within(self.keep, KEEP_NAMES) if unasked else self.pages.take()
            tree = None if pages is None else blobs.planted(pages)
            with suppress(WorkspaceError):
                return self._write(thread, label, tree, snapshot.id if snapshot else None)
        raise WorkspaceError(f"the pages of {self.pages.files.root} change all the time: no checkpoint could be taken")

    def mark_unasked(self, thread: str, label: str) -> None:
        """As `mark`, but a failure is only logged, because it must not stop a run."""
        try:
            self.mark(thread, label, unasked=True)
        except AgentmemError as error:
            _log.warning("no checkpoint of thread %s: %s", thread, error)

    # Going elsewhere.

    def fork(self, at: Checkpoint | str | int, thread: str | None, to: str, into: Path | None = None) -> str:
        """Makes the thread ``to``, which begins with the run as it was at a checkpoint, or at an entry of ``thread``.

        ``into`` is a new or empty folder that gets the pages as they were.
        """
        if isinstance(at, int):
            if thread is None or into is not None:
                raise ConfigError("an entry's number needs its thread, and has no pages: give a checkpoint for those")
            self.journal.fork(self.current(thread), at, to)
            return to
        point = self.find(at)
        if into is not None:
            self._lay_out(point, into)
        self._begin(point, to)
        return to

    def sandbox_at(self, at: Checkpoint | str) -> Sandboxed:
        """A new fork of the sandbox as it was at a checkpoint; the sandbox itself stays as it is.

        Raises ConfigError if the agent has no sandbox, or had none then; SandboxError.
        """
        point = self.find(at)
        if self.sandbox is None or point.sandbox is None:
            raise ConfigError(f"checkpoint {point.id} has no sandbox to fork: give the agent one with sandbox=")
        now = self.sandbox.snapshot()
        self.sandbox.rollback(Snapshot(point.sandbox))
        try:
            return self.sandbox.fork_again()
        finally:
            self.sandbox.rollback(now)

    def rollback(self, to: Checkpoint | str) -> str:
        """Brings pages, plan and sandbox back to a checkpoint; returns the branch as which the thread continues.

        The current state is marked before. After a kill, a repeated call finishes the work. Raises UnknownReference,
        ThreadBusy while a run holds the thread, WorkspaceError if a page cannot be written.
        """
        point = self.find(to)
        origin = checkpoint.origin_of(self.storage, point.thread)
        wanted = self.pages_at(point)
        with self.journal.lease(self.current(origin)):
            self.mark(self.current(origin), f"before going back to {point.id}")
            if self.sandbox and point.sandbox:
                self.sandbox.rollback(Snapshot(point.sandbox))
            self.pages.restore(wanted, lambda revision: blobs.get(self.storage, revision))
            branch = self._fresh(origin)
            self._begin(point, branch)
            with self.storage.transaction():
                checkpoint.branch(self.storage, origin, branch)
        return branch

    def _begin(self, point: Checkpoint, to: str) -> None:
        """Makes the thread ``to`` with the entries up to the checkpoint, and its plan."""
        if point.seq >= 0:
            self.journal.fork(point.thread, point.seq, to)
        elif self.journal.head(to) >= 0:
            raise ConfigError(f"thread {to!r} exists already: choose another name for the fork")
        if point.plan:
            root = self.pages.files.root
            Files(root).write(planning.name(to), blobs.get(self.storage, point.plan), lambda temporary: None)

    def _lay_out(self, point: Checkpoint, into: Path) -> None:
        if into.exists() and (not into.is_dir() or any(into.iterdir())):
            raise ConfigError(f"{into} is there already and not empty: name a new folder for the fork's pages")
        wanted = self.pages_at(point)
        into.mkdir(parents=True, exist_ok=True)
        Snapshots(into).restore(wanted, lambda revision: blobs.get(self.storage, revision))

    def _fresh(self, origin: str) -> str:
        number = len(checkpoint.branches(self.storage, origin)) + 1
        while self.journal.head(f"{origin}~{number}") >= 0:
            number += 1
        return f"{origin}~{number}"

    def _write(self, thread: str, label: str, tree: blobs.TreeFolder | None, sandbox: str | None) -> Checkpoint:
        plan = self._plan(thread)
        hashes = (tree.name if tree else None, blobs.digest(plan) if plan else None)
        made = Checkpoint(thread, 0, self.journal.head(thread), label, *hashes, sandbox)
        rows = self._ahead(tree) if tree else {}

        def written() -> Checkpoint:
            last = checkpoint.latest(self.storage, thread)
            if last and made.same_as(last):
                return last
            blobs.hold(self.storage)
            if tree is not None:
                self._keep(tree, rows)
            if plan is not None:
                blobs.put(self.storage, plan)
            return checkpoint.add(self.storage, made)

        return self.storage.together(written)

    def _ahead(self, tree: blobs.TreeFolder) -> dict[str, bytes]:
        """The rows of a tree's large pages that are not kept yet."""
        rows = dict[str, bytes]()
        if self.storage.attachments:
            for revision, name in blobs.lacking(self.storage, tree)[1].items():
                data = self.pages.files.read(name)[0]
                if blobs.digest(data) != revision:
                    raise _Changed(name)
                rows |= self.storage.attachments.put({revision: data})
        return rows

    def _keep(self, tree: blobs.TreeFolder, rows: Mapping[str, bytes]) -> None:
        folders, pages = blobs.lacking(self.storage, tree)
        for revision, name in pages.items():
            if blobs.put(self.storage, self.pages.files.read(name)[0], rows) != revision:
                raise _Changed(name)
        for folder in folders:
            blobs.put(self.storage, folder.data)

    def _plan(self, thread: str) -> bytes | None:
        try:
            return Files(self.pages.files.root).read(planning.name(thread))[0]
        except WorkspaceError:
            return None


class _Changed(WorkspaceError):
    """A page changed while it was read, so all pages must be read again."""


def forget(
    journal: Journal, root: Path, thread: str, *, with_forks: bool = False, archive: Archive | None = None
) -> int:
    """Removes a thread for good: its transcript, ledger, checkpoints, plan, archive and the pages of long results.

    Its delegates go with it.

    Pages of the workspace that the thread wrote stay. Returns the number of removed entries. Raises ThreadNotFound,
    ThreadBusy, or ThreadHasForks unless ``with_forks`` removes its forks too.
    """
    own = {thread, *below([one.name for one in journal.threads(f"{thread}.")], thread)}
    members = {name for one in own for name in journal.family(one)}
    if (forks := sorted(members - own)) and not with_forks:
        raise ThreadHasForks(f"threads begin in {thread!r}: {', '.join(forks)}. Forget those first, or all together")
    delegates = sorted(own - {thread}, key=lambda name: (-len(name), name))  # a delegate's own delegates first
    count = sum(journal.forget(one, with_forks=with_forks) for one in delegates)
    count += journal.forget(thread, with_forks=with_forks)
    for gone in sorted(members):
        offload.forget_pages(gone, root)
        planning.forget(gone, root)
        if archive:
            archive.forget(gone)
    return count
