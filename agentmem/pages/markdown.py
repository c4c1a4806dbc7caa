"""Parses a markdown page into sections, as byte offsets of the file.

markdown-it-py says on which lines blocks begin and end. Only its block rules run, because inline text never changes
where a heading is. Headings in lists and quotes are not sections: markdown-it nests them deeper.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.tasklists import tasklists_plugin

from agentmem.pages import front, mdx
from agentmem.pages.endings import BOM, NEWLINE_BYTES
from agentmem.pages.names import Dialect

_NOT_SIMPLE = (
    re.compile(rb"\A\n(?:-|\+{3}|\{|\xef\xbb\xbf)"),  # front matter, a byte-order mark
    re.compile(rb"\r"),  # line endings that need care
    re.compile(rb"\n {0,3}<(?:(?i:script|pre|style|textarea)|\?|!(?!--))"),  # HTML that blank lines do not end
    re.compile(rb"\n {1,3}(?:<!--|#{1,6}(?:[ \t\n]|\Z))"),  # a comment or heading that may stand in a list
    re.compile(rb"\n[ >*+.)\d\t-]+(?:```|~~~)"),  # a fence that may
    re.compile(rb"\n[ >*+.)\d-]{20}"),  # so deep that markdown-it gives up on the page
    re.compile(rb"\n(?:[ >*+.)\d-]*\t){4}"),
)
"""Text that needs the parser. The patterns look for line breaks, not for ``^``, which is many times slower."""
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
    """A heading: its level, text and line (from 0), and the bytes of its start and end."""

    level: int
    text: str
    line: int
    start: int
    end: int


def headings(data: bytes, *, surely: bool = True) -> list[Atx] | None:
    """The headings of a page as a parser finds them; None if the page is not simple.

    Without ``surely``: the headings that begin in the first column, as well as they can be found without a parser.
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
    """A heading's text without the ``#`` marks that close it after a space."""
    text = text.rstrip(" \t\r")
    bare = text.rstrip("#")
    return bare.strip() if bare[-1:] in (" ", "\t") else text.strip()


def _fence_end(data: bytes, opening: re.Match[bytes]) -> int:
    """The end of the line that closes a fence with at least as many marks; the page's end if none does."""
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
"""Finds the end of each block that hides headings."""


_MARKUP = re.compile(r"!?\[|</?[a-zA-Z]")
LARGE = 500_000
"""Bytes. A larger page is never parsed, because that takes seconds. Only its ``#`` lines are headings."""
_LONGEST_TITLE = 200
"""Characters. A title is part of the address of every section below it, so a longer one would fill the index."""
_SPACE = re.compile(r"\s+")


class Section(NamedTuple):
    """A heading and the text below it. (A named tuple, like Heading: a workspace has tens of thousands of them.)

    Offsets are bytes of the file: ``start`` of the heading, ``body`` after it, ``stop`` where the section's own text
    ends (the next heading), ``end`` where its last subsection ends. ``line`` counts from 1. ``number`` counts headings
    of this title under the same parent, from 1. ``path`` holds (title, number) from the outermost heading down.
    """

    title: str
    level: int
    line: int
    start: int
    body: int
    stop: int
    end: int
    number: int
    path: tuple[tuple[str, int], ...]


class Heading(NamedTuple):
    """A heading alone: enough to rebuild a page's tree."""

    title: str
    level: int
    line: int
    start: int
    body: int


@dataclass(frozen=True, slots=True)
class SectionTree:
    """A page's sections in order. ``front`` is where the front matter or byte-order mark ends, ``size`` the length.

    The text before the first heading, from ``front`` to ``stop``, belongs to no section.
    """

    front: int
    size: int
    sections: tuple[Section, ...]

    @property
    def stop(self) -> int:
        """The end of the text before the first heading."""
        return self.sections[0].start if self.sections else self.size

    def cuts(self) -> tuple[int, ...]:
        """Offsets that divide the page without gaps: 0, front, each heading, size."""
        return (0, self.front, *(section.start for section in self.sections), self.size)


def parser(*core: str, kind: type[MarkdownIt] = MarkdownIt) -> MarkdownIt:
    """A new parser: CommonMark with tables and task lists. ``core`` limits it to these core rules."""
    markdown = kind("commonmark").enable("table").use(tasklists_plugin)
    if core:
        markdown.core.ruler.enableOnly(core)
    markdown.parse("[x]: y")  # compiles the rules now: threads would race to do it later
    return markdown


@cache
def _block_parser(dialect: Dialect) -> MarkdownIt:
    made = parser("normalize", "block")
    return mdx.enabled(made) if dialect == "mdx" else made


def parse(data: bytes, dialect: Dialect = "markdown") -> SectionTree:
    """The sections of a UTF-8 page. A page that is not markdown has none."""
    if not dialect:
        return SectionTree(0, len(data), ())
    start, headings = outline(data, dialect)
    return SectionTree(start, len(data), sections(headings, len(data)))


def outline(data: bytes, dialect: Dialect = "markdown") -> tuple[int, tuple[Heading, ...]]:
    """The end of the front matter, and the headings of a markdown page."""
    large = len(data) > LARGE
    simple = headings(data, surely=not large) if dialect == "markdown" or large else None
    if simple is None:
        return parsed_outline(data, dialect)
    return 0, tuple(Heading(_title(one.text), one.level, one.line + 1, one.start, one.end) for one in simple)


def parsed_outline(data: bytes, dialect: Dialect = "markdown") -> tuple[int, tuple[Heading, ...]]:
    """`outline` by markdown-it, for any page."""
    return front.end(data), tuple(_headings(blocks(data, dialect), line_starts(data)))


def blocks(data: bytes, dialect: Dialect = "markdown") -> list[Token]:
    """A page's block tokens without front matter. Their line numbers index `line_starts`."""
    return _block_parser(dialect).parse(front.blanked(data))


def line_starts(data: bytes) -> list[int]:
    """The byte offset of every line, as markdown-it counts lines, and of the end. A byte-order mark is not counted."""
    first = len(BOM) if data.startswith(BOM) else 0
    return [first, *(match.end() for match in NEWLINE_BYTES.finditer(data)), len(data)]


def end(token: Token) -> int:
    """The line after a block token's last."""
    return token.map[1] if token.map else 0


def sections(headings: Sequence[Heading], size: int) -> tuple[Section, ...]:
    """The sections that begin with these headings. Each ends at the next heading of its own level or above."""
    ends, paths = [size] * len(headings), list[tuple[tuple[str, int], ...]]()
    above: list[tuple[int, int, tuple[tuple[str, int], ...], dict[str, int]]] = [(0, -1, (), {})]
    for index, (title, level, _, start, _) in enumerate(headings):
        while above[-1][0] >= level:
            ends[above.pop()[1]] = start
        _, _, path, counts = above[-1]
        number = counts[title] = counts.get(title, 0) + 1
        paths.append((*path, (title, number)))
        above.append((level, index, paths[-1], {}))
    stops = [*(one.start for one in headings[1:]), size]
    placed = zip(headings, stops, ends, paths, strict=False)
    return tuple(Section(*one, stop, end, path[-1][1], path) for one, stop, end, path in placed)


def _headings(tokens: Sequence[Token], lines: Sequence[int]) -> Iterator[Heading]:
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            first, after = token.map
            yield Heading(_title(tokens[index + 1].content), int(token.tag[1:]), first + 1, lines[first], lines[after])


def _title(source: str) -> str:
    """A heading's text without the targets of its links and without HTML tags, on one line."""
    return _SPACE.sub(" ", _without_markup(source)).strip()[:_LONGEST_TITLE].rstrip()


def _without_markup(source: str) -> str:
    """``[text](target)`` as its text, ``<tag>`` as nothing. Unclosed marks stay, and are searched for only once."""
    kept, at, find = list[str](), 0, _Finder(source)
    for match in _MARKUP.finditer(source):
        if match.start() < at:
            continue
        begins = close = match.end()
        if match[0][-1] == "[":
            close = find("]", begins)
            end = find(")", close + 2) if close >= 0 and source.startswith("](", close) else -1
        else:
            end = find(">", begins)
        if end >= 0:
            kept += [source[at : match.start()], source[begins:close]]
            at = end + 1
    return "".join([*kept, source[at:]])


class _Finder:
    """`str.find` for positions that only increase. It reads each character once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[str, int] = {}

    def __call__(self, mark: str, start: int) -> int:
        known = self._known.get(mark)
        if known is None or 0 <= known < start:
            known = self._known[mark] = self._text.find(mark, start)
        return known
