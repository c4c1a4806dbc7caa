r"""Addresses: the names of pages and sections, such as ``page.md#Heading/Sub heading``.

- A title is written as in the source, without ``#`` marks, HTML tags and the targets of links. The path starts at the
  outermost heading.
- The second heading of one title under one parent is ``Heading[2]``, an empty heading ``[1]``.
- ``#.`` is the text before the first heading, ``#Heading/.`` a section's own text without its subsections.
- ``\/`` is a slash inside a title, ``\\`` a backslash. A title that ends like ``[2]``, or is ``.``, gets a backslash
  (``List\[2]``, ``\.``). In a page's name ``\#`` is a number sign.

A shorter or less exact address works too, as long as it can mean only one section. The last parts of the path are
enough. If they do not match, letter case, spaces, punctuation and markup are ignored, so GitHub's anchors work too.
"""

import re
from collections.abc import Callable, Sequence

from agentmem.checking import shown
from agentmem.errors import SectionNotFound, WorkspaceError
from agentmem.pages.forms import alike, form
from agentmem.pages.markdown import Section

OWN = "."

_NUMBER = re.compile(r"(?<!\\)\[(\d+)\]$")
_ESCAPED = re.compile(r"\\([\\/#.\[])")
_PAGE_END = re.compile(r"(?<!\\)(?:\\\\)*(#)")
_SLASH = re.compile(r"((?:[^\\/]|\\.|\\$)*)(/|$)", re.DOTALL)
_NO_WORD = re.compile(r"[^\w\- ]")
_NO_LETTER = re.compile(r"[\W_]+")


def split(address: str) -> tuple[str, str | None]:
    """The page's name and the section's path, as written. The path is None for a whole page. Raises WorkspaceError."""
    if not isinstance(address, str):
        raise WorkspaceError(f"an address must be a text, and {shown(address)} is not")
    mark = _PAGE_END.search(address)
    if mark is None:
        return _page(address), None
    return _page(address[: mark.start(1)]), address[mark.end() :] or None


def join(page: str, section: str | None) -> str:
    """The address of a section of a page, or of the page."""
    name = page.replace("\\", "\\\\").replace("#", "\\#")
    return name if section is None else f"{name}#{section}"


def of(section: Section) -> str:
    """A section's full, exact path. No other section of the page has the same one."""
    return "/".join(step(title, number) for title, number in section.path)


def step(title: str, number: int) -> str:
    """One part of a section's path. ``number`` tells sections of the same title apart."""
    escaped = title.replace("\\", "\\\\").replace("/", "\\/")
    if title == OWN or (title.endswith("]") and _NUMBER.search(title)):
        escaped = _escape_last(escaped)
    return f"{escaped}[{number}]" if number > 1 or not title else escaped


def steps(path: str) -> tuple[str, ...]:
    """The parts of a section's path. Escapes stay in."""
    return tuple(match[1] for match in _SLASH.finditer(path))[: _slashes(path) + 1]


def find(sections: Sequence[Section], path: str) -> Section:
    """The one section that ``path`` can mean. Raises SectionNotFound, which names the candidates."""
    for candidates in _READINGS:
        found = candidates(sections, path)
        if len(found) == 1:
            return found[0]
        if found:
            raise SectionNotFound(f"'{path}' can mean several sections. Use one of: {_named(found)}.")
    if not sections:
        raise SectionNotFound(f"There is no section '{path}': the page has no headings.")
    raise SectionNotFound(f"There is no section '{path}'. The page has: {_named(sections)}.")


def squash(text: str) -> str:
    """Only the letters and digits of a title, in lower case and without markup. Loose addresses are compared so."""
    return _NO_LETTER.sub("", text if text.isascii() else alike(text)).casefold()


def slug(title: str) -> str:
    """GitHub's anchor for a heading: lower case, punctuation dropped, spaces as hyphens."""
    return _NO_WORD.sub("", form(title).lower().strip()).replace(" ", "-")


def _page(name: str) -> str:
    return re.sub(r"\\([\\#])", r"\1", name)


def _escape_last(escaped: str) -> str:
    cut = 0 if escaped == OWN else escaped.rindex("[")
    return f"{escaped[:cut]}\\{escaped[cut:]}"


def _slashes(path: str) -> int:
    return sum(match[2] == "/" for match in _SLASH.finditer(path))


def _named(sections: Sequence[Section], most: int = 12) -> str:
    named = ", ".join(f"'{of(section)}'" for section in sections[:most])
    return f"{named} and {len(sections) - most} more" if len(sections) > most else named


def _exact(sections: Sequence[Section], path: str) -> list[Section]:
    return [section for section in sections if of(section) == path]


def _last_parts(sections: Sequence[Section], path: str) -> list[Section]:
    wanted = steps(path)
    return [section for section in sections if steps(of(section))[-len(wanted) :] == wanted]


def _sloppy(sections: Sequence[Section], path: str) -> list[Section]:
    wanted = squash(_ESCAPED.sub(r"\1", path))
    return [section for section in sections if wanted and wanted in _tails(section)]


def _counted(sections: Sequence[Section], path: str) -> list[Section]:
    """``Example[2]`` where the examples have different parents: the second one in the order of the page."""
    number = _NUMBER.search(path)
    if number is None:
        return []
    same = _sloppy(sections, path[: number.start()])
    return same[int(number[1]) - 1 : int(number[1])] if number[1] != "0" else []


def _tails(section: Section) -> set[str]:
    titles = [squash(title) for title, _ in section.path]
    return {"".join(titles[first:]) for first in range(len(titles)) if titles[-1]}


_READINGS: tuple[Callable[[Sequence[Section], str], list[Section]], ...] = (_exact, _last_parts, _counted, _sloppy)
"""The ways to read an address, in order. The first one that matches any section decides."""
