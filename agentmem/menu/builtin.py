"""The built-in tools, on top of the workspace's pages. The model reads their cards in ``tools/``.

Hidden files and files with keys are not shown to a model, and so not to its provider. They cannot be changed either: a
moved page could be read, and a failed edit quotes it.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from agentmem import images
from agentmem.context.offload import FOLDER
from agentmem.errors import BadArguments, NotAPage, PageExists, ToolError, ToolRefused, WorkspaceError
from agentmem.images import scaled
from agentmem.menu import planning
from agentmem.menu.tool import Found, ToolContext
from agentmem.pages.address import split
from agentmem.pages.files import Files
from agentmem.pages.names import folded, is_hidden
from agentmem.pages.splitting import sized
from agentmem.pages.workspace import Link, Page, PageHit, Workspace
from agentmem.recall.recall import weak
from agentmem.tokens import count, pieces
from agentmem.types import Image, Recall, Text

SECRET = (
    *("*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.ovpn", "*.tfstate"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "_netrc", "credentials", "credentials.json", "*.credentials"),
    *(
        "client_secret*.json",
        "service-account*.json",
        "service_account*.json",
        "*.tfvars",
        "secrets.y*ml",
        "secrets.json",
        "secrets.toml",
        "*kubeconfig",
    ),
)
"""Names of files that usually hold keys and are not hidden. Hidden names are always refused."""

SHOWN = (f"{FOLDER}/*",)
"""Hidden names that a model may read, since agentmem itself names them: the pages of long results."""

REFUSED = (
    "'{name}' is {kind}, and what is read goes to the model's provider: it may not be read, nor changed. If the task "
    "needs it, say so: a person can allow it by `hidden` in the settings' [reach]."
)


def readable(context: ToolContext, address: str) -> bool:
    """True if the page of this address may be shown."""
    return not any(_kind(name, context.reach.hidden) for name in _names(context, address))


def refuse_secret(context: ToolContext, address: str) -> None:
    """Raises ToolRefused for a page or folder that may not be shown, by its given name or its real one."""
    for name in _names(context, address):
        if kind := _kind(name, context.reach.hidden):
            raise ToolRefused(REFUSED.format(name=split(address)[0], kind=kind))


def _names(context: ToolContext, address: str) -> set[str]:
    """The names that an address may mean: with its number sign as a part or without, as given and behind links."""
    asked = {split(address)[0], address.partition("#")[0], address}
    files, real = Files(context.workspace.root), set[str]()
    for name in asked:
        try:
            real.add(files.locate(name))
        except WorkspaceError:  # the tool that reads it gives a better message
            continue
    return asked | real


def _kind(name: str, allowed: Iterable[str]) -> str:
    """The reason why a name is secret; "" if it is not."""
    path = "/".join(part for part in folded(name).split("/") if part not in ("", "."))
    if _matches(path, SHOWN) or _matches(path, map(folded, allowed)):
        return ""
    return "hidden" if is_hidden(path) else "a file that holds keys by its name" if _matches(path, SECRET) else ""


def _matches(path: str, globs: Iterable[str]) -> bool:
    leaf = path.rpartition("/")[2]
    return any(fnmatchcase(path, glob) or fnmatchcase(leaf, glob) for glob in globs)


KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
MOST_DECODED = 50_000_000
"""The most bytes of a picture's file that is opened. Models take less, so large pictures are scaled down."""


def is_picture(name: str) -> bool:
    """True if the name is a picture's."""
    return PurePosixPath(name).suffix.lower() in KINDS


def picture(root: Path, name: str, scale: Callable[[Image], Image | None] = scaled) -> Image:
    """The picture of that name in the workspace; ``scale`` makes it smaller if it is too large for a model.

    Raises WorkspaceError if there is none, or it cannot be shown.
    """
    real = Files(root).locate(name)
    data, _ = Files(root).raw(real, MOST_DECODED)
    if len(data) > MOST_DECODED:
        raise NotAPage(f"'{name}' is too large to be shown: pictures have at most {MOST_DECODED // 1_000_000} MB.")
    if images.size(data) is None:
        raise NotAPage(f"'{name}' is not a picture, or a broken one.")
    kind = images.kind(data) or KINDS[PurePosixPath(real).suffix.lower()]
    whole = Image(kind, base64.b64encode(data).decode())
    why = images.fault(whole.media_type, whole.data)
    shown = whole if why is None else scale(whole)
    if shown is None:
        raise NotAPage(f"'{name}' cannot be shown: it {why}. Make a smaller copy of it, and read that.")
    return shown


Action = Literal["replace", "section", "append", "move", "delete"]
Most = Annotated[int, Field(ge=1, le=30)]
Part = Annotated[int, Field(ge=1)]

PART = 6000
"""The most tokens of one part."""

_REFERENCE = re.compile(r"\S+/\d+(#\d+|-\d+)?")
_WEAK = "Nothing older fits well: perhaps it was never said. What is nearest:"
_SHOWN = 3  # pictures in one recalled part: they cost as much as a part's text
_MENDS = 5  # the most links of one page that are named
_REVISION = 12  # the digits of a revision that are shown, as in a page's first line


def read(page: str, context: ToolContext, part: Part = 1) -> str | Image:
    """Reads a page or a section as text, or a picture."""
    refuse_secret(context, page)
    if is_picture(page):
        return picture(context.workspace.root, context.workspace.spelled(page))
    return context.workspace.render(page, limit=PART, part=part)


def list_pages(context: ToolContext, place: str = "") -> str:
    """Lists a folder, or a page's outline and the links from and to it."""
    refuse_secret(context, place)
    workspace, page = context.workspace, place.partition("#")[0]
    if not (workspace.root / workspace.spelled(page)).is_file():
        return workspace.listing(place, limit=PART)
    leads_to = _listed("Links to", map(_target, workspace.links(page)))
    linked_from = _listed("Linked from", (link.page for link in workspace.backlinks(page)))
    return "\n\n".join(filter(None, (workspace.outline(place).rstrip(), leads_to, linked_from)))


def _target(link: Link) -> str:
    return f"{link.to or link.target} (there is no such page or section)" if link.broken else str(link.to)


def _listed(title: str, names: Iterable[str]) -> str:
    lines = [f"- {name}" for name in dict.fromkeys(names)]
    return "\n".join((f"{title}:", *lines)) if lines else ""


def find(words: str, context: ToolContext, most: Most = 8) -> str:
    """Finds the places that fit the words best."""
    found = context.workspace.search(words, limit=most)
    hits = [hit for hit in found if readable(context, hit.address)]
    return "\n".join(map(_place, hits)) if hits else f"No page has: {words}. Try other words for the same thing."


def _place(hit: PageHit) -> str:
    return f"- {hit.address} (line {hit.line}): {hit.snippet}"


def write(page: str, text: str, context: ToolContext, revision: str | None = None, overwrite: bool = False) -> str:
    """Writes a whole page."""
    refuse_secret(context, page)
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
    """The arguments of an edit; None for those left out."""

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
    """Changes part of a page, moves it or deletes it."""
    refuse_secret(context, page)
    wanted = _Edit(page, text, old, to, revision)
    needed, allowed, change = _ACTIONS[action]
    for name in ("text", "old", "to", "revision"):
        given = getattr(wanted, name)
        if name in needed and not given:
            raise BadArguments(f"`{name}` is missing: `{action}` needs it. {_NEEDS[name]}")
        if given and name not in needed + allowed:
            raise BadArguments(f"`{action}` takes no `{name}`. Leave it out, or choose another action.")
    return change(context.workspace, wanted)


def _replace(workspace: Workspace, wanted: _Edit) -> str:
    return _done("Changed", workspace.replace(wanted.page, wanted.old or "", wanted.text, revision=wanted.revision))


def _section(workspace: Workspace, wanted: _Edit) -> str:
    return _done("Changed", workspace.replace_section(wanted.page, wanted.text, revision=wanted.revision))


def _append(workspace: Workspace, wanted: _Edit) -> str:
    return _done("Added to", workspace.append(wanted.page, wanted.text, revision=wanted.revision))


def _move(workspace: Workspace, wanted: _Edit) -> str:
    moved = workspace.move(wanted.page, wanted.to or "", revision=wanted.revision)
    said = [f"Moved: {wanted.page} is now {moved.name}, revision {moved.revision[:_REVISION]}."]
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


def _delete(workspace: Workspace, wanted: _Edit) -> str:
    page = workspace.page(wanted.page)
    linked = dict.fromkeys(link.page for link in workspace.backlinks(page.name))
    workspace.delete(page.name, revision=wanted.revision)
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
"""For each action: the arguments that it needs, those that it may take, and its function."""


def recall(what: str, context: ToolContext, part: Part = 1) -> str | tuple[Text | Image, ...]:
    """Gives the text and the pictures behind a reference, in parts, or the passages that fit the words."""
    if context.recall is None:
        raise ToolError("Nothing is kept of this conversation, so nothing can be recalled.")
    return recalled(what, context.thread, context.recall, part)


def recalled(what: str, thread: str, kept: Recall, part: int = 1) -> str | tuple[Text | Image, ...]:
    """The answer of `recall` for a conversation of which ``kept`` knows everything."""
    what = what.strip().strip("`[]")
    if _REFERENCE.fullmatch(what) or what.startswith(f"{thread}/"):
        pictures = kept.pictures(what)
        groups = [tuple(pictures[at : at + _SHOWN]) for at in range(0, len(pictures), _SHOWN)]
        text = part_of(kept.exact(what), part, least=len(groups))
        return (Text(text), *groups[part - 1]) if part <= len(groups) else text
    found = kept.search(what)
    if not found:
        return f"Nothing that was seen in this conversation fits: {what}"
    return "\n\n".join((*([_WEAK] if weak(found) else []), *map(_passage, found)))


def _passage(found: Found) -> str:
    quoted = "\n".join(f"> {line}".rstrip() for line in found.excerpt.strip().splitlines())
    return f"{found.reference}, {found.kind}{f', {found.day}' if found.day else ''}:\n{quoted}"


def part_of(text: str, part: int, limit: int = PART, least: int = 1) -> str:
    """Part ``part`` (from 1) of a text, cut between lines if possible, below a line with its number.

    A text of one part is returned as it is. ``limit`` is in tokens; ``least`` is the least number of parts, for the
    pictures that come with them. Raises BadArguments for a part that does not exist.
    """
    parts = cut_into_parts(text, limit)
    parts += [""] * (least - len(parts))
    if part > len(parts):
        raise BadArguments(f"There is no part {part}: it ends with part {len(parts)}.")
    if len(parts) == 1:
        return text
    more = f"; part {part + 1} goes on from here" if part < len(parts) else ""
    return f"[part {part} of {len(parts)}{more}]\n\n{parts[part - 1]}"


def cut_into_parts(text: str, limit: int) -> list[str]:
    """The text in parts of at most ``limit`` tokens that join to the whole."""
    if len(text.encode("utf-8", "surrogatepass")) <= limit:
        return [text]  # a token has at least one byte
    parts, held, used = list[str](), list[str](), 0
    for piece, tokens in sized(pieces(text), limit):
        if used and used + tokens > limit:
            parts.append("".join(held))
            held, used = [], 0
        held.append(piece)
        used += tokens
    return [fitting for part in (*parts, "".join(held)) for fitting in _halved(part, limit)]


def _halved(part: str, limit: int) -> Iterator[str]:
    """The part, cut in halves until each fits: characters that are joined may take a token more than they do alone."""
    if len(part) <= 1 or count(part) <= limit:
        yield part
        return
    middle = len(part) // 2
    yield from _halved(part[:middle], limit)
    yield from _halved(part[middle:], limit)


def plan(context: ToolContext, steps: list[str] | None = None) -> str:
    """Shows the plan, or keeps a new one."""
    return planning.show(context) if steps is None else planning.keep(context, steps)
