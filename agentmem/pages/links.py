"""Links between pages: where they stand, what they lead to, and which are broken."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from agentmem.pages import address
from agentmem.pages.endings import NEWLINE
from agentmem.pages.markdown import LARGE, Section, parser
from agentmem.pages.names import is_markdown
from agentmem.pages.page import Page

_WIKI = re.compile(r"\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]*))?\]\]")
_EXTERNAL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
_LONGEST_LINE = 2_000  # characters of a line of a large page that is looked at
_TRIES = ("{}", "{}.md", "{}/index.md", "{}/README.md", "{}.markdown")
"""What a link's path may leave out, in the order in which it is tried."""


_Anchors = tuple[dict[str, Section], dict[str, Section]]


@dataclass(frozen=True, slots=True)
class Reference:
    """A link as it is written: its line, its text, its target, and whether it is ``[[Page]]``."""

    line: int
    text: str
    target: str
    wiki: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A link and what it leads to.

    ``to`` is the page or file it leads to, a folder's name with a slash at its end, or None; ``section`` the path of
    the section there. ``broken``: there is no such page, or no such section in it.
    """

    page: str
    line: int
    text: str
    target: str
    to: str | None
    section: str | None
    broken: bool


class Resolver:
    """Finds what links lead to. ``exists`` says whether a path that is no page is a file, a folder or nothing."""

    def __init__(
        self,
        names: Mapping[str, object],
        sections: Callable[[str], Sequence[Section]],
        exists: Callable[[str], str | None],
    ) -> None:
        self._names, self._sections, self._exists = names, sections, exists
        self._anchors: dict[str, _Anchors] = {}
        self._titles: dict[str, str] = {}
        self._beside: dict[tuple[str, str], str] = {}
        for name in sorted(names, key=lambda name: (name.count("/"), name)):
            self._titles.setdefault(_stem(name), name)
            self._beside.setdefault((_stem(name), dirname(name)), name)

    def resolve(self, page: str, reference: Reference) -> Link:
        """The link that a reference on ``page`` is."""
        anchor = reference.target.partition("#")[2]
        to = self.destination(page, reference)
        section = self._anchor(to, unquote(anchor), reference.wiki) if to and anchor else None
        broken = to is None or bool(anchor and section is None and is_markdown(to))
        return Link(page, reference.line, reference.text, reference.target, to, section, broken)

    def destination(self, page: str, reference: Reference) -> str | None:
        """The page, file or folder that a reference on ``page`` leads to."""
        path = reference.target.partition("#")[0].strip()
        if not path:
            return page
        if reference.wiki:
            return self._relative("", path) or self._relative(dirname(page), path) or self._called(page, path)
        return self._relative(dirname(page), unquote(path.partition("?")[0]))

    def _relative(self, folder: str, path: str) -> str | None:
        full = normpath(path.lstrip("/") if path.startswith("/") else join(folder, path))
        if full == ".." or full.startswith("../"):
            return None
        full = "" if full == "." else full
        names = [pattern.format(full).lstrip("/") for pattern in _TRIES]
        return next((name for name in names if name in self._names), None) or self._exists(full)

    def _called(self, page: str, title: str) -> str | None:
        """The page of this file name, wherever it is: in the same folder if one is there, else nearest the top."""
        stem = _stem(title)
        return self._beside.get((stem, dirname(page))) or self._titles.get(stem)

    def _anchor(self, to: str, anchor: str, wiki: bool) -> str | None:
        if to not in self._anchors:
            self._anchors[to] = _anchors(self._sections(to) if is_markdown(to) else ())
        slugs, titles = self._anchors[to]
        found = slugs.get(anchor) or titles.get(address.squash(anchor))
        return address.of(found) if found else None


def references(page: Page) -> tuple[Reference, ...]:
    """The links of a markdown page that stay in the workspace, in order."""
    markdown = _link_parser()
    environment: dict[str, object] = {}
    found = list[Reference]()
    for line, text in _texts(page, markdown, environment):
        children = list[Token]()
        markdown.inline.parse(text, markdown, environment, children)
        found += _references(children, line)
    return tuple(one for one in found if not _EXTERNAL.match(one.target) and one.target)


def _texts(page: Page, markdown: MarkdownIt, environment: dict[str, object]) -> Iterator[tuple[int, str]]:
    """What may have links in it, and on which line: paragraphs, or of a page that is too large to parse short lines."""
    if len(page.data) > LARGE:
        for line, text in enumerate(NEWLINE.split(page.data.decode("utf-8-sig")), 1):
            if len(text) <= _LONGEST_LINE and ("](" in text or "[[" in text):
                yield line, text
        return
    for token in markdown.parse(page.data.decode("utf-8-sig"), environment):
        if token.type == "inline" and token.map and "[" in token.content:
            yield token.map[0] + 1, token.content


def dump(found: Sequence[Reference]) -> str:
    """As JSON text."""
    return json.dumps([[one.line, one.text, one.target, one.wiki] for one in found], separators=(",", ":"))


def load(text: str) -> tuple[Reference, ...]:
    """What `dump` wrote."""
    return tuple(Reference(*one) for one in json.loads(text))


def _references(tokens: Sequence[Token], line: int) -> Iterator[Reference]:
    for index, token in enumerate(tokens):
        if token.type == "link_open":
            close = next(at for at in range(index, len(tokens)) if tokens[at].type == "link_close")
            text = "".join(one.content for one in tokens[index:close])
            yield Reference(line, text, str(token.attrs["href"]), False)
        elif token.type == "image":
            yield Reference(line, token.content, str(token.attrs["src"]), False)
        elif token.type == "wikilink":
            yield Reference(line, token.content, str(token.meta["target"]), True)
        line += 1 if token.type in ("softbreak", "hardbreak") else token.content.count("\n")


class _AsWritten(MarkdownIt):
    """Leaves a link's target as it is in the source."""

    def normalizeLink(self, url: str) -> str:
        return url

    def validateLink(self, url: str) -> bool:
        return True


@cache
def _link_parser() -> MarkdownIt:
    """Blocks as everywhere; inside them only what decides whether a bracket is a link."""
    markdown = parser("normalize", "block", kind=_AsWritten)
    markdown.inline.ruler.disable(["emphasis"])
    markdown.inline.ruler.before("link", "wikilink", _wikilink)
    markdown.inline.parse("[a](b)", markdown, {}, [])  # compiles the rules
    return markdown


def _wikilink(state: StateInline, silent: bool) -> bool:
    match = _WIKI.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        token = state.push("wikilink", "", 0)
        token.content, token.meta = (match[2] or match[1]).strip(), {"target": match[1].strip()}
    state.pos = match.end()
    return True


def _anchors(sections: Sequence[Section]) -> _Anchors:
    """The sections of a page by GitHub's anchors, and by the letters of their titles, the first of each."""
    titles: dict[str, Section] = {}
    for section in sections:
        titles.setdefault(address.squash(section.title), section)
    titles.pop("", None)
    return _slugs(sections), titles


def _slugs(sections: Sequence[Section]) -> dict[str, Section]:
    """GitHub's anchors: lower case, punctuation dropped, spaces as hyphens, -1, -2 ... on repeated ones."""
    slugs: dict[str, Section] = {}
    counts: dict[str, int] = {}
    for section in sections:
        slug = address.slug(section.title)
        times = counts[slug] = counts.get(slug, -1) + 1
        slugs.setdefault(f"{slug}-{times}" if times else slug, section)
    return slugs


def _stem(name: str) -> str:
    last = name.rpartition("/")[2]
    return address.squash(re.sub(r"\.(md|markdown)$", "", last, flags=re.IGNORECASE))
