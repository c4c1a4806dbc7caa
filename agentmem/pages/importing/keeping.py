"""Keeps what was imported: writes what changed since the last time, and leaves alone what a person has edited here.

A manifest in the workspace ties each page to its source: the key there, the digest of what it was made from, and the
revision that was written. A page whose revision is another one was edited here, and is not overwritten.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from time import time
from typing import Any, Literal, NamedTuple

from agentmem.errors import ConfigError, WorkspaceError
from agentmem.pages.importing.sources import Read, SourceFile
from agentmem.pages.names import HOME
from agentmem.pages.workspace import Workspace
from agentmem.types import Clock

FOLDER = f"{HOME}/imports"
_NAME = re.compile(r"[\w][\w.-]{0,63}")
_MOST = 200_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """One imported page or attachment: the digest of its source, the revision written here, and the day (UTC)."""

    name: str
    source: str
    revision: str
    day: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, by page. ``edited`` pages were changed here, so they were left as they are; ``gone`` ones are
    no longer in the source and were left too. See `Read` for ``fenced``, ``refused`` and ``broken``.
    """

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: int = 0
    attachments: int = 0
    edited: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    fenced: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def manifest(workspace: Workspace, source: str) -> dict[str, Kept]:
    """What was imported from a source, by key. Raises ConfigError for a name that no source can have."""
    if not _NAME.fullmatch(source):
        raise ConfigError(f"an import cannot be called {source!r}; use up to 64 letters, digits, _, . and -")
    try:
        value = json.loads(workspace.kept(f"{FOLDER}/{source}.json", _MOST))
        return {key: Kept(*one) for key, one in value["pages"].items()}
    except (WorkspaceError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def keep(
    workspace: Workspace, source: str, read: Read, *, overwrite: bool = False, clock: Clock = time
) -> ImportResult:
    """Write a source's pages and attachments. Nothing changes for those whose source is as it was."""
    known, day = manifest(workspace, source), f"{datetime.fromtimestamp(clock(), UTC):%Y-%m-%d}"
    texts = (SourceFile(page.key, page.name, page.text.encode("utf-8", "replace")) for page in read.pages)
    wanted = [*texts, *read.files]
    choices = [_choice(workspace, one, known.get(one.key), overwrite, day) for one in wanted]
    writing = {one.name: one.data for one, choice in zip(wanted, choices, strict=True) if choice.does in _WRITING}
    refused = {**read.refused, **workspace.write_all(writing)}
    made = {one.key: one_choice.kept for one, one_choice in zip(wanted, choices, strict=True) if one_choice.kept}
    gone = {key: one for key, one in known.items() if key not in {one.key for one in wanted}}
    _save(workspace, source, gone | {key: one for key, one in made.items() if one.name not in refused})
    pages = {page.name for page in read.pages}
    did = [(one.name, choice.does) for one, choice in zip(wanted, choices, strict=True) if one.name not in refused]

    def named(does: str, among: bool = True) -> tuple[str, ...]:
        return tuple(name for name, done in did if done == does and (name in pages) == among)

    return ImportResult(
        created=named("create"),
        updated=named("update"),
        unchanged=sum(choice.does == "nothing" for choice in choices),
        attachments=len(named("create", False) + named("update", False)),
        edited=named("edited") + named("edited", False),
        gone=tuple(sorted(one.name for one in gone.values())),
        fenced=dict(read.fenced),
        refused=refused,
        broken={page: tuple(links) for page, links in read.broken.items()},
    )


_WRITING = ("create", "update")


class _Choice(NamedTuple):
    """What is done for one file, and what the manifest says of it then; None: nothing, it is not the import's."""

    does: Literal["nothing", "create", "update", "edited"]
    kept: Kept | None


def _choice(workspace: Workspace, one: SourceFile, before: Kept | None, overwrite: bool, day: str) -> _Choice:
    digest, here = sha256(one.data).hexdigest(), workspace.digest_of_file(one.name)
    known = before if before and before.name == one.name else None
    fresh = Kept(one.name, digest, digest, day)
    if here == digest:
        return _Choice("nothing", known if known and known.source == digest else fresh)
    if here is None:
        return _Choice("create", fresh)
    if overwrite or (known and here == known.revision):
        return _Choice("update", fresh)
    if known and known.source == digest:
        return _Choice("nothing", known)  # edited here, and the source is as it was
    return _Choice("edited", known)


def _save(workspace: Workspace, source: str, pages: Mapping[str, Kept]) -> None:
    rows: dict[str, Any] = {key: [one.name, one.source, one.revision, one.day] for key, one in pages.items()}
    value = {"schema": 1, "source": source, "pages": rows}
    workspace.keep(f"{FOLDER}/{source}.json", json.dumps(value, ensure_ascii=False, indent=0).encode())
