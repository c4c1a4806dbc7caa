"""Reads pages of Notion's API as JSON: rich text, lists, tables, toggles, callouts, databases as pages with a table.

The JSON is one page, or a list of pages and databases (also as ``{"results": [...]}``). A page's blocks stand under
``children``, as does what is inside a block. A block that has no form in markdown is kept whole in a fenced block.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agentmem.errors import ConfigError
from agentmem.pages.importing.markup import code, hung, quoted, target
from agentmem.pages.importing.sources import (
    Known,
    Names,
    Read,
    SourcePage,
    entries,
    fence,
    relative,
    safe_part,
    text_of,
)

Block = Mapping[str, Any]
KIND = "notion"
"""The kind of the fenced blocks that keep a block of Notion as it is: ``notion TYPE``."""

_MARKS = re.compile(r"([\\`*_\[\]<>|~$])")
_LIST = ("bulleted_list_item", "numbered_list_item", "to_do")


def is_blocks(value: object) -> bool:
    """True for JSON that looks like objects of Notion's API."""
    one = _objects(value)
    return bool(one) and all(isinstance(each, Mapping) and each.get("object") in ("page", "database") for each in one)


def read(place: Path) -> Read:
    """The pages of JSON files in a file, folder or zip. Raises ConfigError for JSON that is no page of Notion's."""
    made, objects = Read(), list[Block]()
    for path, data in entries(place):
        if not path.lower().endswith(".json"):
            made.refused[path] = "it is no JSON"
            continue
        try:
            value = json.loads(text_of(data) or "")
        except (ValueError, RecursionError):
            value = None
        if is_blocks(value):
            objects += _nested(_objects(value))
        else:
            made.refused[path] = "it holds no pages of Notion's API"
    if not objects:
        raise ConfigError(f"{place} holds no pages of Notion's API: JSON with an object of the kind page or database")
    names = Names()
    known = {_id(one): names.take(f"{safe_part(_title(one))}.md", _id(one)[:6]) for one in objects}
    rows = {_id(one): [row for row in objects if _database_of(row) == _id(one)] for one in objects}
    for one in objects:
        writer = _Writer(known[_id(one)], known, made)
        text = writer.database(one, rows[_id(one)]) if one.get("object") == "database" else writer.page(one)
        made.pages.append(SourcePage(_id(one), known[_id(one)], text))
    return made


def _objects(value: object) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value["results"]) if isinstance(value.get("results"), list) else [value]
    return list(value) if isinstance(value, list) else []


def _nested(objects: Sequence[Block]) -> list[Block]:
    """The pages and databases, and those that stand whole inside them."""
    found = list[Block]()
    for one in objects:
        found.append(one)
        whole = [inner for inner in _walk(_inside(one)) if inner.get("object") in ("page", "database")]
        found += _nested([inner for inner in (*whole, *one.get("rows", ())) if isinstance(inner, Mapping)])
    return list({_id(one): one for one in found}.values())


def _walk(blocks: Sequence[Block]) -> Iterator[Block]:
    for one in blocks:
        yield one
        if one.get("object") not in ("page", "database"):
            yield from _walk(_inside(one))


def _inside(block: Block) -> list[Block]:
    """What is inside a block or a page, wherever its reader has put it."""
    own = block.get(str(block.get("type")), {})
    found = block.get("children") or (own.get("children") if isinstance(own, Mapping) else None) or ()
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _id(one: Block) -> str:
    return str(one.get("id", "")).replace("-", "") or "untitled"


def _title(one: Block) -> str:
    if isinstance(one.get("title"), list):
        return _bare(one["title"]) or "Untitled"
    for value in (one.get("properties") or {}).values():
        if isinstance(value, Mapping) and value.get("type") == "title":
            return _bare(value.get("title") or ()) or "Untitled"
    return "Untitled"


def _bare(rich: Sequence[Block]) -> str:
    return "".join(str(one.get("plain_text") or (one.get("text") or {}).get("content") or "") for one in rich).strip()


def _database_of(row: Block) -> str:
    parent = row.get("parent") or {}
    return str(parent.get("database_id") or "").replace("-", "") if isinstance(parent, Mapping) else ""


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one page. ``known`` has the names of all pages by their ids."""

    name: str
    known: Known
    read: Read

    def page(self, one: Block) -> str:
        lines = [f"{key}: {said}" for key, value in self._properties(one) if (said := self._value(value))]
        blocks = [f"# {_escaped(_title(one))}", *(["\n".join(lines)] if lines else []), *self.blocks(_inside(one))]
        return "\n\n".join(blocks) + "\n"

    def database(self, one: Block, rows: Sequence[Block]) -> str:
        columns = list(dict.fromkeys(key for row in rows for key, _ in self._properties(row)))
        head = f"| Name | {' | '.join(map(_escaped, columns))} |" if columns else "| Name |"
        lines = [head, "|" + " --- |" * (1 + len(columns)), *(self._row(row, columns) for row in rows)]
        return "\n\n".join((f"# {_escaped(_title(one))}", "\n".join(lines), *self.blocks(_inside(one)))) + "\n"

    def _row(self, row: Block, columns: Sequence[str]) -> str:
        values = dict(self._properties(row))
        cells = [self._value(values[key]) if key in values else "" for key in columns]
        return f"| {' | '.join((self._link(_id(row), _title(row)), *cells))} |"

    def _properties(self, one: Block) -> Iterator[tuple[str, Block]]:
        for key, value in (one.get("properties") or {}).items():
            if isinstance(value, Mapping) and value.get("type") != "title":
                yield str(key), value

    def _value(self, value: Block) -> str:
        kind = str(value.get("type"))
        given = value.get(kind)
        reader = _VALUES.get(kind)
        return (
            "" if given is None else reader(self, given) if reader else _escaped(json.dumps(given, ensure_ascii=False))
        )

    def _link(self, id: str, title: str) -> str:
        there = self.known.get(id.replace("-", ""))
        if there is None:
            self.read.broken.setdefault(self.name, []).append(title or id)
            return _escaped(title or id)
        return f"[{_escaped(title or there.removesuffix('.md'))}]({quote(relative(self.name, there), safe='/!,')})"

    def rich(self, texts: object) -> str:
        """Rich text with its emphasis, code, links, mentions and formulas."""
        return "".join(map(self._span, texts)) if isinstance(texts, list) else ""

    def _span(self, one: Block) -> str:
        text = str(one.get("plain_text") or (one.get("text") or {}).get("content") or "")
        marks = one.get("annotations") or {}
        if one.get("type") == "equation":
            return f"${(one.get('equation') or {}).get('expression', text)}$"
        if one.get("type") == "mention":
            mention = one.get("mention") or {}
            there = mention.get(str(mention.get("type"))) or {}
            if mention.get("type") in ("page", "database"):
                return self._link(str(there.get("id", "")), text)
        said = f"`{text}`" if marks.get("code") and text.strip() else _escaped(text)
        for name, mark in (("strikethrough", "~~"), ("italic", "*"), ("bold", "**")):
            said = _wrapped(said, mark) if marks.get(name) else said
        href = one.get("href") or ((one.get("text") or {}).get("link") or {}).get("url")
        return self._linked(said, str(href)) if href else said.replace("\n", "\\\n")

    def _linked(self, said: str, href: str) -> str:
        found = re.search(r"([0-9a-f]{32})(?:[?#].*)?$", href.replace("-", ""))
        if found and found[1] in self.known and (href.startswith("/") or "notion." in href):
            return f"[{said}]({quote(relative(self.name, self.known[found[1]]), safe='/!,')})"
        return f"[{said}]({target(href)})"

    def blocks(self, blocks: Sequence[Block]) -> list[str]:
        """The blocks as markdown; items of one list stand together and are numbered."""
        made, before, number = list[str](), "", 0
        for one in blocks:
            kind = str(one.get("type") or one.get("object"))
            number = number + 1 if kind == before == "numbered_list_item" else 1
            text = self._block(kind, one, number)
            if kind == before and kind in _LIST and made:
                made[-1] += f"\n{text}"
            elif text:
                made.append(text)
            before = kind
        return made

    def _block(self, kind: str, one: Block, number: int) -> str:
        own = one.get(kind)
        if kind in ("page", "database"):
            return self._link(_id(one), _title(one))
        writer = _BLOCKS.get(kind)
        if writer is None or not isinstance(own, Mapping):
            return fence(f"{KIND} {kind}", dict(one), self.read)
        return writer(self, own, one, number)

    def item(self, mark: str, own: Block, one: Block) -> str:
        return hung([self.rich(own.get("rich_text")), *self.blocks(_inside(one))], mark)

    def heading(self, own: Block, one: Block, number: int) -> str:
        level = int(str(one["type"])[-1])
        head = f"{'#' * level} {self.rich(own.get('rich_text'))}"
        return "\n\n".join((head, *self.blocks(_inside(one))))

    def paragraph(self, own: Block, one: Block, number: int) -> str:
        return "\n\n".join((self.rich(own.get("rich_text")), *self.blocks(_inside(one))))

    def toggle(self, own: Block, one: Block, number: int) -> str:
        head = f"<details>\n<summary>{self.rich(own.get('rich_text'))}</summary>"
        return "\n\n".join((head, *self.blocks(_inside(one)), "</details>"))

    def callout(self, own: Block, one: Block, number: int) -> str:
        icon = str((own.get("icon") or {}).get("emoji") or "")
        said = [f"[!note] {icon}".rstrip() + f"\n{self.rich(own.get('rich_text'))}", *self.blocks(_inside(one))]
        return quoted("\n\n".join(said))

    def quote(self, own: Block, one: Block, number: int) -> str:
        return quoted("\n\n".join((self.rich(own.get("rich_text")), *self.blocks(_inside(one)))))

    def source(self, own: Block, one: Block, number: int) -> str:
        text, language = _bare_code(own), str(own.get("language") or "").replace("plain text", "")
        return code(text, language)

    def table(self, own: Block, one: Block, number: int) -> str:
        rows = [
            [self.rich(cell).replace("\\\n", "<br>") for cell in (row.get("table_row") or {}).get("cells") or ()]
            for row in _inside(one)
        ]
        if not rows or len({len(row) for row in rows}) > 1 or not rows[0]:
            return fence(f"{KIND} table", dict(one), self.read)
        head, body = (rows[0], rows[1:]) if own.get("has_column_header") else ([""] * len(rows[0]), rows)
        return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))

    def media(self, own: Block, one: Block, number: int) -> str:
        url = str((own.get("external") or own.get("file") or {}).get("url") or own.get("url") or "")
        about = self.rich(own.get("caption")) or _escaped(str(own.get("name") or ""))
        return f"![{about}]({target(url)})" if one["type"] == "image" else f"[{about or _escaped(url)}]({target(url)})"

    def inside(self, own: Block, one: Block, number: int) -> str:
        return "\n\n".join(self.blocks(_inside(one)))

    def child(self, own: Block, one: Block, number: int) -> str:
        return self._link(_id(one), str(own.get("title") or ""))

    def link(self, own: Block, one: Block, number: int) -> str:
        return self._link(str(own.get("page_id") or own.get("database_id") or ""), "")


def _item(mark: Callable[[Block, int], str]) -> Callable[[_Writer, Block, Block, int], str]:
    return lambda writer, own, one, number: writer.item(mark(own, number), own, one)


_BLOCKS: Mapping[str, Callable[[_Writer, Block, Block, int], str]] = {
    "paragraph": lambda writer, own, one, _: "\n\n".join(
        (writer.rich(own.get("rich_text")), *writer.blocks(_inside(one)))
    ),
    **{f"heading_{level}": _Writer.heading for level in range(1, 5)},
    "bulleted_list_item": _item(lambda own, number: "- "),
    "numbered_list_item": _item(lambda own, number: f"{number}. "),
    "to_do": _item(lambda own, number: "- [x] " if own.get("checked") else "- [ ] "),
    "toggle": _Writer.toggle,
    "callout": _Writer.callout,
    "quote": _Writer.quote,
    "code": _Writer.source,
    "equation": lambda writer, own, one, _: f"$$\n{own.get('expression', '')}\n$$",
    "divider": lambda writer, own, one, _: "---",
    "table": _Writer.table,
    **dict.fromkeys(("image", "file", "pdf", "video", "audio", "bookmark", "embed", "link_preview"), _Writer.media),
    **dict.fromkeys(("column_list", "column", "synced_block"), _Writer.inside),
    **dict.fromkeys(("child_page", "child_database"), _Writer.child),
    "link_to_page": _Writer.link,
}
"""The form of each type of block. Any other is kept whole in a fenced block, and counted."""

_VALUES: Mapping[str, Callable[[_Writer, Any], str]] = {
    "rich_text": lambda writer, given: writer.rich(given).replace("\\\n", "<br>"),
    "number": lambda writer, given: f"{given:g}" if isinstance(given, float) else str(given),
    "checkbox": lambda writer, given: "yes" if given else "no",
    "select": lambda writer, given: _escaped(str(given.get("name", ""))),
    "status": lambda writer, given: _escaped(str(given.get("name", ""))),
    "multi_select": lambda writer, given: ", ".join(_escaped(str(one.get("name", ""))) for one in given),
    "date": lambda writer, given: " to ".join(str(given[key]) for key in ("start", "end") if given.get(key)),
    "people": lambda writer, given: ", ".join(_escaped(str(one.get("name") or one.get("id"))) for one in given),
    "relation": lambda writer, given: ", ".join(writer._link(str(one.get("id", "")), "") for one in given),
    **dict.fromkeys(
        ("url", "email", "phone_number", "created_time", "last_edited_time"), lambda writer, given: _escaped(str(given))
    ),
}
"""The form of each type of property."""


def _bare_code(own: Block) -> str:
    return "".join(
        str(one.get("plain_text") or (one.get("text") or {}).get("content") or "") for one in own.get("rich_text") or ()
    )


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", text)


def _wrapped(text: str, mark: str) -> str:
    bare = text.strip()
    return text.replace(bare, f"{mark}{bare}{mark}", 1) if bare else text
