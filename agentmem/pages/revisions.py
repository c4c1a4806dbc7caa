"""Revisions that were seen, so that a stale edit can be told what changed since."""

import difflib
import re
from collections import OrderedDict
from itertools import islice

from agentmem.errors import StalePage, WorkspaceError
from agentmem.pages.page import SHOWN, Page

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
