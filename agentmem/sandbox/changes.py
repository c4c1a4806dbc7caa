"""Differences between two states of a tree, as values that can be shown, stored and applied elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal

Kind = Literal["added", "modified", "deleted", "mode", "link"]

_LONGEST = 1 << 20
"""Bytes. The lines of a longer text are not compared."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed file. ``before`` and ``after`` are its bytes; None if there was, or is, no file.

    ``kind`` is "link" if either side is a link. ``was_link`` and ``is_link`` say which side; the bytes of that side are
    the link's target. ``mode`` is the new mode (0o755 or 0o644), ``old_mode`` the one before. ``stale`` is true if the
    source's file changed after the fork was made, so that ``before`` may not be what the fork began with.
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
    """Changes, sorted by path. An empty diff is false.

    ``left_out`` names files that are not in it: those that git ignores, sockets, devices, caches.

    Example:
        >>> for change in sandbox.diff().changes:
        ...     print(change.kind, change.path)
    """

    changes: tuple[FileChange, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The changed paths, sorted."""
        return tuple(change.path for change in self.changes)

    @property
    def text(self) -> str:
        """A unified diff in git's form. For binary and very long files it only says that they differ."""
        return "".join(line for change in self.changes for line in _lines(change))

    def __bool__(self) -> bool:
        return bool(self.changes)


def is_binary(data: bytes | None) -> bool:
    """True if the first 8000 bytes have a zero byte, as in git."""
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
    """Lines by "\\n" alone, because a diff must show all other characters."""
    lines = data.decode(errors="replace").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def printable(path: str) -> str:
    """A path as text. Bytes that are not UTF-8 become escapes."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")
