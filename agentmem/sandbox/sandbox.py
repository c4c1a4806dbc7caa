"""A fork of a repository or folder in which commands run apart from the host."""

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
from agentmem.sandbox.commands import run
from agentmem.sandbox.comparing import compare, is_cache, is_git
from agentmem.sandbox.copying import ignored as ignored_by_git
from agentmem.sandbox.forks import ForkSettings, ForkStore, How
from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.merging import check, merge
from agentmem.sandbox.planning import Isolation
from agentmem.sandbox.ran import Ran, Snapshot
from agentmem.sandbox.rights import allowed, checked
from agentmem.sandbox.tree import canonical, remove_tree
from agentmem.sandbox.views import OverlayView

FIRST = "0"
"""The state that a fork began with."""


class Sandbox(Closing):
    """Made by ``Sandbox.fork``. Use it as a context manager, or ``close`` it: that removes the fork.

    Paths are relative to the fork, with "/", whatever the system. A path that leads out, or through a link, is a
    SandboxError. Runs and changes of one sandbox take turns; several sandboxes are independent.
    """

    def __init__(self, settings: ForkSettings, store: ForkStore, held: state.Held) -> None:
        """For ``fork`` and ``reopen``."""
        self._settings, self._store, self._held = settings, store, held
        self._turn = RLock()
        self._open = True

    @property
    def where(self) -> Path:
        """The folder that holds the fork's files and its state."""
        return self._held.where

    @property
    def source(self) -> Path:
        """What was forked. With mounts (any isolation but "landlock" and "none") the fork stands there inside."""
        return self._settings.source

    @property
    def how(self) -> How:
        """The way the fork was made."""
        return self._settings.how

    @property
    def isolation(self) -> Isolation:
        """What keeps commands from the host."""
        return self._settings.isolation

    @property
    def writable(self) -> tuple[str, ...] | None:
        """The globs of what runs may change; None means everything."""
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
        """A fork of ``source``, uncommitted changes included.

        ``where`` is a new or empty folder for it; None is one of our own that ``sweep`` removes if we die.
        ``writable`` are globs (``tests/**``): a run may change nothing else. ``readable`` are files and folders of
        the host that a run may read besides the system's programs and this Python.
        Raises IsolationUnavailable where no isolation works and ``isolation`` is not "none"; SandboxError.
        """
        check_settings("Sandbox.fork", locals(), forks.WANTED)
        globs = None if writable is None else tuple(checked(glob) for glob in writable)
        asked = forks.ForkRequest(how, isolation, network, limits or SandboxLimits(), globs, tuple(readable))
        return cls._begun(*forks.make(Path(source), where, asked))

    @classmethod
    def reopen(cls, where: Path) -> "Sandbox":
        """The sandbox whose fork is in ``where``, as it was when its process ended or called ``detach``.

        Raises SandboxError where there is none, or another process still holds it.
        """
        return cls(*forks.load(where))

    def fork_again(self, *, where: Path | None = None, writable: Sequence[str] | None = None) -> "Sandbox":
        """A second fork that begins with this one's present state, and is independent of it from now on.

        Its ``source`` is this one's; its ``diff()`` is against the state it began with. ``writable`` is as in
        ``fork``; None means that of this one.
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
    ) -> Ran:
        """Run a command, a string by /bin/sh, and wait for it. Every process it started is dead when this returns.

        ``timeout`` in seconds, at most the limit. ``env`` is added to a clean environment. ``writable`` narrows what
        it may change to these globs, as in ``fork``; what it changed besides is restored and named in the result.
        """
        rights = [globs for globs in (self.writable, writable) if globs is not None]
        folder = "" if cwd in (".", "") else canonical(cwd)
        with self._turns():
            before = self._store.freeze() if rights else FIRST
            if rights:
                self._save()
            outcome, held = run(
                self._settings, self._store, self.where, command, timeout, env or {}, stdin, folder, rights
            )
            restored = self._restored(before, rights) if rights else ()
        return Ran(
            command if isinstance(command, str) else tuple(command),
            outcome.exit_code,
            outcome.output,
            outcome.seconds,
            timed_out=outcome.killed == "time",
            killed=outcome.killed,
            restored=restored,
            limits=held,
        )

    def _restored(self, before: str, rights: Sequence[Sequence[str]]) -> tuple[str, ...]:
        """Undo what a run changed besides ``rights``; the paths. Caches of tools are undone without a word."""
        candidates = {
            path for path in self._store.candidates(before) if not all(allowed(path, globs) for globs in rights)
        }
        changed = forks.restore_paths(self._store, before, candidates)
        return tuple(path for path in changed if not is_cache(path))

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        name = canonical(path)
        found = self._present().find(name)
        if found is None:
            raise SandboxError(f"There is no file '{path}'.")
        if found.kind != "file":
            raise SandboxError(f"'{path}' is no regular file but a {_NAMES[found.kind]}, and links are not followed.")
        return found.data()

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place, its folders too; a file that is there keeps its mode, a link is replaced."""
        name = canonical(path)
        with self._turns():
            found = self._store.present().find(name)
            if found is not None and found.kind == "folder":
                raise SandboxError(f"'{path}' is a folder.")
            self._store.put(name, data, found.mode if found is not None and found.kind == "file" else 0o644)

    def delete(self, path: str) -> None:
        """Remove a file or a link."""
        name = canonical(path)
        with self._turns():
            found = self._store.present().find(name)
            if found is None or found.kind == "folder":
                raise SandboxError(f"There is no file '{path}'." if found is None else f"'{path}' is a folder.")
            self._store.remove(name)

    def exists(self, path: str) -> bool:
        """Whether a file, folder or link is there."""
        return self._present().find(canonical(path)) is not None

    def files(self, glob: str = "**/*") -> tuple[str, ...]:
        """The files and links whose path matches, sorted; ``.git`` is left out. "**" spans folders, "*" does not."""
        wanted = checked(glob)
        names = (name for name, found in self._present().below() if found.kind != "other" and not is_git(name))
        return tuple(sorted(name for name in names if allowed(name, (wanted,))))

    def snapshot(self) -> Snapshot:
        """The present state, to come back to. Costs what changed since the last one, by overlay next to nothing."""
        with self._turns():
            taken = self._store.freeze()
            self._save()
        return Snapshot(taken)

    def rollback(self, snapshot: Snapshot) -> None:
        """Make the tree what it was. Later snapshots remain valid."""
        with self._turns():
            self._known(snapshot)
            left = self._store.restore(snapshot.id)
            self._save()
            if left is not None:
                remove_tree(left)

    def diff(self, since: Snapshot | None = None, *, ignored: bool = False) -> Diff:
        """What changed since the fork, or since a snapshot. ``.git`` is never part of it.

        What git ignores in the source, and caches of Python's tools, are left out unless ``ignored``.
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

    def apply(self, diff: Diff) -> tuple[str, ...]:
        """Make the same changes here; the paths. Raises MergeConflict, and changes nothing, where they do not fit."""
        with self._turns():
            check(diff, self._store.present())
            forks.apply(diff, self._store)
        return diff.paths

    def merge_into(self, target: Path | None = None) -> tuple[str, ...]:
        """Bring the changes into ``target``, the source if None; the paths written.

        Each file is replaced as a whole. Raises MergeConflict, and writes nothing, where ``target`` has changed the
        same files meanwhile. ``.git`` is never part of it; nor are links that lead out (SandboxError).
        """
        return merge(self.diff(), self.source if target is None else Path(target).resolve())

    def detach(self) -> None:
        """Let go of the fork without removing it, for ``reopen``."""
        with self._turn:
            self._open = False
            self._held.release()

    def close(self) -> None:
        """Remove the fork. Doing it twice does no harm."""
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
