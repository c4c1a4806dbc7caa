"""One search in the archive: candidates by words, by meaning and by what the question quotes, ranked together."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from agentmem.errors import EmbedderNotAvailable
from agentmem.recall import ranking
from agentmem.recall.loaded import Loaded, load
from agentmem.recall.pieces import Piece
from agentmem.recall.shelf import Shelf, ShelfHit, ShelfSpan
from agentmem.types import Vectors

LOOKED_AT = 30
"""Of so many pieces, those come first that have the whole question, letter for letter."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is searched: the spans of a transcript, who speaks in it, whether it has all its vectors, and what of it
    is held in memory.
    """

    shelf: Shelf
    spans: tuple[ShelfSpan, ...]
    speakers: tuple[str, ...]
    embedded: bool
    loaded: Loaded | None = None

    def by_words(self, words: str) -> list[ShelfHit]:
        return self.shelf.by_words(words, self.spans, ranking.CANDIDATES) if words else []

    def by_meaning(self, question: str) -> list[ShelfHit] | None:
        """None while the words alone must do."""
        if self.shelf.embedder is None or not self.embedded:
            return None
        try:
            vector: Vectors = self.shelf.embedder.embed([question])[0]
        except EmbedderNotAvailable:  # it was, when the pieces were embedded
            return None
        if self.loaded:
            return self.loaded.by_meaning(vector, ranking.CANDIDATES)
        return self.shelf.by_meaning(vector, self.spans, ranking.CANDIDATES)

    def quoting(self, code: str) -> list[ShelfHit]:
        """The pieces that have the code. One that many have, such as a year, tells nothing."""
        most = ranking.RARE + 1
        found = self.loaded.by_text(code, most) if self.loaded else self.shelf.by_text(code, self.spans, most)
        return found if len(found) <= ranking.RARE else []

    def at(self, places: Sequence[int]) -> dict[int, Piece]:
        return self.loaded.at(places) if self.loaded else self.shelf.at(places, self.spans)


def scope(shelf: Shelf, spans: tuple[ShelfSpan, ...]) -> Scope:
    """What is to be searched of a transcript, as the tables have it now."""
    speakers, embedded = tuple(shelf.speakers(spans)), shelf.embedded(spans)
    return Scope(shelf, spans, speakers, embedded, load(shelf, spans) if embedded else None)


def search(where: Scope, question: str, limit: int) -> list[Piece]:
    """The pieces that fit best, best first. While not all are embedded the words alone count."""
    names = ranking.named(question, where.speakers)
    with ThreadPoolExecutor(1) as pool:  # the embedder and the index take about as long
        meant = pool.submit(where.by_meaning, ranking.without(question, names))
        by_words = where.by_words(ranking.words_of(question))
        by_meaning = meant.result()
    quoting = [hit for code in ranking.codes(question) for hit in where.quoting(code)]
    known = {hit.place: hit for hit in (*by_words, *(by_meaning or ()), *quoting)}
    scores = ranking.fused(_scores(by_words), None if by_meaning is None else _scores(by_meaning))
    scores = ranking.smoothed(scores, {place: hit.day for place, hit in known.items()})
    speakers = {place: hit.speaker for place, hit in known.items()}
    bonus = ranking.bonuses(speakers, names, [hit.place for hit in quoting])
    bonus = ranking.summed(bonus, ranking.outstanding(_scores(by_words)))
    chosen = ranking.best(scores, bonus, max(limit, LOOKED_AT) + 2)  # two may be neighbours beyond either end
    pieces = where.at(chosen)
    fitting = [pieces[place] for place in chosen if place in pieces]
    return sorted(fitting, key=lambda piece: question not in piece.text)[:limit]


def _scores(hits: Sequence[ShelfHit]) -> dict[int, float]:
    return {hit.place: hit.score for hit in hits}
