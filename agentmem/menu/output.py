"""What a tool gave back, as blocks that a model can read: cut to the tool's cap, or in parts that fit an answer."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import to_jsonable_python

from agentmem.errors import BadArguments
from agentmem.pages.parts import sized
from agentmem.tokens import about, beginning, count, ending, exceeds, pieces
from agentmem.types import Image, Text

_HEAD = 2 / 3  # share of a cap that goes to the beginning; the end (errors, totals) gets the rest
_FEW, _UNEVEN = 40, 4  # columns of any table; in a wider one, cells for each value
_SCALAR = (str, int, float, bool, type(None))


EMPTY = "(empty)"


def blocks(value: object) -> tuple[Text | Image, ...]:
    """Text and pictures stay as they are; any other value becomes text that reads like a page.

    Providers refuse text of nothing but white space: it is left out, and where nothing else is there, it is said so.
    """
    said = tuple(one for one in _blocks(value) if isinstance(one, Image) or one.text.strip())
    return said or (Text(EMPTY),)


def _blocks(value: object) -> Iterator[Text | Image]:
    if isinstance(value, Text | Image):
        yield value
    elif isinstance(value, list | tuple) and any(isinstance(one, Text | Image) for one in value):
        for one in value:
            yield from _blocks(one)
    else:
        yield Text(readable(value))


def readable(value: object) -> str:
    """A value as text: strings as they are, records as a list or a table, what is nested deeper as JSON."""
    if value is None:
        return "Done."
    if isinstance(value, str):
        return value if value.strip() else EMPTY
    plain = to_jsonable_python(value, fallback=str, serialize_unknown=True)
    if isinstance(plain, dict) and _is_record(plain):
        return "\n".join(f"- {key}: {_cell(one)}" for key, one in plain.items())
    if isinstance(plain, list) and plain and all(map(_is_record, plain)) and (columns := _columns(plain)):
        return _table(columns, plain)
    if isinstance(plain, list) and plain and _flat(plain):
        return "\n".join(f"- {_cell(one)}" for one in plain)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, indent=1)


def _is_record(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and _flat(value.values())


def _flat(values: Iterable[object]) -> bool:
    return all(isinstance(one, _SCALAR) and "\n" not in str(one) for one in values)


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of a table of records; none where most of its cells would be empty."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    few = len(columns) <= _FEW or len(columns) * len(rows) <= _UNEVEN * sum(map(len, rows))
    return columns if few else []


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(column, "")) for column in columns] for row in rows)]
    return "\n".join("| " + " | ".join(str(one).replace("|", "\\|") for one in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool | None) else str(value)


def capped(content: tuple[Text | Image, ...], cap: int, hint: str) -> tuple[Text | Image, ...]:
    """The blocks with at most ``cap`` tokens of text; pictures do not count. Says what it left out, and ``hint``."""
    left, kept = cap, list[Text | Image]()
    for at, block in enumerate(content, 1):
        if isinstance(block, Text):
            block = Text(cut(block.text, max(left, cap // 10), hint))
            left -= count(block.text) if at < len(content) else 0
        kept.append(block)
    return tuple(kept)


def cut(text: str, cap: int, hint: str = "") -> str:
    """The beginning and the end of a text of more than ``cap`` tokens, with a sentence between them."""
    if not exceeds(text, cap):
        return text
    total = about(text)
    head = beginning(text, int(cap * _HEAD))
    tail = ending(text[len(head) :], cap - int(cap * _HEAD))
    left_out = total - count(head) - count(tail)
    note = f"[{left_out:,} of {total:,} tokens are left out here.{' ' if hint else ''}{hint}]"
    return f"{head.rstrip()}\n\n{note}\n\n{tail.lstrip()}"


PART = 6000
"""Tokens of one part."""


def part_of(text: str, part: int, limit: int = PART, least: int = 1) -> str:
    """Part ``part`` (from 1) of a text, cut between lines where it can be, below a line that says which it is.

    A text of one part comes back as it is; ``least`` is how many parts there are at least, for what comes with them.
    Raises BadArguments for a part that is not there.
    """
    parts = split(text, limit)
    parts += [""] * (least - len(parts))
    if part > len(parts):
        raise BadArguments(f"There is no part {part}: it ends with part {len(parts)}.")
    if len(parts) == 1:
        return text
    more = f"; part {part + 1} goes on from here" if part < len(parts) else ""
    return f"[part {part} of {len(parts)}{more}]\n\n{parts[part - 1]}"


def split(text: str, limit: int) -> list[str]:
    """The text in parts of at most ``limit`` tokens that join to the whole."""
    if len(text.encode("utf-8", "surrogatepass")) <= limit:
        return [text]  # a token has at least one byte
    parts, held, used = list[str](), list[str](), 0
    for piece, tokens in sized(pieces(text), limit):
        if used and used + tokens > limit:
            parts.append("".join(held))
            held, used = [], 0
        held.append(piece)
        used += tokens
    return [*parts, "".join(held)]
