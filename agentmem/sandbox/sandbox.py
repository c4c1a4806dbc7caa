"""A fork of a repository or folder in which commands run apart from the host."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Literal

from agentmem.checking import check_settings
from agentmem.closing import Closing
from agentmem.errors import SandboxError
from agentmem.sandbox import forks, rights, state
from agentmem.sandbox.changes import Diff
from agentmem.sandbox.comparing import compare, is_cache, is_git
from agentmem.sandbox.control_groups import control_group, doors
from agentmem.sandbox.copying import ignored as ignored_by_git
from agentmem.sandbox.forks import ForkSettings, ForkStore, How
from agentmem.sandbox.hiding import hide_secrets
from agentmem.sandbox.holding import HeldLimit, Walls, held_limits, room_in_memory
from agentmem.sandbox.isolation import why_no_box
from agentmem.sandbox.layered import disk_usage
from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.merging import check, merge
from agentmem.sandbox.plan import RunPlan
from agentmem.sandbox.planning import BOX, MOUNTING, Command, Isolation, make_plan
from agentmem.sandbox.ran import Ran, Snapshot
from agentmem.sandbox.rights import allowed, checked
from agentmem.sandbox.running import RunOutcome, execute
from agentmem.sandbox.tree import FileTree, canonical, remove_tree
from agentmem.sandbox.views import OverlayView


def run(
    settings: ForkSettings,
    store: ForkStore,
    where: Path,
    command: str | Sequence[str],
    timeout: float | None,
    env: Mapping[str, str],
    stdin: bytes,
    cwd: str,
    globs: Sequence[Sequence[str]],
) -> tuple[RunOutcome, tuple[HeldLimit, ...]]:
    """Run it to its end; and how its limits were held. Raises SandboxError."""
    if timeout is not None and timeout <= 0:
        raise SandboxError(f"the timeout is {timeout}; it must be above 0 seconds.")
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else [str(part) for part in command]
    if not argv or any("\0" in part for part in argv):
        raise SandboxError("there is no command to run, or it contains a zero character.")
    if settings.isolation == "none":
        hide_secrets()
    _empty(where)
    boxed = in_memory(settings, where)
    plan = make_plan(
        settings.isolation,
        Command(argv, cwd, dict(env)),
        store.mounted(str(where / BOX) if boxed else ""),
        where,
        settings.limits,
        network=settings.network,
        writable=_held_by_kernel(settings, store, globs),
        readable=settings.readable,
        room=settings.limits.disk - store.used() if boxed else None,
        keep=str(where / forks.ARRIVED) if boxed else "",
    )
    seconds = min(timeout or settings.limits.seconds, settings.limits.seconds)
    try:
        return _run(plan, settings, store, where, stdin, seconds)
    except OSError as error:
        raise SandboxError(f"the command could not be started: {error.strerror or error}.") from None
    finally:
        remove_tree(where / "scratch" / "home")
        forks.take_arrived(store, where)


def _run(
    plan: RunPlan, settings: ForkSettings, store: ForkStore, where: Path, stdin: bytes, seconds: float
) -> tuple[RunOutcome, tuple[HeldLimit, ...]]:
    """Run a plan in control groups, where there are any; and how its limits were held."""
    limits, boxed = settings.limits, bool(plan["keep"])
    bound = Walls(settings.isolation, limits, boxed, None, None).memory_bound
    with ExitStack() as opened:
        plan["held"] = opened.enter_context(state.keeping(where))
        group = opened.enter_context(control_group(bound, limits.processes))
        plan["groups"] = opened.enter_context(doors(group))
        walls = Walls(settings.isolation, limits, boxed, group.holds("memory"), group.holds("pids"))
        held = held_limits(walls)
        plan["watch"] = [one.limit for one in held if one.how == "watched"]
        on_disk = (lambda: None) if boxed else _disk_watch(store, where, limits.disk)
        outcome = execute(plan, limits, stdin, lambda: "memory" if group.passed() else on_disk(), seconds)
        if outcome.killed is None and group.passed():
            outcome = replace(outcome, killed="memory")
    return outcome, held


def in_memory(settings: ForkSettings, where: Path) -> bool:
    """Whether what commands write stands in memory, in a file system of the size that it may have, until they end."""
    return room_in_memory(settings.limits) and why_no_box(settings.isolation, where) is None


def _empty(where: Path) -> None:
    """Make the folders for one command, empty."""
    for name in ("scratch", forks.ARRIVED, f"{forks.ARRIVED}.part"):
        remove_tree(where / name)
    for name in ("scratch/home", f"{forks.ARRIVED}.part"):
        (where / name).mkdir(parents=True)


def _held_by_kernel(settings: ForkSettings, store: ForkStore, globs: Sequence[Sequence[str]]) -> list[str] | None:
    """The folders to which the kernel can hold the command; None where its rights are no such thing."""
    if len(globs) != 1 or settings.isolation in ("none", "bubblewrap"):
        return None
    held = rights.folders(globs[0])
    if held is not None and settings.isolation not in MOUNTING:
        for folder in held:
            with FileTree(Path(store.mounted()["bind"])).parent(f"{folder}/.", make=True):
                pass
    return held


def _disk_watch(store: ForkStore, where: Path, most: int) -> Callable[[], str | None]:
    """Looks at the fork and its temporary folder, but only when the disk has become fuller by half of ``most``."""
    began = os.statvfs(where)

    def over() -> str | None:
        now = os.statvfs(where)
        written = (began.f_bavail - now.f_bavail) * now.f_frsize + (began.f_favail - now.f_favail) * 4096
        return "disk" if written > most // 2 and store.used() + disk_usage(where / "scratch") > most else None

    return over


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
