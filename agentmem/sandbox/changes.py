"""What differs between two states of a tree: files, as values that can be shown, kept and applied elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal

Kind = Literal["added", "modified", "deleted", "mode", "link"]

_LONGEST = 1 << 20
"""Bytes of a text above which its lines are not compared."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file. ``before`` and ``after`` are its bytes; None where there was, or is, no such file.

    ``kind`` is "link" where either side is a link; ``was_link`` and ``is_link`` say which, and the bytes of that side
    are what it points to. ``mode`` is the new one (0o755 or 0o644), ``old_mode`` the one before. ``stale`` says that
    the source's file changed after the fork was made, so ``before`` may not be what the fork began with.
    """

    path: str
    kind: Kind
    binary: bool
    before: bytes | None
    after: bytes | None
    mode: int = 0o644
    old_mode: int = 0o644
    was_link: bool = False
    is_link: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Diff:
    """Changes, sorted by path. ``left_out`` names what is no part of it: what git ignores, sockets, devices, caches."""

    changes: tuple[FileChange, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that changed, sorted."""
        return tuple(change.path for change in self.changes)

    @property
    def text(self) -> str:
        """A unified diff in git's form; of binary files and of very long ones it says only that they differ."""
        return "".join(line for change in self.changes for line in _lines(change))

    def __bool__(self) -> bool:
        return bool(self.changes)


def is_binary(data: bytes | None) -> bool:
    """As git tells: a zero byte in the first 8000."""
    return data is not None and b"\0" in data[:8000]


def _lines(change: FileChange) -> Iterator[str]:
    path = printable(change.path)
    yield f"diff --git a/{path} b/{path}\n"
    yield from _header(change)
    old, new = change.before or b"", change.after or b""
    if old == new:
        return
    if change.binary or max(len(old), len(new)) > _LONGEST:
        yield f"{'Binary' if change.binary else 'Long'} files a/{path} and b/{path} differ\n"
        return
    was = f"a/{path}" if change.before is not None else "/dev/null"
    now = f"b/{path}" if change.after is not None else "/dev/null"
    for line in unified_diff(_split(old), _split(new), was, now):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _header(change: FileChange) -> Iterator[str]:
    old = 0o120000 if change.was_link else 0o100000 | change.old_mode
    new = 0o120000 if change.is_link else 0o100000 | change.mode
    if change.before is None:
        yield f"new file mode {new:o}\n"
    elif change.after is None:
        yield f"deleted file mode {old:o}\n"
    elif old != new:
        yield f"old mode {old:o}\nnew mode {new:o}\n"


def _split(data: bytes) -> list[str]:
    """Only "\\n" ends a line: a diff must show what else there is."""
    lines = data.decode(errors="replace").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def printable(path: str) -> str:
    """A path as text: bytes that are no UTF-8 are written as escapes."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")
