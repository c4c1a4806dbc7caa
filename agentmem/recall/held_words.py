"""Searches the words of pieces that are held in memory, by BM25 over the same words as the index of their table.

That index is of all threads, and reads a number for each of their pieces before its first search. Here a word is rare
or common among the pieces that are searched, whatever other threads hold.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from agentmem.recall.shelf import ShelfHit
from agentmem.recall.tables import FULL_TEXT

MOST = 100_000
"""Characters, at most, whose words are held: cutting them takes about 20 ms. Longer transcripts use the index."""
_OFTEN, _LENGTH = 1.2, 0.75  # BM25's k1 and b, as the index has them
_MARK = 10**20


@dataclass(frozen=True, slots=True)
class HeldWords:
    """The words of some pieces: how often each stands in which of ``hits``, and what a hit's length makes of that.

    ``count`` of the hits have any word.
    """

    hits: Sequence[ShelfHit]
    count: int
    found: Mapping[str, Mapping[int, int]]
    weights: Sequence[float]

    def search(self, words: str, most: int) -> list[ShelfHit]:
        """The pieces that share words with the question, best first."""
        scores: dict[int, float] = {}
        for word in _cut(words):
            rows = self.found.get(word, {})  # a word that is asked twice counts twice, as in the index
            rare = math.log(1 + (self.count - len(rows) + 0.5) / (len(rows) + 0.5))
            for row, often in rows.items():
                gained = rare * often * (_OFTEN + 1) / (often + self.weights[row])
                scores[row] = scores.get(row, 0.0) + gained
        best = sorted(scores, key=lambda row: -scores[row])[:most]
        return [self.hits[row]._replace(score=scores[row]) for row in best]


def held_words(hits: Sequence[ShelfHit], texts: Sequence[str]) -> HeldWords | None:
    """The words of hits, whose texts are given in the same order; None where these are too long."""
    if sum(map(len, texts)) > MOST:
        return None
    mark = next(str(number) for number in count(_MARK) if not any(str(number) in text for text in texts))
    found, lengths, row = dict[str, dict[int, int]](), [0] * len(hits), 0
    for word in _cut(f"\n{mark}\n".join(texts)):
        if word == mark:
            row += 1
            continue
        often = found.setdefault(word, {})
        often[row] = often.get(row, 0) + 1
        lengths[row] += 1
    having = sum(map(bool, lengths))
    mean = sum(lengths) / having if having else 1.0
    return HeldWords(hits, having, found, [_OFTEN * (1 - _LENGTH + _LENGTH * length / mean) for length in lengths])


def _cut(text: str) -> list[str]:
    """The words of a text as the index would have them: in small letters, without endings, and no stop words."""
    import lancedb

    return [word.text for word in lancedb.tokenize(text, **FULL_TEXT)]
