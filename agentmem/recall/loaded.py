"""A transcript's archived pieces in memory, while they are few: searched faster than a table can be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentmem.recall.pieces import Piece
from agentmem.recall.shelf import HIT, PIECE, Shelf, ShelfHit, ShelfSpan, inside, piece_of
from agentmem.recall.tables import FLAT
from agentmem.types import Vectors


@dataclass(frozen=True, slots=True)
class Loaded:
    """All pieces of a transcript by place, and the vectors of ``hits``, row by row. 10,000 take about 25 MB."""

    pieces: Mapping[int, Piece]
    hits: Sequence[ShelfHit]
    vectors: Vectors

    def by_meaning(self, vector: Vectors, most: int) -> list[ShelfHit]:
        """The pieces whose vectors are nearest, by cosine."""
        import numpy as np

        scores = self.vectors @ vector
        near = np.argpartition(-scores, most)[:most] if len(scores) > most else np.arange(len(scores))
        ordered = near[np.argsort(-scores[near], kind="stable")]
        return [self.hits[at]._replace(score=float(scores[at])) for at in ordered]

    def by_text(self, text: str, most: int) -> list[ShelfHit]:
        """The pieces that have the text, letter for letter."""
        found = (hit for hit in self.hits if text in self.pieces[hit.place].text)
        return [hit for hit, _ in zip(found, range(most), strict=False)]

    def at(self, places: Sequence[int]) -> dict[int, Piece]:
        """The pieces at these places, those that there are."""
        return {place: self.pieces[place] for place in places if place in self.pieces}


def load(shelf: Shelf, spans: Sequence[ShelfSpan], most: int = FLAT) -> Loaded | None:
    """The pieces of the spans, all of which have their vectors; None for more than ``most``. Raises ArchiveError."""
    import numpy as np

    where = inside(spans)
    with shelf.tables.translated():
        if not 0 < shelf.vectors.count_rows(where) <= most:
            return None
    pieces = {row["place"]: piece_of(row) for row in shelf.rows(shelf.pieces, where, (*PIECE, "place")).to_pylist()}
    found = shelf.rows(shelf.vectors, where, (*HIT, "vector"))
    columns = [found[name].to_pylist() for name in HIT]
    hits = list(map(ShelfHit, *columns, [0.0] * found.num_rows))
    flat = found["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = np.ascontiguousarray(flat, np.float32).reshape(found.num_rows, -1)
    known = [at for at, hit in enumerate(hits) if hit.place in pieces]  # a writer may be at work just now
    return Loaded(pieces, [hits[at] for at in known], vectors[known])
