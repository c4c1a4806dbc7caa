"""What is searched of a transcript: by words, by meaning and letter for letter, in memory where all of it fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentmem.errors import EmbedderNotAvailable
from agentmem.recall.held_words import HeldWords, held_words
from agentmem.recall.pieces import SAID, Piece
from agentmem.recall.sentences import dots, nearest, parts, restored, unpacked, whole
from agentmem.recall.shelf import HIT, PIECE, Shelf, ShelfHit, ShelfSpan, inside, piece_of
from agentmem.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HELD = 20_000
"""Pieces of a transcript, at most, that are held in memory."""
SHORT = 500
"""Pieces of a transcript, at most, that are read for their words alone."""
CANDIDATES = 300
"""Pieces that each of the two searches gives."""
RARE = 10
"""Pieces that may have such a code, at most, for it to count. So many pieces may stand out by their words."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is added to a piece's cosine: less for what the user did not say (``unsaid``), and more for each day."""

    unsaid: float = 0.0
    days: Mapping[str, float] = field(default_factory=dict)

    def of(self, hit: ShelfHit) -> float:
        return self.days.get(hit.day, 0.0) - self.taken(hit)

    def taken(self, hit: ShelfHit) -> float:
        return 0.0 if hit.kind == SAID else self.unsaid


NO_PRIOR = Prior()


@dataclass(frozen=True, slots=True)
class Loaded:
    """All pieces of a transcript by place, the vectors of ``hits`` row by row, and those of their sentences as bytes,
    the sentences of a hit from ``starts`` on; ``unsaid`` is 1 for each hit that no person said, ``rows`` says in which
    row a place is. 10,000 pieces take about 50 MB.
    """

    pieces: Mapping[int, Piece]
    hits: Sequence[ShelfHit]
    vectors: Vectors
    sentences: "NDArray[np.int8]"
    starts: "NDArray[np.int64]"
    unsaid: Vectors
    rows: Mapping[int, int]

    def by_meaning(self, vector: Vectors, most: int, prior: Prior = NO_PRIOR) -> list[ShelfHit]:
        """The pieces that are nearest, by their own cosine or that of their nearest sentence, ``prior`` added for the
        choice alone.
        """
        import numpy as np

        scores = np.maximum(dots(self.vectors, vector), nearest(self.sentences, self.starts, vector))
        raised = scores - prior.unsaid * self.unsaid
        if prior.days:
            raised += np.array([prior.days.get(hit.day, 0.0) for hit in self.hits], np.float32)
        near = np.argpartition(-raised, most)[:most] if len(raised) > most else np.arange(len(raised))
        ordered = near[np.argsort(-raised[near], kind="stable")]
        return [self.hits[at]._replace(score=float(scores[at])) for at in ordered]

    def sentence(self, place: int, vector: Vectors) -> int | None:
        """Which sentence of a piece is nearest to the vector, from 0; None for a piece without a vector."""
        if place not in self.rows:
            return None
        first = whole(self.pieces[place])
        return int((self._packed(place)[:first].astype(vector.dtype) @ vector).argmax())

    def parts(self, place: int) -> tuple[Sequence[str], Vectors]:
        """The parts of a piece and their vectors, none for a piece without any."""
        if place not in self.rows:
            return (), self.vectors[:0]
        return parts(self.pieces[place]), restored(self._packed(place))

    def _packed(self, place: int) -> "NDArray[np.int8]":
        row = self.rows[place]
        last = int(self.starts[row + 1]) if row + 1 < len(self.starts) else len(self.sentences)
        return self.sentences[int(self.starts[row]) : last]

    def by_text(self, text: str, most: int) -> list[ShelfHit]:
        """The pieces that have the text, letter for letter."""
        found = (hit for hit in self.hits if text in self.pieces[hit.place].text)
        return [hit for hit, _ in zip(found, range(most), strict=False)]

    def at(self, places: Sequence[int]) -> dict[int, Piece]:
        """The pieces at these places, those that there are."""
        return {place: self.pieces[place] for place in places if place in self.pieces}


def load(shelf: Shelf, spans: Sequence[ShelfSpan], most: int = HELD) -> Loaded | None:
    """The pieces of the spans, all of which have their vectors; None for more than ``most``. Raises ArchiveError."""
    import numpy as np

    where = inside(spans)
    if not 0 < shelf.tables.retried(lambda: int(shelf.vectors.count_rows(where))) <= most:
        return None
    pieces = {row["place"]: piece_of(row) for row in shelf.rows(shelf.pieces, where, (*PIECE, "place")).to_pylist()}
    found = shelf.rows(shelf.vectors, where, (*HIT, "vector", "sentences"))
    columns = [found[name].to_pylist() for name in HIT]
    hits = list(map(ShelfHit, *columns, [0.0] * found.num_rows))
    flat = found["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = np.ascontiguousarray(flat, np.float32).reshape(found.num_rows, -1)
    packed = found["sentences"].to_pylist()
    known = [at for at, hit in enumerate(hits) if hit.place in pieces]  # a writer may be at work just now
    rows, starts = unpacked([packed[at] for at in known], vectors.shape[1])
    unsaid = np.array([hits[at].kind != SAID for at in known], np.float32)
    places = {hits[at].place: row for row, at in enumerate(known)}
    return Loaded(pieces, [hits[at] for at in known], vectors[known], rows, starts, unsaid, places)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is searched: the spans of a transcript, who speaks in it, whether it has all its vectors, and what of it
    is held in memory: its pieces with their vectors, and the words of a short one.
    """

    shelf: Shelf
    spans: tuple[ShelfSpan, ...]
    speakers: tuple[str, ...]
    embedded: bool
    loaded: Loaded | None = None
    words: HeldWords | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is still to come."""
        return self.embedded or self.shelf.embedder is None

    def by_words(self, words: str) -> list[ShelfHit]:
        if self.words:
            return self.words.search(words, CANDIDATES)
        return self.shelf.by_words(words, self.spans, CANDIDATES) if words else []

    def by_meaning(self, *wordings: str, prior: Prior = NO_PRIOR) -> list[ShelfHit] | None:
        """By the mean cosine of a question's wordings. None while the words alone must do."""
        return self.meaning(*wordings, prior=prior)[1]

    def meaning(self, *wordings: str, prior: Prior = NO_PRIOR) -> "tuple[Vectors | None, list[ShelfHit] | None]":
        """The mean vector of a question's wordings, and what is nearest to it. None while the words alone must do."""
        vector = self._vector(wordings)
        return vector, None if vector is None else self._near(vector, prior)

    def sentence(self, place: int, vector: "Vectors | None") -> int | None:
        """Which sentence of a piece is nearest to the vector, from 0; None where nothing is held in memory."""
        return self.loaded.sentence(place, vector) if self.loaded and vector is not None else None

    def embed(self, texts: Sequence[str]) -> "Vectors | None":
        """A row for each text. None while the words alone must do."""
        if self.shelf.embedder is None or not self.embedded:
            return None
        try:
            return self.shelf.embedder.embed(texts)
        except EmbedderNotAvailable:  # it was, when the pieces were embedded
            return None

    def _vector(self, wordings: Sequence[str]) -> "Vectors | None":
        rows = self.embed(wordings)
        if rows is None:
            return None
        mean: Vectors = rows.mean(axis=0)
        return mean

    def _near(self, vector: Vectors, prior: Prior) -> list[ShelfHit]:
        if self.loaded:
            return self.loaded.by_meaning(vector, CANDIDATES, prior)
        found = self.shelf.by_meaning(vector, self.spans, CANDIDATES)
        return sorted(found, key=lambda hit: -hit.score - prior.of(hit))

    def days(self) -> list[str]:
        """The days of what is held in memory."""
        return list(dict.fromkeys(hit.day for hit in self.loaded.hits)) if self.loaded else []

    def quoting(self, code: str) -> list[ShelfHit]:
        """The pieces that have the code. One that many have, such as a year, tells nothing."""
        most = RARE + 1
        found = self.loaded.by_text(code, most) if self.loaded else self.shelf.by_text(code, self.spans, most)
        return found if len(found) <= RARE else []

    def at(self, places: Sequence[int]) -> dict[int, Piece]:
        return self.loaded.at(places) if self.loaded else self.shelf.at(places, self.spans)


def scope(shelf: Shelf, spans: tuple[ShelfSpan, ...]) -> Scope:
    """What is to be searched of a transcript, as the tables have it now."""
    speakers, embedded = tuple(shelf.speakers(spans)), shelf.embedded(spans)
    loaded = load(shelf, spans) if embedded else None
    words = _held(loaded.hits, loaded.pieces) if loaded else _read_words(shelf, spans)
    return Scope(shelf, spans, speakers, embedded, loaded, words)


def _read_words(shelf: Shelf, spans: Sequence[ShelfSpan]) -> HeldWords | None:
    """The words of a short transcript that has no vectors yet, or never will."""
    where = inside(spans)
    if shelf.tables.retried(lambda: int(shelf.pieces.count_rows(where))) > SHORT:
        return None
    rows = sorted(shelf.rows(shelf.pieces, where, (*HIT, "words")).to_pylist(), key=lambda row: int(row["place"]))
    hits = [ShelfHit(**{name: row[name] for name in HIT}, score=0.0) for row in rows]
    return held_words(hits, [row["words"] for row in rows])


def _held(hits: Sequence[ShelfHit], pieces: Mapping[int, Piece]) -> HeldWords | None:
    return held_words(hits, [f"{pieces[hit.place].lead}{pieces[hit.place].text}" for hit in hits])
