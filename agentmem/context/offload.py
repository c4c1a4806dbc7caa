"""Long results become a page on arrival: the model sees the beginning, the end, what it is and where the whole is.

The entry keeps the original byte for byte, and beside it what is shown in its place, decided once: so the view stays a
pure function of the entries. The page is a file for people and shells, and can be written again from the journal.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from typing import Any
from urllib.parse import quote

from agentmem.tokens import about, beginning, ending, exceeds
from agentmem.types import Block, Image, Opaque, Text

FULL = 60_000
"""Budgets from here on get the sizes as they stand; below, they shrink in proportion."""
FOLDER = ".agentmem/pages"
"""Where pages of results stand, below the workspace."""
PAGING = frozenset({"read", "recall"})
"""Tools that give long texts in parts by themselves: what they give is shown whole."""

_OUTLINE = 12  # entries of an outline
_WIDTH = 80  # characters of one of them
_LOOKED = 4 * _WIDTH
_COUNTED = 10_000  # entries that are counted
_LONG_NAME = 100  # characters of a thread's name from which its hash names the folder
_BYTES = 4  # that a character has at most in UTF-8


@dataclass(frozen=True, slots=True)
class Offload:
    """Results of more than ``limit`` tokens are shown by their first ``head`` and last ``tail`` tokens."""

    limit: int = 8_000
    head: int = 600
    tail: int = 300

    def sized(self, budget: int) -> "Offload":
        """The same, for a small budget in proportion."""
        share = min(1.0, budget / FULL)
        return replace(
            self, limit=round(self.limit * share), head=round(self.head * share), tail=round(self.tail * share)
        )


def fits(content: Sequence[Block], sizes: Offload) -> bool:
    """Whether the texts are surely short enough, as most are: a token has at least one byte."""
    return sum(len(block.text) for block in content if isinstance(block, Text)) * _BYTES <= sizes.limit


def offloaded(
    content: Sequence[Block], reference: str, sizes: Offload, *, what: str = "result", page: str = ""
) -> tuple[Text | Image | Opaque, ...] | None:
    """What is shown for ``content``, or None where it is short enough. What is no text stays: none brings it back.

    ``reference`` names the entry that has the whole, ``page`` the file.
    """
    text = "\n\n".join(block.text for block in content if isinstance(block, Text))
    if not exceeds(text, sizes.limit):
        return None
    tokens = about(text)
    kind, outline = described(text)
    head = beginning(text, sizes.head)
    tail = ending(text[len(head) :], sizes.tail)
    left = text.count("\n", len(head), len(text) - len(tail))
    lines = text.count("\n") + 1
    file = f" and as the file {page}" if page else ""
    shown = (
        f"[This {what} is long: {kind}, {lines:,} lines, {tokens:,} tokens. Below are its beginning and its end. The "
        f"whole is kept as {reference}{file}: recall {reference} brings it back in parts, word for word.]",
        *(("[Outline]", *outline) if outline else ()),
        "",
        head.rstrip(),
        f"\n[{left:,} lines are left out here.]\n",
        tail.lstrip("\n"),
    )
    return (Text("\n".join(shown)), *(block for block in content if isinstance(block, Image | Opaque)))


def page_name(thread: str, seq: int) -> str:
    """The page of entry ``seq``, below the workspace. Threads may be called anything, folders may not."""
    folder = quote(thread, safe=" ").replace(".", "%2E")
    folder = folder if len(folder) <= _LONG_NAME else sha256(thread.encode()).hexdigest()
    return f"{FOLDER}/{folder}/{seq}.txt"


def described(text: str) -> tuple[str, list[str]]:
    """What a text is, in a word or two, and its outline, where it has one."""
    for kind, outline in _KINDS:
        found = outline(text)
        if found is not None:
            more = [f"... {len(found) - _OUTLINE} more"] if len(found) > _OUTLINE else []
            return kind, [line[:_WIDTH] for line in found[:_OUTLINE]] + more
    return "text", []


def _json(text: str) -> list[str] | None:
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict):
        return [f"{key}: {_size(part)}" for key, part in value.items()]
    return [f"a list of {len(value)}; the first: {json.dumps(value[0], ensure_ascii=False)}"] if value else []


def _size(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{'object' if isinstance(value, dict) else 'list'} of {len(value)}"
    return json.dumps(value, ensure_ascii=False)


def _matching(pattern: str, least: int) -> Callable[[str], list[str] | None]:
    """Finds the lines that fit; fewer than ``least`` are no sign of the kind."""
    compiled = re.compile(pattern, re.MULTILINE)

    def outline(text: str) -> list[str] | None:
        found = list(_numbered(text, compiled))
        return found if len(found) >= least else None

    return outline


def _numbered(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    line, at = 1, 0
    for match in islice(pattern.finditer(text), _COUNTED):
        line, at = line + text.count("\n", at, match.start()), match.start()
        yield f"{line}: {match[0][:_LOOKED].strip()}"


_KINDS: tuple[tuple[str, Callable[[str], list[str] | None]], ...] = (
    ("JSON", _json),
    ("a diff", _matching(r"^(?:diff --git |\+\+\+ ).*$", 1)),
    ("markdown", _matching(r"^#{1,6} \S.*$", 2)),
    ("source code", _matching(r"^ *(?:async )?(?:def|class|func|fn|function|interface|struct) +\w+.*$", 2)),
    ("a log with errors", _matching(r"^.*\b(?:ERROR|FAILED|Traceback|panic:|[A-Z]\w{1,80}Error:).*$", 1)),
)
"""What a long text may be, tried in order, each with what finds its outline."""
