"""Two texts beside each other, line by line, around the first difference: what the page shows of a break.

It is linear in the length of the texts, whatever they are: equal lines at both ends are passed over, and what stands
between is paired in order.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

AROUND = 2
"""Equal lines that are shown before and after what differs."""
MOST = 40
"""Lines of each side that are shown at most."""
LONGEST = 2_000
"""Characters of a line that are shown at most, around its difference."""

Row = list[Any]


def side_by_side(before: str | None, after: str | None) -> dict[str, Any]:
    """``rows`` of [number, text, number, text, start, end, end]: the numbers from 1, None where a side has no line.

    ``start`` is where the texts of a row differ, the ends where the difference ends on each side; start is None where
    they are equal. ``more`` are the lines that are not shown.
    """
    old, new = (before or "").splitlines(), (after or "").splitlines()
    start = _common(old, new)
    ends = _common_end(old[start:], new[start:])
    left, right = old[start : len(old) - ends], new[start : len(new) - ends]
    first = max(0, start - AROUND)
    rows = [_equal(at, at, old[at]) for at in range(first, start)]
    pairs = list(zip_longest(left, right))
    rows += [_pair(start + at, *pair) for at, pair in enumerate(pairs[:MOST])]
    if len(pairs) <= MOST:
        behind = range(min(AROUND, ends))
        rows += [_equal(start + len(left) + at, start + len(right) + at, old[start + len(left) + at]) for at in behind]
    return {"rows": rows, "more": max(0, len(pairs) - MOST)}


def _equal(at: int, other: int, text: str) -> Row:
    return [at + 1, text[:LONGEST], other + 1, text[:LONGEST], None, 0, 0]


def _pair(at: int, old: str | None, new: str | None) -> Row:
    """A row of the part that differs: both lines, with the place in them where they do."""
    one, other = old or "", new or ""
    start = _common(one, other)
    ends = _common_end(one[start:], other[start:])
    skip = max(0, start - LONGEST // 2)
    cut = "…" if skip else ""
    one_end, other_end = len(one) - ends, len(other) - ends
    shift = len(cut) - skip
    numbers = (None if old is None else at + 1, None if new is None else at + 1)
    return [
        numbers[0],
        None if old is None else cut + one[skip : skip + LONGEST],
        numbers[1],
        None if new is None else cut + other[skip : skip + LONGEST],
        start + shift,
        min(one_end + shift, LONGEST),
        min(other_end + shift, LONGEST),
    ]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items at the beginning are equal."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items at the end are equal."""
    return _common(one[::-1], other[::-1])
