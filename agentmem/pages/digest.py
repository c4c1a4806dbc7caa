"""Digests: the part of a page that is stored, so that the page need not be parsed and counted again."""

import json
import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, pairwise

from agentmem.pages import front as matter
from agentmem.pages.markdown import Heading, SectionTree, outline, sections
from agentmem.pages.names import dialect
from agentmem.pages.page import Page
from agentmem.tokens import about

_TITLE = re.compile(r"""^- "?title"?[ \t]*[:=][ \t]*(.+?)[ \t]*,?$""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Digest:
    """A page's title, tokens and headings.

    ``front`` is the byte where the front matter ends, and ``listed`` the front matter as a list. ``own`` holds the
    tokens before the first heading, then the tokens of each section's own text and heading. Their sum is ``tokens``.
    """

    title: str
    tokens: int
    front: int
    listed: str
    size: int
    own: tuple[int, ...]
    headings: tuple[Heading, ...]

    @property
    def tree(self) -> SectionTree:
        """The page's sections."""
        return SectionTree(self.front, self.size, sections(self.headings, self.size))

    def totals(self, tree: SectionTree) -> list[int]:
        """The tokens of each section of this page's tree, subsections included."""
        starts = [section.start for section in tree.sections]
        sums = list(accumulate(self.own[1:], initial=0))
        return [sums[bisect_left(starts, one.end)] - sums[index] for index, one in enumerate(tree.sections)]


def digest(page: Page) -> Digest:
    """Parse and count a page."""
    size = len(page.data)
    kind = dialect(page.name)
    front, headings = outline(page.data, kind) if kind else (0, ())
    cuts = [0, *(one.start for one in headings), size]
    own = tuple(about(page.data[start:end].decode()) for start, end in pairwise(cuts))
    listed = matter.listed(page.data[:front].decode())
    return Digest(_title(listed, headings), sum(own), front, listed, size, own, headings)


def dump(value: Digest) -> str:
    """A digest as JSON text."""
    parts = [value.title, value.front, value.listed, value.size, value.own, value.headings]
    return json.dumps(parts, separators=(",", ":"))


def load(text: str) -> Digest:
    """The digest that `dump` wrote."""
    title, front, listed, size, own, headings = json.loads(text)
    return Digest(title, sum(own), front, listed, size, tuple(own), tuple(map(Heading._make, headings)))


def _title(front: str, headings: tuple[Heading, ...]) -> str:
    given = _TITLE.search(front)
    if given:
        return given[1].strip("'\"")
    return next((one.title for one in headings if one.level == 1), headings[0].title if headings else "")
