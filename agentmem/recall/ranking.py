"""How the archive ranks: words and meaning, added up, then raised by who speaks, by neighbours and by days.

The weights were chosen on one half of LoCoMo's conversations (Maharana et al. 2024, arXiv:2402.17753) and on the
tuning half of `python -m tests.benchmarks.reworded`; what they reach on the other halves is what these benchmarks
print. Reciprocal rank fusion was worse.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from agentmem.errors import EmbedderNotAvailable
from agentmem.recall.asking import MONTHS, Asked, Span, day_of, read
from agentmem.recall.pieces import Piece
from agentmem.recall.sentences import dots, nearest, unpacked
from agentmem.recall.shelf import HIT, PIECE, Shelf, ShelfHit, ShelfSpan, inside, piece_of
from agentmem.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HELD = 20_000
"""Pieces of a transcript, at most, that are held in memory."""
SAID = "user"
"""The kind of what people say."""


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
    the sentences of a hit from ``starts`` on; ``unsaid`` is 1 for each hit that no person said. 10,000 pieces take
    about 50 MB.
    """

    pieces: Mapping[int, Piece]
    hits: Sequence[ShelfHit]
    vectors: Vectors
    sentences: "NDArray[np.int8]"
    starts: "NDArray[np.int64]"
    unsaid: Vectors

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
    return Loaded(pieces, [hits[at] for at in known], vectors[known], rows, starts, unsaid)


CANDIDATES = 300
"""Pieces that each of the two searches gives."""
MEANING = 0.6
"""The share of the meaning in a score of the long-term memory; the words have the rest."""
SPEAKER = 0.3
"""What a piece gains when the question names its speaker, and nobody else's."""
NEIGHBOUR = 0.3
"""The share of its better neighbour's score that a piece gains, where both were said: pages are read in any order."""
WORDS = 0.25
"""The share of the words in an archive's score; the meaning has the rest."""
FITTING = 3.0
"""The BM25 score that each word of a question brings where it fits. Words whose best is below that count for less."""
USER = 0.35
"""What a question about the user takes from the cosine of what the user did not say."""
ANYBODY = 0.2
"""What any other question takes from it: people say few things, and tools give long results."""
DATED = 0.4
"""What a piece gains that is of the day which the question names."""
TOP = 10
"""So many pieces of each search are never lost: they are among the first LOOKED_AT."""
LOOKED_AT = 30
"""Of so many pieces, those come first that have the whole question, letter for letter."""
CALLED = 0.6
"""What a piece gains that has a name which the question gives, where that is no speaker's."""
ABOUT = 0.3
"""What a piece gains that has a rare word which stands where a question has what it is about: "of", "does"."""
SHARED = 40
"""Pieces that may have such a word, at most, and at most one in eight of those that were found."""
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
_LARGE = re.compile(r"(?<=[a-z,'’] )[A-Z][a-z]+")
_BEHIND = "of|does|do|did|is|was|for|to|with|on|can|has|would|will|behind|in|at"
_SUBJECT = re.compile(rf"\b(?:{_BEHIND}) ([a-z][\w-]{{3,}})\b|\b([a-z][\w-]{{3,}})['’]s\b")
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


def called(question: str, names: Iterable[str]) -> list[str]:
    """The words that a question writes large inside a sentence, but for ``names`` and months."""
    other = {*names, *MONTHS}
    return [one for one in dict.fromkeys(_LARGE.findall(question)) if one not in other]


def subjects(question: str) -> list[str]:
    """The words in small letters that stand where a question has what it is about."""
    return list(dict.fromkeys(one or other for one, other in _SUBJECT.findall(question)))


def wordings(question: str, names: Sequence[str]) -> list[str]:
    """The question, and with "they" for its names: near a name, a sentence seems near whatever it says."""
    bare = question
    for name in names:
        bare = re.sub(rf"\b{re.escape(name)}\b", "they", re.sub(rf"\b{re.escape(name)}['’]s\b", "their", bare))
    return list(dict.fromkeys((question, bare)))


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


def added(words: Mapping[int, float], meaning: Mapping[int, float] | None, asked: int) -> dict[int, float]:
    """One score for each place that either search gave, for a question of so many words.

    Other than where it is scaled to its best, a search by words that found nothing much counts for little.
    """
    enough = max(FITTING * asked, *words.values()) if words else 1.0
    by_words = {place: score / enough for place, score in words.items()}
    if meaning is None:
        return by_words
    by_meaning = scaled(meaning)
    places = by_words.keys() | by_meaning.keys()
    return {at: WORDS * by_words.get(at, 0.0) + (1 - WORDS) * by_meaning.get(at, 0.0) for at in places}


def fair(order: Sequence[int], *parts: Sequence[int]) -> list[int]:
    """The order with the first TOP of every part among its first LOOKED_AT: those that were not take the last places
    there, and nothing else changes.
    """
    due = list(dict.fromkeys(place for part in parts for place in part[:TOP]))
    head = order[:LOOKED_AT]
    missing = [place for place in due if place not in set(head)]
    free = LOOKED_AT - len(missing) - sum(place in due for place in head)
    others = [place for place in order if place not in due]
    kept = {*due, *others[:free]}
    return [*(place for place in head if place in kept), *missing, *others[free:]]


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


def having(names: Collection[str], words: Collection[str], pieces: Mapping[int, Piece]) -> dict[int, float]:
    """What each place gains for having one of the ``names``, or where there are none, one of the ``words`` that few
    have.
    """
    if names:
        return {at: CALLED for at, piece in pieces.items() if any(name in piece.text for name in names)}
    found = (_places(word, pieces) for word in words)
    return {at: ABOUT for places in found if len(places) <= min(SHARED, len(pieces) // 8) for at in places}


def _places(word: str, pieces: Mapping[int, Piece]) -> list[int]:
    whole = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
    return [at for at, piece in pieces.items() if whole.search(piece.text)]


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

    def by_meaning(self, *wordings: str, prior: Prior = NO_PRIOR) -> list[ShelfHit] | None:
        """By the mean cosine of a question's wordings. None while the words alone must do."""
        if self.shelf.embedder is None or not self.embedded:
            return None
        try:
            vector: Vectors = self.shelf.embedder.embed(wordings).mean(axis=0)
        except EmbedderNotAvailable:  # it was, when the pieces were embedded
            return None
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
    return Scope(shelf, spans, speakers, embedded, load(shelf, spans) if embedded else None)


def search(where: Scope, question: str, limit: int) -> list[Piece]:
    """The pieces that fit best, best first. While not all are embedded the words alone count.

    Whatever one of the two searches has among its first TOP is among the first LOOKED_AT, if so many are asked for.
    """
    names = named(question, where.speakers)
    others = called(question, names)
    asked = read(without(question, names))
    prior = prior_of(where, asked)
    with ThreadPoolExecutor(1) as pool:  # the embedder and the index take about as long
        meant = pool.submit(where.by_meaning, *wordings(asked.core, others), prior=prior)
        by_words = where.by_words(words_of(question))
        by_meaning = meant.result()
    quoting = [hit for code in codes(question) for hit in where.quoting(code)]
    known = {hit.place: hit for hit in (*by_words, *(by_meaning or ()), *quoting)}
    meaning = None if by_meaning is None else {hit.place: hit.score - prior.taken(hit) for hit in by_meaning}
    scores = spoken(added(_scores(by_words), meaning, len(words_of(question).split())), known)
    bonus = bonuses({place: hit.speaker for place, hit in known.items()}, names, [hit.place for hit in quoting])
    dated = {place: prior.days.get(hit.day, 0.0) for place, hit in known.items()}
    words = () if names else subjects(asked.core)  # a question that names a speaker is about that one
    about = having(others, words, where.loaded.at(list(known)) if where.loaded else {})
    gains = summed(bonus, outstanding(_scores(by_words)), dated, about)
    chosen = best(scores, gains, max(limit, LOOKED_AT) + 2)
    parts = [[hit.place for hit in part[:TOP]] for part in (by_words, by_meaning or ())]
    pieces = where.at([*chosen, *(place for part in parts for place in part)])
    fitting = sorted((at for at in chosen if at in pieces), key=lambda at: question not in pieces[at].text)
    ordered = fair(fitting, *([at for at in part if at in pieces] for part in parts))
    fits = None if by_meaning is None else _scores(by_meaning) | {hit.place: 1.0 for hit in quoting}
    return [pieces[at] if fits is None else replace(pieces[at], fit=fits.get(at, 0.0)) for at in ordered[:limit]]


def spoken(scores: Mapping[int, float], known: Mapping[int, ShelfHit]) -> dict[int, float]:
    """The scores, those of what was said raised by neighbours that were said."""
    said = {place: score for place, score in scores.items() if known[place].kind in (SAID, "assistant")}
    read_only = {place: score for place, score in scores.items() if place not in said}
    return smoothed(said, {place: hit.day for place, hit in known.items()}) | read_only


def prior_of(where: Scope, asked: Asked) -> Prior:
    """What a question lets expect: who said it, and when."""
    said = USER if asked.user else ANYBODY
    if not (asked.days or asked.span):
        return Prior(said)
    days = {text: day for text in where.days() if (day := day_of(text))}
    near = asked.nearness(_start(where, asked.span, days) if asked.span else None)
    return Prior(said, {text: DATED * near(day) for text, day in days.items()} if near else {})


def _start(where: Scope, span: Span, days: Mapping[str, date]) -> date | None:
    """The day from which a span counts: today, or that of what is nearest to the event."""
    if not span.event:
        return max(days.values(), default=None)
    found = where.by_meaning(read(span.event).core, prior=Prior(ANYBODY))
    return days.get(found[0].day) if found else None


def _scores(hits: Sequence[ShelfHit]) -> dict[int, float]:
    return {hit.place: hit.score for hit in hits}
