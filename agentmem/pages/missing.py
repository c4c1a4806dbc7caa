"""Words the error for a text that an edit did not find: how the page has it, or the nearest line.

Only `splices` uses it. It is a module of its own because it compares texts and makes no edits.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher

from agentmem.pages import forms
from agentmem.pages.endings import NEWLINE, line_of
from agentmem.pages.page import Page, PageSpan

_MOST_COMPARED = 4000  # lines that are compared with the missing text
_MOST_COLUMNS = 300
_MOST_DIFFERENT = 4
_LIKE = 0.5  # the least similarity, of 1, of a line that is named as the nearest
_ALL = re.compile(r"(?s:.*)")
_SPACE = re.compile(r"\s+")


def missing(page: Page, span: PageSpan, old: str) -> str:
    """The error's text: the text is missing, and is there in another writing, or a line is near its first line."""
    where = f"'{page.name}'" if span.path is None else f"'{page.name}#{span.path}'"
    text, first = page.cut(span), line_of(page.data, span.start)
    for difference, find in _WRITINGS:
        found = find(text, old)
        if found:
            line = first + len(NEWLINE.findall(text[: found.start()]))
            told = difference(found[0], old)
            return f"The text is not in {where} exactly: line {line} has it with {told}. Give it as the page does."
    wanted = next((line for line in NEWLINE.split(old) if line.strip()), "").strip()
    lines = [line.strip() for line in NEWLINE.split(text)]
    near = _nearest(wanted[:_MOST_COLUMNS], lines)
    if near is None:
        return f"The text is not in {where}. Read the page and give the exact text."
    return f"The text is not in {where} exactly. The nearest is line {first + near}: {lines[near][:_MOST_COLUMNS]}"


def _same_length(text: str, old: str) -> re.Match[str] | None:
    """``old`` with other quotation marks or dashes."""
    found = re.search(re.escape(forms.look(NEWLINE.sub("\n", old))), forms.look(text))
    if found is None:
        return None
    end = next((at for at in range(found.end(), len(text)) if not forms.accents(text[at])), len(text))
    return _ALL.match(text, found.start(), end)


def _spaced(text: str, old: str, flags: int = 0) -> re.Match[str] | None:
    """``old`` with other white space between its words and around them."""
    words = forms.look(old).split()
    if not words:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), forms.look(text), flags)
    if found is None:
        return None
    start = found.start()
    while old[:1].isspace() and start and text[start - 1].isspace() and text[start - 1] not in "\r\n":
        start -= 1
    return _ALL.match(text, start, found.end())


def _in_other_case(text: str, old: str) -> re.Match[str] | None:
    return _spaced(text, old, re.IGNORECASE)


def _characters(there: str, old: str) -> str:
    pairs = dict.fromkeys((a, b) for a, b in zip(there, old, strict=False) if a != b)
    named = [f"{_name(a)} for {_name(b)}" for a, b in pairs][:_MOST_DIFFERENT]
    if not named:
        return f"an accent that belongs to its last letter: {_quoted(there)}"
    return f"other characters ({', '.join(named)}): {_quoted(there)}"


def _white(there: str, old: str) -> str:
    kinds = dict.fromkeys(_gaps(there, old))
    named = f" ({', '.join(list(kinds)[:_MOST_DIFFERENT])})" if kinds else ""
    return f"other white space{named}: {_quoted(there)}"


def _case(there: str, old: str) -> str:
    return f"other letter case: {_quoted(there)}"


def _gaps(there: str, old: str) -> Iterator[str]:
    for has, given in zip(_SPACE.findall(there), _SPACE.findall(old), strict=False):
        if NEWLINE.sub("\n", has) != NEWLINE.sub("\n", given):
            yield f"{has!a} for {given!a}"


def _name(char: str) -> str:
    return f"{char if char.isprintable() else ''} U+{ord(char):04X} {unicodedata.name(char, '').lower()}".strip()


def _quoted(there: str) -> str:
    """The page's own text. White space other than a plain space is shown as escapes."""
    shown = "".join(char if char == " " or not char.isspace() else ascii(char)[1:-1] for char in there[:_MOST_COLUMNS])
    return f"'{shown}'"


def _nearest(wanted: str, lines: list[str]) -> int | None:
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    best, found = _LIKE, None
    for index, line in enumerate(lines[:_MOST_COMPARED]):
        matcher.set_seq1(line[:_MOST_COLUMNS])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
            best, found = matcher.ratio(), index
    return found


_WRITINGS: tuple[tuple[Callable[[str, str], str], Callable[[str, str], re.Match[str] | None]], ...] = (
    (_characters, _same_length),
    (_white, _spaced),
    (_case, _in_other_case),
)
"""The other ways in which a text may be written, the closest first: how to name it, how to find it."""
