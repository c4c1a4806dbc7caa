"""Whether `agentmem why` names the right cause: fifteen faults put into an agent, five pairs of faults, a clean run.

The faults are made by tests/agents/, which knows nothing of the diagnosis. Usage comes from the rules of the provider's
cache (simulated). A run is right when the causes named are exactly those put in.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping

from agentmem.integrations.observing import completed, observe
from agentmem.kvcache.frames import Frames
from agentmem.kvcache.why.diagnosis import Finding, diagnose
from tests.agents.faults import CLEAN, COMBINED, FAULTS, Traffic, clean
from tests.agents.provider import answered
from tests.benchmarks.heading import heading, record_figures

Row = Mapping[str, int]


def findings(traffic: Traffic) -> list[Finding]:
    """The diagnosis of what an agent sent."""
    make = Frames()
    return diagnose(completed(observe(line, number, make) for number, line in enumerate(answered(traffic), 1)))


def named(found: Iterable[Finding]) -> set[str]:
    return {one.cause or "unexplained" for one in found}


def matrix(seeds: int) -> tuple[dict[str, Counter[str]], list[str]]:
    """Findings by cause put in and cause named, and the runs whose causes were not exactly right."""
    rows: dict[str, Counter[str]] = {}
    wrong: list[str] = []
    for cause, ways in FAULTS.items():
        row = rows.setdefault(cause, Counter())
        for way, faulty in ways.items():
            for seed in range(seeds):
                found = findings(faulty(seed))
                row.update(one.cause or "unexplained" for one in found)
                if named(found) != {cause}:
                    wrong.append(f"{cause} / {way} / seed {seed}: {', '.join(sorted(named(found))) or 'nothing'}")
    return rows, wrong


def show(rows: Mapping[str, Row]) -> None:
    """Findings: a line for each cause put in, a column for each cause named."""
    columns = [*FAULTS, "unexplained"]
    width = max(map(len, columns))
    print(f"\n{'put in':{width}}  named (columns in the order of the lines, last: unexplained)")
    for cause, row in rows.items():
        print(f"{cause:{width}}  " + " ".join(f"{row.get(column, 0) or '.':>5}" for column in columns))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not used: the traffic is made here")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=500, help="of the clean run")
    options = parser.parse_args()
    heading("why: the confusion matrix", "made by tests/agents", seeds=options.seeds, clean_turns=options.turns)
    rows, wrong = matrix(options.seeds)
    show(rows)
    runs = options.seeds * sum(len(ways) for ways in FAULTS.values())
    right = sum(row[cause] for cause, row in rows.items())
    print(f"\nruns with exactly the cause put in: {runs - len(wrong)} of {runs} ({1 - len(wrong) / runs:.1%})")
    print(f"findings with the cause put in: {right} of {sum(row.total() for row in rows.values())}")
    for title, (expected, faulty) in COMBINED.items():
        for seed in range(options.seeds):
            got = named(findings(faulty(seed)))
            if got != expected:
                wrong.append(f"{title} / seed {seed}: {', '.join(sorted(got)) or 'nothing'}")
    print(f"combined faults: {len(COMBINED)}, each with {options.seeds} seeds")
    unfounded = [one for seed in range(2) for one in findings(clean(seed, options.turns))]
    print(f"clean runs of {options.turns} turns: {len(unfounded)} findings")
    others = [one for faulty in CLEAN.values() for seed in range(options.seeds) for one in findings(faulty(seed))]
    print(f"other clean runs: {len(CLEAN) * options.seeds}, {len(others)} findings")
    wrong += [f"clean: {one}" for one in (*unfounded, *others)]
    for line in wrong:
        print(f"WRONG {line}")
    record_figures(
        runs=runs,
        right=runs - len(wrong),
        combined=len(COMBINED) * options.seeds,
        clean_findings=len(unfounded) + len(others),
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
