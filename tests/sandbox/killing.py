"""Merges that are killed: a program that kills them before their n-th change of a file, and the trees to look at.

Run as ``python -m tests.sandbox.killing FOLDER all|alone|again STEP``: for each n it merges into a new folder in
FOLDER, and the merge sends itself SIGKILL before the n-th event that changes files, until one comes to its end. With
"all" it kills the process that watches it first; with "again" what recovers the folder is killed too, at another event.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from agentmem.sandbox import Diff, FileChange
from agentmem.sandbox.merging import merge
from agentmem.sandbox.write_ahead import STAGE, recover

OLD = {
    "a.txt": b"one\n",
    "sub/b.txt": b"b\n",
    "sub/deep/c.txt": b"c\n",
    "kept.txt": b"kept\n",
    "becomes": b"a file\n",
    "turns/x.txt": b"x\n",
}
NEW = {
    "a.txt": b"two\n",
    "new/folder/d.txt": b"d\n",
    "kept.txt": b"kept\n",
    "becomes/inner.txt": b"inner\n",
    "turns": b"a file now\n",
    "way": b"-> a.txt",
}
CHANGE = Diff(
    (
        FileChange("a.txt", "modified", False, b"one\n", b"two\n"),
        FileChange("becomes", "deleted", False, b"a file\n", None),
        FileChange("becomes/inner.txt", "added", False, None, b"inner\n"),
        FileChange("new/folder/d.txt", "added", False, None, b"d\n"),
        FileChange("sub/b.txt", "deleted", False, b"b\n", None),
        FileChange("sub/deep/c.txt", "deleted", False, b"c\n", None),
        FileChange("turns", "added", False, None, b"a file now\n"),
        FileChange("turns/x.txt", "deleted", False, b"x\n", None),
        FileChange("way", "link", False, None, b"a.txt", is_link=True),
    )
)
"""A change of every kind: OLD becomes NEW."""

_CHANGES = frozenset(
    {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.chmod", "subprocess.Popen"}
)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """The files of a folder, without what a merge has beside them. Empty folders count."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(STAGE):
            continue
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}".encode()  # noqa: PTH115 (the link itself)
        elif path.is_file():
            found[name] = path.read_bytes()
        elif not any(path.iterdir()):
            found[f"{name}/"] = b""
    return found


def die_before(number: int, *, everybody: bool) -> None:
    """Let this process be killed before its ``number``-th change of a file, after those that it started."""
    seen = 0

    def hook(event: str, given: tuple[Any, ...]) -> None:
        nonlocal seen
        if event not in _CHANGES and not (event == "open" and isinstance(given[2], int) and given[2] & os.O_CREAT):
            return
        seen += 1
        if seen != number:
            return
        for one in Path("/proc/self/task").glob("*/children") if everybody else ():
            for child in one.read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _ended_well(number: int, work: Callable[[], object], *, everybody: bool) -> bool:
    """Do some work in another process, which is killed before its ``number``-th change. Whether it came to its end."""
    process = os.fork()
    if process == 0:
        die_before(number, everybody=everybody)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def main() -> None:
    folder, who, step = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    for number in count(1, step):
        target = write(folder / f"{number:03}", OLD)
        if _ended_well(number, partial(merge, CHANGE, target), everybody=who != "alone"):
            return
        if who == "again":
            _ended_well(1 + number % 9, partial(recover, target), everybody=True)


if __name__ == "__main__":
    main()
