"""The score of two questions on their own, as the decision gives it: what tuning chooses a threshold of."""

from dataclasses import replace

from agentmem.memory.answers.decision import Decision, default_reader
from agentmem.memory.answers.decision import decider as decider_of
from agentmem.memory.answers.tuning import Score
from agentmem.memory.answers.values import Candidate, Policy
from agentmem.types import Embedder

_ANY = "any"


def scorer(embedder: Embedder, decision: Decision | None = None) -> Score:
    """The score of (kept question, asked question): None where the guard objects, or they are far apart."""
    chosen = decision or decider_of({}, default_reader())
    lenient = replace(chosen, policies={_ANY: Policy(_ANY, 0.0)})

    def score(kept: str, asked: str) -> float | None:
        rows = embedder.embed([kept, asked])
        cosine = min(float(rows[0] @ rows[1]), 1.0)
        verdict = lenient(asked, rows[1], [Candidate("0", kept, kept, cosine)], _ANY)
        return verdict.score if verdict.serve else None

    return score
