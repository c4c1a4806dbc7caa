"""How fast recordings are replayed, and in how much memory.

Whole coding sessions, joined to chains of a million tokens of text, in one process on one core. Reading and counting
the text, and finding what was needed later, are timed apart: they are done once, whatever the number of policies. Work
must grow with what is new and not with context × turns: the limit that the growth is compared with, in the same run, is
the share of the requests that the first half of each chain has.
"""

import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from agentmem.kvcache.rules import rules
from agentmem.replay.index import chains, index, load
from agentmem.replay.policies import POLICIES
from agentmem.replay.recordings import sources
from agentmem.replay.run import Chain, chain, replay
from agentmem.replay.source import RecordingSource, Spool
from tests.benchmarks.data import data_file
from tests.benchmarks.heading import heading, record_figures

FILE = Path("claude-code") / "transcripts.jsonl.xz"
MODEL = "claude-opus-4-6"
BUDGET = 100_000
LIMIT = 1_000_000
REQUESTS_PER_SECOND = 2_000
MEGABYTES = 500
GROWTH = 1.3
"""How much more a request of the whole chain may cost than one of its first half, where contexts are half as long."""


class Clock:
    """Adds up this process's own seconds by what they were spent on, so that others on the machine do not count."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._name, self._start = "", 0.0

    def on(self, name: str) -> None:
        """From now on time goes to ``name``."""
        now = time.process_time()
        self.spent[self._name] = self.spent.get(self._name, 0.0) + now - self._start
        self._name, self._start = name, now


def half(one: Chain) -> Chain:
    """The first half of a chain's requests."""
    return replace(one, exchanges=one.exchanges[: len(one.exchanges) // 2])


def run(path: Path, clock: Clock) -> int:
    """Replay everything; gives the number of requests."""
    requests = 0
    with TemporaryDirectory() as folder:
        clock.on("reading")
        listed = [one for one in sources([path], Spool(Path(folder))) if isinstance(one, RecordingSource)]
        entries = [entry for source in listed for entry in index(source).entries]
        clock.on("other")
        for joined in chains(entries, LIMIT):
            sessions = [session for entry in joined if (session := load(entry))]
            clock.on("needs")
            one = chain(sessions, "anthropic", MODEL)
            requests += len(one.exchanges)
            for name, make in POLICIES.items():
                clock.on(name)
                replay(one, make, BUDGET, rules)
            clock.on("half")
            replay(half(one), POLICIES["append-only"], BUDGET, rules)
            clock.on("other")
    return requests


def main() -> int:
    path = data_file(__doc__, FILE)
    clock = Clock()
    requests = run(path, clock)
    rates = {name: requests / clock.spent[name] for name in ("reading", "needs", *POLICIES)}
    growth = clock.spent["append-only"] / clock.spent["half"] / 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    heading("replay_speed", str(path), split="all", seed="none", requests=requests, budget=BUDGET, chain=LIMIT)
    for name, rate in rates.items():
        print(f"  {name:<12} {rate:>8,.0f} requests/s")
    slowest = min(rates[name] for name in POLICIES)
    print(f"  slowest policy: {slowest / REQUESTS_PER_SECOND:.1f} × the target of {REQUESTS_PER_SECOND:,} requests/s")
    print(f"  a request of the whole chain costs {growth:.2f} × one of its first half, at most {GROWTH}")
    print(f"  peak memory {peak:,.0f} MB, {peak / MEGABYTES:.2f} of {MEGABYTES} MB")
    record_figures(requests_a_second=rates, growth=growth, peak_mb=peak)
    reached = slowest >= REQUESTS_PER_SECOND and growth <= GROWTH and peak <= MEGABYTES
    print(f"  {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
