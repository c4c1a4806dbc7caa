"""A fork of a repository or folder in which commands run apart from the host."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

from agentmem.runtime.sandbox.changes import Diff
from agentmem.runtime.sandbox.limits import Limits
from agentmem.runtime.sandbox.ran import Ran
from agentmem.runtime.sandbox.snapshots import Snapshot

How = Literal["overlay", "reflink", "worktree", "copy"]
Isolation = Literal["bubblewrap", "namespaces", "landlock", "none"]


class Sandbox:
    """Made by ``Sandbox.fork``. Use it as a context manager, or ``close`` it: that removes the fork.

    Paths are relative to the fork, with "/", whatever the system. A path that leads out, or through a link, is a
    SandboxError. Runs and changes of one sandbox take turns; several sandboxes are independent.
    """

    where: Path
    """The folder that holds the fork's files and its state."""
    source: Path
    how: How
    isolation: Isolation

    @classmethod
    def fork(
        cls,
        source: Path | str,
        *,
        where: Path | None = None,
        how: How | Literal["auto"] = "auto",
        isolation: Isolation | Literal["auto"] = "auto",
        network: bool = False,
        limits: Limits | None = None,
        writable: Sequence[str] | None = None,
        readable: Sequence[Path] = (),
    ) -> "Sandbox":
        """A fork of ``source``, uncommitted changes included.

        ``where`` is a new or empty folder for it; None is one of our own that ``sweep`` removes if we die.
        ``writable`` are globs (``tests/**``): a run may change nothing else. ``readable`` are files and folders of
        the host that a run may read besides the system's programs and this Python.
        Raises IsolationUnavailable where no isolation works and ``isolation`` is not "none"; SandboxError.
        """
        raise NotImplementedError

    @classmethod
    def reopen(cls, where: Path) -> "Sandbox":
        """The sandbox whose fork is in ``where``, as it was when its process ended or called ``detach``.

        Raises SandboxError where there is none, or another process still holds it.
        """
        raise NotImplementedError

    def fork_again(self, *, where: Path | None = None, writable: Sequence[str] | None = None) -> "Sandbox":
        """A second fork that begins with this one's present state, and is independent of it from now on.

        Its ``source`` is this one's; its ``diff()`` is against the state it began with.
        """
        raise NotImplementedError

    def run(
        self,
        command: str | Sequence[str],
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        cwd: str = ".",
        writable: Sequence[str] | None = None,
    ) -> Ran:
        """Run a command, a string by /bin/sh, and wait for it. Every process it started is dead when this returns.

        ``timeout`` in seconds, at most the limit. ``env`` is added to a clean environment. ``writable`` narrows what
        it may change to these globs, as in ``fork``; what it changed besides is restored and named in the result.
        """
        raise NotImplementedError

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        raise NotImplementedError

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place, its folders too; a file that is there keeps its mode."""
        raise NotImplementedError

    def delete(self, path: str) -> None:
        """Remove a file or a link."""
        raise NotImplementedError

    def exists(self, path: str) -> bool:
        """Whether a file, folder or link is there."""
        raise NotImplementedError

    def files(self, glob: str = "**/*") -> tuple[str, ...]:
        """The files and links whose path matches, sorted; ``.git`` is left out."""
        raise NotImplementedError

    def snapshot(self) -> Snapshot:
        """The present state, to come back to. Costs what changed since the last one, by overlay next to nothing."""
        raise NotImplementedError

    def rollback(self, snapshot: Snapshot) -> None:
        """Make the tree what it was. Later snapshots remain valid."""
        raise NotImplementedError

    def diff(self, since: Snapshot | None = None, *, ignored: bool = False) -> Diff:
        """What changed since the fork, or since a snapshot. What git ignores is left out unless ``ignored``."""
        raise NotImplementedError

    def apply(self, diff: Diff) -> tuple[str, ...]:
        """Make the same changes here; the paths. Raises MergeConflict, and changes nothing, where they do not fit."""
        raise NotImplementedError

    def merge_into(self, target: Path | None = None) -> tuple[str, ...]:
        """Bring the changes into ``target``, the source if None; the paths written.

        Each file is replaced as a whole. Raises MergeConflict, and writes nothing, where ``target`` has changed the
        same files meanwhile. ``.git`` is never part of it; nor are links that lead out (SandboxError).
        """
        raise NotImplementedError

    def detach(self) -> None:
        """Let go of the fork without removing it, for ``reopen``."""
        raise NotImplementedError

    def close(self) -> None:
        """Remove the fork. Doing it twice does no harm."""
        raise NotImplementedError

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
