r"""How a page or a section is named: ``page.md#Heading/Sub heading``.

- A heading's title stands as in the source, but for ``#`` marks, links (their text stays) and HTML tags; the path
  leads from the outermost heading down.
- The second heading of one title under one parent is ``Heading[2]``, an empty heading ``[1]``.
- ``#.`` is the text before the first heading, ``#Heading/.`` a section's own text without its subsections.
- ``\/`` is a slash inside a title, ``\\`` a backslash; a title that itself ends like ``[2]``, or is ``.``, has a
  backslash before it (``List\[2]``, ``\.``). In a page's name ``\#`` is a number sign.

Addresses that are shorter or sloppier are understood wherever they can mean one section only: the last parts of a
path will do, and then letter case, spaces, punctuation and markup do not matter, so that GitHub's anchors work too.
"""

import re
from collections.abc import Callable, Sequence

from agentmem.errors import SectionNotFound
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
    """The page's name and the section's path as written; None stands for the whole page."""
    mark = _PAGE_END.search(address)
    if mark is None:
        return _page(address), None
    return _page(address[: mark.start(1)]), address[mark.end() :] or None


def join(page: str, section: str | None) -> str:
    """The address of a section of a page, or of the page."""
    name = page.replace("\\", "\\\\").replace("#", "\\#")
    return name if section is None else f"{name}#{section}"


def of(section: Section) -> str:
    """A section's path, whole and exact: no other section of the page has the same."""
    return "/".join(step(title, number) for title, number in section.path)


def step(title: str, number: int) -> str:
    """One part of a section's path: its title, and which of several it is."""
    escaped = title.replace("\\", "\\\\").replace("/", "\\/")
    if title == OWN or (title.endswith("]") and _NUMBER.search(title)):
        escaped = _escape_last(escaped)
    return f"{escaped}[{number}]" if number > 1 or not title else escaped


def steps(path: str) -> tuple[str, ...]:
    """The parts of a section's path, escapes left in."""
    return tuple(match[1] for match in _SLASH.finditer(path))[: _slashes(path) + 1]


def find(sections: Sequence[Section], path: str) -> Section:
    """The one section that ``path`` can mean. Raises SectionNotFound, naming those it might."""
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
    """Only the letters and digits of a title, in lower case, without markup: what sloppy addresses agree on."""
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
    """``Example[2]`` where the examples stand under different parents: the second in the order of the page."""
    number = _NUMBER.search(path)
    if number is None:
        return []
    same = _sloppy(sections, path[: number.start()])
    return same[int(number[1]) - 1 : int(number[1])] if number[1] != "0" else []


def _tails(section: Section) -> set[str]:
    titles = [squash(title) for title, _ in section.path]
    return {"".join(titles[first:]) for first in range(len(titles)) if titles[-1]}


_READINGS: tuple[Callable[[Sequence[Section], str], list[Section]], ...] = (_exact, _last_parts, _counted, _sloppy)
"""How an address is understood: the first reading under which any section fits decides."""
