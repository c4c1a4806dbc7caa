"""The write-ahead log of a merge: all is written down before anything is done, so that a kill leaves no half of it.

A merge that was killed is done to its end by a process that watches it, or, if that was killed too, by whoever next
forks the folder, opens a fork of it or merges into it. Every step can be done again. Source: redo logging (Gray and
Reuter, Transaction Processing, 1993, chapter 10).
"""

import fcntl
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from agentmem.errors import MergeConflict, SandboxError
from agentmem.sandbox.comparing import is_git
from agentmem.sandbox.stamps import FileStamp
from agentmem.sandbox.tree import FileTree, canonical, entries, folders_above, remove_tree, system_errors

STAGE = ".agentmem-merge-"
"""The start of the name of a merge's folder, in the folder that it merges into."""
_LOG, _BACK = "log", "back"
_WAIT = 30.0  # seconds that another merge may take

_WATCH = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from agentmem.sandbox.write_ahead import watch
watch(Path(sys.argv[2]), Path(sys.argv[3]))
"""


@dataclass(frozen=True, slots=True)
class MergeStep:
    """One file that is brought or removed. ``new{number}`` in the stage is the file, ``old{number}`` what it replaced.

    ``old`` and ``new`` are the stamps of the file before and after; None for no file. ``over`` is true if a folder
    that other steps empty stands in the file's place. ``made`` are folders above it that were not there.
    """

    number: int
    path: str
    old: FileStamp | None
    new: FileStamp | None
    over: bool = False
    made: tuple[str, ...] = ()


def make_step(target: Path, stage: Path, number: int, path: str, old: FileStamp | None, *, brought: bool) -> MergeStep:
    """The step for a file whose new content stands in the stage, if it is ``brought``."""
    tree = FileTree(target)
    new = FileTree(stage).status(f"new{number}") if brought else None
    made = tuple(above for above in folders_above(path) if brought and not _is_folder(tree, above))
    over = brought and _is_folder(tree, path)
    return MergeStep(number, path, old, FileStamp.of(new) if new else None, over, made)


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder of a merge's files. ``descriptor`` holds the lock on it."""

    path: Path
    descriptor: int


@contextmanager
def staged(target: Path) -> Iterator[Stage]:
    """A new folder in ``target`` for the files of a merge, locked, and removed at the end."""
    while True:
        stage = target / (STAGE + token_hex(6))
        stage.mkdir(mode=0o700)
        stage.chmod(0o700)
        with _locked(stage) as descriptor:
            if descriptor is None:
                continue  # somebody took it for what a kill had left
            try:
                (stage / ".gitignore").write_text("*\n", encoding="ascii")
                yield Stage(stage, descriptor)
            finally:
                if not (stage / _LOG).exists():  # it stays if it could be neither finished nor undone
                    remove_tree(stage)
            return


def carry_out(target: Path, stage: Stage, steps: Sequence[MergeStep]) -> None:
    """Do all steps, or none of them. Raises MergeConflict or OSError; then the target is as it was."""
    written = stage.path / f"{_LOG}.new"
    written.write_text(json.dumps([asdict(one) for one in steps]), encoding="ascii")
    with ExitStack() as watched:
        if len(steps) > 1:  # one file is replaced in one go
            watched.enter_context(_watched(target, stage))
        written.rename(stage.path / _LOG)
        _finish(target, stage.path)


def recover(target: Path) -> None:
    """Finish the merges into ``target`` that were killed; wait for those at work. Raises SandboxError."""
    try:
        names = [entry.name for entry in os.scandir(target) if entry.name.startswith(STAGE)]
    except OSError:
        return  # whoever uses the folder says why it cannot be used
    for stage in (target / name for name in names if _is_ours(target / name)):
        with suppress(FileNotFoundError), _locked(stage) as descriptor:
            if descriptor is not None:
                _recover(target, stage)


def watch(target: Path, stage: Path) -> None:
    """Wait until the process of a merge has ended, and finish what it left. It shares the lock on the stage."""
    os.read(0, 1)
    with suppress(FileNotFoundError):
        _recover(target, stage)


def _recover(target: Path, stage: Path) -> None:
    try:
        with system_errors(str(target), "written"):
            if (stage / _LOG).exists():
                _finish(target, stage)
    except SandboxError:
        if (stage / _LOG).exists():
            raise  # it could not even be undone
    remove_tree(stage)


def _finish(target: Path, stage: Path) -> None:
    """Do the steps that are written in the log, or undo them if that was begun or one of them cannot be done."""
    steps = _read(stage)
    try:
        if not (stage / _BACK).exists():
            for step in steps:
                _forward(target, stage, step)
            for step in steps:
                if step.new is None:
                    FileTree(target).prune(step.path)
            (stage / _LOG).unlink()
            return
    except BaseException:
        (stage / _BACK).touch()
        _undo(target, stage, steps)
        raise
    _undo(target, stage, steps)


def _undo(target: Path, stage: Path, steps: Sequence[MergeStep]) -> None:
    for step in reversed(steps):
        _back(target, stage, step)
        for folder in step.made:
            with suppress(NotADirectoryError):
                FileTree(target).remove_empty(folder)
    (stage / _LOG).unlink()


def _forward(target: Path, stage: Path, step: MergeStep) -> None:
    """Do a step, unless it is done. Raises MergeConflict if somebody else has changed the file before it."""
    tree, old, new = FileTree(target), f"old{step.number}", f"new{step.number}"
    now = _stamp(tree, step.path)
    if step.new is None and (now is None or stat.S_ISDIR(now.mode)):
        return
    if step.new is not None and not _is_there(stage / new):
        return  # it was brought; what stands there now is that, or somebody's change of it
    if step.over and now is not None and stat.S_ISDIR(now.mode):
        _empty(tree, step.path)
    with tree.parent(step.path, make=step.new is not None) as (folder, name), _opened(stage) as staged_at:
        if step.over and now is not None and stat.S_ISDIR(now.mode):
            os.rmdir(name, dir_fd=folder)
            now = None
        if now != step.old:
            if step.new is None and _is_there(stage / old):
                return  # it was removed, and somebody made another
            raise MergeConflict([step.path])
        if now is not None and not _is_there(stage / old):
            os.link(name, old, src_dir_fd=folder, dst_dir_fd=staged_at, follow_symlinks=False)
        if step.new is None:
            os.unlink(name, dir_fd=folder)
        else:
            os.replace(new, name, src_dir_fd=staged_at, dst_dir_fd=folder)


def _empty(tree: FileTree, path: str) -> None:
    """Remove the folders in a folder whose files are gone: undoing makes those again that a file comes back to."""
    inside = [name for name, status in entries(tree.root, path) if stat.S_ISDIR(status.st_mode)]
    for name in sorted(inside, key=lambda one: one.count("/"), reverse=True):
        tree.remove_empty(name)


def _back(target: Path, stage: Path, step: MergeStep) -> None:
    """Undo a step, unless it was not done or somebody else has changed the file since."""
    tree, old = FileTree(target), stage / f"old{step.number}"
    now = _stamp(tree, step.path)
    if now != step.new or (step.new is not None and _is_there(stage / f"new{step.number}")):
        return
    with suppress(FileNotFoundError), tree.parent(step.path, make=step.old is not None) as (folder, name):
        if step.old is not None and _is_there(old):
            os.replace(old, name, dst_dir_fd=folder)
        elif step.old is None:
            os.unlink(name, dir_fd=folder)
            if step.over:
                os.mkdir(name, dir_fd=folder)


def _is_folder(tree: FileTree, path: str) -> bool:
    status = tree.status(path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def _stamp(tree: FileTree, path: str) -> FileStamp | None:
    status = tree.status(path)
    return FileStamp.of(status) if status else None


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _locked(stage: Path) -> Iterator[int | None]:
    """Hold the lock on a stage: its descriptor; None if the stage is gone by then. Raises SandboxError if held long."""
    ends = time.monotonic() + _WAIT
    with _opened(stage) as descriptor:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > ends:
                raise SandboxError(f"another merge is at work in {stage.parent}: try again when it has ended.")
            time.sleep(0.01)
        there = FileTree(stage.parent).status(stage.name)
        yield descriptor if there is not None and there.st_ino == os.fstat(descriptor).st_ino else None


@contextmanager
def _watched(target: Path, stage: Stage) -> Iterator[None]:
    """With a process beside this one that finishes the merge if this one is killed. It has a session of its own."""
    package = str(Path(__file__).resolve().parents[2])
    watcher = subprocess.Popen(
        [sys.executable or "python3", "-I", "-S", "-c", _WATCH, package, str(target), str(stage.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(stage.descriptor,),
        start_new_session=True,
        cwd="/",
    )
    try:
        yield
    finally:
        watcher.kill()
        watcher.wait()
        if watcher.stdin:
            watcher.stdin.close()


def _is_ours(stage: Path) -> bool:
    """True for a folder that only this user can enter. No checkout of a repository makes one."""
    with suppress(OSError):
        status = stage.lstat()
        return stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700 and status.st_uid == os.geteuid()
    return False


def _read(stage: Path) -> list[MergeStep]:
    """The steps of a log. Raises SandboxError if it is none of ours."""
    try:
        given = json.loads((stage / _LOG).read_bytes())
        steps = [_step(one) for one in given]
    except (ValueError, TypeError, KeyError, LookupError) as error:
        raise SandboxError(f"{stage} holds no log of a merge: remove that folder.") from error
    return steps


def _step(given: dict[str, Any]) -> MergeStep:
    old, new = (None if given[name] is None else FileStamp(*given[name]) for name in ("old", "new"))
    number, path = int(given["number"]), canonical(given["path"])
    if is_git(path):
        raise LookupError(path)
    return MergeStep(number, path, old, new, bool(given["over"]), tuple(map(canonical, given["made"])))
