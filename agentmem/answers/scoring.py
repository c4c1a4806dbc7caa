"""The decision as tuning asks it: with a threshold for all, or for the score of two questions on their own."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from agentmem.answers.decision import Decision, default_reader
from agentmem.answers.decision import decider as decider_of
from agentmem.answers.logs import At
from agentmem.answers.tuning import Score
from agentmem.answers.values import Candidate, QueryPolicy
from agentmem.types import Embedder

_ANY = "any"
_KEPT = 4096


def deciders(kinds: Iterable[str]) -> At:
    """The decision with one threshold for all of these query types; they share what was read."""
    chosen, names = decider_of({}, default_reader()), tuple(kinds)
    return lambda threshold: replace(chosen, policies={name: QueryPolicy(name, threshold) for name in names})


def scorer(embedder: Embedder, decision: Decision | None = None) -> Score:
    """The score of (kept question, asked question): None where the guard objects, or they are far apart."""
    chosen = decision or decider_of({}, default_reader())
    lenient = replace(chosen, policies={_ANY: QueryPolicy(_ANY, 0.0)})

    # one at a time: the default embedder then has the words of a question at hand when the decision reads it
    row = lru_cache(_KEPT)(lambda text: embedder.embed([text])[0])

    def score(kept: str, asked: str) -> float | None:
        vector = row(asked)
        cosine = min(float(row(kept) @ vector), 1.0)
        verdict = lenient(asked, vector, [Candidate("0", kept, kept, cosine)], _ANY)
        return verdict.score if verdict.serve else None

    return score
