"""Runs every benchmark, one process after the other, whatever becomes of each; a summary names them all at the end.

python -m tests.benchmarks --data DIR [NAME ...]

Ends non-zero when one missed its target or failed.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.data import DATA, SKIPPED

MAIN = 'if __name__ == "__main__":'
NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if MAIN in path.read_text(encoding="utf-8"))
"""The modules that can be run; the others help them."""

_OUTCOMES = {0: "ok", 1: "MISSED", SKIPPED: "skipped"}
_GOOD = ("ok", "skipped")


class Ended(NamedTuple):
    """How a benchmark ended, after how many seconds."""

    outcome: str
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", help=f"which ones; by default all: {', '.join(NAMES)}")
    parser.add_argument("--data", default=str(DATA), help="the folder of recordings; what needs one is skipped without")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(NAMES)):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    ended = run_all(given.names or NAMES, given.data)
    print(summary(ended))
    return int(any(one.outcome not in _GOOD for one in ended.values()))


def run_all(names: Sequence[str], data: str) -> dict[str, Ended]:
    """How each benchmark ended; Ctrl-C ends the one that runs, and the rest are not begun."""
    ended = dict.fromkeys(names, Ended("not run", 0.0))
    for at, name in enumerate(names, 1):
        print(f"\n[{at}/{len(names)}] {name}", flush=True)
        began = time.monotonic()
        try:
            outcome = run(name, data)
        except KeyboardInterrupt:
            ended[name] = Ended("stopped", time.monotonic() - began)
            break
        ended[name] = Ended(outcome, time.monotonic() - began)
    return ended


def run(name: str, data: str) -> str:
    """The outcome of one benchmark."""
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", "--data", data]
    code = subprocess.run(command, check=False).returncode
    return _OUTCOMES.get(code, f"FAILED ({code})")


def summary(ended: Mapping[str, Ended]) -> str:
    """A line for each benchmark, and one for all."""
    wide, outcomes = max(map(len, ended)), max(len(one.outcome) for one in ended.values())
    lines = [f"  {name:{wide}}  {one.outcome:{outcomes}}  {one.seconds:7.1f} s" for name, one in ended.items()]
    good = sum(one.outcome == "ok" for one in ended.values())
    minutes = sum(one.seconds for one in ended.values()) / 60
    return "\n".join(["\nbenchmarks", *lines, f"  {good} of {len(ended)} ok, in {minutes:.1f} minutes"])


if __name__ == "__main__":
    sys.exit(main())
