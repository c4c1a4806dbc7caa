"""The tools that come with agentmem, on top of the workspace's pages. What a model reads of them is on their cards."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from agentmem.errors import BadArguments, PageExists, ToolError
from agentmem.menu import paging, pictures, planning, recalling, secrecy
from agentmem.menu.context import Found, ToolContext
from agentmem.pages.workspace import Link, Page, PageHit, Workspace
from agentmem.types import Image, Text

Action = Literal["replace", "section", "append", "move", "delete"]
Most = Annotated[int, Field(ge=1, le=30)]
Part = Annotated[int, Field(ge=1)]

_REFERENCE = re.compile(r"\S+/\d+(#\d+|-\d+)?")
_WEAK = "Nothing older fits well: perhaps it was never said. What is nearest:"
_SHOWN = 3  # pictures in one part of what is recalled: they cost as much as a part's text
_MENDS = 5  # links of one page that are named one by one
_REVISION = 12  # how many digits of a revision are shown, as in a page's first line


def read(page: str, context: ToolContext, part: Part = 1) -> str | Image:
    """A page or a section as text, or a picture."""
    secrecy.check(context, page)
    if pictures.is_picture(page):
        return pictures.picture(context.workspace.root, context.workspace.spelled(page))
    return context.workspace.render(page, limit=paging.PART, part=part)


def list_pages(context: ToolContext, place: str = "") -> str:
    """What is in a folder; or of a page its outline and the links from and to it."""
    secrecy.check(context, place)
    workspace, page = context.workspace, place.partition("#")[0]
    if not (workspace.root / workspace.spelled(page)).is_file():
        return workspace.listing(place, limit=paging.PART)
    leads_to = _listed("Links to", map(_target, workspace.links(page)))
    linked_from = _listed("Linked from", (link.page for link in workspace.backlinks(page)))
    return "\n\n".join(filter(None, (workspace.outline(place).rstrip(), leads_to, linked_from)))


def _target(link: Link) -> str:
    return f"{link.to or link.target} (there is no such page or section)" if link.broken else str(link.to)


def _listed(title: str, names: Iterable[str]) -> str:
    lines = [f"- {name}" for name in dict.fromkeys(names)]
    return "\n".join((f"{title}:", *lines)) if lines else ""


def find(words: str, context: ToolContext, most: Most = 8) -> str:
    """The places that fit the words best."""
    found = context.workspace.search(words, limit=most)
    hits = [hit for hit in found if secrecy.readable(context, hit.address)]
    return "\n".join(map(_place, hits)) if hits else f"No page has: {words}. Try other words for the same thing."


def _place(hit: PageHit) -> str:
    return f"- {hit.address} (line {hit.line}): {hit.snippet}"


def write(page: str, text: str, context: ToolContext, revision: str | None = None, overwrite: bool = False) -> str:
    """A whole page."""
    secrecy.check(context, page)
    try:
        written = context.workspace.write(page, text, revision=revision, overwrite=overwrite or revision is not None)
    except PageExists as error:
        raise PageExists(
            f"'{page}' exists already. Read it, and then give its revision to replace it; or set `overwrite`."
        ) from error
    return _done("Written", written)


def _done(what: str, page: Page) -> str:
    return f"{what}: {page.name}, now revision {page.revision[:_REVISION]}."


@dataclass(frozen=True, slots=True)
class _Edit:
    """What an edit was asked to do; None for what was left out."""

    page: str
    text: str
    old: str | None
    to: str | None
    revision: str | None


def edit(
    page: str,
    action: Action,
    context: ToolContext,
    text: str = "",
    old: str | None = None,
    to: str | None = None,
    revision: str | None = None,
) -> str:
    """A change to part of a page, to its name, or its end."""
    secrecy.check(context, page)
    asked = _Edit(page, text, old, to, revision)
    needed, allowed, change = _ACTIONS[action]
    for name in ("text", "old", "to", "revision"):
        given = getattr(asked, name)
        if name in needed and not given:
            raise BadArguments(f"`{name}` is missing: `{action}` needs it. {_NEEDS[name]}")
        if given and name not in needed + allowed:
            raise BadArguments(f"`{action}` takes no `{name}`. Leave it out, or choose another action.")
    return change(context.workspace, asked)


def _replace(workspace: Workspace, asked: _Edit) -> str:
    return _done("Changed", workspace.replace(asked.page, asked.old or "", asked.text, revision=asked.revision))


def _section(workspace: Workspace, asked: _Edit) -> str:
    return _done("Changed", workspace.replace_section(asked.page, asked.text, revision=asked.revision))


def _append(workspace: Workspace, asked: _Edit) -> str:
    return _done("Added to", workspace.append(asked.page, asked.text, revision=asked.revision))


def _move(workspace: Workspace, asked: _Edit) -> str:
    moved = workspace.move(asked.page, asked.to or "", revision=asked.revision)
    said = [f"Moved: {asked.page} is now {moved.name}, revision {moved.revision[:_REVISION]}."]
    for page, revision in moved.revisions.items():
        mends = [f"`{one.before}` is now `{one.now}` (line {one.line})" for one in moved.mended if one.page == page]
        said.append(f"Links mended on {page}, now revision {revision[:_REVISION]}: {_shortened(mends)}.")
    if moved.left:
        left = [f"`{one.target}` on {one.page}, line {one.line}" for one in moved.left]
        said.append(f"These links could not be mended, so mend them by hand: {_shortened(left)}.")
    return "\n".join(said)


def _shortened(said: list[str]) -> str:
    more = f" and {len(said) - _MENDS} more" if len(said) > _MENDS else ""
    return "; ".join(said[:_MENDS]) + more


def _delete(workspace: Workspace, asked: _Edit) -> str:
    page = workspace.page(asked.page)
    linked = dict.fromkeys(link.page for link in workspace.backlinks(page.name))
    workspace.delete(page.name, revision=asked.revision)
    said = f"Deleted: {page.name}."
    return f"{said} These pages still link to it: {', '.join(linked)}." if linked else said


_NEEDS = {
    "text": "It is the new text.",
    "old": "It is the exact text to be replaced, as it stands on the page.",
    "to": "It is the page's new name.",
}
_Change = Callable[[Workspace, _Edit], str]
_ACTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], _Change]] = {
    "replace": (("old",), ("text", "revision"), _replace),
    "section": ((), ("text", "revision"), _section),
    "append": (("text",), ("revision",), _append),
    "move": (("to",), ("revision",), _move),
    "delete": ((), ("revision",), _delete),
}
"""What each action needs, what else it takes, and what does it."""


def recall(what: str, context: ToolContext, part: Part = 1) -> str | tuple[Text | Image, ...]:
    """The text and the pictures behind a reference, in parts; or what was seen that fits the words."""
    if context.recall is None:
        raise ToolError("Nothing is kept of this conversation, so nothing can be recalled.")
    what = what.strip().strip("`[]")
    if _REFERENCE.fullmatch(what) or what.startswith(f"{context.thread}/"):
        pictures = context.recall.pictures(what)
        groups = [tuple(pictures[at : at + _SHOWN]) for at in range(0, len(pictures), _SHOWN)]
        text = paging.part_of(context.recall.exact(what), part, least=len(groups))
        return (Text(text), *groups[part - 1]) if part <= len(groups) else text
    found = context.recall.search(what)
    if not found:
        return f"Nothing that was seen in this conversation fits: {what}"
    return "\n\n".join((*([_WEAK] if recalling.weak(found) else []), *map(_passage, found)))


def _passage(found: Found) -> str:
    quoted = "\n".join(f"> {line}".rstrip() for line in found.excerpt.strip().splitlines())
    return f"{found.reference}, {found.kind}{f', {found.day}' if found.day else ''}:\n{quoted}"


def plan(context: ToolContext, steps: list[str] | None = None) -> str:
    """Shows the plan, or keeps a new one."""
    return planning.show(context) if steps is None else planning.keep(context, steps)
