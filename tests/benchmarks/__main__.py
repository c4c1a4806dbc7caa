"""Runs every benchmark, whatever becomes of each; a table names them all at the end.

    python -m tests.benchmarks --data DIR [NAME ...] [--small] [--limit SECONDS] [--records FOLDER]
        [--resume | --missing] [--lanes N]

One process runs after the other. With --lanes, those that only count run N at a time, the longest first, once those
that measure time have run alone. Each leaves its record as JSON in the folder of records (build/benchmarks by
default): its figures, what it printed, how it ended and when. The table stands there too, as table.md and table.json.
With --resume, what has a record of this commit is not run again; with --missing, what has a record of any commit.
Ends non-zero when one missed its target, failed or took longer than the limit.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.benchmarks.data import DATA
from tests.benchmarks.heading import ROOT, commit
from tests.benchmarks.records import GOOD, Record, Running, run, table

MAIN = 'if __name__ == "__main__":'
NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if MAIN in path.read_text(encoding="utf-8"))
"""The modules that can be run; the others help them."""
_COUNTING = """
answers_agreement answers_banking77 answers_near answers_peers answers_private answers_real answers_traps
block_cache cheats delegates fidelity fleet_batches fleet_faults fork_cache humanevalpack kills local_cache
mcp_claude mcp_faults mcp_serving merge_kills middleware middleware_beside needles planner_choices planner_eviction
planner_pins planner_settings prices_beside private_requests proof_cheats proof_contradictions proof_pairs
replay_chains replay_defaults replay_peers replay_traces replay_verify router_difficulty small_budget team_prefix
token_estimate warehouse_faults warehouse_peers warehouse_team watch_claude why_matrix
"""
COUNTING = frozenset(_COUNTING.split())
"""What is held to no time and no memory, so that others may run beside it."""
KEPT = ROOT / "docs" / "benchmarks"
"""Records of earlier runs: they say how long each takes."""
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
    parser.add_argument("--lanes", type=int, default=1, help="how many of those that only count run at a time")
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
    names = ("benchmark", "outcome", "seconds", "processor")
    rows = [{name: getattr(one, name) for name in names} for one in ended]
    (given.records / "table.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"\n{markdown}")
    return int(any(one.outcome not in GOOD for one in ended))


def run_all(names: Sequence[str], given: argparse.Namespace) -> list[Record]:
    """The record of each, in the order of ``names``; Ctrl-C ends those that run, and the rest are not begun."""
    ended = {name: kept for name in names if (kept := _kept(name, given))}
    left = [name for name in names if name not in ended]
    beside = [name for name in left if name in COUNTING] if given.lanes > 1 else []
    try:
        for name in (one for one in left if one not in beside):
            print(f"\n[{len(ended) + 1}/{len(names)}] {name}", flush=True)
            ended[name] = _run(name, given)
        for record in _side_by_side(longest_first(beside), given):
            ended[record.benchmark] = record
            print(f"\n[{len(ended)}/{len(names)}] {record.benchmark}: {record.outcome}, {record.seconds} s", flush=True)
    except KeyboardInterrupt:
        print("ended; --resume goes on from here")
    return [ended.get(name) or Record(name, "not run") for name in names]


def longest_first(names: Sequence[str], kept: Path = KEPT) -> list[str]:
    """By the seconds of the records that are kept, so that no lane ends with a long one; unknown ones come before.

    Those of the processor count, where a record has them: others may have been at work when it was made.
    """
    records = {name: Record.read(kept / f"{name}.json") for name in names}
    return sorted(names, key=lambda name: -(one.processor or one.seconds if (one := records[name]) else float("inf")))


def _kept(name: str, given: argparse.Namespace) -> Record | None:
    """The record that makes a run needless."""
    kept = Record.read(given.records / f"{name}.json")
    return kept if kept and (given.missing or (given.resume and kept.of(commit()))) else None


def _run(name: str, given: argparse.Namespace, running: Running | None = None) -> Record:
    """One run, its record in the folder of records. One that runs beside others shows nothing: its record has it."""
    options = shlex.split(given.options)
    record = run(name, given.data, small=given.small, limit=given.limit, options=options, beside=running)
    if not (running and running.ended):
        record.write(given.records / f"{name}.json")
    return record


def _side_by_side(names: Sequence[str], given: argparse.Namespace) -> Iterator[Record]:
    """The records of those that may run beside others, each when its run has ended."""
    running = Running()
    with ThreadPoolExecutor(given.lanes) as lanes:
        futures = [lanes.submit(_run, name, given, running) for name in names]
        try:
            yield from (future.result() for future in as_completed(futures))
        except BaseException:
            lanes.shutdown(wait=False, cancel_futures=True)
            running.end()
            raise


if __name__ == "__main__":
    sys.exit(main())
