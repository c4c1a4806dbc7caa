"""Of 1,000 private requests none leaves: real HTTP to servers that stand for a cloud and an edge, with faults.

The requests are private by a word, a thread's name or a page that a tool read; among them are retries, fallbacks,
summaries of compactions, delegates and what is labelled for a batch. The edge fails in a fifth of its requests. A
request has left if the mark that every private text carries is in a body that a cloud server got.
"""

import argparse
import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.heading import commit, heading, record_figures
from tests.runtime.privately import PrivateDay


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the requests are made here")
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    heading("private_requests", "made here", split="none", seed=given.seed, requests=given.requests)
    with TemporaryDirectory() as folder, closing(PrivateDay(Path(folder), given.seed)) as day:
        kept = day.work(given.requests)
    for kind, requests in sorted(kept.private.items()):
        print(f"{kind:<12} {requests:>6,} private requests")
    print(f"{kept.total:,} in all, {kept.failed:,} failed at the edge; {kept.open:,} open requests at the cloud")
    print(f"{kept.leaked} left (target 0)")
    record_figures(**asdict(kept))
    if given.json:
        given.json.write_text(json.dumps({"commit": commit(), **asdict(kept)}), encoding="utf-8")
    return 1 if kept.leaked or kept.total < given.requests or not kept.open else 0


if __name__ == "__main__":
    raise SystemExit(main())
