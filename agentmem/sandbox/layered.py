"""A fork by overlay: the source below, the changes in layers above it. Forks and snapshots copy nothing."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentmem.errors import SandboxError
from agentmem.sandbox.copying import copy_file, linked
from agentmem.sandbox.plan import MountedTree as Mounted
from agentmem.sandbox.tree import FileTree, entries, folders_above, remove_tree
from agentmem.sandbox.views import OPAQUE, Layers, enterable, is_opaque, is_whiteout

MOST_LAYERS = 40
"""More layers are merged into one. The kernel takes 500, but looks a file up in each."""


@dataclass(slots=True)
class Layered:
    """A ForkStore. ``live`` names the layer that is written, ``frozen`` those below it, topmost first; all numbers."""

    where: Path
    source: Path
    live: str = "0"
    frozen: tuple[str, ...] = ()
    states: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def make(self) -> None:
        """Make the folders of a new fork."""
        for name in ("layers/0", "work"):
            (self.where / name).mkdir(parents=True)

    def begin(self) -> None:
        """Make the first state, "0"."""
        self.freeze()

    def present(self) -> Layers:
        return self._view((self.live, *self.frozen))

    def view(self, state: str) -> Layers:
        return self._view(self.states[state])

    def mounted(self, box: str = "") -> Mounted:
        """With a ``box``, a command writes to a layer in there, and ``take`` brings it in."""
        names = (self.live, *self.frozen) if box else self.frozen
        lower = [*(str(self._folder(name)) for name in names), str(self.source)]
        upper, work = str(self._folder(self.live)), str(self.where / "work")
        if box:
            upper, work = f"{box}/upper", f"{box}/work"
        return Mounted(at=str(self.source), bind="", lower=lower, upper=upper, work=work)

    def freeze(self) -> str:
        """Store the present state. From now on a new layer is written."""
        with os.scandir(self._folder(self.live)) as found:
            empty = next(found, None) is None
        if not empty:
            self.frozen = (self.live, *self.frozen)
            self._begin()
            if len(self.frozen) > MOST_LAYERS:
                self.frozen = (self._squash(),)
        for state, layers in self.states.items():
            if layers == self.frozen:
                return state
        state = f"{len(self.states)}"
        self.states[state] = self.frozen
        return state

    def take(self, arrived: Path) -> None:
        """Bring in what a command wrote over the layers, as one more layer."""
        try:
            arrived.rename(self._folder(self.live))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            lay(arrived, self._folder(self.live), [*map(self._folder, self.frozen), self.source])
            remove_tree(arrived)

    def has(self, state: str) -> bool:
        return state in self.states

    def restore(self, state: str) -> Path | None:
        """Go back to a state. Returns the layer that is no longer needed."""
        left = self._folder(self.live)
        self.frozen = self.states[state]
        self._begin()
        return left

    def candidates(self, state: str) -> set[str]:
        """The paths of files and links that may differ between ``state`` and the present."""
        before, after = self.view(state), self.present()
        mine, its = (self.live, *self.frozen), self.states[state]
        found: set[str] = set()
        for name in {*mine, *its} - (set(mine) & set(its)):
            for path, status in entries(self._folder(name)):
                is_folder = enterable(path, status)
                if not is_folder or _file_at(before, path):
                    found.add(path)
                if not is_folder or is_opaque(self._folder(name) / path):
                    found.update(_below(before, path), _below(after, path))
        return found

    def put(self, path: str, data: bytes, mode: int) -> None:
        self._make_way(path)
        self._clear(path)
        FileTree(self._folder(self.live)).put(path, data, mode)

    def link(self, path: str, target: bytes) -> None:
        self._make_way(path)
        self._clear(path)
        with FileTree(self._folder(self.live)).staged_link(path, target) as place:
            place()

    def remove(self, path: str) -> None:
        live = FileTree(self._folder(self.live))
        live.discard(path)
        if self.present().find(path) is None:
            return  # in a folder with nothing below it the kernel would list a whiteout, as a file that is not there
        self._make_way(path)
        with live.parent(path) as (folder, name):
            os.mknod(name, stat.S_IFCHR, 0, dir_fd=folder)

    def prune(self, path: str) -> None:
        """Remove the folders above ``path`` that the live layer made and that are empty. What they hid stays hidden."""
        live = FileTree(self._folder(self.live))
        for above in folders_above(path):
            hid = is_opaque(self._folder(self.live) / above)
            if not live.remove_empty(above):
                return
            if hid:
                self.remove(above)

    def used(self) -> int:
        """Bytes on the disk of all layers."""
        return disk_usage(self.where / "layers")

    def again(self, where: Path) -> "Layered":
        """A new fork with the same content. What either of them changes is not shared."""
        self.freeze()
        other = Layered(where, self.source)
        other.make()
        for name in reversed(self.frozen):
            lay(self._folder(name), other._folder("0"), [self.source])
        other.freeze()
        return other

    def described(self) -> dict[str, Any]:
        return {"live": self.live, "frozen": self.frozen, "states": self.states}

    @classmethod
    def load(cls, where: Path, source: Path, said: dict[str, Any]) -> "Layered":
        states = {state: tuple(layers) for state, layers in said["states"].items()}
        return cls(where, source, said["live"], tuple(said["frozen"]), states)

    def _folder(self, name: str) -> Path:
        return self.where / "layers" / name

    def _view(self, names: Sequence[str]) -> Layers:
        return Layers([*(self._folder(name) for name in names), self.source])

    def _begin(self) -> None:
        self.live = str(1 + max(int(path.name) for path in (self.where / "layers").iterdir()))
        self._folder(self.live).mkdir()

    def _squash(self) -> str:
        name = str(int(self.live) + 1)
        self._folder(name).mkdir()
        for layer in reversed(self.frozen):
            lay(self._folder(layer), self._folder(name), [self.source])
        return name

    def _clear(self, path: str) -> None:
        """Remove a folder of the live layer that only hides files of the layers below: a file can take its place."""
        live = FileTree(self._folder(self.live))
        if live.status(path) is None:
            return
        view = self.present()
        found = view.find(path)
        if found is not None and found.kind == "folder" and not any(view.below(path)):
            live.discard(path)

    def _make_way(self, path: str) -> None:
        """Make the folders above ``path`` in the live layer. They still show what the fork has in them."""
        parts = path.split("/")
        live, view = FileTree(self._folder(self.live)), self.present()
        for count in range(1, len(parts)):
            above = "/".join(parts[:count])
            found, here = view.find(above), live.status(above)
            if found is not None and found.kind != "folder":
                raise SandboxError(f"'{path}' goes through '{above}', which is a link or a file.")
            if here is None or is_whiteout(here):
                live.remove(above)
                with live.parent(above) as (folder, name):
                    os.mkdir(name, 0o755, dir_fd=folder)
                if here is not None:
                    os.setxattr(self._folder(self.live) / above, OPAQUE, b"y", follow_symlinks=False)


def _file_at(view: Layers, path: str) -> bool:
    found = view.find(path)
    return found is not None and found.kind != "folder"


def _below(view: Layers, path: str) -> Iterator[str]:
    found = view.find(path)
    if found is not None and found.kind == "folder":
        yield from (name for name, _ in view.below(path))


def lay(source: Path, target: Path, below: Sequence[Path]) -> None:
    """Lay a layer over another, in place: ``target`` then shows by itself what both showed. Files become shared.

    ``below`` are the folders that ``target`` lies on, topmost first. Only what they show needs to be hidden by it.
    """
    copies: dict[int, Path] = {}
    view = Layers([target, *below])
    for path, status in entries(source):
        made = target / path
        if not stat.S_ISDIR(status.st_mode):
            FileTree(target).discard(path)
            if not is_whiteout(status) or view.find(path) is not None:
                _share(source / path, made, status, copies)
            continue
        opaque = is_opaque(source / path)
        here = FileTree(target).status(path)
        if here is not None and (opaque or not stat.S_ISDIR(here.st_mode)):
            FileTree(target).discard(path)
            opaque, here = True, None
        if here is None:
            made.mkdir(mode=0o700)
        made.chmod(status.st_mode & 0o777 | 0o700)
        if opaque and below:
            os.setxattr(made, OPAQUE, b"y", follow_symlinks=False)


def _share(source: Path, target: Path, status: os.stat_result, copies: dict[int, Path]) -> None:
    """Link to a file; where it can have no more names, to a copy. ``copies`` are those that were made so far."""
    if linked(copies.get(status.st_ino, source), target):
        return
    if is_whiteout(status):
        os.mknod(target, stat.S_IFCHR, 0)
    elif stat.S_ISLNK(status.st_mode):
        target.symlink_to(source.readlink())
    elif stat.S_ISREG(status.st_mode):
        copy_file(source, target, reflink=False)
        copies[status.st_ino] = target


def disk_usage(root: Path) -> int:
    """Bytes on the disk below a folder. Each entry counts as one block of 4096 at least; shared files count once."""
    total, seen = 0, set()
    with suppress(SandboxError, OSError):
        for _, status in entries(root):
            if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                if status.st_ino in seen:
                    continue
                seen.add(status.st_ino)
            total += max(4096, status.st_blocks * 512)
    return total
