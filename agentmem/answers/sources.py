"""Ties answers to the pages they were made from: a page that changes, moves or goes removes its answers, and no others.

It works twice. The workspace reports changes at once, and before an answer is served its pages are checked as they are
now, whoever changed them.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress

from agentmem.answers.store import AnswerStore
from agentmem.answers.values import Source
from agentmem.errors import AnswersError, WorkspaceError
from agentmem.pages.workspace import PageChange, Workspace


class Pages:
    """The pages of a workspace, as sources. ``told`` gets the number of answers that each change removed."""

    def __init__(self, workspace: Workspace, store: AnswerStore, told: Callable[[int], None]) -> None:
        self.workspace = workspace
        self._store, self._told = store, told
        self._unsubscribe = workspace.subscribe(self._changed)

    def close(self) -> None:
        """Stop listening to changes."""
        self._unsubscribe()

    def source(self, name: str) -> Source:
        """A page as it is now, as a source. Raises PageNotFound and other WorkspaceErrors."""
        page = self.workspace.page(name)
        return Source(page.name, page.revision, page=True)

    def current(self, one: Source) -> bool:
        """True if a page is still the same."""
        try:
            return self.workspace.revision(one.name) == one.revision
        except WorkspaceError:
            return False

    def _changed(self, change: PageChange) -> None:
        if change.kind == "created":
            return
        with suppress(AnswersError):  # an edit must not fail because of it; a hit checks its pages again
            self._told(self._store.invalidate(change.page, page=True))


def outdated(sources: Iterable[Source], pages: Pages | None) -> str:
    """The reason why an answer made from these sources is not served now; "" if it may be.

    Without a workspace its pages cannot be checked, so the answer is not served.
    """
    for one in sources:
        if not one.page:
            continue
        if pages is None:
            return f"it was made from the page {one.name}, and no workspace is attached to look at it"
        if not pages.current(one):
            return f"its page {one.name} is no longer what it was made from"
    return ""
