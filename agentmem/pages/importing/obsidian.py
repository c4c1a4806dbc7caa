"""Reads an Obsidian vault: every page byte for byte, with its wiki links, and its attachments."""

from collections.abc import Iterable
from pathlib import Path

from agentmem.pages.importing.sources import Read, SourceFile, SourcePage, entries, text_of
from agentmem.pages.names import is_binary, is_hidden

SETTINGS = ".obsidian"
_TRASH = ".trash"
_TEXTS = (".md", ".canvas", ".base", ".txt", ".css", ".json", ".csv")


def is_vault(names: Iterable[str]) -> bool:
    """True if a folder has Obsidian's settings."""
    return any(name.startswith(f"{SETTINGS}/") or f"/{SETTINGS}/" in name for name in names)


def read(place: Path) -> Read:
    """The pages and attachments of a vault. Settings and other hidden files are named as left out."""
    made = Read()
    for path, data in entries(place):
        if is_hidden(path):
            part = next((one for one in path.split("/") if one.startswith(".")), path)
            made.refused[path] = (
                f"it is hidden, as Obsidian's own {part} is" if part in (SETTINGS, _TRASH) else "it is hidden"
            )
        elif path.lower().endswith(_TEXTS) and (text := text_of(data)) is not None and text.encode() == data:
            made.pages.append(SourcePage(path, path, text))
        elif is_binary(path) or text_of(data) is None or text_of(data) != data.decode("utf-8", "replace"):
            made.files.append(SourceFile(path, path, data))
        else:
            made.pages.append(SourcePage(path, path, data.decode()))
    return made
