"""How often the default judge of answers is wrong: `agentmem.memory.answers.agreement`.

The texts are those of GPTCache's mock_data, which read like answers. A pair of it says the same; a text and the nearest
other first text say different things, which is the hardest difference there is and partly no difference at all (the
data repeats itself), so that what passes is an upper bound.

    python -m tests.benchmarks.answers_agreement --data DIR
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from agentmem.memory.answers.agreement import LEAST, Agreement, errors
from agentmem.memory.embedder import MiniLM
from tests.benchmarks.answer_data import mock, vectors
from tests.benchmarks.heading import heading

EQUAL = 0.995
"""From this cosine on two first texts are one."""


def main() -> int:
    """Print the errors at a few cosines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    heading("answer cache: agreement of answers", "gptcache mock_data (MIT)", default=f"cosine {LEAST}")
    pairs = mock(given.data)
    texts = sorted({text for one in pairs for text in one})
    rows = dict(zip(texts, vectors(texts), strict=True))
    firsts = sorted({first for first, _ in pairs})
    matrix = np.stack([rows[one] for one in firsts])
    cosines = matrix @ matrix.T
    cosines[cosines >= EQUAL] = -1
    others = [(one, firsts[int(cosines[at].argmax())], False) for at, one in enumerate(firsts)]
    labelled = [(first, second, True) for first, second in pairs] + others
    for least in (0.8, 0.85, LEAST, 0.95):
        judge = Agreement(MiniLM(), least, lambda one, other: float(rows[one] @ rows[other]))
        found = errors(judge, labelled)
        low, high = found.missed_bounds
        print(
            f"  cosine {least:.2f}: takes {found.missed} of {found.different} different answers for the same "
            f"({low:.1%} to {high:.1%}), tells {found.alarmed} of {found.same} equal ones apart "
            f"({found.alarmed_bounds[0]:.1%} to {found.alarmed_bounds[1]:.1%})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
