"""Exact edits: pure functions from a page's bytes to its next bytes. What is not edited keeps every byte."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from agentmem.errors import TextNotUnique
from agentmem.pages.endings import NEWLINE, encoded, ending, line_of
from agentmem.pages.page import Page, Span

_MOST_NAMED = 8
_MOST_COMPARED = 4000  # lines that are searched for one like the missing text
_MOST_COLUMNS = 300
_LIKE = 0.5  # how alike a line must be to be named as the nearest, of 1


def replaced(page: Page, span: Span, old: str, new: str) -> bytes:
    """The page with ``old``, which must stand in the span exactly once, replaced by ``new``.

    A line break in ``old`` matches any line ending, and ``new`` takes the line endings of what it replaces.
    """
    if not old:
        raise TextNotUnique("The text to replace is empty. Give the exact text, or append instead.")
    places = list(_matches(page, span, old))
    if not places:
        raise TextNotUnique(_missing(page, span, old))
    if len(places) > 1:
        raise TextNotUnique(_several(page, places))
    start, end = places[0]
    like = page.data[start:end] if ending(page.data[start:end]) else page.data
    return page.data[:start] + encoded(new, like) + page.data[end:]


def _matches(page: Page, span: Span, old: str) -> Iterator[tuple[int, int]]:
    """Byte ranges of ``old`` in the span, overlapping ones too."""
    pattern = rb"(?:\r\n?|\n)".join(re.escape(part.encode()) for part in NEWLINE.split(old))
    for match in re.finditer(rb"(?=(" + pattern + rb"))", page.data[span.start : span.end]):
        yield span.start + match.start(1), span.start + match.end(1)


def _several(page: Page, places: list[tuple[int, int]]) -> str:
    lines = [line_of(page.data, start) for start, _ in places[:_MOST_NAMED]]
    shown = ", ".join(map(str, lines)) + (" and more" if len(places) > len(lines) else "")
    return (
        f"The text stands in '{page.name}' {len(places)} times, on lines {shown}. "
        "Give more of the text around the one you mean, so that it stands there once."
    )


def _missing(page: Page, span: Span, old: str) -> str:
    """Says that the text is missing, and which line comes nearest to its first."""
    where = f"'{page.name}'" if span.path is None else f"'{page.name}#{span.path}'"
    wanted = next((line for line in NEWLINE.split(old) if line.strip()), "").strip()
    lines = [line.strip() for line in NEWLINE.split(page.cut(span))]
    near = _nearest(wanted[:_MOST_COLUMNS], lines)
    if near is None:
        return f"The text does not stand in {where}. Read the page and give the exact text."
    line = line_of(page.data, span.start) + near
    return f"The text does not stand in {where} exactly. The nearest is line {line}: {lines[near][:_MOST_COLUMNS]}"


def _nearest(wanted: str, lines: list[str]) -> int | None:
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    best, found = _LIKE, None
    for index, line in enumerate(lines[:_MOST_COMPARED]):
        matcher.set_seq1(line[:_MOST_COLUMNS])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
            best, found = matcher.ratio(), index
    return found
