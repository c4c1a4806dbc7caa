"""The share of real packages' own tests that is proven when they run apart from the code, and why the rest is not.

    python -m tests.benchmarks.proof_share [--data DIR] [--own] [--write FILE]

Each folder in DIR is an unpacked source distribution of pure Python that has its tests with it; without any there,
those of a table are downloaded (distributions.py). With --own this repository's tests of pages/ and kvcache/ are two
more; the second hand over thousands of functions, and take six times a plain run. The share is of the tests that pass
in one process with the code. The time apart is that of one run by that of one plain run, each the quickest of five,
taken in turn.
Targets: 75 % of all tests, and on the average of packages; and for every package at most 2.5 times the time of its
plain run.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentmem.sandbox import Sandbox
from agentmem.team.forks import PACKAGE
from agentmem.team.outcomes import observe
from agentmem.team.proof.apart import ApartBounds, run_apart
from agentmem.team.proof.layout import layout_of
from agentmem.team.proof.verdict import verdict_of
from agentmem.team.rights import TESTS
from tests.benchmarks.distributions import SHARES, distributions
from tests.benchmarks.heading import ROOT, commit, heading, record_figures

CHECK = "python -m pytest -q -p no:cacheprovider -o addopts= -o filterwarnings="
LEAST, SLOWEST = 0.75, 2.5
SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Share:
    """One package: its tests that pass plainly, those of them proven, the reasons of the others, and the seconds."""

    name: str
    tests: int
    proven: int
    reasons: dict[str, int]
    plain: float
    apart: float


@contextmanager
def _ours() -> Iterator[Path]:
    """This package with its tests, as a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("agentmem", "prompts", "tools", "tests"):
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        yield Path(folder)


def measured(folder: Path, name: str, part: str = "", *, shown: bool) -> Share:
    """The share of one package, or of the tests in a ``part`` of it."""
    check = f"{CHECK} {part}".strip()
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with Sandbox.fork(folder, readable=(PACKAGE,)) as fork:
        layout = layout_of(fork, check, environment, TESTS)
        paths = os.pathsep.join(str(fork.source / one) for one in layout.code_paths)
        seen = observe(fork, check, {**environment, "PYTHONPATH": paths}, timeout=SECONDS)
        passing = [case.id for case in seen.cases or () if case.outcome == "passed"]
        kept = {path: fork.read(path) for path in fork.files() if layout.is_test(path)}
        files = sorted({test.partition("::")[0] for test in passing} & set(kept))
        plain, runs = [], []
        for _ in range(5):
            plain.append(fork.run(check, env={**environment, "PYTHONPATH": paths}, timeout=SECONDS).seconds)
            runs.append(run_apart(fork, layout, kept, files, environment, bounds=ApartBounds(SECONDS, 60.0, 3)))
    run = runs[0]
    reasons = Counter[str]()
    for test in passing:
        one = run.tests.get(test) or run.tests.get(test.partition("::")[0])
        verdict, reason, about = verdict_of(one) if one else ("unproven", "unjudged", "")
        if verdict != "proven":
            reasons[reason or verdict] += 1
            if shown:
                print(f"    {test}: {verdict} {reason} {about}"[:300])
    if not passing:
        print(seen.output[-2000:])
    proven, quickest = len(passing) - reasons.total(), min(one.seconds for one in runs)
    return Share(name, len(passing), proven, dict(reasons), min(plain), quickest)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of unpacked source distributions")
    parser.add_argument("--own", action="store_true", help="two parts of this repository as well")
    parser.add_argument("--shown", action="store_true", help="print every test that is not proven")
    parser.add_argument("--write", type=Path, help="a file for the numbers, as JSON")
    given = parser.parse_args()
    packages = distributions(given.data, SHARES)
    heading("proof_share", ", ".join(one.name for one in packages), split="all tests that pass", seed="none")
    shares = [measured(one, one.name, shown=given.shown) for one in packages]
    for part in ("tests/pages", "tests/kvcache") if given.own else ():
        with _ours() as folder:
            shares.append(measured(folder, f"agentmem, {part}", part, shown=given.shown))
    ratios = {one.name: one.apart / one.plain if one.plain else 0.0 for one in shares}
    for one in shares:
        why = ", ".join(f"{reason} {count}" for reason, count in sorted(one.reasons.items(), key=lambda pair: -pair[1]))
        share = one.proven / one.tests if one.tests else 0.0
        told = f"{ratios[one.name]:>5.2f} x the plain run"
        print(f"  {one.name:<20} {one.proven:>5} of {one.tests:>5} {share:>7.1%}  {told}  {why}")
    tests, proven = sum(one.tests for one in shares), sum(one.proven for one in shares)
    share, each = proven / max(1, tests), sum(one.proven / max(1, one.tests) for one in shares) / max(1, len(shares))
    ratio = sum(one.apart for one in shares) / max(0.001, sum(one.plain for one in shares))
    slowest = max(ratios, key=lambda name: ratios[name], default="")
    ok = share >= LEAST and each >= LEAST and all(one <= SLOWEST for one in ratios.values())
    print(f"  proven: {share:.1%} of {tests:,} tests, {each:.1%} on the average of packages (targets: {LEAST:.0%})")
    print(
        f"  time: {ratio:.2f} x the plain runs in sum; the slowest is {slowest} with {ratios.get(slowest, 0.0):.2f} x"
    )
    print(f"  (target: at most {SLOWEST} for each package): {'reached' if ok else 'MISSED'}")
    record_figures(
        tests=tests,
        proven=share,
        proven_mean=each,
        times_the_plain_run=ratio,
        times_of_the_slowest=ratios.get(slowest, 0.0),
        slowest=slowest,
        times={name: round(one, 2) for name, one in ratios.items()},
        packages={one.name: one.proven / max(1, one.tests) for one in shares},
    )
    if given.write:
        rows = [[one.name, one.tests, one.proven, one.reasons, one.plain, one.apart] for one in shares]
        given.write.write_text(json.dumps({"commit": commit(), "packages": rows}), encoding="utf-8")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
