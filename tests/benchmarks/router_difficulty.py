"""The router by difficulty on RouteLLM's answers of Mixtral 8x7B and GPT-4: average performance gap recovered (APGR).

Five folds by the digest of the question. A question's score comes from the labelled questions of the other four folds
alone, and so do the weights. APGR is the mean, over all shares of questions that go to GPT-4 in the order of the
scores, of the share of GPT-4's whole advantage; chance is .5. Beside it, under the same folds: a table of subjects (the
shrunk mean gain of each), the nearest labelled questions alone, and an oracle. The certificate is for one third of the
questions, which nothing was fitted to.

RouteLLM's own routers (Ong and others, 2024) are said to save 45 % of the dollars of GPT-4 alone on MMLU and 35 % on
GSM8K at 95 % of its quality (lmsys.org/blog/2024-07-01-routellm). Mixtral costs about a hundredth of GPT-4, so that is
the share of questions that stay with the small model. Ours stands beside it; theirs learnt from people's preferences
and one set of golden labels, ours knows labelled questions of the same benchmark, so it has the easier task.
"""

import argparse
import json
import lzma
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from agentmem.recall.embedder import MiniLM
from agentmem.routing.certified import certified, is_held
from agentmem.routing.difficulty import Difficulty, LabelledQuestion, area
from agentmem.routing.logistic import Numbers
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import heading, record_figures

FOLDS = 5
PUBLISHED = {"mmlu": 0.45, "gsm8k": 0.35}
"""The share of dollars that RouteLLM's routers are said to save at `QUALITY` of the large model's right answers."""
QUALITY = 0.95
TARGETS = {"mmlu": 0.70, "gsm8k": 0.60}
SHRINK = 20
"""The weight of the mean of all questions in the mean of a subject."""
NEAREST = 40
WORSE = 0.02
Places = np.typing.NDArray[np.intp]


def read(path: Path) -> dict[str, list[LabelledQuestion]]:
    found = defaultdict(list)
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for one in map(json.loads, lines):
            made = LabelledQuestion(one["prompt"], bool(one["weak"]), bool(one["strong"]), one["subject"])
            found[one["set"]].append(made)
    return dict(found)


def fold(question: LabelledQuestion) -> int:
    return int.from_bytes(sha256(f"fold {question.text}".encode()).digest()[:4], "big") % FOLDS


def folded(questions: Sequence[LabelledQuestion], vectors: Numbers) -> dict[str, Any]:
    """APGR of each way, each fold scored by the others."""
    folds = np.array([fold(one) for one in questions])
    gains = np.array([float(one.large) - float(one.small) for one in questions])
    scores = {name: np.zeros(len(questions)) for name in ("ours", "subjects", "nearest")}
    for number in range(FOLDS):
        kept, held = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        made = Difficulty.of([questions[int(at)] for at in kept], MiniLM(), vectors[kept])
        asked = [(questions[int(at)].text, questions[int(at)].subject) for at in held]
        scores["ours"][held] = made.gains(asked, vectors[held])
        scores["subjects"][held] = subjects(questions, gains, kept, held)
        scores["nearest"][held] = nearest(vectors, gains, kept, held)
        print(f"  fold {number}: APGR {area(scores['ours'][held], gains[held]):.3f}", flush=True)
    found: dict[str, Any] = {name: area(one, gains) for name, one in scores.items()}
    found["folds"] = [area(scores["ours"][folds == one], gains[folds == one]) for one in range(FOLDS)]
    large = np.array([float(one.large) for one in questions])
    saved = {"saved": saving(scores["ours"], gains, large), "saved_subjects": saving(scores["subjects"], gains, large)}
    return {**found, **saved, "oracle": area(gains, gains)}


def saving(scores: Numbers, gains: Numbers, large: Numbers) -> float:
    """The share of questions that can stay with the small model, those of the lowest scores first, until less than
    `QUALITY` of the large one's right answers would be left.
    """
    lost = np.cumsum(gains[np.argsort(scores, kind="stable")])
    over = np.flatnonzero(lost > (1 - QUALITY) * large.sum())
    return float(over[0] / len(gains)) if len(over) else 1.0


def subjects(
    questions: Sequence[LabelledQuestion],
    gains: Numbers,
    kept: Places,
    held: Places,
) -> Numbers:
    mean, by = gains[kept].mean(), defaultdict(list)
    for at in kept:
        by[questions[at].subject].append(gains[at])
    shrunk = {name: (sum(some) + SHRINK * mean) / (len(some) + SHRINK) for name, some in by.items()}
    return np.array([shrunk.get(questions[at].subject, mean) for at in held])


def nearest(vectors: Numbers, gains: Numbers, kept: Places, held: Places) -> Numbers:
    alike = vectors[held] @ vectors[kept].T
    places = np.argpartition(-alike, NEAREST, axis=1)[:, :NEAREST]
    found: Numbers = gains[kept][places].mean(axis=1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--vectors", type=Path, help="keep the embeddings in this file, for the next time")
    given = parser.parse_args()
    path = recording(given.data, "router/routellm-even.jsonl.xz")
    sets = read(path)
    heading(
        "router_difficulty", str(path), split=f"{FOLDS} folds by digest", seed="0 for samples", embedder=MiniLM.name
    )
    made, missed = {}, []
    for name, vectors in zip(sets, embedded(sets, given.vectors), strict=True):
        questions = sets[name]
        found = folded(questions, vectors)
        held = np.array([is_held(one.text) for one in questions])
        known = Difficulty.of([one for one in questions if not is_held(one.text)], MiniLM(), vectors[~held])
        asked = [one for one in questions if is_held(one.text)]
        sure = certified(asked, known.gains([(one.text, one.subject) for one in asked], vectors[held]), WORSE)
        made[name] = {**found, "certificate": asdict(sure)}
        print(f"{name}: {len(questions):,} questions, APGR {found['ours']:.3f} (target {TARGETS[name]:.2f})")
        print(f"  a table of subjects {found['subjects']:.3f}, {NEAREST} nearest questions {found['nearest']:.3f}")
        print(f"  chance .500, an oracle {found['oracle']:.3f}")
        print(
            f"  at {QUALITY:.0%} of the large model's right answers {found['saved']:.1%} stay with the small one",
            end="",
        )
        print(f" (a table of subjects: {found['saved_subjects']:.1%}; RouteLLM's, as published: {PUBLISHED[name]:.0%})")
        print(f"  certified on {sure.held:,} questions: {sure.small:.1%} go to the small model, and at most", end=" ")
        print(f"{sure.worse:.2%} are answered worse, at 95 %; right {sure.right:.1%}, large alone {sure.large:.1%}")
        missed += [f"{name} {found['ours']:.3f}"] if found["ours"] < TARGETS[name] else []
    record_figures(**made)
    if given.json:
        given.json.write_text(json.dumps(made), encoding="utf-8")
    print("missed: " + "; ".join(missed) if missed else "all targets are reached")
    return 1 if missed else 0


def embedded(sets: dict[str, list[LabelledQuestion]], keep: Path | None) -> list[Numbers]:
    """The vectors of each set's questions, in order."""
    if keep and keep.exists():
        whole = np.load(keep)
    else:
        whole = MiniLM().embed([one.text for questions in sets.values() for one in questions])
        if keep:
            np.save(keep, whole)
    ends = np.cumsum([len(questions) for questions in sets.values()])[:-1]
    return [np.asarray(one, np.float64) for one in np.split(whole, ends)]


if __name__ == "__main__":
    raise SystemExit(main())
