"""Compares two texts: whether they differ only in times, ids and counts, or only in order, or more; and where."""

import re
from collections import Counter
from collections.abc import Sequence

from agentmem.scrub import REDACTED, scrub
from agentmem.types import Frame

_NAMES = (
    "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|"
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?|am|pm|utc|gmt|morning|afternoon|evening|night|today|yesterday"
)
_VOLATILE = re.compile(rf"[\w.:+/-]*\d[\w.:+/-]*|\b(?:{_NAMES})\b", re.IGNORECASE)
"""Words with a digit in them, and the names of days, months and times of day."""
_WORD = re.compile(r"\w+|[^\w\s]")
_SUMMARY = re.compile(
    r"\bsummar(?:y|ised|ized)\b|compacted|condensed|\bso far\b|continued? from|continues an|\brecap\b|hand-?off|"
    r"(?:previous|earlier|prior) (?:conversation|context|messages|turns|session)",
    re.IGNORECASE,
)
_FEW, _ID_LETTERS = 8, 12
_ALIKE = 0.5
_AROUND = 48
_SHOWN = 160


def shown(frame: Frame) -> str:
    """A block for a person: a text as it is, anything else as canonical JSON."""
    text = frame.value.get("text")
    return text if frame.value.get("type") == "text" and isinstance(text, str) else frame.data.decode()


def settled(text: str) -> str:
    """``text`` with ``#`` in place of what changes by itself: times, dates, ids and counts."""
    return _VOLATILE.sub("#", text)


def only_volatile(before: str, after: str, shortest: int = 1) -> bool:
    """True if the texts differ only in times, dates, ids or counts, in one place or a few.

    ``shortest`` is the least length of such an id in characters. It tells ``limit 10`` and ``limit 20`` from two ids.
    """
    one, other = _VOLATILE.findall(before), _VOLATILE.findall(after)
    changed = [pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]]
    if settled(before) == settled(after):
        return len(changed) <= _FEW and any(len(left) >= shortest for left, _ in changed)
    old, new = middles(before.split(), after.split())
    return all(map(_mostly_volatile, (old, new))) or _is_id(old, new)


def middles(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """The words from the first to the last difference."""
    start = common(before, after)
    end = common(before[start:][::-1], after[start:][::-1])
    return before[start : len(before) - end], after[start : len(after) - end]


def _is_id(old: list[str], new: list[str]) -> bool:
    """True if one long word replaces another of the same length: an id without a digit."""
    return len(old) == len(new) == 1 and len(old[0]) == len(new[0]) >= _ID_LETTERS


def _mostly_volatile(words: list[str]) -> bool:
    found = sum(bool(_VOLATILE.search(word)) for word in words)
    return 0 < found <= _FEW and 2 * found >= len(words)


def permuted(before: str, after: str) -> bool:
    """True if both have the same words and signs in another order."""
    return before != after and Counter(_WORD.findall(before)) == Counter(_WORD.findall(after))


def alike(before: str, after: str) -> bool:
    """True if the texts share at least half of their words, counted with repetition."""
    one, other = Counter(_WORD.findall(before)), Counter(_WORD.findall(after))
    return before == after or (one & other).total() >= _ALIKE * max(1, one.total(), other.total())


def is_summary(text: str) -> bool:
    """True if a text calls itself a summary of earlier text."""
    return bool(_SUMMARY.search(text[:2000]))


def common(one: Sequence[object], other: Sequence[object]) -> int:
    """The number of items, characters or bytes with which both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def excerpts(before: str, after: str) -> tuple[str, str]:
    """Short parts of both texts around their first difference. ``…`` marks omissions; secrets are only numbered."""
    numbers: dict[str, int] = {}

    def mark(secret: str) -> str:
        return f"{REDACTED}#{numbers.setdefault(secret, len(numbers) + 1)}"

    one, other = scrub(before, mark), scrub(after, mark)
    start = common(one, other)
    end = common(one[start:][::-1], other[start:][::-1])
    return _excerpt(one, start, end), _excerpt(other, start, end)


def _excerpt(text: str, start: int, end: int) -> str:
    """The text from shortly before ``start`` to shortly after the place ``end`` characters before its end."""
    first = max(0, start - _AROUND)
    last = min(first + _SHOWN, len(text) - end + _AROUND, len(text))
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"


def one_line(text: str) -> str:
    """``text`` with its line breaks shown, for a line of its own."""
    return text.replace("\n", "⏎")
