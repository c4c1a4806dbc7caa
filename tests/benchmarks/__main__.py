"""Runs every benchmark, one process after the other, and ends non-zero when one missed its target.

python -m tests.benchmarks --data DIR [NAME ...]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

HELPERS = {"__init__", "__main__", "heading", "played", "players"}
NAMES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in HELPERS)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", help=f"which ones; by default all: {', '.join(NAMES)}")
    parser.add_argument("--data", default="../shared/data", help="the folder of recordings")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(NAMES)):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    ended = {name: run(name, given.data) for name in given.names or NAMES}
    print("\nbenchmarks")
    for name, (code, seconds) in ended.items():
        print(f"  {'ok    ' if code == 0 else 'MISSED'} {name} ({seconds:.0f} s)")
    return int(any(code for code, _ in ended.values()))


def run(name: str, data: str) -> tuple[int, float]:
    """Exit code and seconds of one benchmark."""
    print(flush=True)
    began = time.monotonic()
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", "--data", data]
    code = subprocess.run(command, check=False).returncode
    return code, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
