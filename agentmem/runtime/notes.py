"""Notes: what changed outside the conversation, said at its tail and only when it changed."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from time import localtime
from typing import NamedTuple

from agentmem.errors import WorkspaceError
from agentmem.pages.workspace import Workspace
from agentmem.transcript.transcript import Opening, PinnedPage, note
from agentmem.types import Draft

_DIFF_LINES = 60


class Situation(NamedTuple):
    """What the sources of notes look at: the opening in force, what was noted last, the pages, the time."""

    opening: Opening
    noted: Mapping[str, str]
    workspace: Workspace
    now: float


def notes(situation: Situation) -> tuple[Draft, ...]:
    """A draft for every note whose text is not the last one about its subject."""
    found = (pair for source in _SOURCES for pair in source(situation))
    return tuple(note(about, text) for about, text in found if situation.noted.get(about) != text)


def _date(situation: Situation) -> Iterator[tuple[str, str]]:
    now = localtime(situation.now)
    yield "date", _today(now.tm_year, now.tm_mon, now.tm_mday)


@lru_cache(maxsize=16)
def _today(year: int, month: int, number: int) -> str:
    day = date(year, month, number)
    return f"[Note] Today is {day:%A}, {number} {day:%B %Y}."


def _pinned(situation: Situation) -> Iterator[tuple[str, str]]:
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


_SOURCES: tuple[Callable[[Situation], Iterator[tuple[str, str]]], ...] = (_date, _pinned)
"""Where notes come from, in the order in which they are said."""


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
