"""Revisions that were seen, so that a stale edit can be told what changed since."""

import difflib
import fcntl
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from agentmem.errors import StalePage, WorkspaceError
from agentmem.pages import private
from agentmem.pages.files import Files
from agentmem.pages.folders import reported
from agentmem.pages.names import HOME
from agentmem.pages.page import SHOWN, Page
from agentmem.pages.undo import put_back

_MOST_BYTES = 32_000_000
_MOST_LINES = 40
_MOST_COLUMNS = 200
_MOST_DIFFED = 200_000  # bytes: comparing two longer texts line by line can take seconds
_PREFIX = re.compile(r"[0-9a-f]{8,64}")


class Revisions:
    """Remembers the bytes of revisions, the most recent ones up to 32 MB."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Page] = OrderedDict()
        self._bytes = 0

    def remember(self, page: Page) -> None:
        """Keep this page's bytes for a later comparison."""
        if page.revision in self._seen:
            self._seen.move_to_end(page.revision)
            return
        self._seen[page.revision] = page
        self._bytes += len(page.data)
        while self._bytes > _MOST_BYTES:
            self._bytes -= len(self._seen.popitem(last=False)[1].data)

    def check(self, name: str, given: str | None, current: Page | None) -> None:
        """Raises StalePage unless ``given``, a revision or 8 or more of its first digits, is the current one."""
        if given is None:
            return
        if not _PREFIX.fullmatch(given):
            raise WorkspaceError(
                f"'{given}' is no revision. A revision is the {SHOWN} hexadecimal digits that reading a page shows."
            )
        if current is None:
            raise StalePage(f"'{name}' no longer exists: it was deleted or moved since revision {given}.")
        if not current.revision.startswith(given):
            now = current.revision[:SHOWN]
            raise StalePage(
                f"'{name}' changed since revision {given}; it is now at revision {now}. {self._changes(given, current)}"
            )

    def _changes(self, given: str, current: Page) -> str:
        known = [page for revision, page in self._seen.items() if revision.startswith(given)]
        if len(known) != 1:
            return "What changed cannot be shown, because that revision was not read here. Read the page again."
        return f"What changed:\n{difference(known[0].data, current.data)}"


def difference(old: bytes, new: bytes) -> str:
    """A short unified diff, cut after 40 lines."""
    if max(len(old), len(new)) > _MOST_DIFFED:
        return "(the page is too long to compare here; read it again)"
    lines = difflib.unified_diff(_lines(old), _lines(new), "before", "now", lineterm="", n=1)
    shown = [line[:_MOST_COLUMNS] for line in islice(lines, _MOST_LINES + 1)]
    if len(shown) > _MOST_LINES:
        shown[-1] = "(more lines changed; read the page again)"
    return "\n".join(shown) or "(only line endings changed)"


def _lines(data: bytes) -> list[str]:
    return data.decode().splitlines()


_LOCK = "pages.lock"
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def editing(files: Files) -> Iterator[Callable[[str], None]]:
    """Hold the workspace's lock. The value takes the name of a temporary file that is about to be made.

    The lock is flock(2)'s, so the system frees it when its holder dies. The name stands in the lock file while the
    temporary file may exist: whoever holds the lock next removes what a killed writer left, and puts back what a killed
    move has changed.
    """
    descriptor = _acquire(home(files.root) / _LOCK)
    try:
        left = os.pread(descriptor, 10_000, 0).decode("utf-8", "replace")
        if left:
            files.remove_temporary(left)
        put_back(files, lambda name: _note(descriptor, name))
        yield lambda name: _note(descriptor, name)
        os.ftruncate(descriptor, 0)
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def home(root: Path) -> Path:
    """The workspace's own folder, made where it is missing and kept out of version control."""
    folder = root / HOME
    with reported(HOME, "made"):
        if not folder.is_dir():
            private.make_folder(folder)
            private.write(folder / ".gitignore", "*\n")
        if folder.is_symlink():
            raise WorkspaceError(f"The workspace's folder '{HOME}' is a link; replace it by a folder.")
        private.make_folder(folder)
    return folder


def _acquire(path: Path) -> int:
    """An open, locked descriptor of the file that stands at ``path`` now, even if the folder was deleted meanwhile."""
    while True:
        with reported(f"{HOME}/{path.name}", "opened"):
            private.make_folder(path.parent)
            descriptor = os.open(path, _OPEN, private.FILE)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _stands_at(path, descriptor):
            return descriptor
        os.close(descriptor)


def _stands_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _note(descriptor: int, name: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, name.encode(), 0)
