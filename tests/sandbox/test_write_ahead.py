"""agentmem.sandbox.write_ahead: a merge that is killed at any moment leaves the old or the new tree."""

import fcntl
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from agentmem.errors import MergeConflict, SandboxError
from agentmem.sandbox import Diff, FileChange, Sandbox
from agentmem.sandbox.merging import merge
from agentmem.sandbox.write_ahead import STAGE, recover
from tests.sandbox.killing import CHANGE, NEW, OLD, tree, write

ROOT = Path(__file__).resolve().parents[2]


def killed(folder: Path, who: str, step: int = 1) -> list[Path]:
    """Folders into which a merge was killed, each at another moment; the last merge came to its end."""
    command = [sys.executable, "-m", "tests.sandbox.killing", str(folder), who, str(step)]
    subprocess.run(command, check=True, cwd=ROOT)
    return sorted(folder.iterdir())


def stages(target: Path) -> list[Path]:
    return list(target.glob(f"{STAGE}*"))


def half_done(folder: Path) -> Path:
    """A folder into which a merge and its watcher were killed between two files."""
    for target in killed(folder, "all"):
        if tree(target) not in (OLD, NEW) and (target / "a.txt").read_bytes() == b"one\n":
            return target
    raise AssertionError("no merge was killed between two files")


def test_a_merge_of_every_kind_of_change_arrives(tmp_path: Path) -> None:
    """Files change, come and go, a folder becomes a file and a file a folder; nothing of ours stays."""
    target = write(tmp_path / "target", OLD)
    assert merge(CHANGE, target) == CHANGE.paths
    assert tree(target) == NEW
    assert not stages(target)


def test_killed_with_its_watcher_it_is_finished_when_the_folder_is_used_next(tmp_path: Path) -> None:
    """After a kill before each change of a file the next fork finds the old or the new tree, and others' changes."""
    seen = []
    for target in killed(tmp_path, "all"):
        mixed = tree(target) not in (OLD, NEW)
        (target / "others.txt").write_bytes(b"made meanwhile\n")
        with Sandbox.fork(target, how="copy", isolation="none"):
            now = tree(target)
        assert now.pop("others.txt") == b"made meanwhile\n"
        assert now in (OLD, NEW)
        assert not stages(target)
        seen.append((mixed, now == NEW))
    assert sum(mixed for mixed, _ in seen) > 10  # kills between two files are among them
    assert all(new for mixed, new in seen if mixed)


def test_killed_alone_its_watcher_finishes_it(tmp_path: Path) -> None:
    """Nobody needs to use the folder again: once the watcher has ended, the tree is the old or the new one."""
    for target in killed(tmp_path, "alone", step=3):
        for stage in stages(target):
            with suppress(FileNotFoundError):
                folder = os.open(stage, os.O_RDONLY)
                fcntl.flock(folder, fcntl.LOCK_EX)  # held until the watcher has ended
                os.close(folder)
        assert tree(target) in (OLD, NEW)


def test_a_recovery_that_is_killed_is_done_again(tmp_path: Path) -> None:
    """What recovers a folder may be killed too."""
    for target in killed(tmp_path, "again"):
        recover(target)
        assert tree(target) in (OLD, NEW)
        assert not stages(target)


@pytest.mark.parametrize("path", ["a.txt", "becomes", "sub/b.txt", "new/folder/d.txt"])
def test_what_somebody_wrote_after_the_kill_is_kept(tmp_path: Path, path: str) -> None:
    """A file that changed since is left as it is; the others are all old or all new."""
    target = half_done(tmp_path)
    if (target / path).is_dir():
        path = f"{path}/inner.txt"
    write(target, {path: b"somebody's\n"})
    with suppress(MergeConflict):
        recover(target)
    now = tree(target)
    assert now.pop(path) == b"somebody's\n"
    others = [{name: data for name, data in one.items() if name != path} for one in (OLD, NEW)]
    assert now in others
    assert not stages(target)


def test_a_conflict_that_is_found_half_way_is_undone(tmp_path: Path) -> None:
    """A file that cannot be removed from its place stops the merge; folders that were made are gone again."""
    target = write(tmp_path / "target", {**OLD, "full/kept.txt": b"x"})
    changes = (*CHANGE.changes[:6], FileChange("full", "added", False, None, b"over a folder with files"))
    before = tree(target)
    with pytest.raises(SandboxError):
        merge(Diff(changes), target)
    assert tree(target) == before


def test_a_merge_waits_for_the_one_before(tmp_path: Path) -> None:
    """A stage that a living process holds is left alone until it lets go."""
    target = half_done(tmp_path)
    (stage,) = stages(target)
    hold = (
        "import fcntl, os, sys\nfolder = os.open(sys.argv[1], os.O_RDONLY)\nfcntl.flock(folder, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\nsys.stdin.read(1)\nprint(os.path.exists(sys.argv[1]), flush=True)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(stage)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin and holder.stdout
    assert holder.stdout.readline() == "held\n"
    waits = (
        "import sys\nfrom pathlib import Path\nfrom agentmem.sandbox.write_ahead import recover\n"
        "print('begins', flush=True)\nrecover(Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", waits, str(target)]
    waiting = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert waiting.stdout and waiting.stdout.readline() == "begins\n"
    assert holder.communicate("x")[0] == "True\n"
    waiting.communicate()
    assert tree(target) == NEW


def test_a_folder_that_a_repository_brings_is_no_log_of_ours(tmp_path: Path) -> None:
    """A folder of that name which others may enter, as a checkout makes it, is not followed."""
    target = write(tmp_path / "target", {"a.txt": b"one\n", f"{STAGE}x/new0": b"planted\n"})
    step = {"number": 0, "path": "b.txt", "old": None, "new": [8, 0, 0, 0, 0], "over": False, "made": []}
    (target / f"{STAGE}x" / "log").write_text(json.dumps([step]))
    (target / f"{STAGE}x").chmod(0o755)
    recover(target)
    assert not (target / "b.txt").exists()
    with pytest.raises(SandboxError, match="must not be changed"):
        merge(Diff((FileChange(f"{STAGE}x/log", "added", False, None, b"[]"),)), target)


@pytest.mark.parametrize("path", ["../out.txt", "/tmp/out.txt", ".git/hooks/pre-commit"])
def test_a_log_cannot_lead_out(tmp_path: Path, path: str) -> None:
    """A log with a path that no merge may write is refused by name, and nothing is written."""
    target = write(tmp_path / "target", {f"{STAGE}x/new0": b"planted\n"})
    step = {"number": 0, "path": path, "old": None, "new": [8, 0, 0, 0, 0], "over": False, "made": []}
    (target / f"{STAGE}x" / "log").write_text(json.dumps([step]))
    (target / f"{STAGE}x").chmod(0o700)
    with pytest.raises(SandboxError):
        recover(target)
    assert not (tmp_path / "out.txt").exists()
    assert (target / f"{STAGE}x" / "new0").exists()
