"""Runs every benchmark, one process after the other, whatever becomes of each; a table names them all at the end.

    python -m tests.benchmarks --data DIR [NAME ...] [--small] [--limit SECONDS] [--records FOLDER]
        [--resume | --missing]

Each leaves its record as JSON in the folder of records (build/benchmarks by default): its figures, what it printed, how
it ended and when. The table stands there too, as table.md and table.json. With --resume, what has a record of this
commit is not run again; with --missing, what has a record of any commit. Ends non-zero when one missed its target,
failed or took longer than the limit.
"""

import argparse
import json
import shlex
import sys
from pathlib import Path

from tests.benchmarks.data import DATA
from tests.benchmarks.heading import commit
from tests.benchmarks.records import GOOD, Record, run, table

MAIN = 'if __name__ == "__main__":'
NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if MAIN in path.read_text(encoding="utf-8"))
"""The modules that can be run; the others help them."""
RECORDS = Path("build") / "benchmarks"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"which ones; by default all: {', '.join(NAMES)}")
    parser.add_argument("--data", default=str(DATA), help="the folder of recordings; what needs one is skipped without")
    parser.add_argument("--small", action="store_true", help="with the small settings of tests/benchmarks/records.py")
    parser.add_argument("--limit", type=float, help="seconds that one benchmark may take; it is ended after them")
    parser.add_argument("--records", type=Path, default=RECORDS, help=f"where records go (default: {RECORDS})")
    parser.add_argument("--resume", action="store_true", help="leave out what has a record of this commit there")
    parser.add_argument("--missing", action="store_true", help="leave out what has a record there, of any commit")
    parser.add_argument("--options", default="", help="options of the one benchmark that is named, as one text")
    given = parser.parse_args()
    if given.options and len(given.names) != 1:
        parser.error("--options are those of one benchmark: name it")
    if unknown := sorted(set(given.names) - set(NAMES)):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    ended = run_all(given.names or NAMES, given)
    markdown = table(ended)
    given.records.mkdir(parents=True, exist_ok=True)
    (given.records / "table.md").write_text(markdown, encoding="utf-8")
    rows = [{"benchmark": one.benchmark, "outcome": one.outcome, "seconds": one.seconds} for one in ended]
    (given.records / "table.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"\n{markdown}")
    return int(any(one.outcome not in GOOD for one in ended))


def run_all(names: list[str], given: argparse.Namespace) -> list[Record]:
    """The record of each; Ctrl-C ends the one that runs, and the rest are not begun."""
    ended: list[Record] = []
    for at, name in enumerate(names, 1):
        place = given.records / f"{name}.json"
        if (kept := Record.read(place)) and (given.missing or (given.resume and kept.of(commit()))):
            ended.append(kept)
            continue
        print(f"\n[{at}/{len(names)}] {name}", flush=True)
        try:
            record = run(name, given.data, small=given.small, limit=given.limit, options=shlex.split(given.options))
        except KeyboardInterrupt:
            break
        record.write(place)
        ended.append(record)
    return ended + [Record(name, "not run") for name in names[len(ended) :]]


if __name__ == "__main__":
    sys.exit(main())
