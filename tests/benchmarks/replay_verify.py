"""Whether the simulated cache predicts what the provider reported, on whole recorded coding sessions.

The prediction uses no usage but each session's first. The losses that it expects beyond the rules were counted on the
half of the sessions whose name hashes to an even first byte (sha256); the other half is judged by itself. What the
client does not log (its dated habits, the size of what it restores) was studied on all of them. Beside it, in the same
run: the rules alone, and the plainest prediction there is, that every request reads all that the one before it sent.
"""

import hashlib
import itertools
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from agentmem.replay.recordings import sessions, sources
from agentmem.replay.session import RecordedSession
from agentmem.replay.source import RecordingSource, Spool
from agentmem.replay.verify import Compared, compare, verification
from tests.benchmarks.data import data_file
from tests.benchmarks.heading import heading, record_figures

FILE = Path("claude-code") / "transcripts.jsonl.xz"
TARGETS = {
    "hit_rate_error_mean": 0.3,
    "hit_rate_error_sd": 2.0,
    "hit_rate_error_abs_mean": 1.2,
    "input_tokens_error": 0.04,
    "input_usd_error": 0.06,
}
"""The largest error, whatever its sign: points of a session's hit rate; shares of all tokens and dollars."""


def load(path: Path) -> list[Compared]:
    """Every session with usage, predicted."""
    with TemporaryDirectory() as folder:
        listed = [one for one in sources([path], Spool(Path(folder))) if isinstance(one, RecordingSource)]
        read = (one for source in listed for one in sessions(source) if isinstance(one, RecordedSession))
        return [compared for session in read if (compared := compare(session))]


def held_out(one: Compared) -> bool:
    return hashlib.sha256(one.name.encode()).digest()[0] % 2 == 1


def everything_before(one: Compared) -> float:
    """The error, in points, of the prediction that each request reads all of the one before, in the recorded sizes."""
    sizes = [usage.input_tokens for usage in one.recorded]
    read = one.recorded[0].cache_read_tokens + sum(min(a, b) for a, b in itertools.pairwise(sizes))
    return 100 * (read - sum(usage.cache_read_tokens for usage in one.recorded)) / sum(sizes)


def judge(name: str, compared: Sequence[Compared]) -> bool:
    """Print one split's errors; whether all of them are within the targets."""
    found = verification(compared)
    alone = found["by_rules_alone"]
    plain = [everything_before(one) for one in compared]
    requests = sum(len(one.recorded) for one in compared)
    print(f"  {name}: {len(compared)} sessions, {requests:,} requests")
    for key, target in TARGETS.items():
        value, beside = found[key], alone.get(key)
        by_rules = "" if beside is None else f"   by rules alone {beside:+.3f}"
        print(f"    {key:<24} {value:+.3f} of ±{target}, {abs(value) / target:.2f} of it{by_rules}")
    record_figures(**{name: {key: found[key] for key in TARGETS}})
    mean, spread = statistics.fmean(plain), statistics.pstdev(plain)
    print(f"    reading all that was sent before would be off by {mean:+.3f}, sd {spread:.3f}")
    return all(abs(found[key]) <= target for key, target in TARGETS.items())


def main() -> int:
    path = data_file(__doc__, FILE)
    compared = load(path)
    split = "sha256 of the session's name, first byte odd: held out"
    heading("replay_verify", str(path), split=split, seed="none", sessions=len(compared))
    judge("the half that the losses were counted on", [one for one in compared if not held_out(one)])
    reached = [judge("held out", [one for one in compared if held_out(one)]), judge("all", compared)]
    print(f"  {'reached' if all(reached) else 'MISSED'}")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
