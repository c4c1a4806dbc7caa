"""Edits by section: replace what stands under a heading, or add to it, and never disturb a neighbour."""

import re

from agentmem.errors import WorkspaceError
from agentmem.pages.endings import BOM, NEWLINE_BYTES, encoded, ends_line, leading_blanks, newline, trailing_blanks
from agentmem.pages.markdown import Section, Tree, parse
from agentmem.pages.names import is_markdown
from agentmem.pages.page import Page, Span

_KINDS = re.compile(r" {0,9}(?:(?P<list>[-*+]|\d{1,9}[.)])[ \t]|(?P<table>\|)|(?P<quote>>))")


def section_replaced(page: Page, span: Span, text: str) -> bytes:
    """The page with a section's text replaced.

    Text that begins with a heading of the section's level or above replaces the heading too; other text replaces
    what stands below the heading, subsections included. Raises WorkspaceError where the text would run into the
    sections around it.
    """
    keeps_heading = span.with_heading and not _begins_section(text, above=span.section)
    start = span.section.body if span.section and keeps_heading else span.start
    old, new = page.data[start : span.end], encoded(text, page.data).strip(b"\r\n")
    lead, tail = _blanks_around(page, start, span.end)
    if not new:
        lead, tail = leading_blanks(old), b""
    elif start == span.start and span.with_heading:
        lead = b""
    changed = page.data[:start] + lead + new + tail + page.data[span.end :]
    return _only_here(page, changed, start, span.end)


def appended(page: Page, span: Span, text: str) -> bytes:
    """The page with ``text`` put on lines of its own at the end of the page or section. Nothing else changes.

    Text goes before a section's subsections, unless it begins with a heading: then behind them.
    """
    end = span.end
    if span.section and span.with_heading and not _begins_section(text):
        end = span.section.stop
    at = _end_of_text(page, span, end) if is_markdown(page.name) else end
    new = encoded(text, page.data)
    if not ends_line(new) or not new:
        new += newline(page.data)
    if at < len(page.data) and not leading_blanks(page.data[at:]):
        new += newline(page.data)
    changed = page.data[:at] + _gap(page, at, text) + new + page.data[at:]
    return _only_here(page, changed, at, at)


def _begins_section(text: str, above: Section | None = None) -> bool:
    """Whether the text begins with a heading (of this section's level or above)."""
    tree = parse(text.lstrip("\r\n").encode())
    if not tree.sections or tree.stop > 0:
        return False
    return above is None or tree.sections[0].level <= above.level


def _blanks_around(page: Page, start: int, end: int) -> tuple[bytes, bytes]:
    """The blank lines to put around new text from ``start`` to ``end``: as they were, but never too few."""
    old, line = page.data[start:end], newline(page.data)
    lead = leading_blanks(old)
    tail = trailing_blanks(old[len(lead) :])
    if len(lead) == len(old):
        lead, tail = (b"" if page.data[:start] in (b"", BOM) else line), line
    if not ends_line(page.data[:start]):
        lead = line * 2
    if end < len(page.data) and len(NEWLINE_BYTES.findall(tail)) < 2:
        tail = line * 2
    return lead, tail


def _end_of_text(page: Page, span: Span, end: int) -> int:
    """Where the line after the last that is not blank begins, before ``end``; a heading is never blank."""
    floor = span.section.body if span.section else span.start
    text = page.data[floor:end]
    blank = trailing_blanks(text)
    first = NEWLINE_BYTES.match(blank)
    return end - len(blank) + (first.end() if first and len(blank) < len(text) else 0)


def _gap(page: Page, at: int, text: str) -> bytes:
    """What parts added text from the text before it: a line break at least, a blank line unless it goes on a list."""
    before, line = page.data[:at], newline(page.data)
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
    """``changed``, unless the edit from ``start`` to ``end`` moved, made or unmade a heading outside of it."""
    if is_markdown(page.name):
        new_end = len(changed) - (len(page.data) - end)
        if _outside(parse(changed), start, new_end) != _outside(page.tree, start, end):
            raise WorkspaceError(
                f"That text would change the sections around it in '{page.name}': close every code fence, HTML block "
                "and comment in it, and keep it apart from the heading below. Nothing was changed."
            )
    return changed


def _outside(tree: Tree, start: int, end: int) -> list[tuple[str, int, int]]:
    before = [(one.title, one.level, one.start) for one in tree.sections if one.start < start]
    behind = [(one.title, one.level, one.start - tree.size) for one in tree.sections if one.start >= end]
    return before + behind
