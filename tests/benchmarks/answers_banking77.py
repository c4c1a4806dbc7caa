"""The answer cache on streams of Banking77 (Casanueva et al. 2020, CC BY 4.0): hits, and wrong answers among them.

Two streams: *flat*, in which about 18 % of the lookups repeat a question exactly, and *heavy*, in which questions come
by Zipf's law with exponent .9, so that one wrong popular answer is served again and again. The right answer to a
question is its intent. The threshold is set on the part "certify" of the questions, played as logs, as
`agentmem answers tune` does it: by slots, from the strictest down, the last that is certified for the limit (in three
orders; a question counts as one cluster in all of them). The same is done with what is learned of the answers from the
part "fit"; the one with more hits is used. The part "report" is reported on, over eight seeds.

    python -m tests.benchmarks.answers_banking77 --data DIR [--seeds 8]
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from agentmem.answers.learned import LearnedAnswers, learn
from agentmem.answers.log_replay import LogReplay, Objects, ReplayedQuestion
from agentmem.answers.logs import THRESHOLDS, certified, lowest, objecting
from agentmem.answers.tuning import LIMIT
from agentmem.answers.values import DEFAULT, Certificate, Decider
from agentmem.recall.embedder import MiniLM
from agentmem.types import Vectors
from tests.benchmarks.answer_data import banking, flat, heavy, vectors
from tests.benchmarks.answer_streams import Played, by_cosine, neighbours, ours, play_near
from tests.benchmarks.heading import heading, record_figures

CERTIFY_SEEDS = (100, 101, 102)
COSINE = 0.9
"""The rule that is compared: serve the nearest from this cosine on."""

Stream = Callable[[int, int, int], NDArray[np.int64]]


@dataclass(frozen=True)
class Target:
    """A stream, how many lookups for each question there is, and what must be reached."""

    name: str
    stream: Stream
    lookups: float
    hits: float
    wrong_per_hit: float


TARGETS = (
    Target("flat, 18 % repeats", flat, 1 / 0.82, 0.32, 0.010),
    Target("heavy, Zipf .9", heavy, 2.0, 0.74, 0.008),
)


@dataclass(frozen=True)
class Part:
    """Questions and their vectors."""

    questions: list[ReplayedQuestion]
    rows: Vectors

    @cached_property
    def near(self) -> list[list[tuple[int, float]]]:
        """The neighbours of each question, for all streams."""
        return neighbours(self.rows)

    def played(self, target: Target, seed: int, decide: Decider) -> Played:
        """One stream over these questions."""
        return play_near(self.questions, self.rows, self.near, self.stream(target, seed), decide)

    def stream(self, target: Target, seed: int) -> NDArray[np.int64]:
        """The order in which they come."""
        count = len(self.questions)
        return target.stream(count, int(count * target.lookups), seed)


def part(data: Path, name: str) -> Part:
    """A part of the questions."""
    questions = banking(data, name)
    return Part(questions, vectors([one.question for one in questions]))


def taught(learn_from: Part) -> LearnedAnswers | None:
    """What a part teaches of its answers."""
    texts, answers = zip(*((one.question, one.answer) for one in learn_from.questions), strict=True)
    return learn(texts, answers, learn_from.rows, MiniLM.name)


@cache
def objects() -> Objects:
    """The gates, which are asked once about a pair, whatever the stream."""
    return cache(objecting())


def settled(
    target: Target, certify_on: Part, learned: LearnedAnswers | None = None
) -> tuple[float | None, Certificate | None]:
    """The threshold for a target, and the certificate it has: as `agentmem answers tune` finds it from a log."""
    streams = [certify_on.stream(target, seed) for seed in CERTIFY_SEEDS]
    plays = [
        LogReplay([certify_on.questions[at] for at in stream], certify_on.rows[stream], objects()) for stream in streams
    ]
    chances = [learned.chances(certify_on.rows[stream]) if learned else None for stream in streams]
    limit = min(target.wrong_per_hit, LIMIT)
    found, bound = None, None
    for one in sorted(THRESHOLDS, reverse=True):  # those below the first that is not certified need not be played
        tried = [each for play, sure in zip(plays, chances, strict=True) for each in play.at(one, sure)]
        if lowest({one: tried}, limit) is not None:
            found, bound = one, certified(tried)
        elif certified([replace(each, right=True) for each in tried]).upper <= limit:
            break  # it has enough hits, and errs
    return found, bound


def chosen(target: Target, certify_on: Part, learned: LearnedAnswers | None) -> tuple[float, LearnedAnswers | None]:
    """The threshold that is used, with what was learned if that has more certified hits; both are printed."""
    found: list[tuple[int, float, LearnedAnswers | None]] = []
    for name, model in (("plain", None), ("learned", learned)):
        threshold, bound = settled(target, certify_on, model)
        if threshold is None or bound is None:
            print(f"  {name}: no threshold is certified")
            continue
        print(
            f"  {name}: threshold {threshold} set on other questions: {bound.wrong} wrong of {bound.hits} hits, "
            f"at most {bound.upper:.2%} at 95 %"
        )
        found.append((bound.hits, threshold, model))
    _, threshold, model = max(found, key=lambda one: one[0], default=(0, 1.0, None))
    return threshold, model


def row(name: str, runs: list[Played]) -> str:
    """A line of the table."""
    hits, wrong = [one.hit_rate for one in runs], [one.wrong_per_hit for one in runs]
    exact = fmean(one.exact / one.lookups for one in runs)
    per_lookup = [one.wrong_per_lookup for one in runs]
    return (
        f"  {name:<34} hits {fmean(hits):6.1%} (worst {min(hits):.1%}), of them exact {exact:.1%}; "
        f"wrong per hit {fmean(wrong):.2%} (worst {max(wrong):.2%}), per lookup {fmean(per_lookup):.2%}"
    )


def report(
    target: Target, certify_on: Part, report_on: Part, seeds: int, taught_by: LearnedAnswers | None = None
) -> bool:
    """One target's table. Whether it is met, by the mean of the seeds."""
    print(f"\n{target.name}")
    threshold, learned = chosen(target, certify_on, taught_by)
    runs = [report_on.played(target, seed, ours(threshold, learned)) for seed in range(seeds)]
    untouched = [report_on.played(target, seed, ours(DEFAULT)) for seed in range(seeds)]
    rule = [report_on.played(target, seed, by_cosine(COSINE)) for seed in range(seeds)]
    repeats = fmean(one.repeats / one.lookups for one in runs)
    print(f"  {runs[0].lookups} lookups, {repeats:.1%} repeat a question, {seeds} seeds")
    print(row(f"agentmem, tuned{', with what it learned' if learned else ''}", runs))
    print(row(f"agentmem, untouched: {DEFAULT}", untouched))
    print(row(f"the nearest from cosine {COSINE}", rule))
    hits, wrong = fmean(one.hit_rate for one in runs), fmean(one.wrong_per_hit for one in runs)
    record_figures(
        **{
            target.name: {
                "threshold": threshold,
                "learned": learned is not None,
                "hits": hits,
                "wrong_per_hit": wrong,
                "untouched_hits": fmean(one.hit_rate for one in untouched),
                "untouched_wrong_per_hit": fmean(one.wrong_per_hit for one in untouched),
            }
        }
    )
    met = hits >= target.hits and wrong <= target.wrong_per_hit
    print(f"  target: hits {target.hits:.0%} at {target.wrong_per_hit:.1%} wrong per hit: {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    """Both streams. 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=8)
    given = parser.parse_args()
    heading("answer cache: Banking77", "Banking77 train and test, split by hash", seeds=given.seeds, repeats="18 %")
    certify_on, report_on = part(given.data, "certify"), part(given.data, "report")
    learned = taught(part(given.data, "fit"))
    print(f"  questions: {len(certify_on.questions)} to certify on, {len(report_on.questions)} to report on")
    met = [report(target, certify_on, report_on, given.seeds, learned) for target in TARGETS]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
