"""The sections of a markdown page, as byte offsets into the file's own bytes.

markdown-it-py says where blocks begin and end, in lines; only the block rules run, because a heading's place never
depends on what stands inside a line. Headings in lists and quotes are no sections: markdown-it nests them deeper.
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


_MARKUP = re.compile(r"!?\[|</?[a-zA-Z]")
LARGE = 500_000
"""Bytes of a page above which it is never parsed, which takes seconds: of it only ``#`` lines are headings."""
_LONGEST_TITLE = 200
"""Characters. A title stands in the address of every section below it: a longer one would fill the index."""
_SPACE = re.compile(r"\s+")


class Section(NamedTuple):
    """A heading and what stands below it. (A named tuple, like Heading: a workspace has tens of thousands of them.)

    Offsets are bytes of the file: ``start`` of the heading, ``body`` behind it, ``stop`` where the section's own text
    ends (the next heading), ``end`` where its last subsection does. ``line`` counts from 1. ``number`` counts the
    headings of this title under the same parent, from 1; ``path`` holds (title, number) from the top down.
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
    """A heading alone: all that has to be remembered of a page to build its tree again."""

    title: str
    level: int
    line: int
    start: int
    body: int


@dataclass(frozen=True, slots=True)
class SectionTree:
    """A page's sections in the order of the page. ``front`` is where its front matter ends (or its
    byte-order mark), ``size`` its length.

    The text before the first heading, from ``front`` to ``stop``, belongs to no section.
    """

    front: int
    size: int
    sections: tuple[Section, ...]

    @property
    def stop(self) -> int:
        """Where the text before the first heading ends."""
        return self.sections[0].start if self.sections else self.size

    def cuts(self) -> tuple[int, ...]:
        """Offsets that part the page without gaps: 0, front, each heading, size."""
        return (0, self.front, *(section.start for section in self.sections), self.size)


def parser(*core: str, kind: type[MarkdownIt] = MarkdownIt) -> MarkdownIt:
    """A new parser: CommonMark with tables and task lists; with these core rules only, if any."""
    markdown = kind("commonmark").enable("table").use(tasklists_plugin)
    if core:
        markdown.core.ruler.enableOnly(core)
    markdown.parse("[x]: y")  # compiles the rules: doing so later would race between threads
    return markdown


@cache
def _block_parser(dialect: Dialect) -> MarkdownIt:
    made = parser("normalize", "block")
    return mdx.enabled(made) if dialect == "mdx" else made


def parse(data: bytes, dialect: Dialect = "markdown") -> SectionTree:
    """The tree of a page, ``data`` being UTF-8; one that is not markdown has no sections."""
    if not dialect:
        return SectionTree(0, len(data), ())
    start, headings = outline(data, dialect)
    return SectionTree(start, len(data), sections(headings, len(data)))


def outline(data: bytes, dialect: Dialect = "markdown") -> tuple[int, tuple[Heading, ...]]:
    """Where the front matter ends, and the headings of a markdown page."""
    large = len(data) > LARGE
    simple = headings(data, surely=not large) if dialect == "markdown" or large else None
    if simple is None:
        return parsed_outline(data, dialect)
    return 0, tuple(Heading(_title(one.text), one.level, one.line + 1, one.start, one.end) for one in simple)


def parsed_outline(data: bytes, dialect: Dialect = "markdown") -> tuple[int, tuple[Heading, ...]]:
    """`outline` as markdown-it gives it, for any page."""
    return front.end(data), tuple(_headings(blocks(data, dialect), line_starts(data)))


def blocks(data: bytes, dialect: Dialect = "markdown") -> list[Token]:
    """A page's block tokens, front matter left out. Their lines are those of `line_starts`."""
    return _block_parser(dialect).parse(front.blanked(data))


def line_starts(data: bytes) -> list[int]:
    """The byte offset of every line, as markdown-it counts them, and of the end. A byte-order mark is no text."""
    first = len(BOM) if data.startswith(BOM) else 0
    return [first, *(match.end() for match in NEWLINE_BYTES.finditer(data)), len(data)]


def end(token: Token) -> int:
    """The line after a block token's last."""
    return token.map[1] if token.map else 0


def sections(headings: Sequence[Heading], size: int) -> tuple[Section, ...]:
    """The sections that these headings begin: each lasts until a heading of its own level or above."""
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
    """``[text](target)`` as its text, ``<tag>`` as nothing. What is not closed stays, and is looked for only once."""
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
    """`str.find` for places that only move on: it looks at each character once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[str, int] = {}

    def __call__(self, mark: str, start: int) -> int:
        known = self._known.get(mark)
        if known is None or 0 <= known < start:
            known = self._known[mark] = self._text.find(mark, start)
        return known
