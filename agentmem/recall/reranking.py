"""The first pieces that a search found, read once more together with the question.

What the reranker says is added to a piece's score, so that a name or a number that a question gives still counts. The
constants were chosen as those of `agentmem.recall.ranking`.
"""

from collections.abc import Callable, Mapping, Sequence

from agentmem.recall.sentences import sentences
from agentmem.retrieval import Reranker

READ = 12
"""Pieces that are read, at most."""
REACH = 0.35
"""A piece whose score is so far below the best one is not read: hardly any of those would come first."""
WEIGHT = 0.06
"""What each logit adds to a score."""
WINDOW = 320
"""Characters of a piece that are read, about: those around the sentence that is nearest to the question."""


def reranked(
    reranker: Reranker,
    question: str,
    order: Sequence[int],
    scores: Mapping[int, float],
    passage: Callable[[int], str],
) -> list[int]:
    """The places, of which those that are read stand first, in their new order, and the others follow as they were.

    ``passage`` gives what is read of a place.
    """
    best = max((scores.get(place, 0.0) for place in order), default=0.0)
    due = [place for place in order[:READ] if scores.get(place, 0.0) >= best - REACH]
    if len(due) < 2:
        return list(order)
    logits = reranker.scores(question, [passage(place) for place in due])
    raised = {place: scores.get(place, 0.0) + WEIGHT * logit for place, logit in zip(due, logits, strict=True)}
    return [*sorted(due, key=lambda place: -raised[place]), *(place for place in order if place not in raised)]


def window(text: str, near: int | None) -> str:
    """The sentence ``near`` of a text with those around it, the ones before first, as far as there is room; without it
    the whole text.
    """
    if near is None or len(text) <= WINDOW:
        return text
    found = sentences(text)
    first = last = min(near, len(found) - 1)
    size = len(found[first])
    while True:
        if first and size + len(found[first - 1]) < WINDOW:
            first, size = first - 1, size + 1 + len(found[first - 1])
        elif last + 1 < len(found) and size + len(found[last + 1]) < WINDOW:
            last, size = last + 1, size + 1 + len(found[last + 1])
        else:
            return " ".join(found[first : last + 1])
