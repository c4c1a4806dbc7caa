"""Fidelity beside peers: what is in view after 1, 3 and 10 cuts, and after all, on made and on recorded sessions.

Made sessions say themselves what must survive, so no detector decides; recorded ones are read by the detectors, whose
precision and recall on labelled sentences is printed as well. Every policy gets the same extract as its summary.

    python -m tests.benchmarks.fidelity [--data DIR] [--budget N] [--seed N] [--json FILE]
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentmem.cli.fidelity import show_fidelity
from agentmem.compaction.statements import statements
from agentmem.replay.fidelity import CUTS, measure, row, total
from agentmem.replay.fidelity_folders import fidelity_all
from agentmem.replay.fidelity_items import KINDS
from agentmem.replay.parallel import ReplayPlan
from agentmem.replay.peers import missing
from agentmem.replay.registry import maker
from tests.benchmarks.fidelity_sessions import STEPS, made_sessions
from tests.benchmarks.heading import heading, record_figures

POLICIES = ("agentmem", "langchain-summarization", "deepagents")
MADE, RECORDED = 30_000, 120_000
"""Budgets: small for made sessions, so that ten cuts take few tokens."""
FILE = Path("claude-code") / "transcripts.jsonl.xz"
LABELLED = Path(__file__).parents[1] / "compaction" / "labelled.tsv"
PRECISION, RECALL = 0.95, 0.9


def labelled(part: str) -> Iterator[tuple[str, str, str]]:
    """The language, the label and the text of each labelled sentence of one part."""
    with LABELLED.open(encoding="utf-8") as file:
        for one in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if one["part"] == part:
                yield one["language"], one["label"], one["text"]


def detected(part: str) -> tuple[float, float, int]:
    """Precision and recall of the detector on one part, and how many sentences it has."""
    right = found = wanted = size = 0
    for _, label, text in labelled(part):
        hit, size = bool(statements(text)), size + 1
        found, wanted, right = found + hit, wanted + (label != "-"), right + (hit and label != "-")
    return right / found, right / wanted, size


def on_made(policies: tuple[str, ...], budget: int, seed: int, steps: int) -> dict[str, Any]:
    """The table for made sessions."""
    cases = list(made_sessions(seed, steps))
    rows = [row(name, total(measure(one, maker(name), budget) for one in cases)) for name in policies]
    return {"budget": budget, "cuts": list(CUTS), "kinds": dict(KINDS), "policies": rows}


def misses(made: dict[str, Any]) -> list[str]:
    """What ours lost of anything, after any number of cuts."""
    ours = next(one for one in made["policies"] if one["policy"] == "agentmem")
    return [
        f"{kind} after {after['cuts']}: {after[kind]['held']:,} of {after[kind]['due']:,}"
        for after in ours["after"]
        for kind in KINDS
        if after[kind]["held"] < after[kind]["due"]
    ]


def without_texts(made: dict[str, Any]) -> dict[str, Any]:
    """The counts alone: what was lost is quoted from recordings, which a record must not hold."""
    rows = [{**row, "after": [{**after, "lost": []} for after in row["after"]]} for row in made["policies"]]
    return {**made, "policies": rows}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with recorded sessions; without it only made ones")
    parser.add_argument("--budget", type=int, default=MADE)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    policies = tuple(name for name in POLICIES if not missing(name))
    heading("Fidelity", "made sessions", seed=given.seed, steps=given.steps, budget=given.budget)
    made = on_made(policies, given.budget, given.seed, given.steps)
    show_fidelity(made)
    found: dict[str, Any] = {"made": made}
    for part in ("tune", "held"):
        precision, recall, size = detected(part)
        found[part] = {"precision": precision, "recall": recall, "sentences": size}
        print(f"detector, {size} labelled sentences ({part}): precision {precision:.3f}, recall {recall:.3f}")
    missed = misses(made)
    if given.data:
        heading("Fidelity", str(given.data / FILE), budget=RECORDED, chain="1,000,000 tokens")
        found["recorded"] = fidelity_all(ReplayPlan((given.data / FILE,), ("recorded", *policies), budget=RECORDED))
        show_fidelity(without_texts(found["recorded"]))
        missed += misses(found["recorded"])
    record_figures(**{part: without_texts(one) if "policies" in one else one for part, one in found.items()})
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if found["held"]["precision"] < PRECISION or found["held"]["recall"] < RECALL:
        missed.append("the detector on held-out sentences")
    print("all targets met" if not missed else "missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
