"""Merges changes into a folder of the host: all of them or none, and each file as a whole.

Only `sandbox` uses it. It is a module of its own because it alone writes to the host.
"""

import os
import secrets
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from posixpath import normpath

from agentmem.errors import MergeConflict, SandboxError
from agentmem.sandbox.changes import Diff, FileChange
from agentmem.sandbox.comparing import is_git
from agentmem.sandbox.tree import FileTree, canonical, remove_tree, system_errors
from agentmem.sandbox.views import FoundFile, OverlayFolder, OverlayView

STAGE = ".agentmem-merge-"


def check(diff: Diff, view: OverlayView) -> dict[str, FoundFile | None]:
    """The files now at the changed paths. Raises MergeConflict if they differ from the old content; SandboxError."""
    gone = {change.path for change in diff.changes if change.after is None}
    for change in diff.changes:
        if (said := forbidden(change)) is not None:
            raise SandboxError(said)
    found = {change.path: view.find(change.path) for change in diff.changes}
    conflicts = [
        change.path for change in diff.changes if not _fits(change, found[change.path]) or _blocked(change, view, gone)
    ]
    if conflicts:
        raise MergeConflict(conflicts)
    return found


def merge(diff: Diff, target: Path) -> tuple[str, ...]:
    """Make the changes in ``target``. Returns paths. Raises MergeConflict or SandboxError; then nothing changes."""
    found = check(diff, OverlayFolder(target))
    wanted = [change for change in diff.changes if not _has(change, found[change.path])]
    if not wanted:
        return ()
    stage = target / (STAGE + secrets.token_hex(6))
    with ExitStack() as undo, system_errors(str(target), "written"):
        undo.callback(remove_tree, stage)
        stage.mkdir(mode=0o700)
        for number, change in enumerate(wanted):
            _stage(stage, number, change, found[change.path])
        with ExitStack() as failed:
            for number, change in sorted(enumerate(wanted), key=lambda one: one[1].after is not None):
                _bring(target, stage, number, change, found[change.path], failed)
            failed.pop_all()
    for change in wanted:
        if change.after is None:
            FileTree(target).prune(change.path)
    return tuple(change.path for change in wanted)


def forbidden(change: FileChange) -> str | None:
    """The reason why a change can be made nowhere: git's own files, or a link that leads out; else None."""
    if canonical(change.path) != change.path or is_git(change.path):
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


def _bring(
    target: Path, stage: Path, number: int, change: FileChange, found: FoundFile | None, failed: ExitStack
) -> None:
    """Move one file into its place, or remove it, if it is still the file that was checked. ``failed`` undoes it."""
    tree = FileTree(target)
    with tree.parent(change.path, make=change.after is not None) as (folder, name), ExitStack() as opened:
        staged = os.open(stage, os.O_RDONLY | os.O_DIRECTORY)
        opened.callback(os.close, staged)
        if _identity(tree.status(change.path)) != _identity(found.status if found else None):
            raise MergeConflict([change.path])
        old, new = f"old{number}", f"new{number}"
        if found is not None:
            os.link(name, old, src_dir_fd=folder, dst_dir_fd=staged, follow_symlinks=False)
        failed.callback(_put_back, target, stage, old if found is not None else None, change.path)
        if change.after is None:
            os.unlink(name, dir_fd=folder)
        else:
            with suppress(NotADirectoryError, IsADirectoryError):
                os.replace(new, name, src_dir_fd=staged, dst_dir_fd=folder)
                return
            os.rmdir(name, dir_fd=folder)
            os.replace(new, name, src_dir_fd=staged, dst_dir_fd=folder)


def _put_back(target: Path, stage: Path, old: str | None, path: str) -> None:
    with suppress(FileNotFoundError), FileTree(target).parent(path, make=old is not None) as (folder, name):
        if old is not None:
            os.replace(stage / old, name, dst_dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)


def _identity(status: os.stat_result | None) -> Iterable[int] | None:
    return None if status is None else (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode)
