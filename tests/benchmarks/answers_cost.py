"""What the answer cache is worth, in the terms of the published design it starts from: hit rates, dollars, latency.

Streams of questions (Banking77, the part that nothing was fitted or set on) are asked through `AnswerCache.ask`,
exclusions and all: with exact keys alone and with the whole cache, beside no cache at all. The threshold is the one
that is certified for the stream on another part, as in answers_banking77. The right answer is the question's intent,
so every wrong answer is counted. Lookups are timed as they are; an answer that has
to be made costs the price of a call and takes the model's time, which is measured here on the local engine where that
is installed (else give --model-seconds). The tokens of a call are a setting, and its price that of the model named.

    python -m tests.benchmarks.answers_cost --data DIR [--questions 1500] [--model-seconds S]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

from agentmem.answers.cache import AnswerCache
from agentmem.answers.freshness import Checks
from agentmem.answers.log_replay import ReplayedQuestion
from agentmem.answers.settings import AnswerSettings
from agentmem.answers.tuning import upper_bound
from agentmem.answers.values import Answer, AnswerScope, Decider
from agentmem.meter.prices import rates
from agentmem.models import weights
from agentmem.runtime.agent import Agent
from agentmem.types import Usage
from tests.benchmarks.answer_data import banking
from tests.benchmarks.answer_streams import ours
from tests.benchmarks.answers_banking77 import TARGETS, Target, chosen, part
from tests.benchmarks.heading import heading, record_figures

SEED = 21
WRONG = 0.010
"""Wrong answers per hit, at most."""
PRICED = ("anthropic", "claude-sonnet-4-5")
CONTEXT = AnswerScope(kind="faq")


@dataclass(frozen=True)
class Played:
    """What one way of answering came to, over all lookups."""

    name: str
    lookups: int
    hits: int
    wrong: int
    excluded: int
    usd: float
    seconds: float

    def line(self) -> str:
        bound = upper_bound(self.wrong, self.hits) if self.hits else 0.0
        per_hit = self.wrong / self.hits if self.hits else 0.0
        return (
            f"  {self.name:<12} hits {self.hits / self.lookups:6.1%}   wrong per hit {per_hit:5.2%} (below {bound:5.2%}"
            f" at 95 %), per lookup {self.wrong / self.lookups:5.2%}   excluded {self.excluded / self.lookups:4.1%}"
            f"   ${self.usd / self.lookups * 1000:7.3f} per 1,000"
            f"   mean latency {self.seconds / self.lookups * 1e3:7.0f} ms"
        )


def played(name: str, asked: Sequence[ReplayedQuestion], usd: float, model: float, decide: Decider | None) -> Played:
    """The stream through a cache of its own."""
    hits = wrong = calls = excluded = 0
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = AnswerSettings(audit=0.0, checks=Checks(most=0))
        with AnswerCache(folder, exact_only=decide is None, decide=decide, settings=settings) as cache:
            for one in asked:
                fresh = Answer(one.answer, "faq", usd=usd, seconds=model)
                given = cache.ask(one.question, partial(answering, fresh), context=CONTEXT)
                calls += given.how == "fresh"
                hits += given.how != "fresh"
                wrong += given.text != one.answer
                excluded += given.looked.how == "excluded"
    seconds = time.perf_counter() - began + calls * model
    return Played(name, len(asked), hits, wrong, excluded, calls * usd, seconds)


def answering(fresh: Answer, question: str) -> Answer:
    """The right answer, without waiting for it."""
    return fresh


def measured_model(questions: Sequence[str]) -> float:
    """Seconds that the local engine takes for a short answer, the mean over the questions."""
    from agentmem.models.local import LocalModel

    with (
        tempfile.TemporaryDirectory() as folder,
        closing(LocalModel(longest=48)) as model,
        Agent(model, folder, tools=[], system="You answer questions about a bank in one sentence.") as agent,
    ):
        agent.run("Warm up.")
        taken = []
        for question in questions:
            began = time.perf_counter()
            agent.run(question)
            taken.append(time.perf_counter() - began)
    return fmean(taken)


def report(target: Target, threshold: float, asked: Sequence[ReplayedQuestion], usd: float, model: float) -> bool:
    """One stream's table; whether the cache is worth it at the promised error."""
    none = Played("no cache", len(asked), 0, 0, 0, len(asked) * usd, len(asked) * model)
    exact = played("exact keys", asked, usd, model, None)
    whole = played("the cache", asked, usd, model, ours(threshold))
    repeats = 1 - len({one.question for one in asked}) / len(asked)
    print(f"\n{target.name}: {len(asked):,} lookups, {repeats:.1%} repeat a question exactly; threshold {threshold}")
    print("\n".join(one.line() for one in (none, exact, whole)))
    record_figures(
        **{
            target.name: {
                one.name: {"hits": one.hits, "wrong": one.wrong, "usd": one.usd} for one in (none, exact, whole)
            }
        }
    )
    return whole.hits > exact.hits and whole.usd < exact.usd and whole.wrong <= WRONG * whole.hits


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--questions", type=int, default=1500)
    parser.add_argument("--input-tokens", type=int, default=800)
    parser.add_argument("--output-tokens", type=int, default=150)
    parser.add_argument("--model-seconds", type=float, help="instead of measuring the local engine")
    given = parser.parse_args()
    questions = banking(given.data, "report")[: given.questions]
    priced = rates(*PRICED)
    if priced is None or (given.model_seconds is None and weights.find() is None):
        print("give --model-seconds: the local engine is not installed", file=sys.stderr)
        return 2
    tokens = Usage("estimated", uncached_tokens=given.input_tokens, output_tokens=given.output_tokens)
    model = given.model_seconds or measured_model([one.question for one in questions[:8]])
    heading(
        "The answer cache's worth",
        f"{given.data}/banking77",
        split="report",
        seed=SEED,
        model_latency=f"{model:.2f} s" + ("" if given.model_seconds else ", measured on the local engine"),
        price=f"{'/'.join(PRICED)}, {given.input_tokens} tokens in, {given.output_tokens} out: an estimate",
    )
    certify_on, good = part(given.data, "certify"), []
    for target in TARGETS:
        threshold, _ = chosen(target, certify_on, None)
        stream = target.stream(len(questions), int(len(questions) * target.lookups), SEED)
        asked = [questions[at] for at in stream]
        good.append(report(target, threshold, asked, priced.cost(tokens), model))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
