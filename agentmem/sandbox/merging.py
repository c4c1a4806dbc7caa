"""Merges changes into a folder of the host: all of them or none, also if it is killed, and each file as a whole.

Only `sandbox` uses it. It is a module of its own because it says what may be written to the host.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath

from agentmem.errors import MergeConflict, SandboxError
from agentmem.sandbox.changes import Diff, FileChange
from agentmem.sandbox.comparing import is_cache, is_git
from agentmem.sandbox.stamps import FileStamp
from agentmem.sandbox.tree import FileTree, canonical, system_errors
from agentmem.sandbox.views import FoundFile, OverlayFolder, OverlayView
from agentmem.sandbox.write_ahead import STAGE, carry_out, make_step, recover, staged


def check(diff: Diff, view: OverlayView) -> dict[str, FoundFile | None]:
    """The files now at the changed paths. Raises MergeConflict if they differ from the old content; SandboxError."""
    gone = {change.path for change in diff.changes if change.after is None}
    for change in diff.changes:
        if (said := forbidden(change)) is not None:
            raise SandboxError(said)
    found = {change.path: view.find(change.path) for change in diff.changes}
    conflicts = [
        change.path
        for change in diff.changes
        if not (_fits(change, found[change.path]) or _emptied(change, found[change.path], view, gone))
        or _blocked(change, view, gone)
    ]
    if conflicts:
        raise MergeConflict(conflicts)
    return found


def merge(diff: Diff, target: Path) -> tuple[str, ...]:
    """Make the changes in ``target``. Returns paths. Raises MergeConflict or SandboxError; then nothing changes.

    Killed at any moment, it leaves the old or the new tree: what it began is finished by `write_ahead`.
    """
    recover(target)
    view = OverlayFolder(target)
    asked, diff = diff.paths, Diff((*diff.changes, *_caches(diff, view)))
    found = check(diff, view)
    wanted = [change for change in diff.changes if not _has(change, found[change.path])]
    if not wanted:
        return ()
    wanted.sort(key=lambda change: change.after is not None)
    with system_errors(str(target), "written"), staged(target) as stage:
        steps = []
        for number, change in enumerate(wanted):
            here = found[change.path]
            _stage(stage.path, number, change, here)
            old = FileStamp.of(here.status) if here is not None and here.kind != "folder" else None
            steps.append(make_step(target, stage.path, number, change.path, old, brought=change.after is not None))
        carry_out(target, stage, steps)
    return tuple(sorted(change.path for change in wanted if change.path in asked))


def _caches(diff: Diff, view: OverlayView) -> Iterator[FileChange]:
    """The removal of caches, which no diff has, from folders that become files."""
    for change in diff.changes:
        found = view.find(change.path) if change.after is not None else None
        for path, one in view.below(change.path) if found is not None and found.kind == "folder" else ():
            if is_cache(path) and one.kind in ("file", "link"):
                yield FileChange(path, "deleted", True, one.data(), None, was_link=one.kind == "link")


def forbidden(change: FileChange) -> str | None:
    """The reason why a change can be made nowhere: git's own files and ours, or a link that leads out; else None."""
    if canonical(change.path) != change.path or is_git(change.path) or change.path.startswith(STAGE):
        return f"'{change.path}' must not be changed from a fork."
    if change.is_link and change.after is not None:
        to = os.fsdecode(change.after)
        inside = normpath(f"{change.path.rpartition('/')[0] or '.'}/{to}")
        if to.startswith("/") or inside == ".." or inside.startswith("../") or is_git(inside):
            return f"'{change.path}' is a link that leads out, to '{to}'. Remove it and try again."
    return None


def _fits(change: FileChange, found: FoundFile | None) -> bool:
    """True if the change can be made: its old content is there, or the new content is there already."""
    if _has(change, found):
        return True
    if change.stale:
        return False
    if change.before is None:
        return found is None
    return _is(found, change.before, change.was_link)


def _emptied(change: FileChange, found: FoundFile | None, view: OverlayView, gone: set[str]) -> bool:
    """True if a new file takes the place of a folder of which the change removes all files."""
    if found is None or found.kind != "folder" or change.before is not None or change.stale:
        return False
    return all(path in gone for path, _ in view.below(change.path))


def _has(change: FileChange, found: FoundFile | None) -> bool:
    if change.after is None:
        return found is None or found.kind == "folder"  # a folder in its place is another change
    if found is None:
        return False
    return _is(found, change.after, change.is_link) and (change.is_link or found.mode == change.mode)


def _is(found: FoundFile | None, data: bytes, link: bool) -> bool:
    return found is not None and found.kind == ("link" if link else "file") and found.data() == data


def _blocked(change: FileChange, view: OverlayView, gone: set[str]) -> bool:
    """True if a folder above is missing, because something else has its place and is not removed."""
    parts = change.path.split("/")
    above = ("/".join(parts[:count]) for count in range(1, len(parts)))
    standing = ((path, view.find(path)) for path in above if path not in gone)
    return change.after is not None and any(found is not None and found.kind != "folder" for _, found in standing)


def _stage(stage: Path, number: int, change: FileChange, found: FoundFile | None) -> None:
    if change.after is None:
        return
    if change.is_link:
        (stage / f"new{number}").symlink_to(os.fsdecode(change.after))
        return
    kept = found is not None and found.kind == "file" and found.mode == change.mode
    mode = found.status.st_mode & 0o777 if found is not None and kept else change.mode
    FileTree(stage).put(f"new{number}", change.after, mode)
