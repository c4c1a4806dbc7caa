"""Pairs for people to label, from a log of questions: those whose cosine lies where the decision is made.

As many from each band of cosine, and no question in more than a few of them, so that a handful of popular questions
does not stand for all.
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentmem.answers.values import Classifier, Labelled
from agentmem.errors import ConfigError
from agentmem.types import Embedder, Vectors

if TYPE_CHECKING:
    import numpy as np


_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What begins a formula, or is left out before one (the last four are the wide forms), below any apostrophes."""


def as_cell(text: str) -> str:
    """``text`` as a cell that no spreadsheet calculates."""
    return f"'{text}" if _FORMULA.match(text) else text


def of_cell(cell: str) -> str:
    """What `as_cell` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


LOW, HIGH, BAND = 0.80, 0.99, 0.01
"""Cosines between which pairs are sampled, and the width of a band."""
PAIRS = 400
EACH = 3
"""Pairs that a question may stand in."""
MOST = 50_000
"""Questions that are compared; of a longer log, as many chosen by chance."""
_BLOCK = 512
_POOL = 40
"""Pairs that are looked at for each that is wanted from a band."""


def sample(
    questions: Sequence[str],
    embedder: Embedder,
    *,
    pairs: int = PAIRS,
    low: float = LOW,
    high: float = HIGH,
    seed: int = 0,
    classify: Classifier | None = None,
) -> list[Labelled]:
    """Up to ``pairs`` pairs at cosines from ``low`` to ``high``, unlabelled (``same`` is false), nearest first.

    Raises ConfigError where the log holds no pair so near.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    distinct = list(dict.fromkeys(one.strip() for one in questions if one.strip()))
    if len(distinct) > MOST:
        distinct = [distinct[at] for at in sorted(random.choice(len(distinct), MOST, replace=False))]
    vectors = embedder.embed(distinct)
    bands = max(round((high - low) / BAND), 1)
    found = _banded(vectors, low, high, bands, pairs, random)
    if not found:
        raise ConfigError(
            f"the log holds {len(distinct)} different questions, and no two at cosines from {low} to {high}: "
            "give a longer log, or lower the bound"
        )
    chosen = _spread(found, bands, pairs)
    return [_pair(distinct, vectors, one, classify) for one in sorted(chosen, key=lambda one: -one[2])]


def write_pairs(pairs: Sequence[Labelled], path: Path) -> None:
    """The pairs as CSV with an empty column ``label``, to be filled in with same or different.

    Pairs from audits have their answers beside them. Raises ConfigError.
    """
    answers = ["served", "fresh"] if any(one.served or one.fresh for one in pairs) else []
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["left", "right", "label", "kind", "similarity", *answers])
            for one in pairs:
                left, right, kind, *own = (as_cell(getattr(one, name)) for name in ("left", "right", "kind", *answers))
                writer.writerow([left, right, "", kind, f"{one.similarity or 0:.4f}", *own])
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def _banded(
    vectors: Vectors, low: float, high: float, bands: int, pairs: int, random: "np.random.Generator"
) -> dict[int, list[tuple[int, int, float]]]:
    """Some of the pairs of each band, by chance: (one, another, cosine)."""
    found: defaultdict[int, list[tuple[int, int, float]]] = defaultdict(list)
    room = _POOL * max(pairs // bands, 1)
    for left, right, cosine in _near(vectors, low, high):
        band = found[min(int((cosine - low) / (high - low) * bands), bands - 1)]
        if len(band) < room:
            band.append((left, right, cosine))
        elif (at := int(random.integers(0, 4 * room))) < room:
            band[at] = left, right, cosine
    for band in found.values():
        random.shuffle(band)
    return dict(found)


def _near(vectors: Vectors, low: float, high: float) -> Iterator[tuple[int, int, float]]:
    """All pairs at these cosines, each once."""
    import numpy as np

    for first in range(0, len(vectors), _BLOCK):
        cosines = vectors[first : first + _BLOCK] @ vectors.T
        lefts, rights = np.nonzero((cosines >= low) & (cosines <= high))
        for left, right in zip(lefts.tolist(), rights.tolist(), strict=True):
            if first + left < right:
                yield first + left, right, float(cosines[left, right])


def _spread(found: dict[int, list[tuple[int, int, float]]], bands: int, pairs: int) -> list[tuple[int, int, float]]:
    """Band by band in turn, a question in at most EACH pairs."""
    chosen: list[tuple[int, int, float]] = []
    used: Counter[int] = Counter()
    queues = [list(found.get(band, ())) for band in range(bands)]
    while any(queues) and len(chosen) < pairs:
        for queue in queues:
            while queue and len(chosen) < pairs:
                left, right, cosine = queue.pop()
                if max(used[left], used[right]) < EACH:
                    used.update((left, right))
                    chosen.append((left, right, cosine))
                    break
    return chosen


def _pair(texts: Sequence[str], vectors: Vectors, one: tuple[int, int, float], classify: Classifier | None) -> Labelled:
    left, right, cosine = one
    kind = classify(texts[left], vectors[left]) if classify else ""
    return Labelled(texts[left], texts[right], False, kind, cosine)
