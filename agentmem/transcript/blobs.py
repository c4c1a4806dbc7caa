"""Keeps the content of checkpoints beside the journal, by hash: each page once, and all pages of a moment as a tree.

A folder of a tree is a canonical JSON object from names to ``["page", REVISION, MODE]`` or ``["folder", HASH]``, as in
git's trees: unchanged pages and folders cost nothing again. If a folder is kept, all below it is kept.
"""

import hashlib
import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from agentmem.errors import JournalCorrupt, UnknownReference
from agentmem.kvcache.frames import canonical
from agentmem.pages.snapshot import KeptPage
from agentmem.transcript import attachments
from agentmem.transcript.storage import Storage, in_parts

_LEVEL = 1  # pages are text: the fastest level already halves them
_ASKED = 200  # hashes in one question


def digest(data: bytes) -> str:
    """The name of these bytes: their sha256 in hex. For a page this is its revision."""
    return hashlib.sha256(data).hexdigest()


def present(storage: Storage, names: Collection[str]) -> frozenset[str]:
    """The ``names`` that are kept."""
    asked = [bytes.fromhex(name) for name in names]
    found: set[str] = set()
    for marks, some in in_parts(asked, _ASKED):
        found.update(row[0].hex() for row in storage.run(f"SELECT sha256 FROM blobs WHERE sha256 IN ({marks})", *some))
    return frozenset(found)


def hold(storage: Storage, *, alone: bool = False) -> None:
    """Keeps others from sweeping until the transaction ends, or with ``alone`` from referring to anything."""
    storage.run("{hold_alone}" if alone else "{hold}")


class BlobStore(Protocol):
    """A store of bytes by their digest, such as a bucket of objects, for what is too large for the database.

    ``put`` of a digest that is there already changes nothing; ``get`` raises UnknownReference.
    """

    def has(self, digest: str) -> bool: ...

    def put(self, digest: str, data: bytes) -> None: ...

    def get(self, digest: str) -> bytes: ...


def ahead(storage: Storage, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Put the large ones of these contents by digest where the database keeps such; returns the rows for `put`.

    Call it before the transaction. It puts nothing that is kept already. Raises ArchiveError.
    """
    if storage.attachments is None:
        return {}
    large = {name: data for name, data in contents.items() if len(data) >= storage.attachments.least}
    there = present(storage, large)
    return storage.attachments.put({name: data for name, data in large.items() if name not in there})


def put(storage: Storage, data: bytes, rows: Mapping[str, bytes] = MappingProxyType({})) -> str:
    """Keep these bytes and return their name. Call it in the transaction that refers to them.

    ``rows`` are those of `ahead`: the row of a content that is kept elsewhere.
    """
    name = digest(data)
    storage.run(
        "INSERT INTO blobs (sha256, bytes) VALUES (?, ?) ON CONFLICT (sha256) DO NOTHING",
        bytes.fromhex(name),
        rows.get(name) or zlib.compress(data, _LEVEL),
    )
    return name


def get(storage: Storage, name: str) -> bytes:
    """The bytes of that name. Raises UnknownReference, JournalCorrupt if they have changed, or ArchiveError."""
    rows = storage.run("SELECT bytes FROM blobs WHERE sha256 = ?", bytes.fromhex(name))
    if not rows:
        raise UnknownReference(f"Nothing is kept under {name[:12]}: it was forgotten, or the database is damaged.")
    if attachments.is_elsewhere(rows[0][0]):
        return attachments.fetched(name, rows[0][0], storage.attachments)
    try:
        data = zlib.decompress(rows[0][0])
    except zlib.error:
        data = b""
    if digest(data) != name:
        raise JournalCorrupt(f"what is kept under {name[:12]} does not match its hash: it was changed from outside")
    return data


def keep_only(storage: Storage, names: Iterable[str]) -> list[tuple[str, bytes]]:
    """Delete everything except ``names``, in a transaction. What was elsewhere comes back, for `attachments.delete`."""
    kept = {bytes.fromhex(name) for name in names}
    gone = [(row[0],) for row in storage.run("SELECT sha256 FROM blobs") if bytes(row[0]) not in kept]
    if not gone:
        return []
    far = storage.run("SELECT sha256, bytes FROM blobs WHERE substr(bytes, 1, 5) = ?", attachments.MARK)
    storage.run_many("DELETE FROM blobs WHERE sha256 = ?", gone)
    return [(name.hex(), bytes(row)) for name, row in far if bytes(name) not in kept]


@dataclass(frozen=True, slots=True)
class TreeFolder:
    """A folder of a tree that is not kept yet: its bytes, its pages by full name, its folders."""

    data: bytes
    pages: Mapping[str, KeptPage]
    folders: tuple["TreeFolder", ...]

    @property
    def name(self) -> str:
        """The name under which it is kept."""
        return digest(self.data)


def planted(pages: Mapping[str, KeptPage]) -> TreeFolder:
    """The tree of these pages, built from their names."""
    return _folder({tuple(name.split("/")): (name, kept) for name, kept in pages.items()})


def lacking(storage: Storage, folder: TreeFolder) -> tuple[list[TreeFolder], dict[str, str]]:
    """The parts of a tree that are not kept yet: its folders, and its pages as revision to name."""
    if present(storage, [folder.name]):
        return [], {}
    named = {kept.revision: name for name, kept in folder.pages.items()}
    there = present(storage, named)
    folders, pages = [folder], {revision: name for revision, name in named.items() if revision not in there}
    for inner in folder.folders:
        more, others = lacking(storage, inner)
        folders += more
        pages |= others
    return folders, pages


def read_tree(storage: Storage, root: str, above: str = "") -> dict[str, KeptPage]:
    """The pages of a tree, by name. Raises UnknownReference or JournalCorrupt."""
    found: dict[str, KeptPage] = {}
    for name, (kind, held, *mode) in _entries(storage, root):
        if kind == "folder":
            found |= read_tree(storage, held, f"{above}{name}/")
        else:
            found[above + name] = KeptPage(held, mode[0])
    return found


def reached(storage: Storage, root: str, seen: set[str]) -> None:
    """Adds the hashes of a tree's folders and pages to ``seen``."""
    if root in seen:
        return
    seen.add(root)
    for _, (kind, held, *_) in _entries(storage, root):
        if kind == "folder":
            reached(storage, held, seen)
        else:
            seen.add(held)


def _entries(storage: Storage, root: str) -> Iterator[tuple[str, list[Any]]]:
    yield from json.loads(get(storage, root)).items()


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
