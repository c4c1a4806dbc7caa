"""A fast reading of simple pages, several times as fast as a parser and exactly what it would find.

A line that begins with ``#`` in the first column ends every paragraph, list, quote and table before it. It is a
heading unless it stands in front matter, a code fence or an HTML block; other headings are underlined or indented.
Fences and comments that begin in the first column are skipped; a page with a trace of anything else that could hide a
heading, or be one, is left to the parser. (CommonMark 0.31, sections 4.2, 4.3, 4.5, 4.6 and 5.)
"""

import re
from dataclasses import dataclass

_NOT_SIMPLE = (
    re.compile(rb"\A\n(?:-|\+{3}|\{|\xef\xbb\xbf)"),  # front matter, a byte-order mark
    re.compile(rb"\r"),  # line endings that need care
    re.compile(rb"\n {0,3}<(?:(?i:script|pre|style|textarea)|\?|!(?!--))"),  # HTML that blank lines do not end
    re.compile(rb"\n {1,3}(?:<!--|#{1,6}(?:[ \t\n]|\Z))"),  # a comment or heading that may stand in a list
    re.compile(rb"\n[ >*+.)\d\t-]+(?:```|~~~)"),  # a fence that may
    re.compile(rb"\n[ >*+.)\d-]{20}"),  # so deep that markdown-it gives up on the page
    re.compile(rb"\n(?:[ >*+.)\d-]*\t){4}"),
)
"""What sends a page to the parser. They look for line breaks rather than ``^``, which is many times as slow."""
_UNDERLINE = re.compile(rb"\n {0,3}(?:=+|-+)[ \t]*(?=\n|\Z)")
_LINE = re.compile(
    rb"""
    ^(?: (?P<marks>\#{1,6})(?=[ \t\r\n]|\Z)(?P<text>[^\n]*)\n?
       | (?P<fence>`{3,}(?=[^`\n]*$)|~{3,})
       | (?P<comment><!--)
       | (?P<html>\ {0,3}<)
       | [ \t]*\n )
    """,
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Atx:
    """A heading: its level and text, its line (from 0), and the bytes at which it starts and ends."""

    level: int
    text: str
    line: int
    start: int
    end: int


def headings(data: bytes, *, surely: bool = True) -> list[Atx] | None:
    """The headings of a page as a parser would find them; None if the page is not simple.

    Not ``surely``: those that begin in the first column, as far as they can be told without a parser.
    """
    if surely and not _is_simple(b"\n" + data):
        return None
    found, html, line, counted, at = list[Atx](), False, 0, 0, 0
    while match := _LINE.search(data, at):
        at = match.end()
        if html and surely and match.lastgroup not in ("html", None):
            return None
        if match.lastgroup == "text":
            line, counted = line + data.count(b"\n", counted, match.start()), match.start()
            found.append(Atx(len(match["marks"]), _content(match["text"].decode()), line, counted, at))
        elif match.lastgroup in _ENDS:
            at = _ENDS[match.lastgroup](data, match)
        html = match.lastgroup == "html"  # such a block lasts until a blank line
    return found


def _is_simple(lines: bytes) -> bool:
    if any(pattern.search(lines) for pattern in _NOT_SIMPLE):
        return False
    above = (lines[lines.rfind(b"\n", 0, mark.start()) + 1 : mark.start()] for mark in _UNDERLINE.finditer(lines))
    return not any(line.strip(b" \t") for line in above)


def _content(text: str) -> str:
    """A heading's text without its closing ``#`` marks, which must stand apart."""
    text = text.rstrip(" \t\r")
    bare = text.rstrip("#")
    return bare.strip() if bare[-1:] in (" ", "\t") else text.strip()


def _fence_end(data: bytes, opening: re.Match[bytes]) -> int:
    """Behind the line of as many marks, at least, that closes a fence; nothing closes it, and it lasts to the end."""
    marks = opening["fence"]
    closing = re.compile(rb"^ {0,3}%b{%d,}[ \t]*$" % (marks[:1], len(marks)), re.MULTILINE)
    closed = closing.search(data, opening.end())
    return closed.end() if closed else len(data)


def _comment_end(data: bytes, opening: re.Match[bytes]) -> int:
    """The end of the line on which a comment ends."""
    closed = data.find(b"-->", opening.start())
    line = data.find(b"\n", closed) if closed >= 0 else -1
    return line if line >= 0 else len(data)


_ENDS = {"fence": _fence_end, "comment": _comment_end}
"""How far what hides headings reaches."""
