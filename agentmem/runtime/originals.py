"""Pages of long results: files below the workspace's ``.agentmem``, for people and shells. A cache of the journal."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from agentmem import images
from agentmem.context.fitting import sendable
from agentmem.context.offload import FOLDER, Offload, fits, offloaded, page_name
from agentmem.errors import WorkspaceError
from agentmem.images import scaled
from agentmem.pages.files import Files
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_blocks, readable, unpack
from agentmem.types import Block, Entry, Image, Opaque, Text, ToolResult

_log = logging.getLogger(__name__)


def shown(
    content: tuple[Block, ...],
    thread: str,
    seq: int,
    sizes: Offload,
    root: Path,
    what: str = "result",
    scale: Callable[[Image], Image | None] = scaled,
) -> tuple[Text | Image | Opaque, ...] | None:
    """What the model sees of entry ``seq``; None where it is short enough as it is, and its pictures small enough.

    What it does not see stands in pages: a long text in one, each picture that could not even be scaled down in one.
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
    """The blocks with pictures that every model takes, or sentences in their place that name their pages."""
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


def rebuild(journal: Journal, thread: str, root: Path) -> int:
    """Writes the pages of what is not shown whole in a thread's entries again, from the journal. Gives their number."""
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


def forget(thread: str, root: Path) -> None:
    """Deletes the pages of a thread."""
    Files(root).remove_tree(page_name(thread, 0).rpartition("/")[0])


def _write(root: Path, page: str, data: bytes | None) -> bool:
    """True when the page stands. A full disk or a folder that may not be written is no reason to stop a run."""
    if data is None:
        return False
    try:
        Files(root).put(page, data)
    except WorkspaceError as error:
        _log.warning("the page %s could not be written: %s", page, error)
        return False
    return True


__all__ = ["FOLDER", "forget", "rebuild", "shown"]
