"""A fork by copying: the tree that commands work in, and a folder for each state, which shares its unchanged files.

Only `forks` uses it. It is a module of its own because it is one of two kinds of ForkStore; the other is `layered`.
"""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentmem.sandbox.copying import Copies, checkout, copy_tree
from agentmem.sandbox.layered import disk_usage, lay
from agentmem.sandbox.plan import MountedTree as Mounted
from agentmem.sandbox.stamps import FileStamp
from agentmem.sandbox.tree import FileTree, entries, remove_tree
from agentmem.sandbox.views import OverlayFolder, enterable


def _fill(reflink: bool) -> Callable[[Path, Path], None]:
    return lambda source, target: copy_tree(source, target, reflink)


FILLS: dict[str, Callable[[Path, Path], None]] = {
    "reflink": _fill(True),
    "worktree": checkout,
    "copy": _fill(False),
}
"""The ways to copy a source into an empty folder."""


@dataclass(slots=True)
class Copied:
    """A ForkStore. ``stamps`` holds, for each state, the stamps of the tree's files when it was taken."""

    where: Path
    source: Path
    how: str
    stamps: dict[str, dict[str, FileStamp]] = field(default_factory=dict)

    @property
    def tree(self) -> Path:
        return self.where / "tree"

    def make(self) -> None:
        """Fill the tree from the source."""
        self.tree.mkdir(parents=True)
        FILLS[self.how](self.source, self.tree)

    def begin(self) -> None:
        """Make the first state, "0"."""
        self.freeze()

    def present(self) -> OverlayFolder:
        return OverlayFolder(self.tree)

    def view(self, state: str) -> OverlayFolder:
        return OverlayFolder(self._folder(state))

    def mounted(self, box: str = "") -> Mounted:
        """With a ``box``, a command writes to a layer in there over the tree, and ``take`` brings it in."""
        if box:
            upper, work = f"{box}/upper", f"{box}/work"
            return Mounted(at=str(self.source), bind="", lower=[str(self.tree)], upper=upper, work=work)
        return Mounted(at=str(self.source), bind=str(self.tree), lower=[], upper="", work="")

    def freeze(self) -> str:
        """Store the present state. Files that an earlier state has too are shared with it; the others are copied."""
        last, known = (str(len(self.stamps) - 1), self.stamps[str(len(self.stamps) - 1)]) if self.stamps else ("", {})
        state, stamps = str(len(self.stamps)), self._scan()
        if self.stamps and known == stamps:
            return last
        folder, copies = self._folder(state), Copies(self.how == "reflink")
        folder.mkdir(parents=True)
        for path, status in entries(self.tree):
            if stat.S_ISDIR(status.st_mode):
                (folder / path).mkdir()
            elif path in stamps and stamps[path] == known.get(path):
                os.link(self._folder(last) / path, folder / path, follow_symlinks=False)
            else:
                _copy(self.tree, folder, path, status, copies)
        self._keep(state, stamps)
        return state

    def take(self, arrived: Path) -> None:
        """Bring in what a command wrote over the tree, as an overlay's layer."""
        lay(arrived, self.tree, below=())
        remove_tree(arrived)

    def has(self, state: str) -> bool:
        return state in self.stamps

    def restore(self, state: str) -> Path | None:
        for path in self.candidates(state):
            FileTree(self.tree).discard(path)
        copies = Copies(self.how == "reflink")
        for path, status in entries(self._folder(state)):
            if stat.S_ISDIR(status.st_mode):
                (self.tree / path).mkdir(exist_ok=True)
            elif FileTree(self.tree).status(path) is None:
                _copy(self._folder(state), self.tree, path, status, copies)
        self._keep(state, self._scan())
        return None

    def candidates(self, state: str) -> set[str]:
        """The paths of files and links that may differ between ``state`` and the present."""
        now, then = self._scan(), self.stamps[state]
        return {path for path in {*now, *then} if now.get(path) != then.get(path)}

    def put(self, path: str, data: bytes, mode: int) -> None:
        FileTree(self.tree).put(path, data, mode)

    def link(self, path: str, target: bytes) -> None:
        with FileTree(self.tree).staged_link(path, target) as place:
            place()

    def remove(self, path: str) -> None:
        FileTree(self.tree).discard(path)

    def prune(self, path: str) -> None:
        FileTree(self.tree).prune(path)

    def used(self) -> int:
        """Bytes on the disk that the tree takes beyond those it began with."""
        return max(0, disk_usage(self.tree) - self._began())

    def again(self, where: Path) -> "Copied":
        """A new fork with the same content."""
        other = Copied(where, self.source, self.how)
        other.tree.mkdir(parents=True)
        copy_tree(self.tree, other.tree, self.how == "reflink")
        other.freeze()
        return other

    def described(self) -> dict[str, Any]:
        return {"states": len(self.stamps)}

    @classmethod
    def load(cls, where: Path, source: Path, how: str, said: dict[str, Any]) -> "Copied":
        fork = cls(where, source, how)
        for state in map(str, range(said["states"])):
            stamps = json.loads((where / "states" / f"{state}.json").read_text())
            fork.stamps[state] = {
                path: FileStamp(size, changed, touched=touched, inode=inode)
                for path, (size, changed, touched, inode) in stamps.items()
            }
        return fork

    def _folder(self, state: str) -> Path:
        return self.where / "states" / state

    def _scan(self) -> dict[str, FileStamp]:
        return {
            path: FileStamp(status.st_size, status.st_mtime_ns, touched=status.st_ctime_ns, inode=status.st_ino)
            for path, status in entries(self.tree)
            if not enterable(path, status)
        }

    def _keep(self, state: str, stamps: dict[str, FileStamp]) -> None:
        self.stamps[state] = stamps
        told = {path: (one.size, one.changed, one.touched, one.inode) for path, one in stamps.items()}
        (self.where / "states" / f"{state}.json").write_text(json.dumps(told))

    def _began(self) -> int:
        return sum(max(4096, (size + 4095) // 4096 * 4096) for size, *_ in self.stamps["0"].values())


def _copy(source: Path, target: Path, path: str, status: os.stat_result, copies: Copies) -> None:
    made = target / path
    if stat.S_ISLNK(status.st_mode):
        made.symlink_to(os.fsdecode(FileTree(source).target(path)))
    elif stat.S_ISREG(status.st_mode):
        if not status.st_mode & stat.S_IRUSR:
            FileTree(source).read(path)  # gives its owner the right to
        copies.add(source / path, made, status)
