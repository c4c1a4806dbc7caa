"""Makes the answer cache's coefficients anew: agentmem/answers/coefficients.json.

Fitted on the odd lines of the fow-cache pairs, each pair by itself and all in one cache, and on the "fit" part of
Banking77 (the same intent has the same answer), played as a stream. On both, questions in the same words are counted,
and how many of them have the same answer. Pairs that only the guard's lists of words would
stop are fitted on as well, because no list is complete. A trap counts a sixteenth of a rewording: a trap set holds as
many of them, and traffic does not. Nothing that a benchmark reports on is used.

    python -m tests.benchmarks.answers_fit --data DIR [--write]
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np

from agentmem.answers import features
from agentmem.answers.decision import LEAST, Logistic, Models, fit, share
from agentmem.answers.features import around, meaning, same_answer
from agentmem.answers.guard import RULES, Rule, objection
from agentmem.answers.logs import ReplayedQuestion, nearest
from agentmem.answers.values import Candidate
from agentmem.answers.words import pair, same_words
from agentmem.recall.embedder import MiniLM, Reading
from tests.benchmarks.answer_data import LabelledPair, banking, flat, traps, vectors
from tests.benchmarks.heading import commit, heading

SEED = 20
TRAP = 0.06
"""What a trap counts, beside a genuine rewording."""
LISTS = ("antonyms", "kinds", "names", "scope")
"""Rules of the guard that know some words and not others."""
BANK_ALONE = 0.05
GROUPED = 5.0
"""What a row of Banking77 counts where a question stands alone (its intents are coarse: two questions of one intent are
often no rewording), and what a pair counts among its other wordings (there are few)."""
TEACHER = 0.8, 0.12
"""Cosine and margin from which the fitted stream serves, and so does not keep a question."""
TARGET = Path(__file__).resolve().parents[2] / "agentmem" / "memory" / "answers" / "coefficients.json"

READER = MiniLM()


@dataclass(frozen=True)
class Case:
    """A question, the candidates it met, and the answer that would be right; ``weight`` by whether it is right."""

    question: str
    candidates: tuple[Candidate, ...]
    answer: str
    right_weight: float = 1.0
    wrong_weight: float = 1.0


@dataclass(frozen=True)
class Row:
    """The features of one case in each situation, and whether the candidate's answer was right."""

    alone: tuple[float, ...] | None
    plain: tuple[float, ...] | None
    among: tuple[float, ...] | None
    right: bool
    weight: float


def streamed(questions: Sequence[ReplayedQuestion], seed: int) -> Iterator[Case]:
    """The cases that a stream over the questions meets, served as TEACHER says."""
    rows = vectors([one.question for one in questions])
    kept = np.zeros_like(rows)
    entries: list[ReplayedQuestion] = []
    for at in dict.fromkeys(flat(len(questions), len(questions), seed)):
        one = questions[at]
        found = tuple(nearest(rows[at], kept[: len(entries)], entries))
        if found:
            yield Case(one.question, found, one.answer)
        if not found or not _taught(found):
            kept[len(entries)] = rows[at]
            entries.append(one)


def trapped(pairs: Sequence[LabelledPair], together: bool, grouped: bool = False) -> Iterator[Case]:
    """Each pair's case: its kept question by itself, or all pairs' together, or with their rewordings as well."""
    texts = sorted({text for one in pairs for text in (one.kept, one.asked)})
    rows = dict(zip(texts, vectors(texts), strict=True))
    kept = [ReplayedQuestion(text, text) for text in dict.fromkeys(one.kept for one in pairs)]
    rewordings = [ReplayedQuestion(one.asked, one.kept) for one in pairs if one.same] if grouped else []
    for one in pairs:
        around_it = [*kept, *(other for other in rewordings if other.question != one.asked)]
        entries = around_it if together else [ReplayedQuestion(one.kept, one.kept)]
        found = tuple(nearest(rows[one.asked], np.stack([rows[entry.question] for entry in entries]), entries))
        yield Case(one.asked, found, one.kept if one.same else "", 1.0, TRAP)


def rows_of(cases: Iterable[Case], rules: Sequence[Rule]) -> Iterator[Row]:
    """The features of the candidate that would be scored."""
    for case in cases:
        for at, one in enumerate(case.candidates):
            found = pair(one.question, case.question, READER.spells)
            if one.vector_similarity < LEAST or objection(found, rules)[0]:
                continue
            near = around(case.candidates, at, same_answer)
            right = one.answer == case.answer
            weight = case.right_weight if right else case.wrong_weight
            if near.alone:
                alone = features.alone(found, near, _read(one.question), _read(case.question))
                yield Row(alone, features.plain(found, near), None, right, weight)
            else:
                yield Row(None, None, features.among(found, near), right, weight)
            break


@cache
def _read(text: str) -> Reading:
    return READER.read(text)


def _taught(found: Sequence[Candidate]) -> bool:
    rivals = [one.vector_similarity for one in found if one.answer != found[0].answer]
    rival = max(rivals, default=found[-1].vector_similarity)
    return found[0].vector_similarity >= TEACHER[0] and found[0].vector_similarity - rival >= TEACHER[1]


def fitted(name: str, rows: Sequence[tuple[Sequence[Row], float]], floors: Sequence[float]) -> Logistic:
    """The regression of one situation over weighted sets of rows."""
    chosen = [(getattr(row, name), row.right, row.weight * share) for part, share in rows for row in part]
    chosen = [one for one in chosen if one[0] is not None]
    columns = np.array([one[0] for one in chosen])
    right, weights = np.array([float(one[1]) for one in chosen]), np.array([one[2] for one in chosen])
    return fit(columns, right, weights, prior=np.array(floors))


def same(questions: Sequence[ReplayedQuestion], pairs: Sequence[LabelledPair]) -> tuple[int, int]:
    """(how many have the same answer, how many there are) of the pairs of questions in the same words."""
    groups: dict[frozenset[str], list[ReplayedQuestion]] = {}
    for one in questions:
        groups.setdefault(meaning(one.question), []).append(one)
    both = [
        (a.question, b.question, a.answer == b.answer) for group in groups.values() for a, b in combinations(group, 2)
    ]
    both += [(one.kept, one.asked, one.same) for one in pairs]
    right = [yes for kept, asked, yes in both if _same_words(kept, asked)]
    return sum(right), len(right)


def _same_words(kept: str, asked: str) -> bool:
    found = pair(kept, asked, READER.spells)
    return same_words(found) and not objection(found)[0]


def build(data: Path, pairs: Sequence[LabelledPair], counted: tuple[int, int]) -> Models:
    """The models, fitted on ``pairs`` and on the fit part of Banking77."""
    bank = [case for seed in (SEED, SEED + 1) for case in streamed(banking(data, "fit"), seed)]
    cases = [*trapped(pairs, False), *_own(trapped(pairs, True))]
    grouped = list(trapped(pairs, True, grouped=True))
    lonely = list(rows_of(cases, [rule for rule in RULES if rule[0] not in LISTS]))
    around_them, groups = list(rows_of(bank, RULES)), list(rows_of(grouped, RULES))
    free = -np.inf
    return Models(
        fitted("alone", [(lonely, 1.0), (around_them, BANK_ALONE)], [0, free, free, 0, 0, 0]),
        fitted("plain", [(lonely, 1.0), (around_them, BANK_ALONE)], [0, free, free, free, 0]),
        fitted("among", [(around_them, 1.0), (groups, GROUPED)], [0, free, 0, free, free, 0, 0]),
        share(*counted),
    )


def _own(cases: Iterable[Case]) -> Iterator[Case]:
    """Cases with the pair's own entry nearest: another entry's answer may be right, and nobody has said so."""
    for case in cases:
        if not case.answer or case.candidates[0].answer == case.answer:
            yield case


def record(models: Models, counted: tuple[int, int]) -> dict[str, object]:
    """What is written: the weights by name, what was counted, and how they were made."""
    names = {"alone": features.ALONE, "plain": features.PLAIN, "among": features.AMONG}
    return {
        "made": {
            "command": "python -m tests.benchmarks.answers_fit --data DIR --write",
            "embedder": MiniLM.name,
            "data": "fow-cache 0.1.0 pairs.jsonl, odd lines (MIT); Banking77 @ 57ec275d, its fit part (CC BY 4.0)",
            "split": "sha256 of the question, first byte modulo 10: 0 to 3",
            "seed": SEED,
            "trap_weight": TRAP,
        },
        "models": {
            name: {
                "bias": round(getattr(models, name).bias, 4),
                "weights": {
                    key: round(value, 4) for key, value in zip(keys, getattr(models, name).weights, strict=True)
                },
            }
            for name, keys in names.items()
        }
        | {"same": {"right": counted[0], "of": counted[1]}},
    }


def main() -> int:
    """Fit, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    heading("answer cache: coefficients", "fow-cache odd lines; Banking77, fit part", seed=SEED, commit=commit())
    counted = same(banking(given.data, "fit"), traps("odd"))
    text = json.dumps(record(build(given.data, traps("odd"), counted), counted), indent=1) + "\n"
    print(text)
    if given.write:
        TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
