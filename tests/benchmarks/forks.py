"""What a fork costs: time and disk of 100 forks of a repository of 5,000 files and 200 MB, by every way there is here.

Beside them, in the same run: `cp -a` and `git worktree add`, and what a command costs in a fork against none.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentmem.errors import SandboxError
from agentmem.sandbox import Sandbox
from agentmem.sandbox.forks import How
from agentmem.sandbox.isolation import ORDER, why_not
from agentmem.sandbox.layered import disk_usage
from tests.benchmarks.heading import heading, record_figures

MOST_MS, MOST_BYTES = 50.0, 1 << 20
FILES, BYTES, FORKS, SEED = 5_000, 200 << 20, 100, 7
SLOW = 3
"""How many times the ways are measured that copy everything."""
WAYS: tuple[How, ...] = ("overlay", "reflink", "worktree", "copy")


def make(folder: Path, files: int, size: int) -> Path:
    """A git repository of random files, committed."""
    numbers = random.Random(SEED)
    for number in range(files):
        path = folder / f"part{number % 50}" / f"piece{number % 7}" / f"file{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbers.randbytes(size // files))
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "all")):
        git(folder, *arguments)
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "core.looseCompression=0")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def measure(one: Callable[[], int], times: int) -> tuple[float, float]:
    """The median milliseconds and bytes; ``one`` makes a fork and gives the bytes that it takes on the disk."""
    taken, sizes = [], []
    for _ in range(times):
        began = time.perf_counter()
        size = one()
        taken.append((time.perf_counter() - began) * 1000)
        sizes.append(size)
    return statistics.median(taken), statistics.median(sizes)


def forks(source: Path, how: How, times: int, opened: list[Sandbox]) -> tuple[float, float]:
    """Forks that are all open at the same time, as a team's are. The disk is looked at when all are made."""
    first = len(opened)

    def one() -> int:
        opened.append(Sandbox.fork(source, how=how))
        return 0

    milliseconds, _ = measure(one, times)
    return milliseconds, statistics.median(disk_usage(sandbox.where) for sandbox in opened[first:])


def copied(source: Path, into: Path, command: list[str]) -> tuple[float, float]:
    """Another program that makes a copy, ``SLOW`` times."""

    def one() -> int:
        target = into / f"copy{time.monotonic_ns()}"
        subprocess.run([*command, str(target)], cwd=source, check=True, capture_output=True)
        return 0

    milliseconds, _ = measure(one, SLOW)
    return milliseconds, statistics.median(disk_usage(path) for path in into.iterdir())


def runs(source: Path, times: int) -> None:
    """What `true` costs in a fork, by isolation, against starting it alone."""
    alone, _ = measure(lambda: subprocess.run(["/bin/true"], check=True).returncode, times)
    print(f"\n{'`true`, median ms':<24}{'':>12}\n{'on the host':<24}{alone:>12.1f}")
    for isolation in (*(one for one in ORDER if why_not(one) is None), "none"):
        how: How = "copy" if isolation in ("landlock", "none") else "overlay"
        with tempfile.TemporaryDirectory() as small:
            Path(small, "file").write_text("x")
            with Sandbox.fork(small if how == "copy" else source, how=how, isolation=isolation) as sandbox:
                took, _ = measure(lambda box=sandbox: box.run(["/bin/true"]).exit_code, times)  # type: ignore[misc]  # a default binds the loop's value
        print(f"{isolation:<24}{took:>12.1f}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--forks", type=int, default=FORKS)
    asked.add_argument("--files", type=int, default=FILES)
    asked.add_argument("--bytes", type=int, default=BYTES)
    asked.add_argument("--data", help="not used: the repository is made here")
    given = asked.parse_args()
    heading(
        "forks",
        f"{given.files:,} random files, {given.bytes / 1e6:,.0f} MB",
        seed=SEED,
        forks=given.forks,
        cores=os.cpu_count(),
        load=f"{os.getloadavg()[0]:.1f} when started",
    )
    with tempfile.TemporaryDirectory() as name:
        source = make(Path(name) / "repository", given.files, given.bytes)
        figures: dict[str, tuple[float, float] | str] = {}
        opened: list[Sandbox] = []
        try:
            for how in WAYS:
                try:
                    figures[how] = forks(source, how, given.forks if how == "overlay" else SLOW, opened)
                except SandboxError as error:
                    figures[how] = str(error)
            runs(source, 20)
        finally:
            for sandbox in opened:
                sandbox.close()
        for label, command in (
            ("cp -a", ["cp", "-a", "."]),
            ("git worktree add", ["git", "worktree", "add", "-f", "--detach"]),
        ):
            (into := Path(name) / label.replace(" ", "")).mkdir()
            figures[label] = copied(source, into, command)
    report(figures)


def report(figures: dict[str, tuple[float, float] | str]) -> None:
    """The table, against `cp -a`; ends with 1 where the overlay costs more than it may."""
    full = figures["cp -a"]
    assert not isinstance(full, str)
    print(f"\n{'one fork, median':<20}{'ms':>10}{'bytes':>16}{'time':>9}{'disk':>9}  of cp -a")
    for label, found in figures.items():
        if isinstance(found, str):
            print(f"{label:<20}  {found}")
        else:
            print(f"{label:<20}{found[0]:>10.1f}{found[1]:>16,.0f}{found[0] / full[0]:>9.2%}{found[1] / full[1]:>9.2%}")
    overlay = figures["overlay"]
    well = not isinstance(overlay, str) and overlay[0] <= MOST_MS and overlay[1] <= MOST_BYTES
    record_figures(milliseconds_and_bytes=figures)
    print(f"\nby overlay at most {MOST_MS:.0f} ms and {MOST_BYTES:,} bytes: {'reached' if well else 'MISSED'}")
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
