"""Turns HTML into markdown: headings, nested lists, tables, toggles, callouts, code, links and pictures.

What has no form in markdown is kept as a fenced block and counted. It reads with the standard library's parser, which
takes any text, and builds a small tree of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote

from agentmem.pages.importing.markup import code, hung, quoted, target
from agentmem.pages.importing.sources import (
    Names,
    Read,
    SourceFile,
    SourcePage,
    entries,
    fence,
    joined,
    relative,
    safe_name,
    text_of,
)

SUFFIXES = (".html", ".htm", ".xhtml")
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_SKIPPED = frozenset(["script", "style", "head", "template", "noscript", "title"])
_CLOSES: Mapping[str, frozenset[str]] = {
    "li": frozenset({"li"}),
    "p": frozenset({"p"}),
    "tr": frozenset({"tr", "td", "th"}),
    "td": frozenset({"td", "th"}),
    "th": frozenset({"td", "th"}),
    "option": frozenset({"option"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
}
"""The open elements that the start of an element ends, where writers leave out the end."""
_SCOPES = frozenset(["ul", "ol", "table", "dl", "body", "html", "div", "section", "article"])
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "details", "dialog", "div", "dl", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html"),
        *("main", "nav", "ol", "p", "pre", "section", "table", "ul", "summary"),
    }
)
_FENCED = frozenset(
    {
        *("iframe", "video", "audio", "object", "embed", "svg", "math", "canvas"),
        *("form", "input", "select", "textarea", "button"),
    }
)
_DEEPEST = 200
_SPACE = re.compile(r"[ \t\r\n\f]+")
_MARKS = re.compile(r"([\\`*_\[\]])")
_LINE_MARK = re.compile(r"^(\s*\d*)([#>+-]|(?<=\d)[.)])(?=\s)", re.MULTILINE)


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    inside: "list[_Element | str]" = field(default_factory=list)

    def all(self, tag: str) -> "Iterator[_Element]":
        for one in self.inside:
            if isinstance(one, _Element):
                if one.tag == tag:
                    yield one
                yield from one.all(tag)

    @property
    def text(self) -> str:
        return "".join(one if isinstance(one, str) else one.text for one in self.inside)


class _Builder(HTMLParser):
    """Builds the tree, with the ends that writers leave out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("html")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._close_before(tag)
        one = _Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(one)
        if tag not in _VOID and len(self._open) < _DEEPEST:
            self._open.append(one)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].inside.append(_Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._open) - 1, 0, -1):
            if self._open[at].tag == tag:
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)

    def _close_before(self, tag: str) -> None:
        ended = _CLOSES.get(tag, frozenset({"p"}) if tag in _BLOCKS else frozenset())
        for at in range(len(self._open) - 1, 0, -1):
            if self._open[at].tag in ended:
                del self._open[at:]
            elif self._open[at].tag in _SCOPES:
                return


def read(place: Path) -> Read:
    """The pages of HTML files in a file, folder or zip; all other files are attachments. Raises ConfigError."""
    found, made, names = dict(entries(place)), Read(), Names()
    known = {path: names.take(_here(path)) for path in sorted(found)}
    for path, data in found.items():
        if not path.lower().endswith(SUFFIXES):
            made.files.append(SourceFile(path, known[path], data))
            continue
        text = text_of(data)
        text = data.decode("latin-1") if text is None else text
        made.pages.append(SourcePage(path, known[path], markdown(text, made, _mending(path, known, made))))
    return made


def _here(path: str) -> str:
    stem, dot, suffix = path.rpartition(".")
    return safe_name(f"{stem}.md" if f"{dot}{suffix}".lower() in SUFFIXES else path)


def _mending(path: str, known: Mapping[str, str], made: Read) -> Callable[[str], str]:
    def mended(url: str) -> str:
        if re.match(r"[a-z][a-z0-9+.-]*:|//|#|$", url, re.IGNORECASE):
            return url
        target, mark, anchor = url.partition("#")
        there = joined(path, unquote(target))
        if there in known:
            return f"{quote(relative(known[path], known[there]), safe='/!,')}{mark}{anchor}"
        made.broken.setdefault(known[path], []).append(url)
        return url

    return mended


def markdown(text: str, read: Read, mended: Callable[[str], str] = lambda url: url) -> str:
    """HTML as markdown. ``read`` counts what was fenced; ``mended`` gives each link's new target."""
    builder = _Builder()
    builder.feed(text)
    builder.close()
    title = next((_SPACE.sub(" ", one.text).strip() for one in builder.root.all("title")), "")
    body = next(builder.root.all("body"), builder.root)
    said = _Writer(read, mended).blocks(body)
    named = title and not any(block.startswith("# ") for block in said)
    return "\n\n".join([*([f"# {title}"] if named else []), *said]) + "\n"


@dataclass(slots=True)
class _Writer:
    """Writes elements as blocks of markdown."""

    read: Read
    mended: Callable[[str], str]

    def blocks(self, one: _Element) -> list[str]:
        """The blocks inside an element, in order."""
        made, line = list[str](), list[_Element | str]()
        for inner in one.inside:
            if isinstance(inner, _Element) and self._is_block(inner):
                made += [*self._paragraph(line), *self._block(inner)]
                line = []
            elif not (isinstance(inner, _Element) and inner.tag in _SKIPPED):
                line.append(inner)
        return [*made, *self._paragraph(line)]

    def _is_block(self, one: _Element) -> bool:
        return (
            one.tag in _BLOCKS
            or one.tag in _FENCED
            or any(isinstance(inner, _Element) and self._is_block(inner) for inner in one.inside)
        )

    def _block(self, one: _Element) -> list[str]:
        if one.tag in _FENCED:
            return [fence(one.tag, _source(one), self.read)]
        write = _WRITERS.get(one.tag)
        return write(self, one) if write else self.blocks(one)

    def _paragraph(self, line: "list[_Element | str]") -> list[str]:
        text = _LINE_MARK.sub(r"\1\\\2", self.inline(line).strip())
        return [text] if text else []

    def inline(self, line: "list[_Element | str]") -> str:
        """Text with emphasis, code, links and pictures, on one line but for forced breaks."""
        made = "".join(
            _MARKS.sub(r"\\\1", _SPACE.sub(" ", one)) if isinstance(one, str) else self._inline(one) for one in line
        )
        return re.sub(r" *\n *", "\n", re.sub(r" {2,}(?!\n)", " ", made))

    def _inline(self, one: _Element) -> str:
        if one.tag in _SKIPPED:
            return ""
        if one.tag == "br":
            return "\\\n"
        if one.tag == "img":
            about = _MARKS.sub(r"\\\1", one.attributes.get("alt", ""))
            return f"![{about}]({target(self.mended(one.attributes.get('src', '')))})"
        if one.tag in ("code", "kbd", "samp", "tt"):
            mark = "``" if "`" in one.text else "`"
            return f"{mark}{_SPACE.sub(' ', one.text)}{mark}" if one.text.strip() else ""
        inside = self.inline(one.inside)
        if one.tag == "a" and one.attributes.get("href"):
            return f"[{inside.strip() or one.attributes['href']}]({target(self.mended(one.attributes['href']))})"
        return _marked(inside, _EMPHASES.get(one.tag, ""))

    def heading(self, one: _Element) -> list[str]:
        text = self.inline(one.inside).replace("\\\n", " ").replace("\n", " ").strip()
        return [f"{'#' * int(one.tag[1])} {text}"] if text else []

    def listing(self, one: _Element) -> list[str]:
        start = one.attributes.get("start", "1")
        number, lines = int(start) if start.isdigit() else 1, list[str]()
        for item in one.inside:
            if isinstance(item, str) or item.tag in _SKIPPED:
                lines += self._paragraph([item])
                continue
            mark = f"{number}. " if one.tag == "ol" else "- "
            number += item.tag == "li"
            box = next((box for box in item.all("input") if box.attributes.get("type") == "checkbox"), None)
            if box is not None:
                mark += "[x] " if "checked" in box.attributes else "[ ] "
                _without(item, box)
            lines.append(hung(self.blocks(item), mark))
        return ["\n".join(lines)] if lines else []

    def table(self, one: _Element) -> list[str]:
        rows = [[cell for cell in row.inside if isinstance(cell, _Element)] for row in one.all("tr")]
        rows = [[cell for cell in row if cell.tag in ("td", "th")] for row in rows]
        spanned = any(cell.attributes.get(name, "1") != "1" for row in rows for cell in row for name in _SPANS)
        if not any(rows) or spanned or any([*cell.all("table")] for row in rows for cell in row):
            return [fence("table", _source(one), self.read)]
        width = max(map(len, rows))
        cells = [[self._cell(cell) for cell in row] + [""] * (width - len(row)) for row in rows if row]
        head = cells[0] if any(cell.tag == "th" for cell in rows[0]) else [""] * width
        body = cells[1:] if head is cells[0] else cells
        return ["\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * width, *body))]

    def _cell(self, cell: _Element) -> str:
        said = "<br>".join(self.blocks(cell))
        return re.sub(r"\\?\n", "<br>", said.replace("|", "\\|"))

    def source(self, one: _Element) -> list[str]:
        inner = next(one.all("code"), one)
        named = re.search(r"(?:language|lang|brush)[-:]\s*([\w+#-]+)", inner.attributes.get("class", ""))
        return [code(one.text.removeprefix("\n").rstrip("\n"), named[1] if named else "")]

    def quote(self, one: _Element) -> list[str]:
        return [quoted("\n\n".join(self.blocks(one)))]

    def callout(self, one: _Element) -> list[str]:
        return [quoted("[!note]\n" + "\n\n".join(self.blocks(one)))]

    def toggle(self, one: _Element) -> list[str]:
        summary = next((inner for inner in one.inside if isinstance(inner, _Element) and inner.tag == "summary"), None)
        head = self.inline(summary.inside).strip() if summary else ""
        rest = self.blocks(_Element("div", {}, [inner for inner in one.inside if inner is not summary]))
        return ["\n\n".join((f"<details>\n<summary>{head}</summary>", *rest, "</details>"))]

    def rule(self, one: _Element) -> list[str]:
        return ["---"]

    def terms(self, one: _Element) -> list[str]:
        made = list[str]()
        for inner in one.inside:
            if isinstance(inner, _Element):
                said = "\n\n".join(self.blocks(inner))
                made.append(f"**{said}**" if inner.tag == "dt" else hung([said], "- "))
        return made

    def figure(self, one: _Element) -> list[str]:
        """A figure; Notion writes a callout as one, with its class."""
        return self.callout(one) if "callout" in one.attributes.get("class", "") else self.blocks(one)


_SPANS = ("colspan", "rowspan")
_EMPHASES = {"b": "**", "strong": "**", "i": "*", "em": "*", "s": "~~", "del": "~~", "strike": "~~"}
_WRITERS: Mapping[str, Callable[[_Writer, _Element], list[str]]] = {
    **{f"h{level}": _Writer.heading for level in range(1, 7)},
    **dict.fromkeys(("ul", "ol"), _Writer.listing),
    "table": _Writer.table,
    "pre": _Writer.source,
    "blockquote": _Writer.quote,
    "aside": _Writer.callout,
    "details": _Writer.toggle,
    "hr": _Writer.rule,
    "dl": _Writer.terms,
    "figure": _Writer.figure,
    "div": _Writer.figure,
}
"""The form of each kind of block; the blocks inside any other one stand in its place."""


def _marked(text: str, mark: str) -> str:
    """Emphasis around a text, with its blanks outside, as markdown needs them."""
    bare = text.strip()
    if not (mark and bare):
        return text
    return f"{' ' * (text[:1] == ' ')}{mark}{bare}{mark}{' ' * (text[-1:] == ' ')}"


def _source(one: "_Element | str") -> str:
    """An element as HTML again."""
    if isinstance(one, str):
        return escape(one, quote=False)
    given = "".join(f' {name}="{escape(value)}"' for name, value in one.attributes.items())
    if one.tag in _VOID:
        return f"<{one.tag}{given}>"
    return f"<{one.tag}{given}>{''.join(map(_source, one.inside))}</{one.tag}>"


def _without(one: _Element, gone: _Element) -> None:
    one.inside = [inner for inner in one.inside if inner is not gone]
    for inner in one.inside:
        if isinstance(inner, _Element):
            _without(inner, gone)
