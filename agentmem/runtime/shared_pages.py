"""Keeps a folder of pages and the journal's database the same, so that a run goes on with its pages on another host.

Changed pages are written in the transaction of the entries that follow them; the folder is a cache of that. At the
beginning of a run the folder takes in what other hosts wrote. A file of the folder says of which workspace it is, and
up to which change; an empty folder becomes that of the thread that is opened in it.
"""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from uuid import uuid4

from agentmem.config import FILE
from agentmem.errors import WorkspaceError
from agentmem.pages.names import HOME, checked_for_writing
from agentmem.pages.revisions import editing
from agentmem.pages.snapshot import KeptPage, Snapshots
from agentmem.transcript import blobs, kept_pages
from agentmem.transcript.storage import Storage

MARK = f"{HOME}/workspace.json"
MOST_BYTES, MOST_NAMES = 64_000_000, 20_000
"""The most bytes and files that are looked at for changes. A larger folder is not kept in the database."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PagesChanged:
    """Pages that differ from the database's, None for deleted ones, and their contents by revision.

    ``rows`` are those of contents that are kept elsewhere: see `blobs.ahead`.
    """

    pages: Mapping[str, KeptPage | None] = field(default_factory=dict)
    data: Mapping[str, bytes] = field(default_factory=dict)
    rows: Mapping[str, bytes] = field(default_factory=dict)


class SharedPages:
    """The pages in folder ``root`` and their rows in a database."""

    def __init__(self, storage: Storage, root: Path) -> None:
        self.storage, self.snapshots = storage, Snapshots(root)
        self.workspace, self.version = self._marked()
        self._kept: dict[str, KeptPage] = {}  # as the database has them, up to ``version``
        self._threads: set[str] = set()
        self._lock = RLock()
        self._begun = self._told = False

    def pull(self, thread: str) -> None:
        """Bring the folder up to date for a run of a thread. Raises WorkspaceError if a page cannot be written."""
        with self._lock:
            theirs = kept_pages.workspace_of(self.storage, thread) if thread not in self._threads else self.workspace
            if theirs and theirs != self.workspace and not self._kept and not self._now():
                self.workspace, self.version, self._begun = theirs, 0, False
            if not self.workspace:
                self.workspace, self._begun = uuid4().hex, True
            if not self._begun or kept_pages.version_of(self.storage, self.workspace) != self.version:
                self._take_in()
            if theirs == self.workspace:
                self._threads.add(thread)

    def changed(self) -> PagesChanged:
        """The pages that differ from the database's now."""
        with self._lock:
            now = self._now()
            if now is None:
                return PagesChanged()
            names = [name for name in self._kept.keys() | now.keys() if self._kept.get(name) != now.get(name)]
            pages, data = dict[str, KeptPage | None](), dict[str, bytes]()
            for name in names:
                with suppress(WorkspaceError):  # it changes at this moment: the next entry takes it in
                    content = self.snapshots.files.read(name)[0] if name in now else b""
                    page = KeptPage(blobs.digest(content), now[name].mode) if name in now else None
                    pages[name] = page
                    if page and (name not in self._kept or self._kept[name].revision != page.revision):
                        data[page.revision] = content
            return PagesChanged(pages, data, blobs.ahead(self.storage, data))

    def write(self, thread: str, changed: PagesChanged) -> int:
        """Write them in the transaction of the thread's entries; returns the number of the change for `settle`."""
        if thread not in self._threads:
            kept_pages.work_in(self.storage, thread, self.workspace)
        if not changed.pages:
            return 0
        return kept_pages.write(self.storage, self.workspace, changed.pages, changed.data, changed.rows)

    def settle(self, thread: str, changed: PagesChanged, number: int) -> None:
        """Note that the transaction is done."""
        with self._lock:
            self._threads.add(thread)
            for name, page in changed.pages.items():
                if page:
                    self._kept[name] = page
                else:
                    self._kept.pop(name, None)
            if number == self.version + 1:  # else another host wrote too: the next run takes that in
                self.version = number
                self._mark()

    def push(self, thread: str) -> None:
        """Write changes that no entry took in, such as a person's between two runs."""
        changed = self.changed()
        if changed.pages:
            self.settle(thread, changed, self.storage.together(lambda: self.write(thread, changed)))

    def _take_in(self) -> None:
        """Make the folder's pages those of the database where these are newer."""
        latest = kept_pages.version_of(self.storage, self.workspace)
        rows = kept_pages.read(self.storage, self.workspace)
        now, since = self._now() or {}, self.version
        with editing(self.snapshots.files) as note:
            for name, row in sorted(rows.items()):
                if row.version > since and now.get(name) != row.page:
                    self._keep_unseen(name, now.get(name))
                    self._put(name, row.page, now.get(name), note)
        self._kept = {name: row.page for name, row in rows.items() if row.page}
        self.version, self._begun = latest, True
        self._mark()

    def _put(self, name: str, page: KeptPage | None, now: KeptPage | None, note: object) -> None:
        files = self.snapshots.files
        checked_for_writing(name)
        if page is None:
            if now:
                files.delete(name)
                files.prune(name)
            return
        if now is None or now.revision != page.revision:
            files.clear(name)
            files.write(name, blobs.get(self.storage, page.revision), note)  # type: ignore[arg-type]
        files.allow(name, page.mode)

    def _keep_unseen(self, name: str, now: KeptPage | None) -> None:
        """A content that the database never had is kept beside the newer one."""
        if now and not blobs.present(self.storage, [now.revision]):
            stem, dot, suffix = name.rpartition(".")
            beside = f"{stem or suffix} ({now.revision[:8]} here){dot if stem else ''}{suffix if stem else ''}"
            _log.warning("%s was changed here and elsewhere: what was here is in %s", name, beside)
            self.snapshots.files.write(beside, self.snapshots.files.read(name)[0], lambda _: None)

    def _now(self) -> dict[str, KeptPage] | None:
        found = self.snapshots.within(MOST_BYTES, MOST_NAMES)
        if found is None and not self._told:
            self._told = True
            _log.warning("%s is too large to be kept in the database", self.snapshots.files.root)
        return found and {name: page for name, page in found.items() if name.rpartition("/")[2] != FILE}

    def _marked(self) -> tuple[str, int]:
        with suppress(WorkspaceError, ValueError, KeyError):
            value = json.loads(self.snapshots.files.raw(MARK, 10_000)[0])
            return str(value["workspace"]), int(value["version"])
        return "", 0

    def _mark(self) -> None:
        value = {"workspace": self.workspace, "version": self.version}
        self.snapshots.files.put(MARK, json.dumps(value).encode(), settled=False)
