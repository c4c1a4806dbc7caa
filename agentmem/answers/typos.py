"""Tells a misspelt word from another word: adress and address, but not nitrate and nitrite."""

import re
from functools import lru_cache

from agentmem.answers.spelling import Spells

_SCIENTIFIC = re.compile("(?:ate|ite|ide|ine|ane|ene|yne|ol|al|one|ose|ase|ium|itis|osis|oma|pathy|ectomy|otomy)s?")
"""Endings of the names of substances and illnesses, where another one is another thing: nitrate, nitrite, nitride."""


@lru_cache(maxsize=65_536)
def misspelt(one: str, other: str, spells: Spells | None) -> bool:
    """True if one of two words is the other, misspelt."""
    shorter = min(len(one), len(other))
    if shorter < 4 or one[0] != other[0] or spells is None or spells(one) == spells(other):
        return False  # two words that nobody knows are two names
    return not _substances(one, other) and distance(one, other) <= (1 if shorter < 6 else 2)


def _substances(one: str, other: str) -> bool:
    """True for one word with two endings of substances or illnesses."""
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return any(_SCIENTIFIC.fullmatch(one, at) and _SCIENTIFIC.fullmatch(other, at) for at in range(4, same + 1))


def distance(one: str, other: str) -> int:
    """Edits from one word to the other: letters inserted, deleted, changed, or two swapped (Damerau 1964)."""
    earlier: list[int] = []
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
    return row[-1]
