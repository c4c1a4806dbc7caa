"""Edits by section: replace what stands under a heading, or add to it, and never disturb a neighbour."""

import re
from collections.abc import Iterator

from agentmem.errors import TextNotUnique, WorkspaceError
from agentmem.pages import enclosed, forms
from agentmem.pages.endings import (
    BOM,
    NEWLINE,
    NEWLINE_BYTES,
    encoded,
    ending,
    ends_line,
    leading_blanks,
    line_of,
    nearby,
    newline,
    trailing_blanks,
)
from agentmem.pages.markdown import Section, SectionTree, parse
from agentmem.pages.missing import missing
from agentmem.pages.names import Dialect, dialect, is_markdown
from agentmem.pages.page import Page, PageSpan

_KINDS = re.compile(r" {0,9}(?:(?P<list>[-*+]|\d{1,9}[.)])[ \t]|(?P<table>\|)|(?P<quote>>))")


def section_replaced(page: Page, span: PageSpan, text: str) -> bytes:
    """The page with a section's text replaced.

    Text that begins with a heading of the section's level or above replaces the heading too; other text replaces
    what stands below the heading, subsections included. The closing tags of an element around the section stay.
    Raises WorkspaceError where the text would run into the sections around it.
    """
    keeps_heading = span.with_heading and not _begins_section(page, text, above=span.section)
    start = span.section.body if span.section and keeps_heading else span.start
    changed = _spliced(page, span, start, span.end, text)
    inner = enclosed.before_tags(page.data, dialect(page.name), start, span.end)
    if inner == span.end or _disturbed(page, changed, start, span.end) is None:
        return _only_here(page, changed, start, span.end)
    return _only_here(page, _spliced(page, span, start, inner, text), start, inner)


def _spliced(page: Page, span: PageSpan, start: int, end: int, text: str) -> bytes:
    old, new = page.data[start:end], encoded(text, nearby(page.data, start)).strip(b"\r\n")
    lead, tail = _blanks_around(page, start, end)
    if not new:
        lead, tail = leading_blanks(old), b""
    elif start == span.start and span.with_heading:
        lead = b""
    return page.data[:start] + lead + new + tail + page.data[end:]


def appended(page: Page, span: PageSpan, text: str) -> bytes:
    """The page with ``text`` put on lines of its own at the end of the page or section. Nothing else changes.

    Text goes before a section's subsections, unless it begins with a heading: then behind them; and before tags that
    belong to an element around the section. Raises WorkspaceError where a code fence or comment that nothing closes
    would swallow it.
    """
    end = span.end
    if span.section and span.with_heading and not _begins_section(page, text):
        end = span.section.stop
    if is_markdown(page.name):
        floor = span.section.body if span.section else span.start
        end = enclosed.before_tags(page.data, dialect(page.name), floor, end)
    at = _end_of_text(page, span, end) if is_markdown(page.name) else end
    new, line = _own_lines(page, at, text)
    gap = _gap(page, at, text, line)
    open_block = _open_block(page, page.data[:at]) if not page.data[at:].strip() else None
    if open_block is not None:
        gap = b"" if ends_line(page.data[:at]) else line
        first = new[: len(new) - len(new.lstrip())] + new.lstrip().partition(line)[0]
        if _open_block(page, page.data[:at] + gap + first) == open_block:
            raise WorkspaceError(_swallowed(page, open_block))
    return _only_here(page, page.data[:at] + gap + new + page.data[at:], at, at)


def _own_lines(page: Page, at: int, text: str) -> tuple[bytes, bytes]:
    """``text`` as lines to be put in at ``at``, and the line break that is used there."""
    style = nearby(page.data, at)
    new = encoded(text, style)
    line = style or newline(new, 0)
    if not ends_line(new) or not new:
        new += line
    if at < len(page.data) and not leading_blanks(page.data[at:]):
        new += line
    return new, line


def _open_block(page: Page, data: bytes) -> enclosed.Unclosed | None:
    return enclosed.unclosed(data, dialect(page.name)) if is_markdown(page.name) else None


def _swallowed(page: Page, block: enclosed.Unclosed) -> str:
    return (
        f"Nothing closes the {block.kind} that begins on line {block.line} of '{page.name}', so the text would stand "
        "inside it. Begin the text with the line that closes it, or close it first. Nothing was changed."
    )


def _begins_section(page: Page, text: str, above: Section | None = None) -> bool:
    """Whether the text begins with a heading (of this section's level or above)."""
    tree = parse(text.lstrip("\r\n").encode(), dialect(page.name))
    if not tree.sections or tree.stop > 0:
        return False
    return above is None or tree.sections[0].level <= above.level


def _blanks_around(page: Page, start: int, end: int) -> tuple[bytes, bytes]:
    """The blank lines to put around new text from ``start`` to ``end``: as they were, but never too few."""
    old, line = page.data[start:end], newline(page.data, start)
    lead = leading_blanks(old)
    tail = trailing_blanks(old[len(lead) :])
    if len(lead) == len(old):
        lead, tail = (b"" if page.data[:start] in (b"", BOM) else line), line
    if not ends_line(page.data[:start]):
        lead = line * 2
    if end < len(page.data) and len(NEWLINE_BYTES.findall(tail)) < 2:
        tail = line * 2
    return lead, tail


def _end_of_text(page: Page, span: PageSpan, end: int) -> int:
    """Where the line after the last that is not blank begins, before ``end``; a heading is never blank."""
    floor = span.section.body if span.section else span.start
    text = page.data[floor:end]
    blank = trailing_blanks(text)
    first = NEWLINE_BYTES.match(blank)
    return end - len(blank) + (first.end() if first and len(blank) < len(text) else 0)


def _gap(page: Page, at: int, text: str, line: bytes) -> bytes:
    """What parts added text from the text before it: a line break at least, a blank line unless it goes on a list."""
    before = page.data[:at]
    gap = b"" if ends_line(before) else line
    if before in (b"", BOM) or text[:1] in ("\n", "\r") or not is_markdown(page.name) or _goes_on(before, text):
        return gap
    return gap + line


def _goes_on(before: bytes, text: str) -> bool:
    """Whether the last line and the first of the text are of one list, table or quote."""
    last = before.splitlines()[-1].decode()
    was, comes = _KINDS.match(last), _KINDS.match(text)
    return was is not None and comes is not None and was.lastgroup == comes.lastgroup


def _only_here(page: Page, changed: bytes, start: int, end: int) -> bytes:
    """``changed``, unless the edit from ``start`` to ``end`` would change what stands outside of it."""
    disturbed = _disturbed(page, changed, start, end)
    if disturbed:
        raise WorkspaceError(f"{disturbed} Nothing was changed.")
    return changed


def _disturbed(page: Page, changed: bytes, start: int, end: int) -> str | None:
    """What an edit from ``start`` to ``end`` does to headings and elements outside of it, which is always wrong."""
    kind = dialect(page.name)
    if not kind:
        return None
    new_end = len(changed) - (len(page.data) - end)
    if _outside(parse(changed, kind), start, new_end) != _outside(page.tree, start, end):
        return (
            f"That text would change the sections around it in '{page.name}': close every code fence, HTML block "
            "and comment in it, and keep it apart from the heading below."
        )
    lost = _halves(page.data, kind, start, end) - _halves(changed, kind, start, new_end)
    if lost:
        named = ", ".join(sorted({f"<{name}>" for name, _, _ in lost}))
        return (
            f"{named} begins or ends in that part of '{page.name}', and its other tag stands outside: the text must "
            "keep the tag that stands here (read the section to see it), and close what it opens itself."
        )
    return None


def _halves(data: bytes, kind: Dialect, start: int, end: int) -> set[tuple[str, int | None, int | None]]:
    """The elements with a tag outside of an edit: where that stands, from the page's start or from its end."""

    def place(at: int) -> int | None:
        return at if at < start else at - len(data) if at >= end else None

    placed = {(one.name, place(one.opens), place(one.closes)) for one in enclosed.elements(data, kind)}
    return {one for one in placed if one[1:] != (None, None)}


def _outside(tree: SectionTree, start: int, end: int) -> list[tuple[str, int, int]]:
    before = [(one.title, one.level, one.start) for one in tree.sections if one.start < start]
    behind = [(one.title, one.level, one.start - tree.size) for one in tree.sections if one.start >= end]
    return before + behind


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
