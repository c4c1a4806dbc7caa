"""The formats that are imported, in the order in which they are looked for; `import_pages` is what people call."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import time
from typing import NamedTuple

from agentmem.errors import ConfigError
from agentmem.pages.importing import documents, html, notion, notion_blocks, obsidian
from agentmem.pages.importing.keeping import ImportResult, keep
from agentmem.pages.importing.sources import Read, entries, safe_name, safe_part, text_of
from agentmem.pages.workspace import Workspace
from agentmem.types import Clock

Sight = Callable[[Sequence[str], Path], bool]


class ImportFormat(NamedTuple):
    """A format: its name, how a source of it looks, and its reader."""

    name: str
    fits: Sight
    read: Callable[[Path], Read]


def _with(suffixes: Sequence[str]) -> Sight:
    return lambda names, place: any(name.lower().endswith(tuple(suffixes)) for name in names)


def _is_blocks(names: Sequence[str], place: Path) -> bool:
    if not all(name.lower().endswith(".json") for name in names):
        return False
    for _, data in entries(place):
        try:
            if notion_blocks.is_blocks(json.loads(text_of(data) or "")):
                return True
        except (ValueError, RecursionError):
            continue
    return False


FORMATS: tuple[ImportFormat, ...] = (
    ImportFormat("notion", lambda names, place: notion.is_export(names), notion.read),
    ImportFormat("notion-blocks", _is_blocks, notion_blocks.read),
    ImportFormat("obsidian", lambda names, place: obsidian.is_vault(names), obsidian.read),
    ImportFormat("html", _with(html.SUFFIXES), html.read),
    ImportFormat("documents", _with(documents.SUFFIXES), documents.read),
    ImportFormat("markdown", _with((".md", ".markdown", ".txt")), obsidian.read),
)
"""The first whose look fits reads a source, unless a format is named."""


def import_pages(
    workspace: Workspace,
    place: Path | str,
    *,
    format: str | None = None,
    into: str = "",
    name: str | None = None,
    overwrite: bool = False,
    clock: Clock = time,
) -> ImportResult:
    """Import a Notion export, a vault, HTML or documents as pages. Run again, it changes what has changed there.

        result = import_pages(workspace, "export.zip", into="notion")
        print(result.created, result.fenced, result.refused)

    ``format`` is one of FORMATS, by default the one that fits; ``into`` is the folder for the pages. ``name`` is what
    the import is remembered by, by default the source's own name. A page that was edited here is left alone, unless
    ``overwrite`` is set. Raises ConfigError.
    """
    at = Path(place).expanduser()
    chosen = _chosen(format, at)
    read = chosen.read(at)
    if into:
        folder = safe_name(into)
        read.pages = [replace(one, name=f"{folder}/{one.name}") for one in read.pages]
        read.files = [replace(one, name=f"{folder}/{one.name}") for one in read.files]
    if not (read.pages or read.files):
        raise ConfigError(f"{at} holds nothing to import as {chosen.name}: {_why(read)}")
    return keep(workspace, name or source_name(at), read, overwrite=overwrite, clock=clock)


def source_name(place: Path) -> str:
    """What an import is remembered by: the name of its file or folder."""
    plain = safe_part(place.resolve().stem if place.is_file() else place.resolve().name)
    return "".join(one if one.isalnum() or one in "_.-" else "-" for one in plain)[:64].lstrip(".-") or "import"


def _chosen(format: str | None, place: Path) -> ImportFormat:
    if format is not None:
        if found := next((one for one in FORMATS if one.name == format), None):
            return found
        raise ConfigError(f"there is no format {format!r}; there are {', '.join(one.name for one in FORMATS)}")
    names = [name for name, _ in entries(place)]
    if found := next((one for one in FORMATS if one.fits(names, place)), None):
        return found
    raise ConfigError(f"{place} looks like nothing that can be imported; name its format: {', '.join(_names())}")


def _names() -> list[str]:
    return [one.name for one in FORMATS]


def _why(read: Read) -> str:
    return "; ".join(f"{name}: {why}" for name, why in list(read.refused.items())[:3]) or "it is empty"
