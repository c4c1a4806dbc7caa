"""Merges killed at random moments: the old or the new tree is left, and what others write meanwhile stays.

    python -m tests.benchmarks.merge_kills [--kills 300] [--files 60] [--seed 16]

Each merge changes, adds and removes files in a folder of its own, and gets SIGKILL from outside after a random time;
every other time the process that watches it gets one too. Meanwhile another process writes other files in the folder.
Then the folder is forked, as a user's next command does. The target: no tree that is neither old nor new, and none of
the other files lost.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path

from agentmem.sandbox import Diff, FileChange, Sandbox
from agentmem.sandbox.merging import merge
from tests.benchmarks.heading import ROOT, commit, heading, record_figures
from tests.sandbox.killing import tree, write

_OTHERS = """
import itertools, pathlib, sys
for number in itertools.count():
    pathlib.Path(sys.argv[1], f"others{number % 50}.txt").write_text("others")
"""


def made(files: int) -> tuple[dict[str, bytes], dict[str, bytes], Diff]:
    """An old tree, a new one, and the change between them."""
    old = {f"folder{n % 7}/file{n}.txt": b"old" * 200 for n in range(files)}
    new = {path: b"new" * 300 for n, path in enumerate(old) if n % 3}
    new |= {f"added{n % 3}/file{n}.txt": b"new" for n in range(files // 3)}
    changes = [
        FileChange(path, "modified" if path in old and path in new else "added", False, old.get(path), new.get(path))
        for path in sorted({*old, *new})
    ]
    return old, new, Diff(tuple(changes))


def _killed(target: Path, change: Diff, after: float, *, everybody: bool) -> bool:
    """Merge in another process, and kill it. Whether it was still at work."""
    process = os.fork()
    if process == 0:
        merge(change, target)
        os._exit(0)
    time.sleep(after)
    children = Path(f"/proc/{process}/task/{process}/children")
    watchers = children.read_text().split() if everybody and children.exists() else []
    os.kill(process, signal.SIGKILL)
    for one in watchers:
        with suppress(ProcessLookupError):
            os.kill(int(one), signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="not used: the trees are made here")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--write", type=Path, help="a file for the numbers, as JSON")
    given = parser.parse_args()
    heading("merge_kills", "made here", split="none", seed=given.seed, kills=given.kills, files=given.files)
    chance, came = random.Random(given.seed), Counter[str]()
    old, new, change = made(given.files)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        merge(change, write(Path(folder) / "first", old))
        whole = time.monotonic() - began
        for number in range(given.kills):
            target = write(Path(folder) / str(number), old)
            (target / "others").mkdir()
            with subprocess.Popen([sys.executable, "-c", _OTHERS, str(target / "others")], cwd=ROOT) as others:
                kill = partial(_killed, target, change, chance.uniform(0, whole * 2), everybody=number % 2 == 0)
                came["killed at work"] += kill()
                others.kill()
            kept = {path: data for path, data in tree(target).items() if path.startswith("others")}
            with Sandbox.fork(target, how="copy", isolation="none"):
                now = tree(target)
            lost = any(now.pop(path, None) != data for path, data in kept.items())
            came["others' files lost"] += lost
            came["old" if now == old else "new" if now == new else "NEITHER"] += 1
    for name, count in sorted(came.items()):
        print(f"  {name}: {count}")
    print(f"  one whole merge of {len(change.changes)} files: {whole * 1000:.0f} ms")
    bad = came["NEITHER"] + came["others' files lost"]
    weak = came["killed at work"] < given.kills / 2 or not came["old"] or not came["new"]
    print(f"  trees that are neither old nor new, or with others' files lost: {bad} (target: 0)")
    record_figures(bad=bad, **came)
    if given.write:
        given.write.write_text(json.dumps({"commit": commit(), **came}), encoding="utf-8")
    return int(bool(bad or weak))


if __name__ == "__main__":
    sys.exit(main())
