"""Exact edits: pure functions from a page's bytes to its next bytes. What is not edited keeps every byte."""

import re
from collections.abc import Iterator

from agentmem.errors import TextNotUnique
from agentmem.pages import forms
from agentmem.pages.endings import NEWLINE, encoded, ending, line_of, nearby
from agentmem.pages.missing import missing
from agentmem.pages.page import Page, PageSpan

_MOST_NAMED = 8
_BREAK = rb"(?>\r\n?|(?<!\r)\n)"  # never half of a CRLF


def replaced(page: Page, span: PageSpan, old: str, new: str) -> bytes:
    """The page with ``old``, which must stand in the span exactly once, replaced by ``new``.

    A line break in ``old`` matches any line ending, and ``new`` takes the line endings of what it replaces. Where
    ``old`` stands only in another Unicode form, or with other kinds of spaces, what it shares with ``new`` stays so.
    """
    if not old:
        raise TextNotUnique("The text to replace is empty. Give the exact text, or append instead.")
    places, exact = list(_matches(page, span, old)), True
    if not places:
        places, exact = _other_forms(page, span, old), False
    if not places:
        raise TextNotUnique(missing(page, span, old))
    if len(places) > 1:
        raise TextNotUnique(_several(page, places))
    start, end = places[0]
    there = page.data[start:end]
    like = there if ending(there) else nearby(page.data, start)
    put = encoded(new, like)
    if not exact:
        put = forms.kept(there.decode(), old, put.decode()).encode()
    return page.data[:start] + put + page.data[end:]


def _matches(page: Page, span: PageSpan, old: str) -> Iterator[tuple[int, int]]:
    """Byte ranges of ``old`` in the span, overlapping ones too; none that would part a letter from its accent."""
    pattern = _BREAK.join(re.escape(part.encode()) for part in NEWLINE.split(old))
    for match in re.finditer(rb"(?=(" + pattern + rb"))", page.data[span.start : span.end]):
        start, end = span.start + match.start(1), span.start + match.end(1)
        if not _parts_letter(page.data, end):
            yield start, end


def _parts_letter(data: bytes, at: int) -> bool:
    """Whether the character at ``at`` belongs to the one before it."""
    return data[at : at + 1] >= b"\xc2" and forms.accents(data[at : at + 4].decode(errors="ignore")[:1])


def _other_forms(page: Page, span: PageSpan, old: str) -> list[tuple[int, int]]:
    """Byte ranges of ``old`` in another form."""
    text = page.cut(span)
    return [
        (span.start + len(text[:start].encode()), span.start + len(text[:end].encode()))
        for start, end in forms.places(text, old)
    ]


def _several(page: Page, places: list[tuple[int, int]]) -> str:
    lines = [line_of(page.data, start) for start, _ in places[:_MOST_NAMED]]
    shown = ", ".join(map(str, lines)) + (" and more" if len(places) > len(lines) else "")
    return (
        f"The text stands in '{page.name}' {len(places)} times, on lines {shown}. "
        "Give more of the text around the one you mean, so that it stands there once."
    )
