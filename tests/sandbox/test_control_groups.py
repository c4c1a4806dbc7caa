"""agentmem.sandbox.control_groups: where groups can be made, and that a command's groups hold it and are removed."""

import os
import subprocess
from pathlib import Path

import pytest

from agentmem.sandbox.control_groups import ControlGroup, Place, candidates, control_group, doors, places

VERSION_1 = ["4:memory:/ours/inner", "8:pids:/", "0::/"]


def mount(at: Path, kind: str, options: str, root: str = "/") -> str:
    return f"30 24 0:26 {root} {at} rw,relatime shared:9 - {kind} {kind} rw,{options}"


def test_version_1_uses_our_own_group(tmp_path: Path) -> None:
    """Of the controller's hierarchy, below what is mounted of it; another hierarchy, and one out of view, is none."""
    mounts = [mount(tmp_path / "m", "cgroup", "memory"), mount(tmp_path / "p", "cgroup", "pids", "/elsewhere")]
    assert list(candidates("memory", VERSION_1, mounts)) == [Place("memory", 1, tmp_path / "m/ours/inner")]
    assert list(candidates("pids", VERSION_1, mounts)) == []
    shown = [mount(tmp_path / "m", "cgroup", "memory", "/ours")]
    assert list(candidates("memory", VERSION_1, shown)) == [Place("memory", 1, tmp_path / "m/inner")]


def test_version_2_uses_the_nearest_that_delegates(tmp_path: Path) -> None:
    """A group with processes can have no limits below it: so the one above, as systemd delegates it to a session."""
    ours = tmp_path / "user.slice" / "app.slice" / "run.scope"
    ours.mkdir(parents=True)
    (ours / "cgroup.subtree_control").write_text("\n")
    (ours.parent / "cgroup.subtree_control").write_text("memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
    lines, mounts = ["0::/user.slice/app.slice/run.scope"], [mount(tmp_path, "cgroup2", "nsdelegate")]
    assert [place.folder for place in candidates("memory", lines, mounts)] == [ours.parent, tmp_path]
    assert [place.folder for place in candidates("pids", lines, mounts)] == [ours.parent]


def test_who_was_ended_for_memory_is_told(tmp_path: Path) -> None:
    """By the kernel's count, in the form of either version; no count means no."""
    group = ControlGroup((Place("memory", 2, tmp_path),))
    assert not group.passed()
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\n")
    assert not group.passed()
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\n")
    assert group.passed()
    assert group.holds("memory") == 2
    assert group.holds("pids") is None


@pytest.mark.skipif(not places(), reason="no control group can be written on this machine")
def test_a_group_holds_what_enters_it() -> None:
    """A process that enters by the doors is ended for its memory; the folders are gone afterwards."""
    with control_group(24 << 20, 10) as group:
        folders = [place.folder for place in group.places]
        with doors(group) as opened:
            code = "import os, sys\nfor n in sys.argv[1:]: os.write(int(n), b'0')\nx = b'x' * (100 << 20)"
            command = ["python3", "-I", "-S", "-c", code, *map(str, opened)]
            ran = subprocess.run(command, pass_fds=opened, capture_output=True, check=False)
        assert (ran.returncode == -9) == (group.holds("memory") is not None) == group.passed()
        assert all(os.path.basename(folder).startswith("agentmem-") for folder in folders)  # noqa: PTH119
    assert not any(folder.exists() for folder in folders)
