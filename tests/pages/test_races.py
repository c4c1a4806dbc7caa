"""Several processes edit one workspace, and some are killed. No edit is lost, and no page is ever half written."""

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

from agentmem.pages.files import TEMP_PREFIX
from agentmem.pages.workspace import Workspace

_ADDER = """
import sys
from agentmem.pages.workspace import Workspace
workspace = Workspace(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    workspace.append("log.md", f"- {sys.argv[2]} {number}")
"""
_COUNTER = """
import sys
from agentmem.errors import StalePage
from agentmem.pages.workspace import Workspace
workspace = Workspace(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
done = 0
while done < int(sys.argv[3]):
    page = workspace.page("counter.txt")
    try:
        workspace.write("counter.txt", str(int(page.text) + 1), revision=page.revision)
        done += 1
    except StalePage:
        pass
"""
_WRITER = """
import itertools, sys
from agentmem.pages.workspace import Workspace
workspace = Workspace(sys.argv[1])
print("ready", flush=True)
for number in itertools.count():
    workspace.write("deep/er/page.md", f"# {number}\\n" + f"{number}\\n" * 20000)
"""


def started(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that has imported everything and opened the workspace."""
    command = [sys.executable, "-c", script, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def run_together(script: str, root: Path, rounds: int) -> None:
    """Runs two processes of the script at once, each with its own name."""
    processes = [started(script, str(root), name, str(rounds)) for name in ("one", "two")]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0


def test_two_processes_that_append_lose_nothing(tmp_path: Path) -> None:
    """Edits without a revision apply to the newest bytes, each of them whole and once."""
    Workspace(tmp_path).write("log.md", "# Log\n")
    run_together(_ADDER, tmp_path, 60)
    lines = Workspace(tmp_path).text("log.md#Log").splitlines()[2:]
    assert sorted(lines) == sorted(f"- {name} {number}" for name in ("one", "two") for number in range(60))


def test_two_processes_that_count_lose_nothing(tmp_path: Path) -> None:
    """With revisions, read and write are one step: the later process is refused and tries again."""
    Workspace(tmp_path).write("counter.txt", "0")
    run_together(_COUNTER, tmp_path, 60)
    assert Workspace(tmp_path).text("counter.txt") == "120"


def test_threads_of_one_workspace_lose_nothing(tmp_path: Path) -> None:
    """Threads that share one workspace may edit, list and search at once."""
    with Workspace(tmp_path) as workspace:
        workspace.write("log.md", "# Log\n")

        def work(name: str) -> None:
            for number in range(20):
                workspace.append("log.md", f"- {name} {number}")
                assert workspace.search(f'"{name} {number}"')

        threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two", "three")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(workspace.text("log.md").splitlines()) == 62


def test_a_killed_writer_leaves_a_whole_page_and_no_litter(tmp_path: Path) -> None:
    """A writer that is killed at a random moment leaves a whole version. The next edit removes its temporary file."""
    moments = random.Random(7)
    for _ in range(12):
        process = started(_WRITER, str(tmp_path))
        before = -1
        for _ in range(moments.randrange(3, 40)):
            before = max(before, _version(tmp_path))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert _version(tmp_path) >= -1
        workspace = Workspace(tmp_path)
        assert set(workspace.names()) <= {"deep/er/page.md"}
        workspace.write("other.md", "x\n")
        assert _litter(tmp_path) == []
        workspace.delete("other.md")


def test_what_a_killed_writer_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    """The lock file names the temporary file in use. No other file is ever removed."""
    workspace = Workspace(tmp_path)
    workspace.write("a/page.md", "x\n")
    (tmp_path / "a" / f"{TEMP_PREFIX}0123").write_text("half")
    lock = tmp_path / ".agentmem" / "pages.lock"
    lock.write_text(f"a/{TEMP_PREFIX}0123")
    workspace.append("a/page.md", "y")
    assert _litter(tmp_path) == []
    for name in ("a/page.md", f"../{tmp_path.name}/a/page.md", "gone/" + TEMP_PREFIX, "\udcff"):
        lock.write_bytes(name.encode("utf-8", "surrogateescape"))
        workspace.append("a/page.md", "z")
    assert workspace.text("a/page.md").count("z") == 4


def test_the_lock_survives_its_folder(tmp_path: Path) -> None:
    """Deleting the workspace's own folder between edits does no harm, because it is only a cache."""
    workspace = Workspace(tmp_path)
    workspace.write("page.md", "x\n")
    for path in sorted((tmp_path / ".agentmem").iterdir()):
        path.unlink()
    (tmp_path / ".agentmem").rmdir()
    workspace.append("page.md", "y\n")
    assert workspace.text("page.md") == "x\n\ny\n"


def _version(root: Path) -> int:
    """The number that fills the page; -1 if there is no page."""
    try:
        text = (root / "deep/er/page.md").read_text()
    except FileNotFoundError:
        return -1
    number = text.splitlines()[0].removeprefix("# ")
    assert text == f"# {number}\n" + f"{number}\n" * 20000
    return int(number)


def _litter(root: Path) -> list[Path]:
    return list(root.rglob(f"{TEMP_PREFIX}*"))
