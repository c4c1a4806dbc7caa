"""Data files as the model reads them: markdown tables and lists.

Cells, keys and values stand as in the file, so that an exact edit can be made from what was read.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

_DELIMITERS = ",;\t|"
_DEEPEST = 12
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
    if isinstance(value, _Pairs) and value.pairs and depth < _DEEPEST:
        return [line for key, part in value.pairs for line in _member(f"{indent}- {_scalar(key)}:", part, depth)]
    if isinstance(value, list) and value and depth < _DEEPEST:
        return [line for part in value for line in _member(f"{indent}-", part, depth)]
    return [f"{indent}- {_scalar(value)}"]


def _member(start: str, value: Any, depth: int) -> list[str]:
    nested = isinstance(value, _Pairs | list) and _children(value) and depth + 1 < _DEEPEST
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
