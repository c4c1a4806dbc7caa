"""Entry 0 of a new thread: what an agent freezes when it opens one, and how a cut takes in edits of pinned pages."""

from collections.abc import Sequence
from dataclasses import replace

from agentmem import assets
from agentmem.errors import WorkspaceError
from agentmem.menu.menu import Menu
from agentmem.pages.workspace import Workspace
from agentmem.runtime.session import Session
from agentmem.transcript.transcript import Opening, PinnedPage, reconfigure
from agentmem.types import Draft, ModelProfile, Options


def instructions(given: str | None) -> str:
    """The system prompt: the default one where none is given, and none where that is empty."""
    return assets.read("prompts/agent.md").strip() if given is None else given


def new_opening(
    profile: ModelProfile, menu: Menu, system: str, pinned: Sequence[PinnedPage], options: Options = Options()
) -> Opening:
    """What a thread is opened with."""
    return Opening(
        model=profile.name,
        tools=menu.definitions(),
        system=(system,) if system else (),
        pinned=tuple(pinned),
        options=options,
        notes_in_results=profile.plain_turn_strips_thinking,
        provider=profile.provider,
    )


def is_another(known: Opening, profile: ModelProfile) -> bool:
    """Whether a thread that was opened so goes on with another model, or with another provider's."""
    return known.model != profile.name or known.provider not in ("", profile.provider)


def continued(known: Opening, fresh: Opening) -> Opening:
    """The settings with which a thread goes on under the model that ``fresh`` is for.

    Tools, system and pages stay; options go with their model, for another takes others.
    """
    return replace(
        known,
        model=fresh.model,
        options=fresh.options,
        notes_in_results=fresh.notes_in_results,
        provider=fresh.provider,
    )


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
