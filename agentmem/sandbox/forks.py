"""Makes, opens and removes forks. Chooses the way of forking that works on this machine."""

import logging
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from agentmem.checking import FLAG, NOTHING, PATH, PATHS, TEXTS, Wanted, among, of
from agentmem.errors import SandboxError
from agentmem.sandbox import state
from agentmem.sandbox.changes import Diff
from agentmem.sandbox.comparing import same
from agentmem.sandbox.copied import Copied
from agentmem.sandbox.copying import can_reflink, explain, is_repository
from agentmem.sandbox.isolation import ORDER, choose, why_no_overlay, why_not
from agentmem.sandbox.layered import Layered
from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.plan import MountedTree as Mounted
from agentmem.sandbox.planning import MOUNTING, Isolation
from agentmem.sandbox.stamps import Stamps
from agentmem.sandbox.state import abandoned, default_root
from agentmem.sandbox.tree import folders_above, remove_tree
from agentmem.sandbox.views import FoundFile, OverlayView
from agentmem.sandbox.write_ahead import recover

_log = logging.getLogger(__name__)


def sweep(root: Path | None = None) -> tuple[Path, ...]:
    """Remove the forks below ``root`` that no living process holds.

    None means where forks go that were given no place; the first such fork of a process sweeps there by itself. One
    that was given its place (``where=``) stays for ``Sandbox.reopen``, unless the folder that it is in is given here.
    One that cannot be removed stays, and a warning is logged.
    """
    removed = []
    for held in abandoned(default_root() if root is None else root):
        try:
            held.remove()
        except (SandboxError, OSError) as error:
            _log.warning("the fork in %s could not be removed, and stays: %s", held.where, error)
        else:
            removed.append(held.where)
    return tuple(removed)


@cache
def sweep_once(root: Path) -> None:
    """Call ``sweep``, only once per process."""
    sweep(root)


How = Literal["overlay", "reflink", "worktree", "copy"]

WANTED: Mapping[str, Wanted] = {
    "source": PATH,
    "where": PATH | NOTHING,
    "how": among("auto", *get_args(How)),
    "isolation": among("auto", *get_args(Isolation)),
    "network": FLAG,
    "limits": of(SandboxLimits, "agentmem.SandboxLimits") | NOTHING,
    "writable": TEXTS | NOTHING,
    "readable": PATHS,
}
"""The types of the arguments of Sandbox.fork."""

_STAMPS = "stamps"
ARRIVED = "arrived"
"""The folder of a fork to which is copied what a command wrote in memory; until all of it is there, ARRIVED.part."""

_SECRET = re.compile(
    rb"(?im)^[ \t]*(extraheader|helper|password|token|cookiefile|sslkey)[ \t]*=.*\n?|(?<=://)[^/@\s]+@"
)
"""Secrets in git's configuration that commands must not see: headers with tokens, users in addresses."""


class ForkStore(Protocol):
    """A fork's files, as an overlay or as copies. Paths are canonical. A state's name is a string; "0" is the first."""

    @property
    def where(self) -> Path: ...
    def make(self) -> None: ...
    def begin(self) -> None: ...
    def present(self) -> OverlayView: ...
    def view(self, state: str) -> OverlayView: ...
    def has(self, state: str) -> bool: ...
    def mounted(self, box: str = "") -> Mounted: ...
    def take(self, arrived: Path) -> None: ...
    def freeze(self) -> str: ...
    def restore(self, state: str) -> Path | None: ...
    def candidates(self, state: str) -> set[str]: ...
    def put(self, path: str, data: bytes, mode: int) -> None: ...
    def link(self, path: str, target: bytes) -> None: ...
    def remove(self, path: str) -> None: ...
    def prune(self, path: str) -> None: ...
    def used(self) -> int: ...
    def again(self, where: Path) -> "ForkStore": ...
    def described(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class ForkRequest:
    """The properties that a caller wants a fork to have."""

    how: How | Literal["auto"]
    isolation: Isolation | Literal["auto"]
    network: bool
    limits: SandboxLimits
    writable: tuple[str, ...] | None
    readable: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ForkSettings:
    """The properties of a fork. They never change."""

    source: Path
    how: How
    isolation: Isolation
    network: bool
    limits: SandboxLimits
    writable: tuple[str, ...] | None
    readable: tuple[Path, ...]

    def described(self) -> dict[str, Any]:
        readable = [str(path) for path in self.readable]
        return {**asdict(self), "source": str(self.source), "readable": readable}

    @classmethod
    def of(cls, said: dict[str, Any]) -> "ForkSettings":
        writable = None if said["writable"] is None else tuple(said["writable"])
        readable = tuple(Path(path) for path in said["readable"])
        limits = SandboxLimits(**said["limits"])
        return cls(Path(said["source"]), said["how"], said["isolation"], said["network"], limits, writable, readable)


def make(source: Path, where: Path | None, asked: ForkRequest) -> tuple[ForkSettings, ForkStore, state.Held]:
    """Make a fork and lock it. Raises SandboxError or IsolationUnavailable, and then leaves nothing behind."""
    source = source.resolve()
    if not source.is_dir() or source == Path("/"):
        raise SandboxError(f"{source} cannot be forked: name a folder.")
    recover(source)
    held = _folder(where)
    with state.removed_on_failure(held):
        if held.where.is_relative_to(source):
            raise SandboxError(f"{held.where} is in what is to be forked; give the fork a place outside of it.")
        isolation = _isolation(asked, held.where)
        how = _way(asked, source, held.where, isolation)
        settings = ForkSettings(source, how, isolation, asked.network, asked.limits, asked.writable, asked.readable)
        store = _store(settings, held.where)
        try:
            _fill(store, source, held.where)
        except OSError as error:
            raise explain(error, how) from None
    return settings, store, held


def available() -> list[How]:
    """The ways that work in the default folder. Those by git need a repository as well."""
    root = state.default_root()
    overlay = any(why_not(one) is None and why_no_overlay(one, root) is None for one in MOUNTING)
    works: dict[How, bool] = {
        "overlay": overlay,
        "reflink": can_reflink(root),
        "worktree": shutil.which("git") is not None,
        "copy": True,
    }
    return [how for how, here in works.items() if here]


def make_again(
    settings: ForkSettings, store: ForkStore, where: Path | None, writable: tuple[str, ...] | None
) -> tuple[ForkSettings, ForkStore, state.Held]:
    """Make a fork of a fork."""
    held = _folder(where)
    with state.removed_on_failure(held):
        try:
            other = store.again(held.where)
        except OSError as error:
            raise explain(error, settings.how) from None
        for name in ("root", "scratch"):
            (held.where / name).mkdir()
        stamps(store.where, settings.source).save(held.where / _STAMPS)
    return replace(settings, writable=writable), other, held


def load(where: Path) -> tuple[ForkSettings, ForkStore, state.Held]:
    """Open an existing fork."""
    state.load(where)
    held = state.Held(where.resolve())
    try:
        said = state.load(held.where)
        settings = ForkSettings.of(said)
        recover(settings.source)
        store = _load(settings, held.where, said["store"])
        take_arrived(store, held.where)
        return settings, store, held
    except BaseException:
        held.release()
        raise


def take_arrived(store: ForkStore, where: Path) -> None:
    """Bring in what the last command wrote, if that was kept as a whole."""
    if (where / ARRIVED).is_dir():
        store.take(where / ARRIVED)
    remove_tree(where / f"{ARRIVED}.part")


def stamps(where: Path, source: Path) -> Stamps:
    """The stamps of the source when it was forked."""
    return Stamps.load(where / _STAMPS, source)


def apply(diff: Diff, store: ForkStore, *, over: bool = False) -> None:
    """Make changes; those that are made already stay. The caller has checked that they fit.

    With ``over`` they need not: what stands in the way of a file is removed.
    """
    for change in diff.changes:
        if change.after is None and _file(store.present(), change.path) is not None:
            store.remove(change.path)
            store.prune(change.path)
    for change in diff.changes:
        if over and change.after is not None:
            _make_room(store, change.path)
        if change.after is not None and change.is_link:
            store.link(change.path, change.after)
        elif change.after is not None:
            store.put(change.path, change.after, change.mode)


def _make_room(store: ForkStore, path: str) -> None:
    """Remove a folder that stands at a path, and files and links that stand above it."""
    for one in (path, *folders_above(path)):
        found = store.present().find(one)
        if found is not None and (found.kind == "folder") == (one == path):
            store.remove(one)


def restore_paths(store: ForkStore, before: str, paths: Iterable[str]) -> list[str]:
    """Restore single files from a state. Returns the paths that differed."""
    then, now = store.view(before), store.present()
    differing = [path for path in sorted(paths) if not same(_file(then, path), _file(now, path))]
    for path in differing:
        if _file(now, path) is not None:
            store.remove(path)
            store.prune(path)
    for path in differing:
        found = _file(then, path)
        if found is not None and found.kind == "link":
            store.link(path, found.data())
        elif found is not None and found.kind == "file":
            store.put(path, found.data(), found.mode)
    return differing


def _file(view: OverlayView, path: str) -> FoundFile | None:
    found = view.find(path)
    return None if found is None or found.kind == "folder" else found


def _folder(where: Path | None) -> state.Held:
    if where is None:
        sweep_once(state.default_root())
    return state.Held(state.new_folder(where), new=True)


def _isolation(asked: ForkRequest, where: Path) -> Isolation:
    """The isolation that was asked for or chosen. A requested overlay needs one that mounts."""
    if asked.how == "overlay" and asked.isolation == "auto":
        working = [one for one in ORDER if one in MOUNTING and why_not(one) is None]
        return working[0] if working else choose("namespaces")
    return choose(asked.isolation)


def _way(asked: ForkRequest, source: Path, where: Path, isolation: Isolation) -> How:
    """The way that was asked for, or the first that works here. Raises SandboxError if there is none."""
    reasons: dict[How, Callable[[], str | None]] = {
        "overlay": lambda: why_no_overlay(isolation, where),
        "reflink": lambda: None if can_reflink(where) else "the file system shares no blocks",
        "worktree": lambda: None if is_repository(source) else f"{source} is not the top of a repository with a commit",
        "copy": lambda: None,
    }
    if asked.how == "auto":
        return next(how for how, reason in reasons.items() if reason() is None)
    if reason := reasons[asked.how]():
        raise SandboxError(f"no fork by {asked.how} here: {reason}.")
    return asked.how


def _store(settings: ForkSettings, where: Path) -> ForkStore:
    if settings.how == "overlay":
        return Layered(where, settings.source)
    return Copied(where, settings.source, settings.how)


def _load(settings: ForkSettings, where: Path, said: dict[str, Any]) -> ForkStore:
    if settings.how == "overlay":
        return Layered.load(where, settings.source, said)
    return Copied.load(where, settings.source, settings.how, said)


def _fill(store: ForkStore, source: Path, where: Path) -> None:
    for name in ("root", "scratch"):
        (where / name).mkdir()
    Stamps.take(source).save(where / _STAMPS)
    store.make()
    found = store.present().find(".git/config")
    with suppress(SandboxError):
        if found is not None and (text := found.data()) != (clean := _SECRET.sub(b"", text)):
            store.put(".git/config", clean, 0o644)
    store.begin()
