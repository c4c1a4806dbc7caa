"""The sandbox that users hold: a fork of a repository or folder, where commands run apart from the host."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Literal

from agentmem.checking import check_settings
from agentmem.closing import Closing
from agentmem.errors import SandboxError
from agentmem.sandbox import forks, state
from agentmem.sandbox.changes import Diff
from agentmem.sandbox.commands import disk_watch, run
from agentmem.sandbox.comparing import compare, is_cache, is_git
from agentmem.sandbox.copying import ignored as ignored_by_git
from agentmem.sandbox.forks import ForkSettings, ForkStore, How
from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.merging import check, forbidden, merge
from agentmem.sandbox.planning import Isolation
from agentmem.sandbox.ran import Ran, Snapshot
from agentmem.sandbox.rights import allowed, checked
from agentmem.sandbox.ties import UNTIED, Ties
from agentmem.sandbox.tree import canonical, remove_tree
from agentmem.sandbox.views import OverlayView

FIRST = "0"
"""The first state of a fork."""


class Sandbox(Closing):
    """A fork of a folder. Make it with ``Sandbox.fork``, and use it as a context manager, or ``close`` it to remove it.

    Paths are relative to the fork and use "/" on every system. A path that leads out, or goes through a link, raises
    SandboxError. Runs and changes of one sandbox take turns. Several sandboxes are independent.

    Example:
        >>> with Sandbox.fork("repository") as sandbox:
        ...     sandbox.write("fix.py", b"print('fixed')\\n")
        ...     ran = sandbox.run("python fix.py", timeout=60)
        ...     if ran.ok:
        ...         sandbox.merge_into()
    """

    def __init__(self, settings: ForkSettings, store: ForkStore, held: state.Held) -> None:
        """Use ``fork`` or ``reopen`` instead."""
        self._settings, self._store, self._held = settings, store, held
        self._disk = disk_watch(settings, store, held.where)
        self._turn = RLock()
        self._open = True

    @property
    def where(self) -> Path:
        """The folder with the fork's files and state."""
        return self._held.where

    @property
    def source(self) -> Path:
        """The folder that was forked. With mounts (not "landlock" or "none") the fork has its path inside."""
        return self._settings.source

    @property
    def how(self) -> How:
        """The way in which the fork was made."""
        return self._settings.how

    @property
    def isolation(self) -> Isolation:
        """The walls between commands and the host."""
        return self._settings.isolation

    @property
    def writable(self) -> tuple[str, ...] | None:
        """The globs of the files that runs may change; None means all."""
        return self._settings.writable

    @classmethod
    def fork(
        cls,
        source: Path | str,
        *,
        where: Path | None = None,
        how: How | Literal["auto"] = "auto",
        isolation: Isolation | Literal["auto"] = "auto",
        network: bool = False,
        limits: SandboxLimits | None = None,
        writable: Sequence[str] | None = None,
        readable: Sequence[Path] = (),
    ) -> "Sandbox":
        """Fork ``source``, with its uncommitted changes.

        Args:
            source: the folder to fork.
            where: a new or empty folder for the fork. None makes one that ``sweep`` removes if this process dies.
            how: the way to fork; "auto" takes the first that works here.
            isolation: the walls around commands; "auto" takes the first that works here. "none" builds no walls: then
                commands have all your rights.
            network: give commands the host's network.
            limits: limits on each run.
            writable: globs (``tests/**``). Runs may change only these files.
            readable: files and folders of the host that runs may read, besides the system's programs and this Python.

        Raises:
            IsolationUnavailable: no isolation works.
            SandboxError: the fork cannot be made.
        """
        check_settings("Sandbox.fork", locals(), forks.WANTED)
        globs = None if writable is None else tuple(checked(glob) for glob in writable)
        asked = forks.ForkRequest(how, isolation, network, limits or SandboxLimits(), globs, tuple(readable))
        return cls._begun(*forks.make(Path(source), where, asked))

    @classmethod
    def reopen(cls, where: Path) -> "Sandbox":
        """Open the fork in ``where``, as it was when its process ended or called ``detach``.

        Raises SandboxError if there is none, or if another process holds it.
        """
        return cls(*forks.load(where))

    def fork_again(self, *, where: Path | None = None, writable: Sequence[str] | None = None) -> "Sandbox":
        """Make a second fork from the present state of this one. From then on the two are independent.

        It has the same ``source``. Its ``diff()`` is against the state that it began with. ``writable`` is as in
        ``fork``; None means that of this sandbox.
        """
        globs = self.writable if writable is None else tuple(checked(glob) for glob in writable)
        with self._turns():
            made = forks.make_again(self._settings, self._store, where, globs)
            self._save()
        return self._begun(*made)

    @classmethod
    def _begun(cls, settings: ForkSettings, store: ForkStore, held: state.Held) -> "Sandbox":
        sandbox = cls(settings, store, held)
        sandbox._save()
        return sandbox

    def run(
        self,
        command: str | Sequence[str],
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        cwd: str = ".",
        writable: Sequence[str] | None = None,
        ties: Ties = UNTIED,
    ) -> Ran:
        """Run a command and wait for it. When this returns, every process that it started has ended.

        Args:
            command: a program with its arguments, or a string for /bin/sh.
            timeout: seconds, at most the limit.
            env: variables that are added to a clean environment.
            stdin: the bytes that it can read.
            cwd: the folder to run in, relative to the fork.
            writable: globs that narrow the files it may change, as in ``fork``; other changes are undone and named.
            ties: what the command has in common with others; by default nothing.

        Raises SandboxError if the command cannot be run. A command that fails does not raise: see ``Ran``.
        """
        rights = [globs for globs in (self.writable, writable) if globs is not None]
        folder = "" if cwd in (".", "") else canonical(cwd)
        with self._turns():
            before = self._frozen() if rights else FIRST
            given = (command, timeout, env or {}, stdin, folder, rights, ties)
            outcome, held = run(self._settings, self._store, self.where, self._disk, *given)
            restored = self._restored(before, rights) if rights else ()
        return Ran(
            command if isinstance(command, str) else tuple(command),
            *(outcome.exit_code, outcome.output, outcome.seconds),
            timed_out=outcome.killed == "time",
            killed=outcome.killed,
            restored=restored,
            limits=held,
        )

    def _frozen(self) -> str:
        """The state before a run that has rights."""
        before = self._store.freeze()
        self._save()
        return before

    def _restored(self, before: str, rights: Sequence[Sequence[str]]) -> tuple[str, ...]:
        """Undo a run's changes outside ``rights``. Returns their paths; caches of tools are undone but not named."""
        candidates = {
            path for path in self._store.candidates(before) if not all(allowed(path, globs) for globs in rights)
        }
        changed = forks.restore_paths(self._store, before, candidates)
        return tuple(path for path in changed if not is_cache(path))

    def read(self, path: str, *, most: int | None = None) -> bytes:
        """The bytes of a file. Raises SandboxError if it is missing, not a regular file, or larger than ``most``."""
        name = canonical(path)
        found = self._present().find(name)
        if found is None:
            raise SandboxError(f"There is no file '{path}'.")
        if found.kind != "file":
            raise SandboxError(f"'{path}' is not a regular file but a {_NAMES[found.kind]}; links are not followed.")
        if most is not None and found.status.st_size > most:
            raise SandboxError(f"'{path}' has {found.status.st_size:,} bytes, and {most:,} are the most.")
        return found.data()

    def write(self, path: str, data: bytes) -> None:
        """Write a file, and make its folders. An existing file keeps its mode; a link is replaced."""
        name = canonical(path)
        with self._turns():
            found = self._store.present().find(name)
            if found is not None and found.kind == "folder":
                raise SandboxError(f"'{path}' is a folder.")
            self._store.put(name, data, found.mode if found is not None and found.kind == "file" else 0o644)

    def delete(self, path: str) -> None:
        """Remove a file or a link. Raises SandboxError if it is missing or a folder."""
        name = canonical(path)
        with self._turns():
            found = self._store.present().find(name)
            if found is None or found.kind == "folder":
                raise SandboxError(f"There is no file '{path}'." if found is None else f"'{path}' is a folder.")
            self._store.remove(name)

    def exists(self, path: str) -> bool:
        """True if the path is a file, folder or link."""
        return self._present().find(canonical(path)) is not None

    def files(self, glob: str = "**/*") -> tuple[str, ...]:
        """The files and links whose path matches, sorted, without ``.git``. "**" spans folders, "*" does not."""
        wanted = checked(glob)
        names = (name for name, found in self._present().below() if found.kind != "other" and not is_git(name))
        return tuple(sorted(name for name in names if allowed(name, (wanted,))))

    def snapshot(self) -> Snapshot:
        """Store the present state, for ``rollback``. Its cost is what changed since the last one; by overlay little."""
        with self._turns():
            taken = self._store.freeze()
            self._save()
        return Snapshot(taken)

    def rollback(self, snapshot: Snapshot) -> None:
        """Restore the tree from a snapshot. Later snapshots remain valid."""
        with self._turns():
            self._known(snapshot)
            left = self._store.restore(snapshot.id)
            self._save()
            if left is not None:
                remove_tree(left)

    def diff(self, since: Snapshot | None = None, *, ignored: bool = False) -> Diff:
        """The changes since the fork, or since a snapshot. ``.git`` is never part of it.

        Files that git ignores in the source, and caches of Python's tools, are included only if ``ignored``.
        """
        with self._turns():
            before = self._known(since) if since else FIRST
            paths = [path for path in self._store.candidates(before) if not is_git(path)]
            left_out: set[str] = set()
            if not ignored:
                left_out = {path for path in paths if is_cache(path)} | ignored_by_git(self.source, paths)
            return compare(
                self._store.view(before), self._store.present(), paths, left_out, forks.stamps(self.where, self.source)
            )

    def apply(self, diff: Diff, *, over: bool = False) -> tuple[str, ...]:
        """Make the same changes here; returns their paths. Raises MergeConflict, and changes nothing, if they clash.

        With ``over`` they do not: each path becomes what it is in the diff, whatever is there now.
        """
        with self._turns():
            if not over:
                check(diff, self._store.present())
            elif said := next(filter(None, map(forbidden, diff.changes)), None):
                raise SandboxError(said)
            forks.apply(diff, self._store, over=over)
        return diff.paths

    def merge_into(self, target: Path | None = None) -> tuple[str, ...]:
        """Write the changes into ``target``; None means the source. Returns the paths that were written.

        Each file is replaced as a whole. Raises MergeConflict, and writes nothing, if ``target`` has since changed the
        same files. ``.git`` is never written. A link that leads out raises SandboxError.
        """
        return merge(self.diff(), self.source if target is None else Path(target).resolve())

    def detach(self) -> None:
        """Release the fork without removing it, for ``reopen``."""
        with self._turn:
            self._open = False
            self._held.release()

    def close(self) -> None:
        """Remove the fork. Closing it twice does no harm."""
        with self._turn:
            if self._open:
                self._open = False
                self._held.remove()

    @contextmanager
    def _turns(self) -> Iterator[None]:
        with self._turn:
            self._present()
            yield

    def _present(self) -> OverlayView:
        if not self._open:
            raise SandboxError("this sandbox is closed.")
        return self._store.present()

    def _known(self, snapshot: Snapshot) -> str:
        if not re.fullmatch(r"\d+", snapshot.id) or not self._store.has(snapshot.id):
            raise SandboxError(f"this sandbox has no snapshot '{snapshot.id}'.")
        return snapshot.id

    def _save(self) -> None:
        state.save(self.where, {**self._settings.described(), "store": self._store.described()})


_NAMES = {"link": "link", "folder": "folder", "other": "socket, pipe or device"}
