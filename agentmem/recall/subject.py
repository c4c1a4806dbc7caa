"""What is said of whom a question is about, and which of several versions of it holds.

A name fills a short sentence: near it, all that is said of somebody looks alike. So the directions of the names are
taken out of the question's vector and out of those of the sentences that have one, and what is left is compared. Where
several say about as much of what is asked, one that tells of a change comes first; asked for what was before, last.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentmem.recall.pieces import SAID, Piece
from agentmem.types import Vectors

if TYPE_CHECKING:
    from agentmem.recall.scope import Loaded, Scope

HAS = 0.3
"""What a piece gains for a sentence that has the subject."""
LIKE = 2.0
"""What it gains for each point of the cosine of that sentence and the question, both without the subject."""
NEAR = 0.1
"""So far behind the best of these cosines, a sentence says about as much of what is asked."""
CHANGED = 0.4
"""What such a sentence gains that tells of a change."""
REPLACED = 1.2
"""What a sentence loses that tells of a change, when the question asks for what was before."""
EARLIER = 0.6
"""What the last piece that has the subject loses then, and those between the first and it in proportion."""

ONESELF = 0.3
"""What a piece gains for a question about the user whose nearest sentence speaks of whoever says it."""

CHANGES = (
    *("now", "nowadays", "these days", "by now", "from now on", "as of", "since", "today"),
    *(
        "instead",
        "in its stead",
        "no longer",
        "not any more",
        "anymore",
        "another",
        "other",
        "different",
        "new",
        "again",
    ),
    *("change", "changed", "changes", "swapped", "switched", "replaced", "moved", "turned", "became", "become", "went"),
    *("gave up", "given up", "quit", "stopped", "left", "sold", "dropped", "retired", "cancelled", "handed"),
    *("rewrote", "rewritten", "ported", "migrated", "raised", "lowered", "cut", "increased", "reduced"),
)
"""Words by which people tell that something is not what it was."""
FORMER = (
    *("first", "at first", "original", "originally", "initial", "initially", "at the start", "in the beginning"),
    *(
        "before",
        "earlier",
        "previous",
        "previously",
        "former",
        "formerly",
        "in the past",
        "used to",
        "use to",
        "started",
    ),
)
"""Words by which a question asks for what was before."""


def _any(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})\b", re.IGNORECASE)


_CHANGES, _FORMER = _any(CHANGES), _any(FORMER)
_ONESELF = re.compile(r"\b(?:I|[Mm]e|[Mm]y|[Mm]ine|[Mm]yself|[Ww]e|[Uu]s|[Oo]ur|[Oo]urs)\b")


@dataclass(frozen=True, slots=True)
class Told:
    """The part of a piece that has the subject and is nearest to the question, how near it is, both without the
    subject, and whether it tells of a change.
    """

    likeness: float
    change: bool


def former(question: str) -> bool:
    """Whether a question asks for what was before."""
    return bool(_FORMER.search(question))


def bare(rows: Vectors, names: Vectors) -> Vectors:
    """Vectors without what they have of the directions of ``names``, of unit length again."""
    import numpy as np

    basis = np.linalg.qr(names.T)[0].T
    left = rows - (rows @ basis.T) @ basis
    found: Vectors = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-9)
    return found


def of_subject(
    where: "Scope", question: str, subject: Sequence[str], places: Sequence[int], vector: "Vectors | None"
) -> dict[int, float]:
    """What each place gains for what it says of the ``subject``, the words for whom or what a question is about.

    Nothing while the words alone must do, and where the pieces are not held in memory.
    """
    import numpy as np

    if where.loaded is None or vector is None or not places:
        return {}
    rows = [row for row in map(where.embed, ([word] for word in subject)) if row is not None]
    if not rows:
        return {}
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, subject))})\b", re.IGNORECASE)
    return gains(told(where.loaded, places, pattern, vector, np.concatenate(rows)), former(question))


def of_oneself(where: "Scope", pieces: Mapping[int, Piece], vector: "Vectors | None") -> dict[int, float]:
    """What each place gains at which somebody speaks of himself, in the part that is nearest to the question."""
    found = dict[int, float]()
    if where.loaded is None or vector is None:
        return found
    for place, piece in pieces.items():
        if piece.kind == SAID and _ONESELF.search(piece.text):
            texts, rows = where.loaded.parts(place)
            if texts and _ONESELF.search(texts[int((rows @ vector).argmax())]):
                found[place] = ONESELF
    return found


def told(
    loaded: "Loaded", places: Sequence[int], subject: re.Pattern[str], vector: Vectors, names: Vectors
) -> dict[int, Told]:
    """What the pieces at these places say of the subject; those are left out that have it in no sentence."""
    asked = bare(vector, names)
    found = {}
    for place in places:
        texts, rows = loaded.parts(place)
        having = [at for at, text in enumerate(texts) if subject.search(text)]
        if having:
            near = bare(rows[having], names) @ asked
            at = int(near.argmax())
            found[place] = Told(float(near[at]), bool(_CHANGES.search(texts[having[at]])))
    return found


def gains(found: Mapping[int, Told], before: bool) -> dict[int, float]:
    """What each place gains for what it says of the subject; ``before`` when the question asks for what was before."""
    best = max((one.likeness for one in found.values()), default=0.0)
    span = max(len(found) - 1, 1)
    gained = {}
    for at, (place, one) in enumerate(sorted(found.items())):
        change = one.change and one.likeness >= best - NEAR
        version = -EARLIER * at / span - REPLACED * change if before else CHANGED * change
        gained[place] = HAS + LIKE * one.likeness + version
    return gained
