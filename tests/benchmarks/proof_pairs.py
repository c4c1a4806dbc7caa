"""Honest changes of real packages against the proof: how many are refused, and why.

    python -m tests.benchmarks.proof_pairs [--data DIR] [--each 2] [--seed 16] [--kept FILE] [--write FILE]

Each folder in DIR is an unpacked source distribution with its tests; without any there, those of a table are
downloaded (distributions.py says by which rule they were chosen). A pair is a fault that is taken back: the old code
has one mutant, the new is the package as it is, and the tester's files are those of the package's tests that fail on
the mutant; the others are old tests. So each change is right and each test is honest. A pair whose telling tests cannot
be proven at all (the code itself compares, a class of the tests is taken, ...) is told by its reason. The others must
be proven: at most 1 % may be refused.
"""

import argparse
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from agentmem.answers.tuning import lower_bound, upper_bound
from agentmem.sandbox import FileChange, Sandbox
from agentmem.team.forks import PACKAGE
from agentmem.team.mutants import Mutant, mutants
from agentmem.team.outcomes import observe
from agentmem.team.proof.layout import ProjectLayout, layout_of
from agentmem.team.proof.proving import Case, prove
from agentmem.team.proof.verdict import Proof
from agentmem.team.rights import TESTS
from tests.benchmarks.distributions import PAIRS, distributions
from tests.benchmarks.heading import commit, heading, record_figures
from tests.benchmarks.proof_share import CHECK

MOST, TRIED, SECONDS = 0.01, 3, 600.0
_NAMED = 4  # runs in which a test must have the same name: by the order of a set that holds classes it may not
LIMITS = frozenset(
    {"compares", "class", "object", "changes", "source", "special", "private", "program", "foreign", "replaced"}
    | {"large", "rewritten", "named", "runs", "argument", "stops", "skipped", "fixture", "missing", "untouched"}
    | {"unknown", "kept", "starred"}
)
"""Reasons that lie in how a test is written: another form of it can be proven."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One honest change: ``verdict`` of the proof, ``reason`` of the first test that is not proven, and its words."""

    package: str
    mutant: str
    verdict: str
    reason: str
    why: str
    seconds: float


class Package:
    """A package and its tests, forked once; the outcomes of its tests in one process with the code."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        self.fork = Sandbox.fork(folder, readable=(PACKAGE,))
        self.layout: ProjectLayout = layout_of(self.fork, CHECK, self.path, TESTS)
        right, *others = (self.outcomes(self.fork) for _ in range(_NAMED))
        broken = {test.partition("::")[0] for test, came in right.items() if came in ("failed", "error")}
        broken |= {test.partition("::")[0] for one in others for test in one.keys() ^ right.keys()}
        self.right = {test: came for test, came in right.items() if test.partition("::")[0] not in broken}
        for path in broken:  # as where a dependency is not installed, or tests have other names in each run
            self.fork.delete(path)

    def close(self) -> None:
        self.fork.close()

    def outcomes(self, fork: Sandbox) -> dict[str, str]:
        """The tests' outcomes in one process with the code; empty if they did not come to an end."""
        paths = os.pathsep.join(str(fork.source / one) for one in self.layout.code_paths)
        seen = observe(fork, CHECK, {**self.path, "PYTHONPATH": paths}, timeout=SECONDS)
        return {} if seen.cases is None else dict(seen.outcomes)

    def mutants(self) -> list[Mutant]:
        """All mutants of the code: every file, every line."""
        files = [path for path in self.fork.files("**/*.py") if not self.layout.is_test(path)]
        tops = [
            path
            for path in files
            if path.removeprefix("src/").partition("/")[0].removesuffix(".py") in self.layout.tops
        ]
        texts = {path: self.fork.read(path).decode("utf-8", "replace") for path in tops}
        return [one for path, text in texts.items() for one in mutants(path, "", text, 1000)]

    def pair(self, mutant: Mutant) -> Pair | None:
        """What the proof says of the change that takes the mutant back; None if the tests do not notice it."""
        with self.fork.fork_again() as old:
            old.write(mutant.path, mutant.text.encode("utf-8"))
            before = self.outcomes(old)
            failing = [test for test, came in before.items() if came != "passed" and self.right.get(test) == "passed"]
            own = sorted({test.partition("::")[0] for test in failing if "::" in test})
            if not own or not all(self.fork.exists(path) for path in own):
                return None
            for path in own:
                old.delete(path)
            right = self.fork.read(mutant.path)
            change = FileChange(mutant.path, "modified", False, mutant.text.encode("utf-8"), right)
            case = Case(
                base=old,
                fix=self.fork,
                change=(change,),
                tests=[FileChange(path, "added", False, None, self.fork.read(path)) for path in own],
                check=CHECK,
                places=TESTS,
                environment=self.path,
                again=self.right,
                before=before,
                mutants=mutants(mutant.path, mutant.text, right.decode("utf-8", "replace"), TRIED),
            )
            proof = prove(case)
        return Pair(
            self.name, f"{mutant.path}:{mutant.line} {mutant.operator}", proof.verdict, *_why(proof), proof.seconds
        )


def _why(proof: Proof) -> tuple[str, str]:
    """The reason of the first test that stands in the way, and the verdict's words."""
    if proof.verdict == "proven":
        return "", ""
    telling = [one for one in proof.tests if one.own and one.before in ("failed", "") and one.verdict != "proven"]
    lost = [one for one in proof.tests if not one.own and one.before == "proven" and one.verdict != "proven"]
    neither = [one for one in proof.tests if one.own and one.before == one.verdict == "unproven"]
    first = next(iter([*proof.failed, *lost, *telling, *neither]), None)
    return (first.reason or first.verdict if first else "none"), f"{proof.why} {first.about if first else ''}"[:300]


def pairs(folder: Path, each: int, seed: int, done: dict[tuple[str, str], Pair]) -> Iterator[Pair]:
    """So many pairs of one package, from mutants in a seeded order; those that are ``done`` already are not run."""
    with closing(Package(folder)) as package:
        if not package.right:
            print(f"  {package.name}: left out, none of its tests passes here", flush=True)
            return
        every = package.mutants()
        random.Random(f"{seed} {package.name}").shuffle(every)
        count = 0
        for one in every[: each * 4]:
            known = done.get((package.name, f"{one.path}:{one.line} {one.operator}"))
            if (pair := known or package.pair(one)) is not None:
                yield pair
                count += 1
            if count == each:
                return
        print(f"  {package.name}: {count} pairs, its tests notice no more of the {each * 4} mutants tried", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of unpacked source distributions")
    parser.add_argument("--each", type=int, default=2, help="pairs of each package")
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--kept", type=Path, help="a file for what is done; a run with the same file goes on from it")
    parser.add_argument("--write", type=Path, help="a file for the numbers, as JSON")
    given = parser.parse_args()
    packages = distributions(given.data, PAIRS)
    heading(
        "proof_pairs",
        ", ".join(one.name for one in packages),
        split="mutants taken back",
        seed=given.seed,
        each=given.each,
    )
    lines = given.kept.read_text(encoding="utf-8").splitlines() if given.kept and given.kept.exists() else []
    done = {(one.package, one.mutant): one for one in (Pair(**json.loads(line)) for line in lines)}
    came: list[Pair] = []
    for folder in packages:
        for one in pairs(folder, given.each, given.seed, done):
            came.append(one)
            if given.kept and (one.package, one.mutant) not in done:
                with given.kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(one)) + "\n")
            if one.verdict != "proven":
                print(f"  {one.package} {one.mutant}: {one.verdict} {one.reason}: {one.why}", flush=True)
    return _told(came, len(packages), given.write)


def _told(came: list[Pair], packages: int, write: Path | None) -> int:
    able = [one for one in came if one.verdict == "proven" or one.reason not in LIMITS]
    refused = [one for one in able if one.verdict != "proven"]
    print(f"  {'package':<24} {'pairs':>5} {'proven':>7} {'cannot be':>10} {'refused':>8}  reasons")
    for name in sorted({one.package for one in came}):
        some = [one for one in came if one.package == name]
        reasons = Counter(one.reason for one in some if one.verdict != "proven")
        wrong = sum(one in refused for one in some)
        proven = sum(one.verdict == "proven" for one in some)
        told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        print(f"  {name:<24} {len(some):>5} {proven:>7} {len(some) - proven - wrong:>10} {wrong:>8}  {told}")
    share = len(refused) / max(1, len(able))
    print(f"  packages with a pair: {len({one.package for one in came})} of {packages}")
    ok = bool(able) and share <= MOST
    bounds = f"95 % bounds {lower_bound(len(refused), len(able)):.1%} and {upper_bound(len(refused), len(able)):.1%}"
    print(f"  honest pairs refused wrongly: {len(refused)} of {len(able)}, {share:.1%} (target: at most {MOST:.0%})")
    print(f"  {bounds}, each one-sided (Clopper and Pearson)")
    print(f"  pairs whose tests cannot be proven as they are written: {len(came) - len(able)} of {len(came)}")
    print(f"  {'reached' if ok else 'MISSED'}")
    record_figures(pairs=len(came), able=len(able), refused=len(refused), share=share, limited=len(came) - len(able))
    if write:
        write.write_text(json.dumps({"commit": commit(), "pairs": [asdict(one) for one in came]}), encoding="utf-8")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
