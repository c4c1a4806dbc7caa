"""One search in the archive: candidates by words, by meaning and by what the question quotes, ranked together."""

from collections.abc import Sequence

from agentmem.memory import ranking
from agentmem.memory.pieces import Piece
from agentmem.memory.shelf import Hit, Shelf, Span


def search(shelf: Shelf, spans: Sequence[Span], question: str, limit: int, *, embedded: bool) -> list[Piece]:
    """The pieces of the spans that fit best, best first. While not all are ``embedded`` the words alone count."""
    words = ranking.words_of(question)
    by_words = shelf.by_words(words, spans, ranking.CANDIDATES) if words else []
    names = ranking.named(question, (hit.speaker for hit in by_words))
    by_meaning = _by_meaning(shelf, spans, ranking.without(question, names)) if embedded else None
    quoting = [hit for code in ranking.codes(question) for hit in shelf.by_text(code, spans, ranking.CANDIDATES)]
    known = {hit.place: hit for hit in (*by_words, *(by_meaning or ()), *quoting)}
    scores = ranking.fused(_scores(by_words), None if by_meaning is None else _scores(by_meaning))
    scores = ranking.smoothed(scores, {place: hit.day for place, hit in known.items()})
    speakers = {place: hit.speaker for place, hit in known.items()}
    bonus = ranking.bonuses(speakers, names, [hit.place for hit in quoting])
    chosen = ranking.best(scores, bonus, limit + 2)  # a neighbour may be a place before the first or after the last
    pieces = shelf.at(chosen, spans)
    return [pieces[place] for place in chosen if place in pieces][:limit]


def _by_meaning(shelf: Shelf, spans: Sequence[Span], question: str) -> list[Hit] | None:
    if shelf.embedder is None:
        return None
    return shelf.by_meaning(shelf.embedder.embed([question])[0], spans, ranking.CANDIDATES)


def _scores(hits: Sequence[Hit]) -> dict[int, float]:
    return {hit.place: hit.score for hit in hits}
