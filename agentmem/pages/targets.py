"""Finds the targets of a markdown page's links: what each names, and the bytes of the file where it is written."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Any, Literal, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, html_inline, image, link
from markdown_it.token import Token

from agentmem.pages import front, mdx
from agentmem.pages.endings import NEWLINE_BYTES
from agentmem.pages.markdown import line_starts, parser
from agentmem.pages.names import Dialect

Kind = Literal["plain", "angled", "wiki", "html", "by name"]

WIKI = re.compile(r"\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]*))?\]\]")
_ATTRIBUTE = re.compile(r"""<[a-zA-Z][^<>]*?\s(?:href|src)\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')""", re.IGNORECASE)
_DEFINED = re.compile(rb"\[(?:[^\[\]\\]|\\.)*\]:\s*(<(?:[^<>\\\r\n]|\\.)*>|[^\s<]\S*)")
_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)


class Target(NamedTuple):
    """A link: its line (from 1), its text, its target, and how it is written.

    ``start`` and ``end`` are the bytes of the target in the file, without brackets. They are None if it is written
    elsewhere (a link by the name of a definition) or cannot be located.
    """

    line: int
    text: str
    target: str
    kind: Kind
    start: int | None = None
    end: int | None = None


def targets(data: bytes, dialect: Dialect) -> tuple[list[Target], list[Target]]:
    """The links of a page, in order, and its link definitions."""
    markdown = _parser(dialect)
    environment: dict[str, Any] = {}
    tokens = markdown.parse(front.blanked(data), environment)
    source = _Source(data)
    found = list[Target]()
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "html_block" and token.map:
            found += source.in_html(*token.map)
        elif token.type == "inline" and token.map and ("[" in token.content or "<" in token.content):
            children = list[Token]()
            markdown.inline.parse(token.content, markdown, environment, children)
            cell = before is not None and before.type in ("td_open", "th_open")
            found += source.in_line(token, children, cell)
    return found, list(source.definitions(environment.get("references", {})))


class _Source:
    """A page's bytes, and the offsets of its lines."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._starts = line_starts(data)
        self._cursor = (-1, 0)
        self._line: tuple[int, str, list[int]] = (-1, "", [])

    def in_html(self, first: int, behind: int) -> Iterator[Target]:
        """The links in the tags of an HTML block."""
        at = self._starts[first]
        text = self._data[at : self._starts[behind]].decode()
        seen = _UNSEEN.sub(lambda match: " " * len(match[0]), text)
        for match in _ATTRIBUTE.finditer(seen):
            group = 1 if match[1] is not None else 2
            line = first + 1 + len(NEWLINE_BYTES.findall(text[: match.start(group)].encode()))
            start, stop = (at + len(text[:place].encode()) for place in match.span(group))
            yield Target(line, "", match[group], "html", start, stop)

    def in_line(self, token: Token, children: Sequence[Token], cell: bool) -> Iterator[Target]:
        """The links in the text of one block."""
        assert token.map
        lines = token.content.split("\n")
        starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
        places = [self._placed(token.map[0] + index, line, cell) for index, line in enumerate(lines)]
        for child, text, line in _links(children, token.map[0] + 1):
            first, behind = child.meta["at"]
            index = bisect_right(starts, first) - 1
            place, inside, size = places[index], first - starts[index], behind - first
            start = stop = None
            if child.meta["kind"] != "by name" and place and inside + size < len(place):
                start = place[inside]
                stop = place[inside + size - 1] + len(lines[index][inside + size - 1].encode()) if size else start
            yield Target(line, text, child.meta["target"], child.meta["kind"], start, stop)

    def definitions(self, defined: Mapping[str, Mapping[str, Any]]) -> Iterator[Target]:
        """The targets of link definitions. Footnotes are left out."""
        for name, one in defined.items():
            first, behind = one["map"]
            found = _DEFINED.search(self._data, self._starts[first], self._starts[behind])
            if name.startswith("^"):
                continue
            angled = bool(found) and found is not None and found[1].startswith(b"<")
            at = (found.start(1) + angled, found.end(1) - angled) if found else (None, None)
            yield Target(first + 1, name.lower(), one["href"], "angled" if angled else "plain", *at)

    def _placed(self, line: int, text: str, cell: bool) -> list[int] | None:
        """The byte of each character of ``text``, which is on this line of the file, and of its end."""
        source, sizes = self._read(line)
        begin = self._cursor[1] if self._cursor[0] == line else 0
        if not cell and source.rstrip().endswith(text.rstrip()):
            begin = len(source.rstrip()) - len(text.rstrip())
        pattern = "".join(r"\\?\|" if char == "|" and cell else re.escape(char) for char in text)
        found = re.compile(pattern).search(source, begin)
        if found is None:
            return None
        self._cursor = (line, found.end())
        return [self._starts[line] + sizes[at] for at in _aligned(text, source, found.start())]

    def _read(self, line: int) -> tuple[str, list[int]]:
        """A line without its break, and the number of bytes before each of its characters."""
        if self._line[0] != line:
            source = self._data[self._starts[line] : self._starts[line + 1]].decode().rstrip("\r\n")
            self._line = line, source, list(accumulate((len(char.encode()) for char in source), initial=0))
        return self._line[1:]


def _aligned(text: str, source: str, at: int) -> list[int]:
    """The place of each character of ``text`` in ``source``, whose pipes may have a backslash before them."""
    places = list[int]()
    for char in text:
        at += source[at] == "\\" and char == "|"
        places.append(at)
        at += 1
    return [*places, at]


def _links(tokens: Sequence[Token], line: int) -> Iterator[tuple[Token, str, int]]:
    """The tokens that have a target, each with its link text and line."""
    for index, token in enumerate(tokens):
        if "at" in token.meta:
            text = token.content
            if token.type == "link_open":
                close = next(at for at in range(index, len(tokens)) if tokens[at].type == "link_close")
                text = "".join(one.content for one in tokens[index:close])
            yield token, "" if token.type == "html_inline" else text, line
        line += 1 if token.type in ("softbreak", "hardbreak") else token.content.count("\n")


class _AsWritten(MarkdownIt):
    """A parser that leaves link targets as they are in the source."""

    def normalizeLink(self, url: str) -> str:
        return url

    def validateLink(self, url: str) -> bool:
        return True


@cache
def _parser(dialect: Dialect) -> MarkdownIt:
    """A parser with the usual block rules, and only the inline rules that decide whether a bracket is a link."""
    markdown = parser("normalize", "block", kind=_AsWritten)
    if dialect == "mdx":
        mdx.enabled(markdown)
    markdown.options["store_labels"] = True
    markdown.inline.ruler.disable(["emphasis"])
    for name, rule in (("link", _link), ("image", _image), ("html_inline", _html)):
        markdown.inline.ruler.at(name, rule)
    markdown.inline.ruler.before("link", "wikilink", _wikilink)
    markdown.inline.parse("[a](b)", markdown, {}, [])  # compiles the rules
    return markdown


def _link(state: StateInline, silent: bool) -> bool:
    return _noted(state, silent, link, "link_open", "href", 0)


def _image(state: StateInline, silent: bool) -> bool:
    return _noted(state, silent, image, "image", "src", 1)


def _noted(
    state: StateInline, silent: bool, rule: Callable[[StateInline, bool], bool], kind: str, name: str, skip: int
) -> bool:
    """Run a rule of markdown-it, then note on its token where its target is."""
    begin, known = state.pos, len(state.tokens)
    if not rule(state, silent):
        return False
    if not silent:
        token = next(one for one in state.tokens[known:] if one.type == kind)
        label = str(token.meta.get("label", ""))
        if not label.startswith("^"):
            place, written = _destination(state, begin + skip)
            token.meta |= {"at": place, "kind": written, "target": str(token.attrs[name])}
    return True


def _destination(state: StateInline, begin: int) -> tuple[tuple[int, int], Kind]:
    if state.src[state.pos - 1] != ")":
        return (begin, begin), "by name"
    behind = state.pos
    at = state.md.helpers.parseLinkLabel(state, begin, False) + 2
    while state.src[at] in " \t\n":
        at += 1
    found = state.md.helpers.parseLinkDestination(state.src, at, behind)
    stop = found.pos if found.ok else at
    return ((at + 1, stop - 1), "angled") if state.src[at] == "<" else ((at, stop), "plain")


def _html(state: StateInline, silent: bool) -> bool:
    begin, known = state.pos, len(state.tokens)
    if not html_inline(state, silent):
        return False
    found = _ATTRIBUTE.match(state.src, begin, state.pos)
    if not silent and found:
        token = next(one for one in state.tokens[known:] if one.type == "html_inline")
        group = 1 if found[1] is not None else 2
        token.meta |= {"at": found.span(group), "kind": "html", "target": found[group]}
    return True


def _wikilink(state: StateInline, silent: bool) -> bool:
    match = WIKI.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        token = state.push("wikilink", "", 0)
        token.content = (match[2] or match[1]).strip()
        token.meta = {"target": match[1].strip(), "at": match.span(1), "kind": "wiki"}
    state.pos = match.end()
    return True
