"""Makes the frame of a conversation: the settings that entry 0 freezes, and notes on changes outside since then."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from time import localtime
from typing import NamedTuple

from agentmem import assets
from agentmem.errors import WorkspaceError
from agentmem.menu.tool import Menu
from agentmem.pages.workspace import Workspace
from agentmem.runtime import skills as skill_pages
from agentmem.runtime import switches
from agentmem.runtime.session import Session
from agentmem.transcript.transcript import Opening, PinnedPage, note, reconfigure
from agentmem.types import Draft, ModelProfile, Options


def instructions(given: str | None) -> str:
    """The system prompt: the default one if none is given, and none if it is empty."""
    return assets.read("prompts/agent.md").strip() if given is None else given


def new_opening(
    profile: ModelProfile,
    menu: Menu,
    system: str,
    pinned: Sequence[PinnedPage],
    options: Options = Options(),
    skills: str = "",
) -> Opening:
    """The opening of a new thread. ``skills`` is their list, a system block of its own; empty texts are left out."""
    return Opening(
        model=profile.name,
        tools=menu.definitions(),
        system=tuple(filter(None, (system, skills))),
        pinned=tuple(pinned),
        options=options,
        notes_in_results=profile.plain_turn_strips_thinking,
        provider=profile.provider,
    )


def is_another(known: Opening, profile: ModelProfile) -> bool:
    """True if the thread's opening names another model, or another provider."""
    return known.model != profile.name or known.provider not in ("", profile.provider)


def continued(known: Opening, fresh: Opening) -> Opening:
    """The settings with which a thread continues under the model of ``fresh``.

    Tools, system and pages stay; options change with the model, since another model takes other ones.
    """
    return replace(
        known,
        model=fresh.model,
        options=fresh.options,
        notes_in_results=fresh.notes_in_results,
        provider=fresh.provider,
        target=fresh.target,
    )


def pinned(workspace: Workspace, name: str) -> PinnedPage:
    """A page as it is now. Raises WorkspaceError."""
    return PinnedPage(name, workspace.revision(name), workspace.render(name))


def repinned(workspace: Workspace, session: Session) -> tuple[Draft, ...]:
    """The entries that renew edited pinned pages in the prefix, together with a compaction."""
    known = session.view.settings
    now = tuple(_as_it_is(workspace, page) for page in known.pinned)
    return () if now == known.pinned else (reconfigure(replace(known, pinned=now)),)


def _as_it_is(workspace: Workspace, page: PinnedPage) -> PinnedPage:
    """The current page; one that cannot be read stays as it was."""
    try:
        return pinned(workspace, page.page)
    except WorkspaceError:
        return page


_DIFF_LINES = 60


class Situation(NamedTuple):
    """The values for notes: the current opening, the last notes, the pages, the time, the folder of the skills, the
    menu, and what is off.
    """

    opening: Opening
    noted: Mapping[str, str]
    workspace: Workspace
    now: float
    skills: str | None = None
    menu: Menu = Menu(())
    off: frozenset[str] = frozenset()


def notes(situation: Situation) -> tuple[Draft, ...]:
    """A draft for every note whose text differs from the last note on its subject."""
    found = (pair for source in _SOURCES for pair in source(situation))
    return tuple(note(about, text) for about, text in found if situation.noted.get(about) != text)


def _date_note(situation: Situation) -> Iterator[tuple[str, str]]:
    now = localtime(situation.now)
    yield "date", _today(now.tm_year, now.tm_mon, now.tm_mday)


@lru_cache(maxsize=16)
def _today(year: int, month: int, number: int) -> str:
    day = date(year, month, number)
    return f"[Note] Today is {day:%A}, {number} {day:%B %Y}."


def _pinned_notes(situation: Situation) -> Iterator[tuple[str, str]]:
    for page in situation.opening.pinned:
        about = f"pinned {page.page}"
        before, revision = situation.noted.get(about), _revision(situation.workspace, page.page)
        if before is None and revision == page.revision:
            continue
        heading = f"[Note] The page {page.page} above (revision {page.revision[:12]})"
        if revision is None:
            yield about, f"{heading} is no longer there: it was deleted or cannot be read now."
        elif revision == page.revision:
            yield about, f"{heading} is again as shown."
        elif not (before or "").startswith(now := f"{heading} is no longer as shown: it is at {revision[:12]} now."):
            yield about, f"{now}\n{_difference(situation, page)}"


def _skill_notes(situation: Situation) -> Iterator[tuple[str, str]]:
    folder, before = situation.skills, situation.noted.get(skill_pages.ABOUT)
    if folder is not None:
        yield from skill_pages.note(situation.workspace, folder, situation.opening.system, before)


def _switch_notes(situation: Situation) -> Iterator[tuple[str, str]]:
    """What is switched off is said again after a compaction, which takes its note out of the window."""
    for source in sorted(situation.off):
        yield switches.about(source), switches.text(source, situation.menu, on=False)


_CHANGED = "[Note] The tool {name} is no longer as described above, because {source} has changed it: {said}."
_AS_ABOVE = "[Note] The tool {name} is again as described above."


def _connection_notes(situation: Situation) -> Iterator[tuple[str, str]]:
    """The thread keeps the definitions that it began with, so a server's own changes are told."""
    if not situation.menu.sources:
        return
    frozen = {one["name"]: one for one in situation.opening.tools}
    for source in situation.menu.sources:
        changed = source.differences(frozen)
        for name in (one.name for one in situation.menu.tools if one.source == source.name):
            about = f"tool {name}"
            if name in changed:
                yield about, _CHANGED.format(name=name, source=source.name, said=changed[name].rstrip("."))
            elif about in situation.noted:
                yield about, _AS_ABOVE.format(name=name)


_SOURCES: tuple[Callable[[Situation], Iterator[tuple[str, str]]], ...] = (
    _date_note,
    _pinned_notes,
    _skill_notes,
    _switch_notes,
    _connection_notes,
)
"""The sources of notes, in the order of their notes."""


def _revision(workspace: Workspace, name: str) -> str | None:
    try:
        return workspace.revision(name)
    except WorkspaceError:
        return None


def _difference(situation: Situation, page: PinnedPage) -> str:
    new = situation.workspace.render(page.page)
    lines = list(difflib.unified_diff(page.text.splitlines(), new.splitlines(), "as shown", "now", lineterm="", n=1))
    cut = [f"... and {len(lines) - _DIFF_LINES} more lines: read the page"] if len(lines) > _DIFF_LINES else []
    return "\n".join(lines[:_DIFF_LINES] + cut)
