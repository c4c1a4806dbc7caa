"""How often the default judge of answers is wrong: `agentmem.answers.agreement`.

Two sets of labelled pairs. GPTCache's mock_data reads like answers, and each of its pairs says the same: what is told
apart there is a false alarm. The pairs of fow-cache are short and adversarial: half of them differ in one word that
matters. Its odd lines were looked at when the judge was made, its even lines are reported. The judge must be wrong less
often, in both ways and on both sets, than the plain one: equal numbers, codes and polarity, and a cosine of .9.

    python -m tests.benchmarks.answers_agreement --data DIR
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from agentmem.answers.agreement import LEAST, RULES, Agreement, Errors, errors
from agentmem.recall.embedder import MiniLM
from tests.benchmarks.answer_data import mock, traps, vectors
from tests.benchmarks.heading import heading, record_figures

PLAIN = tuple(rule for rule in RULES if rule[0] in ("ids", "numbers", "negation"))
PLAIN_LEAST = 0.9
Pairs = list[tuple[str, str, bool]]


def line(name: str, found: Errors) -> str:
    """A row of the table."""
    parts = []
    if found.different:
        low, high = found.missed_bounds
        parts.append(f"takes {found.missed} of {found.different} different ones for the same ({low:.1%} to {high:.1%})")
    low, high = found.alarmed_bounds
    parts.append(f"tells {found.alarmed} of {found.same} equal ones apart ({low:.1%} to {high:.1%})")
    return f"    {name:<34} {', '.join(parts)}"


def compared(name: str, pairs: Pairs) -> bool:
    """Both judges on one set; whether the default is wrong less often."""
    texts = sorted({text for one in pairs for text in one[:2]})
    rows = dict(zip(texts, vectors(texts), strict=True))
    spells = MiniLM().spells

    def cosine(one: str, other: str) -> float:
        return float(rows[one] @ rows[other])

    ours = errors(Agreement(LEAST, spells, RULES, cosine), pairs)
    plain = errors(Agreement(PLAIN_LEAST, spells, PLAIN, cosine), pairs)
    print(f"  {name}: {len(pairs)} pairs")
    print(line(f"the default, cosine {LEAST}", ours))
    print(line(f"the plain one, cosine {PLAIN_LEAST}", plain))
    record_figures(**{name: {"pairs": len(pairs), "ours": asdict(ours), "plain": asdict(plain)}})
    fewer = ours.alarmed < plain.alarmed and (not ours.different or ours.missed < plain.missed)
    print(f"    {'fewer errors' if fewer else 'MISSED: no fewer errors'}")
    return fewer


def main() -> int:
    """The tables. 1 when the default is no better than the plain judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    heading("answer cache: agreement of answers", "gptcache mock_data (MIT); fow-cache 0.1.0 pairs (MIT), even lines")
    same: Pairs = [(first, second, True) for first, second in mock(given.data)]
    trapped: Pairs = [(one.kept, one.asked, one.same) for one in traps("even")]
    good = [compared("mock_data", same), compared("fow-cache, even lines", trapped)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
