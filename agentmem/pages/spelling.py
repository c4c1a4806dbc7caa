"""Finds names on the disk in any Unicode form, and refuses new names that some system cannot hold."""

import os
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from agentmem.errors import WorkspaceError
from agentmem.pages.files import Files
from agentmem.pages.forms import alike, form
from agentmem.pages.names import listed

_LONGEST = 255  # bytes of one part of a path, the limit of nearly every file system
_DEVICES = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])[ ]*(?:\.|$)", re.IGNORECASE
)
_FORBIDDEN = re.compile(r'[<>:"|?*\\]')

Inside = Callable[[str], Mapping[str, list[str]]]

_LIKENESSES: tuple[Callable[[str], str], ...] = (alike, lambda part: alike(unquote(part)))
"""Looser readings of a part of a path, used if no name looks the same. The first that matches decides. Only for pages
that must exist: a new page may have a name that is merely similar."""

_UNPORTABLE: tuple[tuple[Callable[[str], object], str], ...] = (
    (_DEVICES.match, "is the name of a device on Windows"),
    (_FORBIDDEN.search, 'has a character in it that Windows forbids (one of < > : " | ? * \\)'),
    (lambda part: part[-1] in " .", "ends with a space or a dot, which Windows drops"),
    (lambda part: len(part.encode()) > _LONGEST, f"is longer than {_LONGEST} bytes"),
)
"""Tests for a part of a name that some system cannot hold, with the words of the error."""


def spelled(files: Files, name: str, *, existing: bool, inside: Inside | None = None) -> str:
    """``name`` as it is on the disk. Parts that do not exist stay as given.

    With ``existing`` a similar name is enough. ``inside`` gives the contents of a folder by form (see `by_form`); pass
    one that remembers to look up many names. Raises WorkspaceError if several names match.
    """
    found = ""
    for part in name.split("/"):
        here = f"{found}/" if found else ""
        if not files.exists(here + part):
            part = _named(inside(found) if inside else by_form(files, found), part, existing)
        found = here + part
    return found


def by_form(files: Files, folder: str) -> dict[str, list[str]]:
    """The names in a folder, by their form."""
    names = dict[str, list[str]]()
    for one in _inside(files, folder):
        names.setdefault(form(one), []).append(one)
    return names


def refuse_new(
    files: Files, name: str, instead_of: str | None = None, inside: dict[str, list[str]] | None = None
) -> None:
    """Raises WorkspaceError if some system could not hold a page of this new name.

    ``instead_of`` is the page's present name, if it is being moved. ``inside`` remembers the contents of folders over
    many names; each name that is not refused joins it.
    """
    found, known = "", {} if inside is None else inside
    for part in name.split("/"):
        here = f"{found}/" if found else ""
        if found not in known:
            known[found] = _inside(files, found)
        if part not in known[found] and not files.exists(here + part):
            _refuse_part(name, part)
            _refuse_clash(known[found], name, found, part, instead_of)
            known[found].append(part)
        found = here + part


def _named(names: Mapping[str, list[str]], part: str, existing: bool) -> str:
    fitting = names.get(form(part), []) if form(part) else []
    for reading in _LIKENESSES if existing else ():
        fitting = fitting or [one for ones in names.values() for one in ones if reading(one) == reading(part) != ""]
    if len(fitting) > 1:
        named = ", ".join(f"'{one}' ({one!a})" for one in fitting)
        raise WorkspaceError(f"'{part}' can mean several files whose names look alike: {named}.")
    return fitting[0] if fitting else part


def _inside(files: Files, folder: str) -> list[str]:
    try:
        return [one for one in sorted(os.listdir(files.root / files.locate(folder))) if listed(one)]  # noqa: PTH208
    except OSError:
        return []


def _refuse_part(name: str, part: str) -> None:
    for fits, reason in _UNPORTABLE:
        if part and fits(part):
            shown = part if len(part) <= 60 else f"{part[:60]}..."
            where = "" if part == name else f" in '{name[:200]}'"
            raise WorkspaceError(f"'{shown}'{where} cannot be a new name: it {reason}. Choose another.")


def _refuse_clash(names: list[str], name: str, folder: str, part: str, instead_of: str | None) -> None:
    key, prefix = form(part).casefold(), f"{folder}/" if folder else ""
    for one in names:
        if form(one).casefold() == key and one != part and prefix + one != instead_of:
            raise WorkspaceError(
                f"'{name}' differs from '{prefix}{one}', which exists, only in letter case, and on many systems the "
                "two are one. Use the name that exists, or another."
            )
