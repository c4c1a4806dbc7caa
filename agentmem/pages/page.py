"""One page: its bytes, their revision, and its sections."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from agentmem.errors import SectionNotFound
from agentmem.pages import address
from agentmem.pages.markdown import Section, SectionTree, parse
from agentmem.pages.names import dialect

SHOWN = 12
"""The number of digits of a revision that people and models are shown."""


@dataclass(frozen=True)  # no slots: cached_property needs __dict__
class Page:
    """A page as it was when it was read.

    Attributes:
        name: its path in the workspace.
        data: its bytes.
        revision: the sha256 of ``data``, 64 hexadecimal digits.
    """

    name: str
    data: bytes
    revision: str

    @cached_property
    def text(self) -> str:
        """The page's text, with the line endings of the file."""
        return self.data.decode()

    @cached_property
    def tree(self) -> SectionTree:
        """The page's sections, as a tree. A page that is not markdown has none."""
        return parse(self.data, dialect(self.name))

    @property
    def sections(self) -> tuple[Section, ...]:
        """The page's sections, in order."""
        return self.tree.sections

    def span(self, path: str | None) -> "PageSpan":
        """The span of the section that ``path`` names; None names the page. Raises SectionNotFound."""
        return whole(len(self.data)) if path is None else span(self.name, self.tree, path)

    def cut(self, span: "PageSpan") -> str:
        """The text of a span."""
        return self.data[span.start : span.end].decode()


@dataclass(frozen=True, slots=True)
class PageSpan:
    """A slice of a page's bytes. ``path`` is its exact address in the page, None for the whole page.

    ``section`` is the section that it is, or the section whose own text it is.
    """

    path: str | None
    section: Section | None
    start: int
    end: int

    @property
    def with_heading(self) -> bool:
        """True for a section with its heading and all that is below it; false for its own text alone."""
        return self.section is not None and self.start == self.section.start


def make(name: str, data: bytes) -> Page:
    """The page of these bytes."""
    return Page(name, data, hashlib.sha256(data).hexdigest())


def whole(size: int) -> PageSpan:
    """The span of a whole page."""
    return PageSpan(None, None, 0, size)


def span(name: str, tree: SectionTree, path: str) -> PageSpan:
    """The span of the section that ``path`` names (see agentmem.pages.address). Raises SectionNotFound."""
    if path == address.OWN:
        return PageSpan(path, None, tree.front, tree.stop)
    own = address.steps(path)[-1] == address.OWN
    try:
        section = address.find(tree.sections, path.removesuffix(f"/{address.OWN}") if own else path)
    except SectionNotFound as error:
        raise SectionNotFound(f"{name}: {error}") from None
    exact = address.of(section)
    if own:
        return PageSpan(f"{exact}/{address.OWN}", section, section.body, section.stop)
    return PageSpan(exact, section, section.start, section.end)
