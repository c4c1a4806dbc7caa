"""The page of benchmarks, and tables in other pages, made of the records in docs/benchmarks: none is typed by hand.

python -m tests.benchmarks --records docs/benchmarks NAME ...   # run some again
python -m tests.site.benchmarks                                 # write the page
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.benchmarks.records import Record
from tests.site.held import HELD, ROWS
from tests.site.order import DOCS
from tests.site.tables import cell, filled, found

RECORDS = DOCS / "benchmarks"
PAGE = DOCS / "benchmarks.md"
_LINES = 45
_MARKED = re.compile(r'(?P<head>```text why="from the record of (?P<name>\w+)"\n)(?P<body>.*?)```\n', re.DOTALL)
_VERDICTS = ("reached", "all targets are reached")
"""Lines that, like a record's heading, are on the page of benchmarks alone."""

TOP = """# Benchmarks

Each benchmark prints its data, split, seed, commit and settings, then its figures beside a peer or a limit from the
same run, and fails if it misses its target. This page is made of the records that they left
(`python -m tests.site.benchmarks`); a target that was missed stands here as missed.

```console
$ make bench                              # runs every one, whatever becomes of each, and writes one table
$ make bench BENCH="--lanes 2"            # the same, those that only count two at a time
$ python -m tests.benchmarks --small --limit 600 --resume   # with small settings, and on from where it was
$ python -m tests.benchmarks --records docs/benchmarks --missing   # those that have no record yet
```

Benchmarks that need recordings take their folder as `--data DIR`; no recording is part of the project. Times were taken
on a machine with much other work on its cores: read them as ratios within one run. The name of a benchmark leads to its
command, its settings and what it printed.
"""


def records(folder: Path = RECORDS) -> dict[str, Record]:
    """The records by name, in order."""
    found = (Record.read(path) for path in sorted(folder.glob("*.json")))
    return {one.benchmark: one for one in found if one}


def embedded(text: str, kept: Mapping[str, Record]) -> str:
    """A page of the docs whose marked blocks and tables are filled from the records.

    A block marked as a record's has what that printed, after its heading; a table has a row for each benchmark named.
    """

    def shown(found: re.Match[str]) -> str:
        record = kept.get(found["name"])
        if record is None:
            return found[0]
        inside = (line.rstrip() for line in record.printed[1:])
        heads = (f"{key.replace('_', ' ')}: " for key in ("commit", "data", *record.settings))
        alone = (*heads, *_VERDICTS)
        lines = (line for line in inside if not line.strip().startswith(alone))
        return "\n".join((found["head"].rstrip(), *lines, "```", ""))

    return filled(_MARKED.sub(shown, text), kept)


def page(kept: Mapping[str, Record]) -> str:
    """The page as markdown."""
    return "\n".join([TOP, *_held(kept), *_all(kept), *_each(kept)]).rstrip() + "\n"


def _held(kept: Mapping[str, Record]) -> Iterator[str]:
    for part, rows in HELD.items():
        there = [row for row in rows if row.benchmark in kept]
        if not there:
            continue
        yield f"## {part}\n\n| held to | found | outcome | benchmark |\n|---|---|---|---|"
        for row in there:
            record, name = kept[row.benchmark], row.benchmark
            yield f"| {cell(row.target)} | {found(row, record)} | {record.outcome} | [{name}](#{name}) |"
        yield ""


def _all(kept: Mapping[str, Record]) -> Iterator[str]:
    yield "## All runs\n\n| benchmark | outcome | day | commit | seconds |\n|---|---|---|---|---:|"
    for name, one in kept.items():
        yield f"| [{name}](#{name}) | {one.outcome} | {one.day} | {one.commit} | {one.seconds:,.0f} |"
    yield ""


def _each(kept: Mapping[str, Record]) -> Iterator[str]:
    yield "## What they printed\n"
    for name, one in kept.items():
        lines = list(one.printed)
        cut = lines[:_LINES] + ([f"... {len(lines) - _LINES} lines more"] if len(lines) > _LINES else [])
        shown = "\n".join(line.rstrip()[:180].replace("```", "'''") for line in cut)
        needs = ROWS[name].needs if name in ROWS else ""
        yield f'### {name}\n\n`{one.command}{needs}`\n\n```text why="what it printed, from its record"\n{shown}\n```\n'


def main() -> int:
    kept = records()
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (made := embedded(text, kept)) != text:
            path.write_text(made, encoding="utf-8")
            print(f"{path}: filled in")
    PAGE.write_text(page(kept), encoding="utf-8")
    print(f"{PAGE}: {len(kept)} records")
    return 0


if __name__ == "__main__":
    sys.exit(main())
