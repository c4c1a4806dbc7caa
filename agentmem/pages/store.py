"""Reads and edits pages as they are now: one editor at a time, revisions checked, subscribers told."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from threading import RLock
from typing import TypeVar

from agentmem.errors import NotAPage, PageExists, PageNotFound, WorkspaceError
from agentmem.pages import undo
from agentmem.pages.address import split
from agentmem.pages.cache import remove
from agentmem.pages.digest import Digest
from agentmem.pages.files import Files
from agentmem.pages.index import PageChange, PageIndex
from agentmem.pages.names import canonical, checked_for_writing
from agentmem.pages.page import Page, PageSpan, make
from agentmem.pages.revisions import Revisions, editing
from agentmem.pages.spelling import refuse_new, spelled

Subscriber = Callable[[PageChange], None]
T = TypeVar("T")


class PageStore:
    """The pages of one folder. Names are real names, as `locate` gives them.

    Hold ``lock`` to use ``index``: threads share it.
    """

    def __init__(self, root: Path) -> None:
        self.files = Files(root)
        self.index = PageIndex(self.files)
        self.lock = RLock()
        self._revisions = Revisions()
        self._subscribers: list[Subscriber] = []
        self._untold: deque[PageChange] = deque()

    def locate(self, address: str, *, existing: bool = True) -> tuple[str, str | None]:
        """The real name of the page in an address, and the section's path in it.

        If the page need not exist, only a name that looks the same is taken for an existing one.
        """
        name, section = split(address)
        if section is not None:
            with suppress(WorkspaceError):  # the page's own name has a number sign, not written as \\#
                literal = self.files.locate(address)
                if self.files.exists(literal) and not self.files.exists(self.files.locate(name)):
                    return literal, None
        asked = canonical(name)
        return asked if self.index.unchanged(asked) else self.locate_file(asked, existing=existing), section

    def locate_file(self, name: str, *, existing: bool = True) -> str:
        """The real name of a file or folder, asked for in any Unicode form."""
        return self.files.locate(spelled(self.files, canonical(name), existing=existing))

    def locate_page(self, name: str, *, existing: bool = True) -> str:
        """The real name of a whole page. Raises WorkspaceError if the name is a section's."""
        real, section = self.locate(name, existing=existing)
        if section is not None:
            raise WorkspaceError(
                f"'{name}' names a section. This works on whole pages: name the page, '{real}'. In a page's own name a "
                "number sign is written \\#."
            )
        return real

    def found(self, address: str) -> tuple[Page, PageSpan]:
        """The page of an address, as it is now, and the span that the address names."""
        name, section = self.locate(address)
        page = self.read(name)
        return page, page.span(section)

    def read(self, name: str) -> Page:
        """A page as it is now. Raises PageNotFound, naming the nearest, and NotAPage."""
        try:
            with self.lock:
                return self._read(name)
        except PageNotFound:
            raise PageNotFound(self.missing(name)) from None
        finally:
            self.tell()

    def digest(self, name: str) -> tuple[str, Digest]:
        """A page's revision and digest now. A file that is certainly unchanged is not read."""
        with self.lock:
            revision = self.index.unchanged(name)
            digest = self.index.digest_of(name) if revision else None
        if revision and digest:
            return revision, digest
        page = self.read(name)
        return page.revision, self.digest_of(page)

    def digest_of(self, page: Page) -> Digest:
        """The digest of a page that has been read."""
        with self.lock:
            return self.index.digest(page)

    def outline(self, name: str, revision: str, digest: Digest) -> str:
        """The outline of a whole page at this revision."""
        with self.lock:
            return self.index.outline(name, revision, digest)

    def edit(self, name: str, change: Callable[[Page | None], bytes], revision: str | None) -> Page:
        """Replace a page's newest bytes with what ``change`` makes of them. It gets None for a new page."""
        checked_for_writing(name)
        try:
            with self.lock, editing(self.files) as note:
                if not self.files.exists(name):
                    refuse_new(self.files, name)
                current = self._read_if_there(name)
                self._revisions.check(name, revision, current)
                data = change(current)
                if current is not None and data == current.data:
                    return current
                self.files.write(name, data, note)
                return self._changed(make(name, data), current)
        finally:
            self.tell()

    def put_all(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Write many files under one lock; they are indexed at the next look. Returns the refused, with reasons."""
        refused, inside = dict[str, str](), dict[str, list[str]]()
        with self.lock, editing(self.files) as note:
            for name, data in files.items():
                try:
                    self._put(name, data, note, inside)
                except WorkspaceError as error:
                    refused[name] = str(error)
        return refused

    def _put(self, name: str, data: bytes, note: Callable[[str], None], inside: dict[str, list[str]]) -> None:
        real = self.files.locate(checked_for_writing(canonical(name)))
        refuse_new(self.files, real, inside=inside)
        self.files.put(real, data, note, settled=False)

    def move(
        self, name: str, to: str, revision: str | None, mending: Callable[[Page], Mapping[str, tuple[Page, bytes]]]
    ) -> Page:
        """Rename a page, and change the pages that ``mending`` gives: all of them or none.

        Raises PageExists if the name is taken.
        """
        checked_for_writing(name), checked_for_writing(to)
        try:
            with self.lock, editing(self.files) as note:
                page = self._read(name)
                self._revisions.check(name, revision, page)
                if name == to:
                    return page
                refuse_new(self.files, to, name)
                if self.files.exists(to) and not self.files.same(name, to):
                    raise PageExists(f"'{to}' exists already. Choose another name, or delete it first.")
                self._untold += self._working(PageIndex.sync)
                pages = dict(self._working(lambda _: mending(page)))
                self._move_all(page, to, pages, note)
                return self._moved(page, to, pages)
        except PageNotFound:
            raise PageNotFound(self.missing(name)) from None
        finally:
            self.tell()

    def _move_all(
        self, page: Page, to: str, pages: Mapping[str, tuple[Page, bytes]], note: Callable[[str], None]
    ) -> None:
        if not pages:
            return self.files.move(page.name, to)
        undo.begin(self.files, (page.name, to), pages)
        try:
            for name, (_, data) in pages.items():
                self.files.write(name, data, note)
            self.files.move(page.name, to)
        except BaseException:
            undo.put_back(self.files, note)
            raise
        undo.end(self.files)
        return None

    def _moved(self, page: Page, to: str, pages: Mapping[str, tuple[Page, bytes]]) -> Page:
        for name, (before, data) in pages.items():
            if name != page.name:
                self._changed(make(name, data), before)
        self._gone(page)
        return self._changed(make(to, pages[page.name][1] if page.name in pages else page.data), None)

    def delete(self, name: str, revision: str | None) -> None:
        """Remove a page."""
        checked_for_writing(name)
        try:
            with self.lock, editing(self.files):
                page = self._read(name)
                self._revisions.check(name, revision, page)
                self.files.delete(name)
                self._gone(page)
        except PageNotFound:
            raise PageNotFound(self.missing(name)) from None
        finally:
            self.tell()

    def refresh(self) -> tuple[PageChange, ...]:
        """Look at every file again. Returns what others changed since the last look."""
        with self.lock:
            changes = self._working(PageIndex.sync)
            self._untold += changes
        self.tell()
        return tuple(changes)

    def indexed(self, work: Callable[[PageIndex], T]) -> T:
        """Look at every file again, and return what ``work`` makes of the index."""
        with self.lock:
            self._untold += self._working(PageIndex.sync)
            result = self._working(work)
        self.tell()
        return result

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Call ``callback`` for every change. Returns the function that stops it."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._subscribers.remove(callback)

        return unsubscribe

    def missing(self, name: str) -> str:
        """The error's text for a missing page, with the nearest names."""
        near = _like(name, (one for one, _ in self.files.walk()))
        return f"There is no page '{name}'." + (f" The nearest: {', '.join(near)}." if near else "")

    def tell(self) -> None:
        """Tell subscribers of the changes they have not heard of. Never call it under the lock."""
        while (change := self._next_change()) is not None:
            for callback in tuple(self._subscribers):
                callback(change)

    def read_if_there(self, name: str) -> Page | None:
        """A page as it is now; None if it cannot be read or does not exist."""
        with self.lock, suppress(NotAPage):
            return self._read_if_there(name)
        return None

    def _working(self, work: Callable[[PageIndex], T]) -> T:
        """The result of ``work`` on the index. If the cache fails, it is replaced and the work done again."""
        try:
            return work(self.index)
        except sqlite3.OperationalError:  # locked for long, or the disk is full
            self.index.do_without_file()
        except sqlite3.DatabaseError:  # damaged
            self.index.close()
            remove(self.files.root)
        if work is not PageIndex.sync:
            self._untold += self.index.sync()
        return work(self.index)

    def _next_change(self) -> PageChange | None:
        with self.lock:
            return self._untold.popleft() if self._untold else None

    def _read(self, name: str) -> Page:
        data, _ = self.files.read(name)
        page = make(name, data)
        self._revisions.remember(page)
        self._untold += self.index.seen(name, page)
        return page

    def _read_if_there(self, name: str) -> Page | None:
        try:
            return self._read(name)
        except PageNotFound:
            self._untold += self.index.seen(name, None)
            return None

    def _changed(self, page: Page, previous: Page | None) -> Page:
        self._revisions.remember(page)
        self.index.seen(page.name, page)
        before = previous.revision if previous else None
        self._untold.append(PageChange("edited" if previous else "created", page.name, page.revision, before))
        return page

    def _gone(self, page: Page) -> None:
        self.index.seen(page.name, None)
        self._untold.append(PageChange("deleted", page.name, None, page.revision))


def _like(name: str, names: Iterable[str]) -> list[str]:
    """The pages of the same file name elsewhere, else those of the most similar path."""
    everything = sorted(names)
    last = name.rpartition("/")[2]
    if same := [one for one in everything if one.rpartition("/")[2] == last]:
        return same[:3]
    plain = {_plain(one): one for one in reversed(everything)}  # equal suffixes make no names alike
    return [plain[one] for one in get_close_matches(_plain(name), plain, 3)]


def _plain(name: str) -> str:
    return name.rpartition(".")[0] or name
