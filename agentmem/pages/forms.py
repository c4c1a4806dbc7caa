"""Compares texts that look the same but are written in other characters.

They differ in composed and decomposed letters, kinds of spaces, or invisible marks. `form` makes them equal. If an edit
finds its text only in another form, the parts that it does not change keep their bytes.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from itertools import accumulate

_INVISIBLE = (
    "\u00ad\u200b\u200e\u200f\u2060\ufeff"  # soft hyphen, zero-width spaces, direction marks
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    + "".join(map(chr, range(0xFE00, 0xFE10)))  # variation selectors: they choose how an emoji is drawn
)
_SHOWS_NOTHING = _INVISIBLE[:-16]  # without the variation selectors, which change the character before them
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_ALIKE = {
    '"': "\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02",
    "'": "\u2018\u2019\u201a\u201b\u02bc\u02b9\uff07`\u00b4",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\ufe63\uff0d",
}
_TO_FORM = str.maketrans({**dict.fromkeys(_INVISIBLE, ""), **dict.fromkeys(_SPACES, " ")})
_TO_LOOK = str.maketrans(
    {one: plain for plain, others in _ALIKE.items() for one in others} | dict.fromkeys(_SPACES, " ")
)
_NO_LETTERS = re.compile(r"[\x00-\x7f]*")
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|\Z)")
_MOST_ALIGNED = 2000  # letters on each side: aligning longer texts can take seconds

Fold = Callable[[str], str]


def form(text: str) -> str:
    """``text`` with composed letters, plain spaces and line feeds, and without invisible marks."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).translate(_TO_FORM))


def look(text: str) -> str:
    """``text`` with straight quotation marks, plain hyphens and plain spaces. Its length stays the same."""
    return text.translate(_TO_LOOK)


def alike(text: str) -> str:
    """A looser `form`: ligatures, full-width letters and all kinds of quotation marks count as the plain ones."""
    return form(look(unicodedata.normalize("NFKC", form(text))))


def joins(char: str) -> bool:
    """True if a character belongs to the letter before it: an accent, a vowel sign, an invisible mark."""
    return char in _INVISIBLE or unicodedata.category(char)[0] == "M" or "\u1160" <= char <= "\u11ff"


def accents(char: str) -> bool:
    """True if a character changes the letter before it, so that the two must stay together."""
    return bool(char) and joins(char) and char not in _SHOWS_NOTHING


def letters(text: str) -> list[str]:
    """``text`` in the smallest pieces an edit may separate: a character with the marks on it, or a line break."""
    pieces = list[str]()
    for char in text:
        if pieces and ((char == "\n" and pieces[-1] == "\r") or (char not in "\r\n" and joins(char))):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def places(text: str, wanted: str) -> list[tuple[int, int]]:
    """The places of ``wanted`` in ``text``, in any form, as ranges of characters."""
    sought = form(wanted)
    if not sought or sought not in form(text):
        return []
    lines = [match[0] for match in _LINE.finditer(text) if match[0]]
    folded = [form(line) for line in lines]
    whole, starts = "".join(folded), list(accumulate(map(len, lines), initial=0))
    cuts = list(accumulate(map(len, folded), initial=0))

    def back(at: int, last: bool) -> int | None:
        line = min(bisect_right(cuts, at - last), len(lines)) - 1
        inside = _offset(lines[line], at - cuts[line])
        return None if inside is None else starts[line] + inside

    found = ((back(at, False), back(at + len(sought), True)) for at in _all(whole, sought))
    return [(start, end) for start, end in found if start is not None and end is not None]


def kept(there: str, old: str, new: str) -> str:
    """``new``, in the characters of ``there`` as far as it shares text with ``old``.

    ``there`` is ``old`` as the page has it, in another form.
    """
    have, had, comes = _seen(there), _seen(old), _seen(new)
    if [form(one) for one in have] != [form(one) for one in had]:
        return new
    before, after = [form(one) for one in had], [form(one) for one in comes]
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    middle, fresh = slice(head, len(before) - tail), slice(head, len(after) - tail)
    between = _aligned(have[middle], before[middle], comes[fresh], after[fresh])
    return "".join(have[:head]) + between + "".join(have[len(have) - tail :])


def _aligned(have: list[str], before: list[str], comes: list[str], after: list[str]) -> str:
    if max(len(before), len(after)) > _MOST_ALIGNED:
        return "".join(comes)
    steps = SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()
    return "".join("".join(have[i:j] if kind == "equal" else comes[k:m]) for kind, i, j, k, m in steps)


def _common(one: list[str], other: list[str]) -> int:
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _seen(text: str) -> list[str]:
    """The letters of ``text``. An invisible one joins the letter before it; at the start, the letter after it."""
    pieces = letters(text)
    if len(pieces) > 1 and not form(pieces[0]):
        pieces[:2] = [pieces[0] + pieces[1]]
    return pieces


def _offset(line: str, at: int) -> int | None:
    """The number of characters of ``line`` that make up ``at`` characters of its form; None inside a letter."""
    plain = _NO_LETTERS.match(line)
    start = max(0, min(at, plain.end() if plain else 0) - 1)
    if "\r" in line[:start]:
        start = 0
    done, size = start, start
    for piece in letters(line[start:]):
        if done == at:
            break
        done, size = done + len(form(piece)), size + len(piece)
    return size if done == at else None


def _all(whole: str, sought: str) -> Iterator[int]:
    at = whole.find(sought)
    while at >= 0:
        yield at
        at = whole.find(sought, at + 1)
