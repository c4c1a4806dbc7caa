"""How the archive ranks: words and meaning, each scaled to 1, averaged, then raised by who speaks and by neighbours.

The weights were chosen on one half of LoCoMo's conversations (Maharana et al. 2024, arXiv:2402.17753); what they
reach on the other half is what `python -m tests.benchmarks.locomo` prints. Reciprocal rank fusion was worse.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from agentmem.errors import EmbedderNotAvailable
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


CANDIDATES = 300
"""Pieces that each of the two searches gives."""
MEANING = 0.6
"""The share of the meaning in a score; the words have the rest."""
SPEAKER = 0.3
"""What a piece gains when the question names its speaker, and nobody else's."""
NEIGHBOUR = 0.3
"""The share of its better neighbour's score that a piece gains."""
EXACT = 2.0
"""What a piece gains when it has, letter for letter, a code, path or number that the question quotes."""
RARE = 10
"""Pieces that may have such a code, at most, for it to count. So many pieces may stand out by their words."""
STANDS_OUT = 1.8
"""From so many times the score of the RARE-th piece on, a piece stands out: it has words that hardly any other has."""
OUTSTANDING = 1.0
"""What a piece gains for each such score more, up to twice that: a rare name counts more than a likeness."""

_CODE = re.compile(r"(?=[^\s]*[\d_/.@:\\-])[\w./:@\\-]{4,}")
_NAME = re.compile(r"\b[A-Z]\w+(?: [A-Z]\w+)+")
_QUOTED = re.compile(r"[\"`“]([^\"`“”\n]{3,})[\"`”]")


def words_of(question: str) -> str:
    """A question without the signs that a full-text query could trip over."""
    return " ".join(re.findall(r"\w+", question))


def codes(question: str) -> list[str]:
    """What is to be found as it is: what the question quotes, codes, paths and numbers, and names of several words."""
    names = (one if at else one.split(" ", 1)[-1] for at, one in ((m.start(), m[0]) for m in _NAME.finditer(question)))
    found = (*_QUOTED.findall(question), *(one.strip(".:-/") for one in _CODE.findall(question)), *names)
    return [one for one in dict.fromkeys(found) if len(one) > 3]


def named(question: str, speakers: Iterable[str]) -> list[str]:
    """Those of the speakers whom the question names."""
    return [one for one in dict.fromkeys(speakers) if one and re.search(rf"\b{re.escape(one)}\b", question)]


def without(question: str, names: Iterable[str]) -> str:
    """The question without the names of speakers, who speak of much else too: what is asked, for the embedder."""
    bare = question
    for name in names:
        bare = re.sub(rf"\b{re.escape(name)}\b(?:['’]s)?", "", bare)
    return " ".join(bare.split()) or question


def scaled(scores: Mapping[int, float]) -> dict[int, float]:
    """Scores by place, from 0 for what does not fit to 1 for the best."""
    best = max(scores.values(), default=0.0)
    return {place: max(score, 0.0) / best for place, score in scores.items()} if best > 0 else {}


def fused(words: Mapping[int, float], meaning: Mapping[int, float] | None) -> dict[int, float]:
    """One score for each place that either search gave. Without ``meaning`` (None) the words alone count."""
    by_words = scaled(words)
    if meaning is None:
        return by_words
    by_meaning = scaled(meaning)
    return {
        place: (1 - MEANING) * by_words.get(place, 0.0) + MEANING * by_meaning.get(place, 0.0)
        for place in by_words.keys() | by_meaning.keys()
    }


def outstanding(words: Mapping[int, float]) -> dict[int, float]:
    """What each place gains for words that hardly any other has: a name, an odd word. Most questions have none."""
    usual = sorted(words.values(), reverse=True)[RARE - 1 : RARE]
    if not usual or usual[0] <= 0:
        return {place: OUTSTANDING * score for place, score in scaled(words).items()}
    return {place: OUTSTANDING * min(max(score / usual[0] - STANDS_OUT, 0.0), 2.0) for place, score in words.items()}


def smoothed(scores: Mapping[int, float], days: Mapping[int, str]) -> dict[int, float]:
    """Each score raised by a share of its better neighbour's of the same day.

    A neighbour that was not found itself, and so has no day, comes in with that share.
    """
    raised = {}
    for place in {near for found in scores for near in (found - 1, found, found + 1)}:
        day = days.get(place)
        around = (near for near in (place - 1, place + 1) if near in scores and day in (None, days.get(near)))
        raised[place] = scores.get(place, 0.0) + NEIGHBOUR * max((scores[near] for near in around), default=0.0)
    return raised


def best(scores: Mapping[int, float], bonus: Mapping[int, float], most: int) -> list[int]:
    """The places with the highest scores, their bonus included; of equals, the later."""
    total = {place: scores.get(place, 0.0) + bonus.get(place, 0.0) for place in scores.keys() | bonus.keys()}
    return sorted(total, key=lambda place: (-total[place], -place))[:most]


def bonuses(speakers: Mapping[int, str], names: Collection[str], exact: Collection[int]) -> dict[int, float]:
    """What each place gains for its speaker, and ``exact`` ones for what the question quotes."""
    alone = next(iter(names)) if len(names) == 1 else None
    spoken = {place: SPEAKER for place, who in speakers.items() if who and who == alone}
    return spoken | {place: spoken.get(place, 0.0) + EXACT for place in exact}


def summed(*gains: Mapping[int, float]) -> dict[int, float]:
    """Gains of several kinds, added up by place."""
    places = {place for one in gains for place in one}
    return {place: sum(one.get(place, 0.0) for one in gains) for place in places}


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
        return self.shelf.by_words(words, self.spans, CANDIDATES) if words else []

    def by_meaning(self, question: str) -> list[ShelfHit] | None:
        """None while the words alone must do."""
        if self.shelf.embedder is None or not self.embedded:
            return None
        try:
            vector: Vectors = self.shelf.embedder.embed([question])[0]
        except EmbedderNotAvailable:  # it was, when the pieces were embedded
            return None
        if self.loaded:
            return self.loaded.by_meaning(vector, CANDIDATES)
        return self.shelf.by_meaning(vector, self.spans, CANDIDATES)

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
    return Scope(shelf, spans, speakers, embedded, load(shelf, spans) if embedded else None)


def search(where: Scope, question: str, limit: int) -> list[Piece]:
    """The pieces that fit best, best first. While not all are embedded the words alone count."""
    names = named(question, where.speakers)
    with ThreadPoolExecutor(1) as pool:  # the embedder and the index take about as long
        meant = pool.submit(where.by_meaning, without(question, names))
        by_words = where.by_words(words_of(question))
        by_meaning = meant.result()
    quoting = [hit for code in codes(question) for hit in where.quoting(code)]
    known = {hit.place: hit for hit in (*by_words, *(by_meaning or ()), *quoting)}
    scores = fused(_scores(by_words), None if by_meaning is None else _scores(by_meaning))
    scores = smoothed(scores, {place: hit.day for place, hit in known.items()})
    speakers = {place: hit.speaker for place, hit in known.items()}
    bonus = bonuses(speakers, names, [hit.place for hit in quoting])
    bonus = summed(bonus, outstanding(_scores(by_words)))
    chosen = best(scores, bonus, max(limit, LOOKED_AT) + 2)  # two may be neighbours beyond either end
    pieces = where.at(chosen)
    fitting = [pieces[place] for place in chosen if place in pieces]
    return sorted(fitting, key=lambda piece: question not in piece.text)[:limit]


def _scores(hits: Sequence[ShelfHit]) -> dict[int, float]:
    return {hit.place: hit.score for hit in hits}
