"""All pages of a moment as a tree of folders, each kept by its content: what did not change costs nothing again.

A folder is a canonical JSON object from names to ``["page", REVISION, MODE]`` or ``["folder", HASH]``, as in git's
trees. A kept folder means that all below it is kept.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentmem.kvcache.frames import canonical
from agentmem.pages.snapshot import KeptPage
from agentmem.transcript import blobs
from agentmem.transcript.storage import Storage


@dataclass(frozen=True, slots=True)
class TreeFolder:
    """One folder of a tree, not kept yet: its bytes, the pages in it by full name, the folders in it."""

    data: bytes
    pages: Mapping[str, KeptPage]
    folders: tuple["TreeFolder", ...]

    @property
    def name(self) -> str:
        """What it is kept under."""
        return blobs.digest(self.data)


def planted(pages: Mapping[str, KeptPage]) -> TreeFolder:
    """The tree of these pages, by the names of which it is made."""
    return _folder({tuple(name.split("/")): (name, kept) for name, kept in pages.items()})


def lacking(storage: Storage, folder: TreeFolder) -> tuple[list[TreeFolder], dict[str, str]]:
    """What must be put so that the tree is kept: its folders, and pages as revision to name."""
    if blobs.present(storage, [folder.name]):
        return [], {}
    named = {kept.revision: name for name, kept in folder.pages.items()}
    there = blobs.present(storage, named)
    folders, pages = [folder], {revision: name for revision, name in named.items() if revision not in there}
    for inner in folder.folders:
        more, others = lacking(storage, inner)
        folders += more
        pages |= others
    return folders, pages


def read(storage: Storage, root: str, above: str = "") -> dict[str, KeptPage]:
    """The pages of a tree, by name. Raises UnknownReference or JournalCorrupt."""
    found: dict[str, KeptPage] = {}
    for name, (kind, held, *mode) in _entries(storage, root):
        if kind == "folder":
            found |= read(storage, held, f"{above}{name}/")
        else:
            found[above + name] = KeptPage(held, mode[0])
    return found


def reached(storage: Storage, root: str, seen: set[str]) -> None:
    """Adds to ``seen`` everything that a tree is made of."""
    if root in seen:
        return
    seen.add(root)
    for _, (kind, held, *_) in _entries(storage, root):
        if kind == "folder":
            reached(storage, held, seen)
        else:
            seen.add(held)


def _entries(storage: Storage, root: str) -> Iterator[tuple[str, list[Any]]]:
    yield from json.loads(blobs.get(storage, root)).items()


def _folder(pages: Mapping[tuple[str, ...], tuple[str, KeptPage]]) -> TreeFolder:
    inner: dict[str, dict[tuple[str, ...], tuple[str, KeptPage]]] = {}
    here: dict[str, tuple[str, KeptPage]] = {}
    for path, page in pages.items():
        if len(path) == 1:
            here[path[0]] = page
        else:
            inner.setdefault(path[0], {})[path[1:]] = page
    folders = {name: _folder(below) for name, below in inner.items()}
    lines: dict[str, list[Any]] = {leaf: ["page", kept.revision, kept.mode] for leaf, (_, kept) in here.items()}
    lines |= {name: ["folder", folder.name] for name, folder in folders.items()}
    return TreeFolder(canonical(dict(sorted(lines.items()))), dict(here.values()), tuple(folders.values()))
