"""The block store on the Mooncake conversation trace: hit rates by capacity.

12,031 requests of a production hour, as hashes of 512-token blocks (kvcache-ai/Mooncake, Apache-2.0). The limit, from
the same run, is what any store could read at best: leading blocks that some earlier request had.
"""

import json
import lzma
import sys
import time
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from agentmem.kvcache.simulated.simulators import BlockStore
from tests.benchmarks.data import data_file
from tests.benchmarks.heading import heading, record_figures

BLOCK = 512
TARGETS = {None: 36.6, 3_000_000: 13.6, 10_000_000: 28.5, 50_000_000: 36.4}
"""Capacity in tokens: the hit rate, in percent of blocks, that least-recently-used leaves on this trace."""
TOLERANCE = 0.2
TRACE = Path("mooncake") / "conversation_trace.jsonl.xz"


def hit_rate(requests: Sequence[list[int]], capacity: int | None) -> float:
    """Percent of all blocks that were read."""
    store = BlockStore(capacity and capacity // BLOCK)
    read = 0
    for keys in requests:
        read += store.read(keys)
        store.store(keys)
    return 100 * read / sum(map(len, requests))


def limit(requests: Sequence[list[int]]) -> float:
    """Percent of all blocks that stand in an unbroken row of blocks sent before, from the start of their request."""
    seen: set[int] = set()
    known = 0
    for keys in requests:
        known += len(list(takewhile(seen.__contains__, keys)))
        seen.update(keys)
    return 100 * known / sum(map(len, requests))


def main() -> int:
    """Print a line a capacity; 1 if one is off by more than the tolerance."""
    path = data_file(__doc__, TRACE)
    with lzma.open(path, "rt") as lines:
        requests = [json.loads(line)["hash_ids"] for line in lines]
    heading("Block store on the Mooncake trace", str(path), seed="none", block_tokens=BLOCK, requests=len(requests))
    missed, best = 0, limit(requests)
    print(f"  limit: {best:.2f} %")
    for capacity, target in TARGETS.items():
        start = time.perf_counter()
        rate = hit_rate(requests, capacity)
        pace = len(requests) / (time.perf_counter() - start)
        record_figures(limit=best, **{f"hit_rate_{capacity}": rate})
        missed += abs(rate - target) > TOLERANCE
        room = "endless" if capacity is None else f"{capacity // 1_000_000}M tokens"
        print(
            f"  {room:>10}: {rate:5.2f} %, {rate / best:.3f} of the limit (target {target} %), {pace:,.0f} requests/s"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
