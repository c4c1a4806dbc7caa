"""Pages of long results: files below the workspace's ``.agentmem``, for people and shells. A cache of the journal."""

import logging
from pathlib import Path
from shutil import rmtree

from agentmem.context.journal import Journal
from agentmem.context.offload import FOLDER, Offload, fits, offloaded, page_name
from agentmem.context.transcript import readable
from agentmem.types import Block, Image, Opaque, Text

_log = logging.getLogger(__name__)


def shown(
    content: tuple[Block, ...], thread: str, seq: int, sizes: Offload, root: Path, what: str = "result"
) -> tuple[Text | Image | Opaque, ...] | None:
    """What the model sees of entry ``seq``, whose page is written; None where it is short enough as it is."""
    if fits(content, sizes):
        return None
    page = page_name(thread, seq)
    short = offloaded(content, f"{thread}/{seq}", sizes, what=what, page=page)
    if short is None:
        return None
    text = "\n\n".join(block.text for block in content if isinstance(block, Text))
    written = _write(root / page, text)
    return short if written else offloaded(content, f"{thread}/{seq}", sizes, what=what)


def rebuild(journal: Journal, thread: str, root: Path) -> int:
    """Writes the pages of a thread's long entries again, from the journal. Gives their number."""
    long = [
        entry for entry in journal.entries(thread) if entry.kind in ("tool_result", "user") and "shown" in entry.value
    ]
    return sum(_write(root / page_name(thread, entry.seq), readable(entry)) for entry in long)


def forget(thread: str, root: Path) -> None:
    """Deletes the pages of a thread."""
    rmtree(root / Path(page_name(thread, 0)).parent, ignore_errors=True)


def _write(path: Path, text: str) -> bool:
    """True when the page stands. A full disk or a folder that may not be written is no reason to stop a run."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8", errors="replace", newline="")
        fresh.replace(path)
    except OSError as error:
        _log.warning("the page %s could not be written: %s", path, error)
        return False
    return True


__all__ = ["FOLDER", "forget", "rebuild", "shown"]
