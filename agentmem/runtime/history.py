"""The history of runs: checkpoints that tie conversation, pages and sandbox together; forking and going back.

A checkpoint is taken before and after each run, where anything changed. Going back deletes nothing: what is now is
marked first, the pages and the sandbox are brought back, and the thread goes on as a branch that forks where the
checkpoint stands. So every entry keeps its reference, and the branch's first request reads what the cache still has.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from agentmem.errors import AgentmemError, ConfigError, ThreadNotFound, UnknownReference, WorkspaceError
from agentmem.menu import planning
from agentmem.pages.files import Files
from agentmem.pages.snapshot import KeptPage, Snapshots
from agentmem.sandbox.ran import Snapshot
from agentmem.transcript import blobs, checkpoint, trees
from agentmem.transcript.checkpoint import Checkpoint
from agentmem.transcript.journal import Journal

KEEP = 64_000_000
"""Bytes of pages that a checkpoint takes in unasked; larger workspaces are kept when a checkpoint is asked for."""

KEEP_NAMES = 20_000
"""Files of a workspace that are looked at unasked: a look at each before and after a run must not be felt."""

_TRIES = 5
_log = logging.getLogger(__name__)


class Sandboxed(Protocol):
    """What a checkpoint asks of a sandbox; agentmem.sandbox.Sandbox has it."""

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
        """The thread that ``thread`` goes on as: its latest branch, or itself where nobody went back."""
        names = checkpoint.branches(self.storage, thread)
        return names[-1] if names else thread

    def checkpoints(self, thread: str) -> tuple[Checkpoint, ...]:
        """Those of a thread and its branches, and of what it was forked from, oldest first. Raises ThreadNotFound."""
        found = checkpoint.listed(self.storage, thread)
        if not found and self.journal.head(thread) < 0:
            raise ThreadNotFound(f"there is no thread {thread!r}")
        return found

    def find(self, named: Checkpoint | str) -> Checkpoint:
        """The checkpoint of that name. Raises UnknownReference."""
        return checkpoint.find(self.storage, named.id if isinstance(named, Checkpoint) else named)

    def origin(self, at: Checkpoint | str) -> str:
        """The thread that people know a checkpoint's run by: what it is a branch of, if it is one."""
        return checkpoint.origin_of(self.storage, self.find(at).thread)

    def pages_at(self, at: Checkpoint) -> Mapping[str, KeptPage]:
        """All pages of a checkpoint, by name. Raises UnknownReference where they were too large to be kept."""
        if at.pages is None:
            raise UnknownReference(
                f"Checkpoint {at.id} has no pages: more than {self.keep // 1_000_000} MB or {KEEP_NAMES:,} files are "
                "kept only when a checkpoint is asked for: `agentmem checkpoints THREAD --mark LABEL`, or "
                "agent.checkpoint(thread)."
            )
        return trees.read(self.storage, at.pages)

    # Marking.

    def mark(self, thread: str, label: str, *, unasked: bool = False) -> Checkpoint:
        """A checkpoint of the thread as it is now; the last one where nothing changed since.

        Raises WorkspaceError when other programs keep changing pages while they are read.
        """
        snapshot = self.sandbox.snapshot() if self.sandbox else None
        for _ in range(_TRIES):
            pages = self.pages.within(self.keep, KEEP_NAMES) if unasked else self.pages.take()
            tree = None if pages is None else trees.planted(pages)
            with suppress(WorkspaceError):
                return self._write(thread, label, tree, snapshot.id if snapshot else None)
        raise WorkspaceError(f"the pages of {self.pages.files.root} change all the time: no checkpoint could be taken")

    def mark_unasked(self, thread: str, label: str) -> None:
        """As `mark`, but a failure is only logged: it is no reason to stop a run."""
        try:
            self.mark(thread, label, unasked=True)
        except AgentmemError as error:
            _log.warning("no checkpoint of thread %s: %s", thread, error)

    # Going elsewhere.

    def fork(self, at: Checkpoint | str | int, thread: str | None, to: str, into: Path | None = None) -> str:
        """The thread ``to``, which begins as the run was at a checkpoint, or at an entry of ``thread``.

        ``into`` is a folder, empty or not there yet, that gets the pages as they were.
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
        """A new fork of the sandbox as it was at a checkpoint; the sandbox itself stays as it is now.

        Raises ConfigError where the agent has no sandbox, or had none then; SandboxError.
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
        """Brings pages, plan and sandbox back to a checkpoint; gives the branch that the thread goes on as.

        What is now is marked before. After a kill, doing it again finishes it. Raises UnknownReference, ThreadBusy
        while a run holds the thread, WorkspaceError where a page cannot be written.
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
        """The thread ``to`` up to where the checkpoint stands, with its plan."""
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

    def _write(self, thread: str, label: str, tree: trees.TreeFolder | None, sandbox: str | None) -> Checkpoint:
        plan = self._plan(thread)
        hashes = (tree.name if tree else None, blobs.digest(plan) if plan else None)
        made = Checkpoint(thread, 0, self.journal.head(thread), label, *hashes, sandbox)
        with self.storage.transaction():
            last = checkpoint.latest(self.storage, thread)
            if last and made.same_as(last):
                return last
            if tree is not None:
                self._keep(tree)
            if plan is not None:
                blobs.put(self.storage, plan)
            return checkpoint.add(self.storage, made)

    def _keep(self, tree: trees.TreeFolder) -> None:
        folders, pages = trees.lacking(self.storage, tree)
        for revision, name in pages.items():
            if blobs.put(self.storage, self.pages.files.read(name)[0]) != revision:
                raise _Changed(name)
        for folder in folders:
            blobs.put(self.storage, folder.data)

    def _plan(self, thread: str) -> bytes | None:
        try:
            return Files(self.pages.files.root).read(planning.name(thread))[0]
        except WorkspaceError:
            return None


class _Changed(WorkspaceError):
    """A page changed while it was taken in: look again."""
