"""What the default threshold of an untuned query type is worth, on Banking77 (Casanueva et al. 2020, CC BY 4.0).

Two sizes: many small caches, each with 300 lookups over questions of its own, and one large one; 18 % of the lookups
repeat a question. The part "certify" of the questions (by hash; the coefficients saw only the part "fit") carries the
certificate, the part "report" is reported on. The default must keep Clopper and Pearson's bound on wrong hits
below the limit at both sizes on the first, and the share itself on the second.

    python -m tests.benchmarks.answers_defaults --data DIR
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agentmem.answers.tuning import LIMIT, certify
from tests.benchmarks.answer_data import flat
from tests.benchmarks.answer_settings import DEFAULT
from tests.benchmarks.answer_streams import Played, play
from tests.benchmarks.answers_banking77 import TARGETS, Part, part
from tests.benchmarks.heading import heading

LOOKUPS, DISTINCT = 300, 246
SEED, LARGE_SEED = 7, 100


def small(of: Part) -> Iterator[Played]:
    """Small caches, of questions that no other has."""
    decide, count = DEFAULT.decider(), len(of.questions)
    order = np.random.default_rng(SEED).permutation(count)
    for first in range(0, count - DISTINCT + 1, DISTINCT):
        own = order[first : first + DISTINCT]
        yield play([of.questions[at] for at in own], of.rows[own], flat(DISTINCT, LOOKUPS, first), decide)


def large(of: Part) -> Iterator[Played]:
    """One cache of all questions."""
    yield of.played(TARGETS[0], LARGE_SEED, DEFAULT.decider())


def main() -> int:
    """Both sizes on both parts. 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    heading("answer cache: defaults", "Banking77, split by hash", seed=SEED, setting=DEFAULT.name, limit=f"{LIMIT:.1%}")
    met = []
    for name in ("certify", "report"):
        of = part(given.data, name)
        for size, runs in (("small caches", list(small(of))), ("one large cache", list(large(of)))):
            hits, wrong = sum(one.hits for one in runs), sum(one.wrong for one in runs)
            bound, lookups = certify(wrong, hits), sum(one.lookups for one in runs)
            met.append((bound.upper if name == "certify" else wrong / max(hits, 1)) <= LIMIT)
            print(
                f"  {name:<8} {size:<16} hits {hits / lookups:.1%}, wrong {wrong} of {hits} hits: {wrong / hits:.2%}, "
                f"at most {bound.upper:.2%} at 95 %: {'kept' if met[-1] else 'MISSED'}"
            )
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
