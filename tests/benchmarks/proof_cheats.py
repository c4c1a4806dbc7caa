"""Generated cheats against the proof: thousands of compositions, apart from the code and with the split switched off.

    python -m tests.benchmarks.proof_cheats [--count 5000] [--seed 20] [--workers 2] [--kept FILE] [--write FILE]

Each composition is wrong code with an honest test of it, and one to three parts that try to get a pass all the same, of
either side. None contains what the tests ask for. A pass is wrong when the tests pass with the change and not without
it. With --kept each batch is noted in a file as soon as it is done, and a run with the same file goes on where the one
before ended; --part limits how many batches this run does. The targets: no wrong pass is proven, and with the split
switched off at least 30 % pass, or the generator is too weak.
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
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.heading import commit, heading, record_figures
from tests.team.proof.batches import wrong_passes
from tests.team.proof.cheats import CODER, TASKS, TESTER, Composition, generated

BATCH = 25
LEAST = 0.30

Passed = dict[str, list[int]]
"""The wrong passes of a batch by their places in it: proven ones under "apart", the others under "in process"."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file with one line of JSON for each batch that is done. Its first line says of which cheats."""

    path: Path | None
    head: dict[str, int]

    def done(self) -> dict[int, Passed]:
        """The wrong passes of the batches that are done, by the batch's number. Raises SystemExit for other cheats."""
        if self.path is None or not self.path.exists():
            return {}
        lines = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        if lines and lines[0] != self.head:
            raise SystemExit(f"{self.path} belongs to other cheats ({lines[0]}): give another file by --kept")
        return {line["batch"]: line["passed"] for line in lines[1:]}

    def keep(self, batch: int, passed: Passed) -> None:
        """Note a batch."""
        if self.path is None:
            return
        new = not self.path.exists()
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in ([self.head] if new else []))
            file.write(json.dumps({"batch": batch, "passed": passed}) + "\n")


def run(given: Sequence[Composition], workers: int, folder: Path, kept: Kept, part: int) -> dict[int, Passed]:
    """The wrong passes of each batch: of those that were kept, and of at most ``part`` more."""
    done = kept.done()
    numbers = [one for one in range((len(given) + BATCH - 1) // BATCH) if one not in done][:part]
    began = time.monotonic()

    def work(number: int) -> Passed:
        batch = given[number * BATCH : (number + 1) * BATCH]
        came = wrong_passes(folder / f"batch{number}", batch)
        return {name: [batch.index(one) for one in passed] for name, passed in came.items()}

    with ThreadPoolExecutor(workers) as pool:
        for count, (number, passed) in enumerate(zip(numbers, pool.map(work, numbers), strict=True), 1):
            done[number] = passed
            kept.keep(number, passed)
            if count % 10 == 0 or count == len(numbers):
                sums = {name: sum(len(one[name]) for one in done.values()) for name in ("apart", "in process")}
                print(f"  {len(done) * BATCH:>5} of {len(given)}  {sums}  {time.monotonic() - began:.0f} s", flush=True)
    return done


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
    parser.add_argument("--kept", type=Path, help="a file for what is done; a run with the same file goes on from it")
    parser.add_argument("--part", type=int, default=1_000_000, help="the most batches of this run")
    parser.add_argument("--write", type=Path, help="a file for the numbers, as JSON")
    given = parser.parse_args()
    parts = f"{len(TASKS)} tasks, {len(CODER)} parts of coders, {len(TESTER)} of testers"
    heading("proof_cheats", f"generated: {parts}", split="none", seed=given.seed, count=given.count)
    every = generated(given.count, given.seed)
    began = time.monotonic()
    kept = Kept(given.kept, {"seed": given.seed, "count": given.count, "batch": BATCH})
    with tempfile.TemporaryDirectory() as folder:
        done = run(every, given.workers, Path(folder), kept, given.part)
    cheats = [one for number in sorted(done) for one in every[number * BATCH : (number + 1) * BATCH]]
    found = {
        name: [every[number * BATCH + place] for number, passed in sorted(done.items()) for place in passed[name]]
        for name in ("apart", "in process")
    }
    share = len(found["in process"]) / len(cheats)
    print(f"  {'part of the kind':<24} {'compositions':>12} {'pass in process':>16} {'proven':>7}")
    proven = by_kind(cheats, found["apart"])
    for kind, (count, passes) in by_kind(cheats, found["in process"]).items():
        print(f"  {kind:<24} {count:>12} {passes:>16} {proven[kind][1]:>7}")
    for one in found["apart"]:
        print(f"  PROVEN WRONGLY {one.name}\n{one.form}")
    ok = not found["apart"] and share >= LEAST and len(cheats) == len(every)
    print(f"  wrong passes that are proven: {len(found['apart'])} (target: 0)")
    print(f"  wrong passes with the split switched off: {share:.1%} (target: at least {LEAST:.0%})")
    print(f"  {len(cheats):,} of {len(every):,} compositions tried, {time.monotonic() - began:.0f} s in this run")
    print(f"  {'reached' if ok else 'MISSED'}")
    record_figures(compositions=len(cheats), proven=len(found["apart"]), pass_in_process=share)
    if given.write:
        told = {"commit": commit(), "count": len(cheats), "seed": given.seed, "apart": len(found["apart"])}
        given.write.write_text(json.dumps({**told, "in_process": len(found["in process"])}), encoding="utf-8")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
