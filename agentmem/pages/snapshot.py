"""Snapshots of all pages of a workspace, and restoring a folder from one, byte for byte."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from agentmem.errors import WorkspaceError
from agentmem.pages.files import SETTLED_NS, Files, Stamp
from agentmem.pages.page import make
from agentmem.pages.revisions import editing


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page in a snapshot: its content hash and its permissions."""

    revision: str
    mode: int


@dataclass(frozen=True, slots=True)
class PageDifference:
    """The names of pages that differ between two snapshots, sorted. A moved page is both added and removed."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class Snapshots:
    """Takes and restores snapshots of a folder. A file is read again only if its metadata says that it may differ."""

    def __init__(self, root: Path) -> None:
        self.files = Files(root)
        self._known: dict[str, tuple[Stamp, str | None]] = {}

    def take(self) -> dict[str, KeptPage]:
        """All pages now, by name."""
        return self.within(None) or {}

    def within(self, most: int | None, names: int | None = None) -> dict[str, KeptPage] | None:
        """`take`; None if there are more than ``names`` files, or more than ``most`` bytes to read."""
        found = dict(islice(self.files.walk(), None if names is None else names + 1))
        if names is not None and len(found) > names:
            return None
        fresh = {name: stamp for name, stamp in found.items() if self._known.get(name, (None,))[0] != stamp}
        if most is not None and sum(stamp.size for stamp in fresh.values()) > most:
            return None
        revisions = {name: self._read(name) for name in fresh}
        settled = time.time_ns() - SETTLED_NS
        self._known = {name: self._known[name] for name in found if name not in fresh} | {
            name: (stamp, revisions[name])
            for name, stamp in fresh.items()
            if max(stamp.modified, stamp.changed) < settled
        }
        known = {name: revisions[name] if name in fresh else self._known[name][1] for name in sorted(found)}
        modes = {name: self.files.mode(name) for name, revision in known.items() if revision}
        return {name: KeptPage(known[name] or "", mode) for name, mode in modes.items() if mode is not None}

    def restore(self, wanted: Mapping[str, KeptPage], read: Callable[[str], bytes]) -> PageDifference:
        """Make the pages equal to ``wanted``: newer pages are removed, changed and missing ones are written.

        ``read`` gives the bytes of a revision. Files that are not pages are left alone. Returns what it changed.
        After a kill, call it again to finish. Raises WorkspaceError if a folder or the disk prevents a change.
        """
        with editing(self.files) as note:
            now = self.take()
            change = difference(now, wanted)
            for name in change.removed:
                self.files.delete(name)
                self.files.prune(name)
            for name in (*change.added, *change.changed):
                if name not in now or now[name].revision != wanted[name].revision:
                    self.files.clear(name)
                    self.files.write(name, read(wanted[name].revision), note)
                self.files.allow(name, wanted[name].mode)
        return change

    def _read(self, name: str) -> str | None:
        """The revision of a file as it is now; None if it is not a page."""
        try:
            return make(name, self.files.read(name)[0]).revision
        except WorkspaceError:
            return None


def difference(before: Mapping[str, KeptPage], after: Mapping[str, KeptPage]) -> PageDifference:
    """The difference from one snapshot to another."""
    both = before.keys() & after.keys()
    return PageDifference(
        tuple(sorted(after.keys() - both)),
        tuple(sorted(name for name in both if before[name] != after[name])),
        tuple(sorted(before.keys() - both)),
    )
