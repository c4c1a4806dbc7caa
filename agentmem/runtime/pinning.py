"""Pinned pages: what an opening freezes of them, and how a compaction takes in their edits."""

from dataclasses import replace

from agentmem.errors import WorkspaceError
from agentmem.pages.workspace import Workspace
from agentmem.runtime.session import Session
from agentmem.transcript.transcript import PinnedPage, reconfigure
from agentmem.types import Draft


def pinned(workspace: Workspace, name: str) -> PinnedPage:
    """A page as it is now. Raises WorkspaceError."""
    return PinnedPage(name, workspace.revision(name), workspace.render(name))


def repinned(workspace: Workspace, session: Session) -> tuple[Draft, ...]:
    """With a compaction, pinned pages that were edited stand in the prefix as they are now."""
    known = session.view.settings
    now = tuple(_as_it_is(workspace, page) for page in known.pinned)
    return () if now == known.pinned else (reconfigure(replace(known, pinned=now)),)


def _as_it_is(workspace: Workspace, page: PinnedPage) -> PinnedPage:
    """The page now; one that cannot be read stays as it was."""
    try:
        return pinned(workspace, page.page)
    except WorkspaceError:
        return page
