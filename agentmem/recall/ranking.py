"""How the archive ranks: words and meaning, added up, then raised by who speaks, by neighbours and by days.

The weights were chosen on one half of LoCoMo's conversations (Maharana et al. 2024, arXiv:2402.17753) and on the
tuning half of `python -m tests.benchmarks.reworded`; what they reach on the other halves is what these benchmarks
print. Reciprocal rank fusion was worse.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

from agentmem.errors import RerankerNotAvailable
from agentmem.recall.asking import MONTHS, Asked, Span, day_of, first_person, read
from agentmem.recall.pieces import SAID, Piece
from agentmem.recall.reranking import reranked, window
from agentmem.recall.scope import RARE, Prior, Scope
from agentmem.recall.shelf import ShelfHit
from agentmem.recall.subject import of_oneself, of_subject
from agentmem.retrieval import Reranker
from agentmem.types import Vectors

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


def best(scores: Mapping[int, float], most: int) -> list[int]:
    """The places with the highest scores; of equals, the later."""
    return sorted(scores, key=lambda place: (-scores[place], -place))[:most]


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
    return {at: ABOUT for word in few(words, pieces) for at in _places(word, pieces)}


def few(words: Collection[str], pieces: Mapping[int, Piece]) -> list[str]:
    """Those of the words that some of the pieces have, and not many."""
    return [word for word in words if 0 < len(_places(word, pieces)) <= min(SHARED, len(pieces) // 8)]


def _places(word: str, pieces: Mapping[int, Piece]) -> list[int]:
    whole = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
    return [at for at, piece in pieces.items() if whole.search(piece.text)]


@dataclass(frozen=True, slots=True)
class _Searched:
    """What both searches gave: the scores by place, what each has among its first, and how near each piece's meaning
    is to ``vector``, the question's; None where the words alone counted.
    """

    scores: Mapping[int, float]
    parts: tuple[list[int], ...]
    fits: Mapping[int, float] | None
    vector: "Vectors | None"
    decided: bool

    @property
    def open(self) -> bool:
        """Whether reading tells more: not where a day decides, or which of several versions holds, of which a passage
        says nothing.
        """
        return self.vector is not None and not self.decided


def search(where: Scope, question: str, limit: int, reranker: Reranker | None = None) -> list[Piece]:
    """The pieces that fit best, best first. While not all are embedded the words alone count, and nothing is reranked.

    Whatever one of the two searches has among its first TOP is among the first LOOKED_AT, if so many are asked for.
    """
    found = _searched(where, question)
    chosen = best(found.scores, max(limit, LOOKED_AT) + 2)
    pieces = where.at([*chosen, *(place for part in found.parts for place in part)])
    fitting = sorted((at for at in chosen if at in pieces), key=lambda at: question not in pieces[at].text)
    ordered = fair(fitting, *([at for at in part if at in pieces] for part in found.parts))
    if reranker and found.open and not any(question in piece.text for piece in pieces.values()):

        def passage(at: int) -> str:
            return window(pieces[at].text, where.sentence(at, found.vector))

        with suppress(RerankerNotAvailable):  # the order of the search stands
            ordered = reranked(reranker, first_person(question), ordered, found.scores, passage)
    fits = found.fits
    return [pieces[at] if fits is None else replace(pieces[at], fit=fits.get(at, 0.0)) for at in ordered[:limit]]


def _searched(where: Scope, question: str) -> _Searched:
    """All that is found, scored."""
    names = named(question, where.speakers)
    others = called(question, names)
    asked = read(without(question, names))
    prior = prior_of(where, asked)
    with ThreadPoolExecutor(1) as pool:  # the embedder and the index take about as long
        meant = pool.submit(where.meaning, *wordings(asked.core, others), prior=prior)
        by_words = where.by_words(words_of(question))
        vector, by_meaning = meant.result()
    quoting = [hit for code in codes(question) for hit in where.quoting(code)]
    known = {hit.place: hit for hit in (*by_words, *(by_meaning or ()), *quoting)}
    meaning = None if by_meaning is None else {hit.place: hit.score - prior.taken(hit) for hit in by_meaning}
    scores = spoken(added(_scores(by_words), meaning, len(words_of(question).split())), known)
    bonus = bonuses({place: hit.speaker for place, hit in known.items()}, names, [hit.place for hit in quoting])
    dated = {place: prior.days.get(hit.day, 0.0) for place, hit in known.items()}
    pieces = where.loaded.at(list(known)) if where.loaded else {}
    words = () if names else subjects(asked.core)  # a question that names a speaker is about that one
    about = having(others, words, pieces)
    subject = [] if prior.days else others or few(words, pieces)
    told = of_subject(where, question, subject, list(about), vector)
    about = summed(about, told, of_oneself(where, pieces, vector) if asked.user else {})
    parts = tuple([hit.place for hit in part[:TOP]] for part in (by_words, by_meaning or ()))
    fits = None if by_meaning is None else _scores(by_meaning) | {hit.place: 1.0 for hit in quoting}
    gained = summed(scores, bonus, outstanding(_scores(by_words)), dated, about)
    return _Searched(gained, parts, fits, vector, bool(prior.days or told))


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
