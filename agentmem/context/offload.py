"""Turns long results into pages on arrival: the model sees the beginning, the end, the kind, and the name of the page.

The entry keeps the original byte for byte, and beside it the shorter form, which is decided once. So the view stays a
pure function of the entries. Pages are files below the workspace's ``.agentmem``, for people and shells. They are a
cache of the journal and can be written again from it.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agentmem import images
from agentmem.context.view import sendable
from agentmem.errors import WorkspaceError
from agentmem.images import scaled
from agentmem.pages.files import Files
from agentmem.tokens import about, beginning, ending, exceeds
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_blocks, readable, unpack
from agentmem.types import Block, Entry, Image, Opaque, Text, ToolResult

FULL = 60_000
"""Budgets of at least this many tokens get the full sizes; smaller budgets get sizes in proportion."""
FOLDER = ".agentmem/pages"
"""The folder of results' pages, below the workspace."""
PAGING = frozenset({"read", "recall"})
"""Tools that give long texts in parts themselves: their results are shown whole."""

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

    @property
    def ends(self) -> int:
        """The tokens of a long result that are shown."""
        return self.head + self.tail

    def ends_only(self) -> "Offload":
        """The sizes where every result is shown by its ends."""
        return replace(self, limit=self.ends)

    def sized(self, budget: int) -> "Offload":
        """The sizes for a ``budget`` in tokens; smaller ones for a small budget."""
        share = min(1.0, budget / FULL)
        return replace(
            self, limit=round(self.limit * share), head=round(self.head * share), tail=round(self.tail * share)
        )


def fits(content: Sequence[Block], sizes: Offload) -> bool:
    """True if the texts are surely short enough, as most are. A token has at least one byte, so bytes are enough."""
    return sum(len(block.text) for block in content if isinstance(block, Text)) * _BYTES <= sizes.limit


def offloaded(
    content: Sequence[Block], reference: str, sizes: Offload, *, what: str = "result", page: str = ""
) -> tuple[Text | Image | Opaque, ...] | None:
    """The blocks to show in place of ``content``, or None if it is short enough. Other blocks than text stay.

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
    """The page of entry ``seq``, below the workspace. Characters that a folder's name cannot have are replaced."""
    folder = quote(thread, safe=" ").replace(".", "%2E")
    folder = folder if len(folder) <= _LONG_NAME else sha256(thread.encode()).hexdigest()
    return f"{FOLDER}/{folder}/{seq}.txt"


def described(text: str) -> tuple[str, list[str]]:
    """The kind of a text in a word or two, and its outline if it has one."""
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
    """Finds the lines that fit. Fewer than ``least`` do not show the kind."""
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
"""The kinds of a long text, tried in order, each with the function that finds its outline."""


_log = logging.getLogger(__name__)


def seen_content(
    content: tuple[Block, ...],
    thread: str,
    seq: int,
    sizes: Offload,
    root: Path,
    what: str = "result",
    scale: Callable[[Image], Image | None] = scaled,
) -> tuple[Text | Image | Opaque, ...] | None:
    """The blocks that the model sees of entry ``seq``; None if its text is short and its pictures are small enough.

    Pages are written for what it does not see: one for a long text, one for each picture that could not be scaled down.
    """
    seen = tuple(_sendable(content, thread, seq, root, scale))
    long = not fits(content, sizes) and _short(content, thread, seq, sizes, root, what)
    if long:
        seen = (long, *(one for one, was in zip(seen, content, strict=True) if not isinstance(was, Text)))
    return None if seen == content else tuple(one for one in seen if isinstance(one, Text | Image | Opaque))


def _short(content: tuple[Block, ...], thread: str, seq: int, sizes: Offload, root: Path, what: str) -> Text | None:
    page = page_name(thread, seq)
    texts = tuple(block for block in content if isinstance(block, Text))
    short = offloaded(texts, f"{thread}/{seq}", sizes, what=what, page=page)
    if short and not _write(root, page, "\n\n".join(block.text for block in texts).encode("utf-8", "replace")):
        short = offloaded(texts, f"{thread}/{seq}", sizes, what=what)
    return short[0] if short and isinstance(short[0], Text) else None


def _sendable(
    content: Sequence[Block], thread: str, seq: int, root: Path, scale: Callable[[Image], Image | None]
) -> Iterator[Block]:
    """The blocks with pictures that every model takes, or with sentences in their place that name their pages."""
    for at, block in enumerate(content):
        if not isinstance(block, Image):
            yield block
            continue
        seen = sendable(block, f"{thread}/{seq}")
        if isinstance(seen, Text):
            small = scale(block)
            page = picture_page(thread, seq, at, block)
            kept = small is None and _write(root, page, images.decoded(images.mended("", block.data)[1]))
            where = f"{thread}/{seq}{f' and as the file {page}' if kept else ''}"
            seen = sendable(small or block, where)
        yield seen


def picture_page(thread: str, seq: int, place: int, picture: Image) -> str:
    """The page of the picture at ``place`` in entry ``seq``."""
    ending = images.mended(picture.media_type, picture.data)[0].rpartition("/")[2]
    return f"{page_name(thread, seq).removesuffix('.txt')}-{place}.{ending if ending.isalnum() else 'bin'}"


def rebuild_pages(journal: Journal, thread: str, root: Path) -> int:
    """Writes the pages of a thread's entries that are not shown whole again, from the journal. Returns their number."""
    return sum(
        _write(root, page, data)
        for entry in journal.entries(thread)
        if entry.kind in ("tool_result", "user") and entry.value.get("shown") is not None
        for page, data in _pages(entry, thread)
    )


def _pages(entry: Entry, thread: str) -> Iterator[tuple[str, bytes | None]]:
    whole = [inner for one in read_blocks(entry) for inner in (one.content if isinstance(one, ToolResult) else (one,))]
    seen = [unpack(value) for value in entry.value["shown"]]
    if any(isinstance(one, Text) and one not in seen for one in whole):
        yield page_name(thread, entry.seq), readable(entry).encode("utf-8", "replace")
    for at, one in enumerate(whole):
        if isinstance(one, Image) and any(picture_page(thread, entry.seq, at, one) in _said(two) for two in seen):
            yield picture_page(thread, entry.seq, at, one), images.decoded(images.mended("", one.data)[1])


def _said(block: Block) -> str:
    return block.text if isinstance(block, Text) else ""


def forget_pages(thread: str, root: Path) -> None:
    """Deletes the pages of a thread."""
    Files(root).remove_tree(page_name(thread, 0).rpartition("/")[0])


def _write(root: Path, page: str, data: bytes | None) -> bool:
    """True if the page could be written. A full disk or a read-only folder must not stop a run."""
    if data is None:
        return False
    try:
        Files(root).put(page, data)
    except WorkspaceError as error:
        _log.warning("the page %s could not be written: %s", page, error)
        return False
    return True
