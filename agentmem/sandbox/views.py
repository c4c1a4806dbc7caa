"""A state of a fork as files: of one folder, or of an overlay's layers merged as the kernel does.

The rules are the kernel's (Documentation/filesystems/overlayfs.rst, with ``userxattr``). A device 0/0 deletes what is
below it. On a folder, ``user.overlay.opaque=y`` hides everything below.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from agentmem.sandbox.tree import FileTree, entries

Kind = Literal["file", "link", "folder", "other"]
OPAQUE = "user.overlay.opaque"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file, link or folder at a path. "other" is a socket, a pipe or a device."""

    kind: Kind
    mode: int
    status: os.stat_result
    tree: FileTree
    path: str

    @classmethod
    def of(cls, status: os.stat_result, tree: FileTree, path: str) -> "FoundFile":
        kind: Kind = _KINDS.get(stat.S_IFMT(status.st_mode), "other")
        executable = bool(status.st_mode & 0o111)
        return cls(kind, 0o755 if executable else 0o644, status, tree, path)

    def data(self) -> bytes:
        """The bytes of a file, or the target of a link."""
        return self.tree.target(self.path) if self.kind == "link" else self.tree.read(self.path)


_KINDS: dict[int, Kind] = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
    stat.S_IFDIR: "folder",
}


class OverlayView(Protocol):
    """The files of one state. Paths are canonical."""

    def find(self, path: str) -> FoundFile | None:
        """The file, link or folder at ``path``; None if there is none."""

    def below(self, path: str = "") -> Iterator[tuple[str, FoundFile]]:
        """Everything below a folder except folders, in no order."""


class OverlayFolder:
    """An OverlayView of a plain folder."""

    def __init__(self, root: Path) -> None:
        self._tree = FileTree(root)

    def find(self, path: str) -> FoundFile | None:
        status = self._tree.status(path)
        return FoundFile.of(status, self._tree, path) if status else None

    def below(self, path: str = "") -> Iterator[tuple[str, FoundFile]]:
        for name, status in entries(self._tree.root, path):
            if not stat.S_ISDIR(status.st_mode):
                yield name, FoundFile.of(status, self._tree, name)


class Layers:
    """An OverlayView of an overlay. ``folders`` go from the topmost to the source."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)

    def find(self, path: str) -> FoundFile | None:
        for root in self.folders:
            found, covers = _in_layer(root, path)
            if found is not None or covers:
                return found
        return None

    def below(self, path: str = "") -> Iterator[tuple[str, FoundFile]]:
        hidden: set[str] = set()
        folders: set[str] = set()
        for at, root in enumerate(self.folders):
            if path and self._covered(path, at):
                return
            hiding: set[str] = set()
            yield from _of_layer(root, path, hidden, hiding, folders)
            hidden |= hiding

    def _covered(self, path: str, at: int) -> bool:
        """True if a layer above ``at`` hides its ``path``, with another file or an opaque folder."""
        return any(_covers(root, path) for root in self.folders[:at])


def _of_layer(
    root: Path, path: str, hidden: set[str], hiding: set[str], folders: set[str]
) -> Iterator[tuple[str, FoundFile]]:
    """The files that one layer shows, where ``hidden`` is hidden already. Adds to ``hiding`` what it hides below.

    ``a`` hides the file and all below it; ``a/`` only what is below. ``folders`` are those of all layers so far.
    """
    for name, status in entries(root, path):
        if name in hidden or _under(name, hidden):
            continue
        if stat.S_ISDIR(status.st_mode):
            folders.add(name)
            if is_opaque(root / name):
                hiding.add(f"{name}/")
        elif name in folders:
            hiding.add(f"{name}/")
        else:
            hiding.add(name)
            if not is_whiteout(status):
                yield name, FoundFile.of(status, FileTree(root), name)


def _in_layer(root: Path, path: str) -> tuple[FoundFile | None, bool]:
    """The file that one layer has at ``path``, and whether it hides that of the layers below."""
    tree = FileTree(root)
    status = tree.status(path)
    if status is not None:
        return (None, True) if is_whiteout(status) else (FoundFile.of(status, tree, path), True)
    parts = path.split("/")
    for count in range(1, len(parts)):
        above = tree.status("/".join(parts[:count]))
        if above is None:
            return None, False
        if not stat.S_ISDIR(above.st_mode) or is_opaque(root.joinpath(*parts[:count])):
            return None, True
    return None, False


def _covers(root: Path, path: str) -> bool:
    found, covers = _in_layer(root, path)
    return covers and (found is None or found.kind != "folder" or _opaque_on_the_way(root, path))


def _opaque_on_the_way(root: Path, path: str) -> bool:
    parts = path.split("/")
    return any(is_opaque(root.joinpath(*parts[: count + 1])) for count in range(len(parts)))


def _under(name: str, hidden: set[str]) -> bool:
    """True if a folder above ``name`` is hidden: a file or whiteout is in its place, or it is opaque."""
    at = name.find("/")
    while at >= 0:
        if name[:at] in hidden or name[: at + 1] in hidden:
            return True
        at = name.find("/", at + 1)
    return False


def is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(folder: Path) -> bool:
    """True if a folder of a layer hides everything in the layers below."""
    with suppress(OSError):
        return os.getxattr(folder, OPAQUE, follow_symlinks=False) == b"y"
    return False
