"""Compares two states of a fork, file by file."""

from collections.abc import Collection, Iterable
from pathlib import Path

from agentmem.errors import SandboxError
from agentmem.sandbox.changes import Diff, FileChange, Kind, is_binary
from agentmem.sandbox.stamps import Stamps
from agentmem.sandbox.tree import TEMPORARY
from agentmem.sandbox.views import FoundFile, OverlayView

CACHES = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"})
"""Folders that tools fill as they run."""

MOST = 256 << 20
"""The most bytes in a diff, because it is kept in memory."""


def is_git(path: str) -> bool:
    """True for git's own files. A hook or a setting there would run on the host."""
    return any(part.casefold() == ".git" for part in path.split("/"))


def is_cache(path: str) -> bool:
    return not CACHES.isdisjoint(path.split("/"))


def compare(
    before: OverlayView, after: OverlayView, paths: Iterable[str], ignored: Collection[str], stamps: Stamps
) -> Diff:
    """The changes at ``paths``. Ignored paths, sockets and devices are only named; git's own files are left out."""
    changes, left_out, size = [], [], 0
    for path in sorted(paths):
        if is_git(path) or path.rpartition("/")[2].startswith(TEMPORARY):
            continue
        old, new = _content(before.find(path)), _content(after.find(path))
        if path in ignored or "other" in (old and old.kind, new and new.kind):
            left_out.append(path)
        elif not same(old, new):
            size += sum(found.status.st_size for found in (old, new) if found is not None)
            if size > MOST:
                raise SandboxError(f"the changes are over {MOST:,} bytes, at '{path}': delete what was only built.")
            changes.append(_change(path, old, new, stamps))
    return Diff(tuple(changes), tuple(left_out))


def same(one: FoundFile | None, other: FoundFile | None) -> bool:
    """True if two files have the same content and mode, or if both are missing."""
    if one is None or other is None:
        return one is other
    if one.kind != other.kind:
        return False
    if one.kind == "link":
        return one.data() == other.data()
    if one.kind == "other":
        return (one.status.st_mode, one.status.st_rdev) == (other.status.st_mode, other.status.st_rdev)
    if one.mode != other.mode or one.status.st_size != other.status.st_size:
        return False
    return all(mine == its for mine, its in zip(one.parts(), other.parts(), strict=False))


def _content(found: FoundFile | None) -> FoundFile | None:
    """``found``, but None for a folder: folders are not content and are made with their files."""
    return None if found is None or found.kind == "folder" else found


def _change(path: str, old: FoundFile | None, new: FoundFile | None, stamps: Stamps) -> FileChange:
    before, after = (found.data() if found is not None else None for found in (old, new))
    return FileChange(
        path,
        _kind(old, new, before == after),
        is_binary(before) or is_binary(after),
        before,
        after,
        mode=new.mode if new else 0o644,
        old_mode=old.mode if old else 0o644,
        was_link=old is not None and old.kind == "link",
        is_link=new is not None and new.kind == "link",
        stale=_from(old, stamps.root) and stamps.changed(path),
    )


def _kind(old: FoundFile | None, new: FoundFile | None, same_bytes: bool) -> Kind:
    if "link" in (old and old.kind, new and new.kind):
        return "link"
    if old is None:
        return "added"
    if new is None:
        return "deleted"
    return "mode" if same_bytes else "modified"


def _from(old: FoundFile | None, source: Path) -> bool:
    """True if the older side is the source's. Only the source can change; other states are fixed."""
    return old is None or old.tree.root == source
