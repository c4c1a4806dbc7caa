"""agentmem.sandbox.tree: whatever a command makes, however deep or large it seems, is told and removed cheaply."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentmem.sandbox import Sandbox, sweep
from agentmem.sandbox.layered import disk_usage
from agentmem.sandbox.tree import DEEPEST, entries, remove_tree, too_deep
from tests.sandbox.conftest import Fork
from tests.sandbox.worlds import WORKING, fingerprint

MEBIBYTE = 1 << 20
DIG = """
import os
os.mkdir("deep")
os.chdir("deep")
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
open("bottom", "w").write("x")
"""


def dig(folder: Path, depth: int, name: str = "d") -> None:
    at = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, 0o700, dir_fd=at)
        inner = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)


@contextmanager
def few_descriptors(count: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + count, hard))  # noqa: PTH208
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_tree_of_any_depth_is_removed(tmp_path: Path) -> None:
    """20,000 folders in each other, and as many beside each other, with few open descriptors."""
    for name in ("d", "n" * 255):
        (tmp_path / "tree").mkdir()
        dig(tmp_path / "tree", 20_000 if name == "d" else 500, name)
        (tmp_path / "tree" / "closed" / "inner").mkdir(parents=True)
        (tmp_path / "tree" / "closed").chmod(0)
        with few_descriptors(20):
            remove_tree(tmp_path / "tree")
        assert not (tmp_path / "tree").exists()


def test_what_lies_too_deep_is_told_as_one_thing(tmp_path: Path) -> None:
    """Its first folder is listed, and nothing in it; what lies beside it is listed as ever."""
    dig(tmp_path, 3000)
    (tmp_path / "d" / "beside").write_text("x")
    with few_descriptors(20):
        found = [path for path, _ in entries(tmp_path)]
    assert "d/beside" in found
    assert [path for path in found if too_deep(path)] == ["/".join(["d"] * (DEEPEST + 1))]
    remove_tree(tmp_path / "d")


def test_a_deep_tree_does_not_brick_a_fork(fork: Fork, source: Path) -> None:
    """All that is done with a fork works beside 3,000 folders in each other; a diff names them, and closing removes."""
    before = fingerprint(source)
    sandbox = fork()
    assert sandbox.run(["python3", "-c", DIG]).ok
    sandbox.write("deep/beside", b"x")
    diff = sandbox.diff()
    assert diff.paths == ("deep/beside",)
    assert diff.left_out == ("deep/" + "/".join(["d"] * DEEPEST),)
    snapshot = sandbox.snapshot()
    with sandbox.fork_again() as other:
        assert other.read("deep/beside") == b"x"
    assert sandbox.run("rm deep/beside", writable=["*.txt"]).restored == ("deep/beside",)
    sandbox.rollback(snapshot)
    assert sandbox.read("deep/beside") == b"x"
    assert "deep/beside" in sandbox.files()
    sandbox.close()
    assert not sandbox.where.exists()
    assert fingerprint(source) == before


def test_rights_undo_a_deep_tree(fork: Fork) -> None:
    """What a run made without the right to is gone, also where it lies too deep to be told."""
    sandbox = fork()
    ran = sandbox.run(["python3", "-c", DIG], writable=["*.txt"])
    assert ran.restored
    assert not [path for path in sandbox.diff().left_out if path.startswith("deep")]
    assert not sandbox.exists("deep/" + "/".join(["d"] * DEEPEST))


def test_names_and_holes_take_no_room_when_they_are_copied(fork: Fork) -> None:
    """A file with many names stays one file, and one with a hole small: in states, in forks, and when it is kept."""
    sandbox = fork()
    make = (
        "import os\n"
        "open('big', 'wb').write(b'x' * (1 << 20))\n"
        "for n in range(200): os.link('big', f'n{n}')\n"
        "os.truncate(os.open('sparse', os.O_CREAT | os.O_RDWR), 1 << 30)\n"
        "with open('sparse', 'r+b') as file:\n"
        "    file.seek(512 << 20)\n"
        "    file.write(b'middle')\n"
    )
    assert sandbox.run(["python3", "-c", make]).ok
    began = disk_usage(sandbox.where)
    sandbox.snapshot()
    sandbox.run("echo x >other")
    with sandbox.fork_again() as other:
        assert disk_usage(other.where) < 8 * MEBIBYTE
        assert other.run("stat -c %s sparse n199; tail -c +536870913 sparse | head -c 6").output.split() == [
            "1073741824",
            "1048576",
            "middle",
        ]
    assert disk_usage(sandbox.where) < began + 8 * MEBIBYTE < 16 * MEBIBYTE


SWEEP = """
import logging, sys
from pathlib import Path
from agentmem.sandbox import sweep
logging.basicConfig(format="%(message)s")
print(*sweep(Path(sys.argv[1])))
"""
MOUNTED = 'mount -t tmpfs none "$1" && shift && exec "$@"'


@pytest.mark.skipif("namespaces" not in WORKING, reason="no user namespaces on this machine")
def test_a_sweep_passes_over_what_it_cannot_remove(tmp_path: Path, source: Path) -> None:
    """It says so, and removes the others; the fork that stayed is swept once it can be."""
    forks = tmp_path / "forks"
    stuck, fine = (Sandbox.fork(source, isolation="none", where=forks / name) for name in ("a", "b"))
    for sandbox in (stuck, fine):
        sandbox.detach()
    held = stuck.where / "tree" / "sub"  # nobody can remove a folder that something is mounted on
    command = ["unshare", "-Urm", "sh", "-c", MOUNTED, "sh", str(held), sys.executable, "-c", SWEEP, str(forks)]
    swept = subprocess.run(command, capture_output=True, text=True, check=True)
    assert swept.stdout == f"{fine.where}\n"
    assert f"the fork in {stuck.where} could not be removed, and stays" in swept.stderr
    assert sweep(forks) == (stuck.where,)
