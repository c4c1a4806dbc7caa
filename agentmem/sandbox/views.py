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

from agentmem.errors import SandboxError
from agentmem.sandbox.tree import FileTree, entries, too_deep

Kind = Literal["file", "link", "folder", "other"]
OPAQUE = "user.overlay.opaque"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """What stands at a path. "other" is a socket, a pipe, a device, or a folder that lies too deep to be entered."""

    kind: Kind
    mode: int
    status: os.stat_result
    tree: FileTree
    path: str

    @classmethod
    def of(cls, status: os.stat_result, tree: FileTree, path: str) -> "FoundFile":
        kind: Kind = _KINDS.get(stat.S_IFMT(status.st_mode), "other")
        if kind == "folder" and too_deep(path):
            kind = "other"
        executable = bool(status.st_mode & 0o111)
        return cls(kind, 0o755 if executable else 0o644, status, tree, path)

    def data(self) -> bytes:
        """The bytes of a file, or the target of a link."""
        return self.tree.target(self.path) if self.kind == "link" else self.tree.read(self.path)

    def parts(self) -> Iterator[bytes]:
        """The bytes of a file, a mebibyte at a time: it may seem larger than memory is."""
        return self.tree.parts(self.path)


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
            if not enterable(name, status):
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
        if enterable(name, status):
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
    return None, _hides(root, path.split("/")[:-1])


def _covers(root: Path, path: str) -> bool:
    found, covers = _in_layer(root, path)
    return covers and (found is None or found.kind != "folder" or _hides(root, path.split("/")))


def _hides(root: Path, folders: Sequence[str]) -> bool:
    """Whether a layer hides what those below it have in nested ``folders``: one is a file in it, or opaque."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    at = os.open(root, flags)
    try:
        for name in folders:
            try:
                inner = os.open(name, flags, dir_fd=at)
            except FileNotFoundError:
                return False
            except PermissionError as error:
                raise SandboxError(f"'{'/'.join(folders)}' could not be looked at: {error.strerror}") from None
            except OSError:
                return True
            os.close(at)
            at = inner
            if _says_opaque(f"/proc/self/fd/{at}", follow=True):
                return True
        return False
    finally:
        os.close(at)


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
    """Whether of a folder in a layer nothing below counts."""
    return _says_opaque(folder, follow=False)


def _says_opaque(folder: Path | str, follow: bool) -> bool:
    with suppress(OSError):
        return os.getxattr(folder, OPAQUE, follow_symlinks=follow) == b"y"
    return False


def enterable(path: str, status: os.stat_result) -> bool:
    """Whether what ``entries`` tells is a folder whose content it tells as well."""
    return stat.S_ISDIR(status.st_mode) and not too_deep(path)
