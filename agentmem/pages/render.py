"""A page as text for the model: one header line, then the text, an outline, or one part of what is too long."""

import csv
import io
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from pathlib import PurePosixPath
from typing import Any

from agentmem.errors import WorkspaceError
from agentmem.pages import address, front
from agentmem.pages.digest import Digest
from agentmem.pages.markdown import Section, SectionTree
from agentmem.pages.names import is_markdown
from agentmem.pages.page import SHOWN, Page, PageSpan
from agentmem.pages.splitting import sized
from agentmem.tokens import count, exceeds

_DELIMITERS = ",;\t|"
_NESTED = 12
_MOST_COLUMNS = 40
_UNEVEN = 4  # times as many cells in a wide table as in the file
_WORDS = frozenset({"", "true", "false", "null"})


@dataclass(frozen=True, slots=True)
class Shown:
    """What the model reads in place of a file's text. ``head`` is repeated where it is read in parts."""

    text: str
    kind: str = ""
    head: str = ""


class _Literal(str):
    """A number of a JSON file, in the file's own digits."""

    __slots__ = ()


def shown(name: str, text: str) -> Shown:
    """CSV and JSON as tables and lists; any other text, and what does not parse, as it is."""
    render = _RENDERERS.get(PurePosixPath(name).suffix.lower())
    return render(text) if render else Shown(text)


def _csv(text: str) -> Shown:
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        return Shown(text, f"not readable as CSV ({error}), so shown as it is")
    rows = [row for row in rows if row]
    if not rows:
        return Shown(text)
    width = max(map(len, rows))
    if width > _MOST_COLUMNS and width * len(rows) > _UNEVEN * sum(map(len, rows)):
        return Shown(text, "too uneven for a table, so shown as it is")
    return _table(rows[0], rows[1:])


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(_DELIMITERS, key=head.count)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Shown:
    width = max(len(head), *map(len, rows)) if rows else len(head)
    top = f"{_row(head, width)}{'|' + '---|' * width}\n"
    body = "".join(_row(row, width) for row in rows)
    return Shown(top + body, f"{len(rows):,} rows, shown as a table; edits take the file's own text", top)


def _row(cells: Iterable[str], width: int) -> str:
    escaped = [cell.replace("|", "\\|").replace("\r\n", "<br>").replace("\n", "<br>") for cell in cells]
    return "| " + " | ".join(escaped + [""] * (width - len(escaped))) + " |\n"


def _json(text: str) -> Shown:
    try:
        value = json.loads(
            text.removeprefix("\ufeff"), object_pairs_hook=_Pairs, parse_int=_Literal, parse_float=_Literal
        )
    except (ValueError, RecursionError) as error:
        return Shown(text, f"not readable as JSON ({error}), so shown as it is")
    columns = _columns(value)
    if columns:
        return _table([_scalar(key) for key in columns], [[_scalar(cell) for _, cell in row.pairs] for row in value])
    note = "shown as a list; edits take the file's own text"
    return Shown("".join(f"{line}\n" for line in _lines(value, 0)), note)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """A JSON object, repeated keys kept."""

    pairs: list[tuple[str, Any]]


def _columns(value: Any) -> list[str]:
    """The keys that all of a list's objects have in the same order, if all their values fit into cells."""
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(row, _Pairs) for row in value):
        return []
    keys = [key for key, _ in value[0].pairs]
    same = all([key for key, _ in row.pairs] == keys for row in value)
    flat = all(not isinstance(cell, _Pairs | list) for row in value for _, cell in row.pairs)
    return keys if same and flat and len(keys) <= _MOST_COLUMNS else []


def _lines(value: Any, depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(value, _Pairs) and value.pairs and depth < _NESTED:
        return [line for key, part in value.pairs for line in _member(f"{indent}- {_scalar(key)}:", part, depth)]
    if isinstance(value, list) and value and depth < _NESTED:
        return [line for part in value for line in _member(f"{indent}-", part, depth)]
    return [f"{indent}- {_scalar(value)}"]


def _member(start: str, value: Any, depth: int) -> list[str]:
    nested = isinstance(value, _Pairs | list) and _children(value) and depth + 1 < _NESTED
    return [start, *_lines(value, depth + 1)] if nested else [f"{start} {_scalar(value)}"]


def _children(value: Any) -> bool:
    return bool(value.pairs if isinstance(value, _Pairs) else value)


def _scalar(value: Any) -> str:
    """A JSON value on one line: text without quotes wherever it cannot be taken for something else."""
    if isinstance(value, _Literal):
        return str.__str__(value)
    if isinstance(value, str) and _plain(value):
        return value
    return json.dumps(_unpaired(value), ensure_ascii=False)


def _plain(text: str) -> bool:
    number = text[:1].isdigit() or text[:1] in '-"[{'
    return text.isprintable() and not (number or text in _WORDS or text != text.strip())


def _unpaired(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {key: _unpaired(part) for key, part in value.pairs}
    return [_unpaired(part) for part in value] if isinstance(value, list) else value


_RENDERERS = {".csv": _csv, ".tsv": _csv, ".json": _json}


_DEEPEST = 6
_START = attrgetter("start")
_LEAST_ROOM = 20
_NOTE = "too long to show whole, so this is its outline; read sections by their address, such as"
_FRONT = "front matter shown as a list; edits take the file's own text"


def rendered(page: Page, digest: Digest, span: PageSpan, limit: int, part: int, raw: bool = False) -> str:
    """The header line and the text of a span, in at most ``limit`` tokens (at least in some twenty beyond its header).

    What is longer is shown as an outline where it has sections, else in numbered parts.
    """
    text = Shown(page.cut(span)) if raw else _shown(page, digest, span)
    tokens = tokens_of(digest, span)
    head = header(page.name, page.revision, span, tokens, text.kind)
    if part == 1 and not exceeds(text.text, max(_LEAST_ROOM, limit - count(head))):
        return f"{head}\n\n{text.text}"
    inside = _inside(digest.tree, span)
    if not inside or raw:
        return _part(page, span, tokens, text, limit, part)
    example = address.join(page.name, address.of(digest.tree.sections[inside[0]]))
    note = f"{_NOTE} '{example}'"
    for depth in range(_DEEPEST, 0, -1):
        head = header(page.name, page.revision, span, tokens, note)
        lines = outline(digest, span, depth, over=limit, most=limit) if part == 1 else ""
        if lines and not exceeds(lines, limit - count(head)):
            return f"{head}\n\n{lines}"
    return _part(page, span, tokens, Shown(outline(digest, span, 1, over=limit), note), limit, part)


def header(name: str, revision: str, span: PageSpan, tokens: int, note: str = "") -> str:
    """The line that names what is shown: address, revision and tokens."""
    more = f"; {note}" if note else ""
    return f"{address.join(name, span.path)} (revision {revision[:SHOWN]}, {tokens:,} tokens{more})"


def tokens_of(digest: Digest, span: PageSpan) -> int:
    """The tokens of a page or section."""
    if span.path is None:
        return digest.tokens
    if span.section is None:
        return digest.own[0]
    tree = digest.tree
    index = _place(tree, span.section)
    return digest.totals(tree)[index] if span.with_heading else digest.own[index + 1]


def outline(
    digest: Digest, span: PageSpan, depth: int = _DEEPEST, over: int | None = None, most: int | None = None
) -> str:
    """The front matter as a list, then a line for each section of a span, indented, with its tokens.

    Sections of more than ``over`` tokens also name the text of their own that stands before their subsections. Of more
    than ``most`` lines nothing is given.
    """
    matter = f"{digest.listed}\n" if span.path is None and digest.listed else ""
    lines = list(islice(_outline_lines(digest, span, depth, over), None if most is None else most + 1))
    return matter + "".join(f"{line}\n" for line in lines) if most is None or len(lines) <= most else ""


def split(text: Shown, room: int) -> list[str]:
    """The text in parts of at most ``room`` tokens, cut at line ends; a line that is longer is cut inside.

    The parts make up the text; a table's head stands on each of them, unless it would fill them.
    """
    head = "" if exceeds(text.head, room // 2) else text.head
    body = text.text.removeprefix(head)
    room = max(1, room - count(head))
    parts, held, tokens = list[str](), list[str](), 0
    for line, size in sized(body.splitlines(keepends=True), room):
        if held and tokens + size > room:
            parts.append(head + "".join(held))
            held, tokens = [], 0
        held.append(line)
        tokens += size
    return [*parts, head + "".join(held)] if held or not parts else parts


def _shown(page: Page, digest: Digest, span: PageSpan) -> Shown:
    if span.path is not None:
        return Shown(page.cut(span))
    fault = front.fault(page.data) if is_markdown(page.name) else ""
    if fault:
        return Shown(page.text, fault)
    if digest.listed:
        return Shown(f"{digest.listed}\n{page.data[digest.front :].decode().lstrip()}", _FRONT)
    return shown(page.name, page.text)


def _inside(tree: SectionTree, span: PageSpan) -> list[int]:
    """The indexes of the sections that begin inside a span, not counting the span's own."""
    if span.path is None:
        return list(range(len(tree.sections)))
    return [
        index
        for index, one in enumerate(tree.sections)
        if span.start <= one.start < span.end and not (span.with_heading and one.start == span.start)
    ]


def _outline_lines(digest: Digest, span: PageSpan, depth: int, over: int | None) -> Iterator[str]:
    tree = digest.tree
    totals, above = digest.totals(tree), len(span.section.path) if span.section else 0
    before = _before(digest, tree, span)
    if before:
        yield f"- {address.OWN} (the text before the first heading below): {before:,} tokens"
    for index in _inside(tree, span):
        path, own, total = tree.sections[index].path, digest.own[index + 1], totals[index]
        level = len(path) - above
        if level <= depth:
            deeper = _deeper(tree, index) if level == depth else ""
            yield f"{'  ' * (level - 1)}- {address.step(*path[-1])}: {total:,} tokens{deeper}"
            if over is not None and own < total > over:
                yield f"{'  ' * level}- {address.OWN} (its own text): {own:,} tokens"


def _before(digest: Digest, tree: SectionTree, span: PageSpan) -> int:
    """The tokens of a span before its first subsection."""
    if span.section is None:
        return digest.own[0]
    return digest.own[_place(tree, span.section) + 1]


def _place(tree: SectionTree, section: Section) -> int:
    return bisect_left(tree.sections, section.start, key=_START)


def _deeper(tree: SectionTree, index: int) -> str:
    below = bisect_left(tree.sections, tree.sections[index].end, lo=index + 1, key=_START) - index - 1
    return f" ({below} sections below)" if below else ""


def _part(page: Page, span: PageSpan, tokens: int, text: Shown, limit: int, part: int) -> str:
    longest = header(page.name, page.revision, span, tokens, _noted(text.kind, 10**6, 10**6 + 1))
    parts = split(text, max(_LEAST_ROOM, limit - count(longest)))
    if not 1 <= part <= len(parts):
        whole = "one part" if len(parts) == 1 else f"parts 1 to {len(parts)}"
        raise WorkspaceError(f"'{address.join(page.name, span.path)}' has {whole}; there is no part {part}.")
    note = _noted(text.kind, part, len(parts)) if len(parts) > 1 else text.kind
    return f"{header(page.name, page.revision, span, tokens, note)}\n\n{parts[part - 1]}"


def _noted(kind: str, part: int, parts: int) -> str:
    onward = f"; part {part + 1} goes on from here" if part < parts else ""
    return f"{kind + '; ' if kind else ''}part {part} of {parts}{onward}"
