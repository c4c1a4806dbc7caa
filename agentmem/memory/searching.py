"""One search in the archive: candidates by words, by meaning and by what the question quotes, ranked together."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from agentmem.errors import EmbedderNotAvailable
from agentmem.memory import ranking
from agentmem.memory.pieces import Piece
from agentmem.memory.shelf import Hit, Shelf, Span

LOOKED_AT = 30
"""Of so many pieces, those come first that have the whole question, letter for letter."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is searched: the spans of a transcript, who speaks in it, and whether it has all its vectors."""

    spans: tuple[Span, ...]
    speakers: tuple[str, ...]
    embedded: bool


def search(shelf: Shelf, scope: Scope, question: str, limit: int) -> list[Piece]:
    """The pieces that fit best, best first. While not all are embedded the words alone count."""
    spans, names = scope.spans, ranking.named(question, scope.speakers)
    words = ranking.words_of(question)
    with ThreadPoolExecutor(1) as pool:  # the embedder and the index take about as long
        meant = pool.submit(_by_meaning, shelf, scope, ranking.without(question, names))
        by_words = shelf.by_words(words, spans, ranking.CANDIDATES) if words else []
        by_meaning = meant.result()
    quoting = [hit for code in ranking.codes(question) for hit in _quoting(shelf, spans, code)]
    known = {hit.place: hit for hit in (*by_words, *(by_meaning or ()), *quoting)}
    scores = ranking.fused(_scores(by_words), None if by_meaning is None else _scores(by_meaning))
    scores = ranking.smoothed(scores, {place: hit.day for place, hit in known.items()})
    speakers = {place: hit.speaker for place, hit in known.items()}
    bonus = ranking.bonuses(speakers, names, [hit.place for hit in quoting])
    bonus = ranking.summed(bonus, ranking.outstanding(_scores(by_words)))
    chosen = ranking.best(scores, bonus, max(limit, LOOKED_AT) + 2)  # two may be neighbours beyond either end
    pieces = shelf.at(chosen, spans)
    fitting = [pieces[place] for place in chosen if place in pieces]
    return sorted(fitting, key=lambda piece: question not in piece.text)[:limit]


def _by_meaning(shelf: Shelf, scope: Scope, question: str) -> list[Hit] | None:
    if shelf.embedder is None or not scope.embedded:
        return None
    try:
        asked = shelf.embedder.embed([question])[0]
    except EmbedderNotAvailable:  # it was, when the pieces were embedded
        return None
    return shelf.by_meaning(asked, scope.spans, ranking.CANDIDATES)


def _quoting(shelf: Shelf, spans: Sequence[Span], code: str) -> list[Hit]:
    """The pieces that have the code. One that many have, such as a year, tells nothing."""
    found = shelf.by_text(code, spans, ranking.RARE + 1)
    return found if len(found) <= ranking.RARE else []


def _scores(hits: Sequence[Hit]) -> dict[int, float]:
    return {hit.place: hit.score for hit in hits}
