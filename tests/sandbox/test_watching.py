"""agentmem.sandbox.watching: a fork that has no file system of its own is told when it has passed its limit."""

from pathlib import Path

import pytest

from agentmem.sandbox import Sandbox, SandboxLimits
from agentmem.sandbox.layered import disk_usage
from agentmem.sandbox.planning import MOUNTING
from agentmem.sandbox.watching import DiskWatch
from tests.sandbox.worlds import WORKING

MEBIBYTE = 1 << 20
UNBOXED = [*(one for one in WORKING if one not in MOUNTING), "none"]
"""Walls behind which what a command writes goes to the disk."""


@pytest.mark.parametrize("isolation", UNBOXED)
def test_what_a_quick_command_leaves_is_looked_at(tmp_path: Path, isolation: str) -> None:
    """Also what was written in less time than there is between two looks, in one file or in many empty ones."""
    (tmp_path / "source").mkdir()
    burst = "import os\nf = os.open('big', os.O_CREAT | os.O_WRONLY)\nos.posix_fallocate(f, 0, 12 << 20)"
    flood = "for n in range(4000): open(f'e{n}', 'w').close()"
    for program in (burst, flood):
        limits = SandboxLimits(disk=12 * MEBIBYTE)
        with Sandbox.fork(tmp_path / "source", isolation=isolation, limits=limits) as sandbox:  # type: ignore[arg-type]
            assert sandbox.run(["python3", "-c", program]).killed == "disk"


@pytest.mark.parametrize("isolation", UNBOXED)
def test_many_small_steps_are_added_up(tmp_path: Path, isolation: str) -> None:
    """Each command writes less than half of what is left; together they pass the limit, and can then only remove."""
    (tmp_path / "source").mkdir()
    limits = SandboxLimits(disk=8 * MEBIBYTE)
    with Sandbox.fork(tmp_path / "source", isolation=isolation, limits=limits) as sandbox:  # type: ignore[arg-type]
        ends = [sandbox.run(f"head -c 3000000 /dev/zero >f{number}").killed for number in range(4)]
        assert ends[:2] == [None, None]
        assert ends[3] == "disk"
        assert sandbox.run("rm f*").killed is None
        assert sandbox.run("echo well >f").killed is None


def test_a_look_at_every_file_is_not_made_each_time(tmp_path: Path) -> None:
    """While a command runs, looks that cost more are fewer. The last one is always made."""
    for number in range(500):
        (tmp_path / f"f{number}").touch()
    looks: list[int] = []

    def used() -> int:
        looks.append(disk_usage(tmp_path))
        return looks[-1]

    watch = DiskWatch(tmp_path, 1 << 40, used)
    assert [watch.passed() for _ in range(50)] == [False] * 50
    assert 1 <= len(looks) < 25
    looks.clear()
    assert not watch.passed(last=True)
    assert len(looks) == 1
