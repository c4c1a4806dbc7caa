"""Finds what an edit by section could tear apart: HTML elements that span several sections, and unclosed blocks.

Elements are ``<details>``, components and the like. Blocks are code fences and comments. Only `splices` uses it. It is
a module of its own because it reads HTML and makes no edits.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from agentmem.pages.markdown import blocks, end, line_starts
from agentmem.pages.names import Dialect

_TAG = re.compile(
    rb"""<(?P<close>/?)(?P<name>[A-Za-z][\w.:-]*)
         (?:[^<>"'{}] | "[^"]*" | '[^']*' | \{(?:[^{}]|\{[^{}]*\})*\})*?
         (?P<alone>/?)>""",
    re.VERBOSE,
)
_NO_TAGS = re.compile(
    rb"<!--.*?(?:-->|\Z)|<(script|style|pre|textarea)\b.*?(?:</\1\s*>|\Z)|(?P<ticks>`+).*?(?P=ticks)",
    re.DOTALL | re.IGNORECASE,
)
_VOID = frozenset(b"area base br col embed hr img input link meta source track wbr".split())
_KINDS = {"fence": "code fence", "html_block": "comment or HTML block", "mdx_code": "expression or export"}
_HIDES = re.compile(rb"```|~~~|<|^(?:import|export)\b|^[ \t]*\{", re.MULTILINE)


class Element(NamedTuple):
    """An HTML element, and the bytes where its opening and its closing tag begin."""

    name: str
    opens: int
    closes: int


class Unclosed(NamedTuple):
    """A block that nothing closes, so that it lasts to the end of the page. ``line`` counts from 1."""

    kind: str
    line: int


def elements(data: bytes, dialect: Dialect) -> list[Element]:
    """The elements of a page that have both tags. Code is skipped."""
    if b"</" not in data:
        return []
    found, stack, is_open = list[Element](), list[tuple[bytes, int]](), Counter[bytes]()
    for at, name, closes in _tags(data, dialect):
        if not closes:
            stack.append((name, at))
            is_open[name] += 1
        elif is_open[name]:
            while stack[-1][0] != name:
                is_open[stack.pop()[0]] -= 1
            is_open[name] -= 1
            found.append(Element(name.decode(), stack.pop()[1], at))
    return found


def torn(data: bytes, dialect: Dialect, start: int, end: int) -> list[Element]:
    """The elements that have one tag between ``start`` and ``end`` and the other outside."""
    return [one for one in elements(data, dialect) if (start <= one.opens < end) != (start <= one.closes < end)]


def before_tags(data: bytes, dialect: Dialect, start: int, end: int) -> int:
    """``end``, or the start of the closing tags before it that belong to an element around the text."""
    tags = [tag for one in torn(data, dialect, start, end) for tag in (one.opens, one.closes) if start <= tag < end]
    if not tags:
        return end
    line = max(data.rfind(b"\n", 0, min(tags)), data.rfind(b"\r", 0, min(tags))) + 1
    only_tags = all(one.lstrip().startswith(b"<") for one in data[line:end].splitlines() if one.strip())
    return max(line, start) if only_tags else end


def unclosed(data: bytes, dialect: Dialect) -> Unclosed | None:
    """The open block that would take in a paragraph put after ``data``; None if there is none."""
    if not _HIDES.search(data):
        return None
    last = blocks(data + b"\n\nx\n", dialect)[-1]
    if last.type not in _KINDS or not last.map:
        return None
    return Unclosed(_KINDS[last.type], last.map[0] + 1)


def _tags(data: bytes, dialect: Dialect) -> Iterator[tuple[int, bytes, bool]]:
    lines, done = line_starts(data), 0
    for token in blocks(data, dialect):
        if token.type in ("html_block", "inline") and token.map and lines[token.map[0]] >= done:
            first, done = lines[token.map[0]], lines[end(token)]
            text = _NO_TAGS.sub(lambda match: b" " * len(match[0]), data[first:done])
            for tag in _TAG.finditer(text):
                name = tag["name"]
                if not tag["alone"] and name.lower() not in _VOID:
                    yield first + tag.start(), name if dialect == "mdx" else name.lower(), bool(tag["close"])
