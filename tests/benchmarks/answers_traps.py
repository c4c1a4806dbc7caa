"""The answer cache on the trap set of the package fow-cache: rewordings to serve, and questions that only look alike.

Each pair meets an empty cache that holds its first question alone, as the package's own adapters do; then the first
questions of all pairs stand in one cache. The package's data is used, its guard is not. The odd lines built the cache
(its word lists), and the threshold is tuned on them: the lowest with as few traps as the target allows. The even lines
are reported on, and a trap of either kind of ambiguity is a trap.

    python -m tests.benchmarks.answers_traps
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agentmem.answers.log_replay import ReplayedQuestion
from agentmem.answers.logs import nearest
from agentmem.answers.values import Decider
from tests.benchmarks.answer_data import LabelledPair, traps, vectors
from tests.benchmarks.answer_settings import SETTINGS, Setting
from tests.benchmarks.answer_streams import by_cosine
from tests.benchmarks.heading import heading, record_figures

HITS, TRAPS = 0.63, 0.027
STEPS = (0.95, 0.90, 0.85, 0.80, 0.75, 0.70, 0.65, 0.60)
"""The thresholds that are tried on the odd lines, down to where GPTCache's defaults serve."""
COSINES = (0.6, 0.75, 0.9)
"""Rules that are compared; .6 is where GPTCache's defaults serve."""


def served(pairs: Sequence[LabelledPair], decide: Decider, together: bool = False) -> list[bool]:
    """Whether each pair's second question is served the answer to its first."""
    texts = sorted({text for one in pairs for text in (one.kept, one.asked)})
    rows = dict(zip(texts, vectors(texts), strict=True))
    everything = [ReplayedQuestion(text, text) for text in dict.fromkeys(one.kept for one in pairs)]
    found = []
    for one in pairs:
        entries = everything if together else [ReplayedQuestion(one.kept, one.kept)]
        candidates = nearest(rows[one.asked], np.stack([rows[entry.question] for entry in entries]), entries)
        verdict = decide(one.asked, rows[one.asked], candidates, "faq")
        found.append(verdict.serve and verdict.candidate is not None and verdict.candidate.answer == one.kept)
    return found


def shares(pairs: Sequence[LabelledPair], yes: Sequence[bool]) -> tuple[float, float]:
    """(share of rewordings served, share of traps served)."""
    right = [hit for one, hit in zip(pairs, yes, strict=True) if one.same]
    wrong = [hit for one, hit in zip(pairs, yes, strict=True) if not one.same]
    return sum(right) / len(right), sum(wrong) / len(wrong)


def row(name: str, pairs: Sequence[LabelledPair], yes: Sequence[bool]) -> tuple[float, float]:
    """Print a line of the table; the shares."""
    hits, wrong = shares(pairs, yes)
    given = sum(yes)
    per_hit = sum(hit and not one.same for one, hit in zip(pairs, yes, strict=True)) / given if given else 0.0
    print(f"  {name:<36} {hits:6.1%} of rewordings, {wrong:5.1%} of traps; wrong per hit {per_hit:.1%}")
    return hits, wrong


def groups(pairs: Sequence[LabelledPair], yes: Sequence[bool]) -> None:
    """Print what was served by group."""
    of, got = Counter(one.group for one in pairs), Counter[str]()
    got.update(one.group for one, hit in zip(pairs, yes, strict=True) if hit)
    print("    by group: " + ", ".join(f"{name} {got[name]}/{count}" for name, count in of.items()))


def tuned(pairs: Sequence[LabelledPair]) -> Setting:
    """The lowest threshold that serves as few of these traps as the target allows."""
    tried = [Setting(f"tuned on the odd lines: {at:.2f}", at) for at in STEPS]
    few = [one for one in tried if shares(pairs, served(pairs, one.decider()))[1] <= TRAPS]
    return few[-1] if few else tried[0]


def main() -> int:
    """The tables. 1 when the target is missed on the even lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="not needed: the package fow-cache carries the pairs")
    parser.parse_args()
    heading("answer cache: traps", "fow-cache 0.1.0, pairs.jsonl (MIT)", odd="built on", even="reported on")
    reached, own = (0.0, 1.0), tuned(traps("odd"))
    for lines in ("odd", "even"):
        pairs = traps(lines)
        print(f"\n{lines} lines, {len(pairs)} pairs, each by itself")
        for setting in (*SETTINGS, own):
            yes = served(pairs, setting.decider())
            result = row(setting.name, pairs, yes)
            if setting is own:
                groups(pairs, yes)
                reached = result
        for cosine in COSINES:
            row(f"the nearest from cosine {cosine}", pairs, served(pairs, by_cosine(cosine)))
        row(f"{own.name}; one cache", pairs, served(pairs, own.decider(), together=True))
    record_figures(rewordings=reached[0], traps=reached[1], threshold=own.threshold)
    met = reached[0] >= HITS and reached[1] <= TRAPS
    print(f"\ntarget on the even lines: {HITS:.0%} at {TRAPS:.0%} of traps: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
