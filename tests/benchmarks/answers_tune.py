"""The time of `agentmem answers tune` on a log of 14,000 rows, from the command to the thresholds.

The log is made when it runs: a stream over all questions of Banking77, of which 18 % repeat one before, with the
intents as names of the answers. It runs as a user runs it, in a process of its own with an empty workspace.

    python -m tests.benchmarks.answers_tune --data DIR [--rows 14000] [--seconds 180] [--json FILE]
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.answer_data import banking, flat
from tests.benchmarks.heading import commit, heading, record_figures

SEED = 5
ROWS, SECONDS = 14_000, 180.0
CORES = 2


def written(data: Path, rows: int, path: Path) -> int:
    """Write the log; the number of different questions in it."""
    questions = banking(data)
    stream = flat(len(questions), rows, SEED)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("question", "answer", "kind"))
        table.writerows((questions[at].question, questions[at].answer, "faq") for at in stream)
    return len(set(stream.tolist()))


def main() -> int:
    """Run the command. 1 when it takes longer than it may, in processor seconds on two cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="keep the page with the curves here")
    given = parser.parse_args()
    heading("answer cache: a tuning run", f"{given.data}/banking77", seed=SEED, rows=given.rows)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.csv")
        distinct = written(given.data, given.rows, log)
        command = [sys.executable, "-m", "agentmem", "answers", "tune", str(log), "--workspace", folder]
        command += ["--plot", str(given.plot)] if given.plot else []
        began = time.monotonic()
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        wall = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = used.ru_utime + used.ru_stime
    print(run.stdout.strip() or run.stderr.strip())
    print(f"  {given.rows:,} rows, {distinct:,} different questions: {wall:.0f} s, {processor:.0f} processor seconds")
    met = run.returncode == 0 and min(wall, processor) <= given.seconds
    print(f"  target: {given.seconds:.0f} s on {CORES} cores without other work: {'met' if met else 'MISSED'}")
    record_figures(rows=given.rows, distinct=distinct, seconds=wall, processor=processor)
    if given.json:
        record = {"commit": commit(), "rows": given.rows, "distinct": distinct, "seconds": wall}
        given.json.write_text(json.dumps({**record, "processor": processor, "said": run.stdout}), encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
