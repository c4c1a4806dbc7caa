"""Keeps the revisions and digests of all pages, and brings them up to date when asked.

A file is read again only if its stamp says that it may have changed. A page is parsed and counted again only if its
content is new. Both are stored on disk, so opening an unchanged workspace costs one stat per file.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from agentmem.errors import WorkspaceError
from agentmem.pages.cache import Cache
from agentmem.pages.digest import Digest, digest, dump, load
from agentmem.pages.files import SETTLED_NS, Files, Stamp
from agentmem.pages.names import dialect
from agentmem.pages.page import Page, make, whole
from agentmem.pages.render import outline

_MOST_GONE = 1000
_DIGEST = "digest"
_OUTLINE = "outline"


@dataclass(frozen=True, slots=True)
class PageChange:
    """A changed page. ``revision`` is None if it was deleted, ``previous`` None if it is new."""

    kind: Literal["created", "edited", "deleted"]
    page: str
    revision: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class _Read:
    name: str
    stamp: Stamp
    revision: str


class PageIndex:
    """Revisions and digests of all pages, as of the last `sync`."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._cache: Cache | None = None
        self._settled: dict[str, tuple[Stamp, str]] | None = None
        self._digests: dict[str, Digest | str] = {}
        self._outlines: dict[str, str] = {}
        self._unsaved: dict[str, Digest] = {}
        self._known: dict[str, str] = {}
        self._complete = False

    @property
    def cache(self) -> Cache:
        """The cache, opened on first use: reading or rendering single pages leaves no file on the disk."""
        if self._cache is None:
            self._cache = Cache(self._files.root)
        return self._cache

    def close(self) -> None:
        """Close the cache. The next use opens and reads it again."""
        if self._cache is not None:
            self._cache.close()
        self._cache, self._settled = None, None
        self._digests.clear()
        self._outlines.clear()
        self._unsaved.clear()

    def do_without_file(self) -> None:
        """Continue with a cache in memory."""
        self.close()
        self._cache = Cache(self._files.root, in_memory=True)

    @property
    def revisions(self) -> Mapping[str, str]:
        """The revision of every page, by name."""
        return self._known

    def sync(self) -> list[PageChange]:
        """Look at every file again. Returns the changes since the last look; none the first time."""
        if self._cache is not None and not self._cache.stands:
            self.close()
        if self._settled is None:
            self._digests.update(self.cache.facts(_DIGEST))
            self._outlines.update(self.cache.facts(_OUTLINE))
            self._settled = self.cache.stamps()
        found = dict(self._files.walk())
        unread = [name for name, stamp in found.items() if name not in self._settled or self._settled[name][0] != stamp]
        read = {name: self._read(name) for name in unread}
        self._keep(found, read)
        now = {name: read[name].revision if name in read else self._settled[name][1] for name in found}
        changes = self._take({name: revision for name, revision in now.items() if revision})
        self._prune()
        return changes

    def seen(self, name: str, page: Page | None) -> list[PageChange]:
        """Record one page as it is now; None if it is gone. Returns the changes."""
        was, now = self._known.get(name), page.revision if page else None
        if was == now:
            return []
        _set(self._known, name, now)
        return [_change(name, now, was)] if was or self._complete else []

    def digest(self, page: Page) -> Digest:
        """The digest of a page."""
        return self._recall(kept_under(page.name, page.revision)) or self._remember(page)

    def digest_of(self, name: str) -> Digest | None:
        """The digest of a page as of the last `sync`; None if there is no such page."""
        revision = self._known.get(name)
        return self._recall(kept_under(name, revision)) if revision else None

    def outline(self, name: str, revision: str, digest: Digest) -> str:
        """The full outline of a page of this revision, with every heading."""
        key = kept_under(name, revision)
        if key not in self._outlines:
            self._outlines[key] = outline(digest, whole(digest.size))
        return self._outlines[key]

    def unchanged(self, name: str) -> str | None:
        """The page's revision, if its file is certainly the same as when it was last read; else None."""
        stamp, revision = self._settled.get(name, (None, None)) if self._settled else (None, None)
        return revision or None if stamp and stamp == self._files.stamp(name) else None

    def _recall(self, key: str) -> Digest | None:
        value = self._digests.get(key)
        if isinstance(value, str):
            value = self._digests[key] = load(value)
        return value

    def _remember(self, page: Page) -> Digest:
        key = kept_under(page.name, page.revision)
        value = self._digests[key] = self._unsaved[key] = digest(page)
        return value

    def _read(self, name: str) -> _Read:
        try:
            data, stamp = self._files.read(name)
        except WorkspaceError:
            return _Read(name, Stamp(-1, 0, 0, 0), "")
        page = make(name, data)
        self.digest(page)
        return _Read(name, stamp, page.revision)

    def _keep(self, found: Mapping[str, Stamp], read: Mapping[str, _Read]) -> None:
        """Store what was read, on disk too. A file that could still change unnoticed is read again next time."""
        assert self._settled is not None
        latest = time.time_ns() - SETTLED_NS
        gone = [name for name in self._settled if name not in found]
        changed = {
            one.name: (one.stamp if one.revision else found[one.name], one.revision)
            for one in read.values()
            if max(found[one.name].modified, found[one.name].changed, one.stamp.modified, one.stamp.changed) < latest
        }
        for name in [*gone, *read]:
            self._settled.pop(name, None)
        self._settled.update(changed)
        if gone or changed:
            self.cache.keep_stamps(changed, gone)
        if self._unsaved:
            outlines = {key: outline(value, whole(value.size)) for key, value in self._unsaved.items()}
            self.cache.keep_facts(_DIGEST, {key: dump(value) for key, value in self._unsaved.items()})
            self.cache.keep_facts(_OUTLINE, outlines)
            self._outlines |= outlines
            self._unsaved.clear()

    def _prune(self) -> None:
        """Remove the facts of revisions that are gone, once there are many of them."""
        if len(self._digests) > 2 * len(self._known) + _MOST_GONE:
            kept = {kept_under(name, revision) for name, revision in self._known.items()}
            self._digests = {key: value for key, value in self._digests.items() if key in kept}
            self._outlines = {key: text for key, text in self._outlines.items() if key in kept}
            self.cache.prune(kept | set(self._known.values()))

    def _take(self, now: dict[str, str]) -> list[PageChange]:
        was, self._known = self._known, now
        first, self._complete = not self._complete, True
        names = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
        return [_change(name, now.get(name), was.get(name)) for name in names if not first or name in was]


def kept_under(name: str, revision: str) -> str:
    """The key of a page's facts. It holds the dialect, because the same bytes parse differently in another one."""
    return f"{dialect(name) or 'text'}:{revision}"


def _change(name: str, now: str | None, was: str | None) -> PageChange:
    kind: Literal["created", "edited", "deleted"] = "deleted" if now is None else "created" if was is None else "edited"
    return PageChange(kind, name, now, was)


def _set(known: dict[str, str], name: str, revision: str | None) -> None:
    if revision is None:
        known.pop(name, None)
    else:
        known[name] = revision


def totals(index: PageIndex) -> dict[str, int]:
    """The tokens of every page, by name."""
    digests = ((name, index.digest_of(name)) for name in sorted(index.revisions))
    return {name: value.tokens for name, value in digests if value}
