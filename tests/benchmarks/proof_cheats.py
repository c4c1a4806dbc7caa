"""Generated cheats against the proof: thousands of compositions, apart from the code and with the split switched off.

    python -m tests.benchmarks.proof_cheats [--count 5000] [--seed 20] [--workers 2] [--write FILE]

Each composition is wrong code with an honest test of it, and one to three parts that try to get a pass all the same, of
either side. None contains what the tests ask for. A pass is wrong when the tests pass with the change and not without
it. The targets: no wrong pass is proven, and with the split switched off at least 30 % pass, or the generator is too
weak.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.heading import commit, heading
from tests.team.proof.batches import wrong_passes
from tests.team.proof.cheats import CODER, TASKS, TESTER, Composition, generated

BATCH = 25
LEAST = 0.30


def run(given: Sequence[Composition], workers: int, folder: Path) -> dict[str, list[Composition]]:
    """The wrong passes of all compositions, in batches."""
    batches = [given[at : at + BATCH] for at in range(0, len(given), BATCH)]
    found: dict[str, list[Composition]] = {"apart": [], "in process": []}
    began = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        places = [folder / f"batch{number}" for number in range(len(batches))]
        for number, came in enumerate(pool.map(wrong_passes, places, batches), 1):
            for name, passed in came.items():
                found[name] += passed
            if number % 10 == 0 or number == len(batches):
                counts = ", ".join(f"{name} {len(passed)}" for name, passed in found.items())
                print(f"  {number * BATCH:>5} of {len(given)}  {counts}  {time.monotonic() - began:.0f} s", flush=True)
    return found


def by_kind(given: Sequence[Composition], passed: Sequence[Composition]) -> dict[str, tuple[int, int]]:
    """For each side and kind of part: the compositions with it, and those of them that pass."""
    counts = [Counter(f"{part.side} {part.kind}" for one in some for part in one.parts) for some in (given, passed)]
    return {kind: (counts[0][kind], counts[1][kind]) for kind in sorted(counts[0])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="not used: all is generated")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", type=Path, help="a file for the numbers, as JSON")
    given = parser.parse_args()
    parts = f"{len(TASKS)} tasks, {len(CODER)} parts of coders, {len(TESTER)} of testers"
    heading("proof_cheats", f"generated: {parts}", split="none", seed=given.seed, count=given.count)
    cheats = generated(given.count, given.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = run(cheats, given.workers, Path(folder))
    share = len(found["in process"]) / len(cheats)
    print(f"  {'part of the kind':<24} {'compositions':>12} {'pass in process':>16} {'proven':>7}")
    proven = by_kind(cheats, found["apart"])
    for kind, (count, passes) in by_kind(cheats, found["in process"]).items():
        print(f"  {kind:<24} {count:>12} {passes:>16} {proven[kind][1]:>7}")
    for one in found["apart"]:
        print(f"  PROVEN WRONGLY {one.name}\n{one.form}")
    ok = not found["apart"] and share >= LEAST
    print(f"  wrong passes that are proven: {len(found['apart'])} (target: 0)")
    print(f"  wrong passes with the split switched off: {share:.1%} (target: at least {LEAST:.0%})")
    print(f"  {time.monotonic() - began:.0f} s: {'reached' if ok else 'MISSED'}")
    if given.write:
        told = {"commit": commit(), "count": len(cheats), "seed": given.seed, "apart": len(found["apart"])}
        given.write.write_text(json.dumps({**told, "in_process": len(found["in process"])}), encoding="utf-8")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
